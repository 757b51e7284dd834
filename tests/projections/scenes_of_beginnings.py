"""Short stories of how billing begins, of anchors that are moved, and of parked billing."""

from __future__ import annotations

from datetime import date

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import PaidTrial
from domain.prices import Tier
from domain.subscription.aligning import change_anchor
from domain.subscription.discounting import Reduction, grant_discount
from domain.subscription.parking import release
from tests.books import ZONE_VERSION, Books
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_changes import APR_10, FEB_10, changed, paused, resumed, running
from tests.specimens import terms


def on_trial() -> Books:
    """Two months at 99.00, then 299.00; three are billed."""
    trial = PaidTrial(price=Money(9900, "NOK"), interval=Interval(Unit.MONTH), cycles=2)
    return billed(billed(billed(signed_up(paid_trial=trial))))


def aligned() -> Books:
    """Up to 15 February first."""
    return billed(billed(signed_up(anchor=date(2024, 2, 15))))


def moved(anchor: str = "2024-03-15") -> Books:
    """The anchor is moved on 10 February."""
    books = running()
    facts = change_anchor(
        books.states["s-1"],
        date.fromisoformat(anchor),
        reason="pay day",
        now=FEB_10,
        zone_version=ZONE_VERSION,
    )
    books.append("s-1", facts, actor="api:shop")
    return billed(billed(books))


def trial_paused() -> Books:
    """The paid trial stands still for a while; the regular periods go along."""
    trial = PaidTrial(price=Money(9900, "NOK"), interval=Interval(Unit.MONTH), cycles=3)
    books = billed(signed_up(paid_trial=trial))
    books.now = FEB_10
    resumed(paused(books), APR_10)
    return billed(billed(billed(books)))


def parked() -> Books:
    """Forty seats in twenty tiers, two discounts: sixty lines an invoice, and two on one day."""
    tiers = tuple(
        Tier(up_to=2 * n if n < 20 else None, unit_price=Money(1000 - 10 * n, "NOK"))
        for n in range(1, 21)
    )
    books = running(terms(price=tiers[0].unit_price, quantity=40, tiers=tiers))
    for coupon in ("ONE", "TWO"):
        wish = Reduction(coupon=coupon, ppm=100_000, reason="campaign")
        facts = grant_discount(books.states["s-1"], wish, now=books.now)
        books.append("s-1", facts, actor="api:shop")
    for weeks in (1, 2):
        billed(changed(books, interval=Interval(Unit.WEEK, weeks)))
    return books


def released() -> Books:
    """A person has looked, and it goes on."""
    books = parked()
    facts = release(books.states["s-1"], reason="looked", now=books.now)
    books.append("s-1", facts, actor="api:shop")
    return billed(books)
