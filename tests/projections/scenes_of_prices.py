"""Short stories of tax, usage, discounts and set amounts, made by the real decisions.

299.00 NOK a month from 31 January 2024 in Oslo; see scenes_of_changes.py. Data costs 0.40 a GB up
to 100 GB, 0.25 from there on, 25 % tax on top; 50.00 to 100.00 a period where it is bounded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

from domain.money import Money
from domain.plan import Kind, Meter, OneTime, OneTimeKind, Terms, Timing
from domain.prices import Tier, Tiering
from domain.subscription.discounting import Reduction, end_discount, grant_discount
from domain.subscription.metering import Report, correct_usage, report_usage
from domain.subscription.setting_amounts import set_amount
from domain.taxes import TaxRate
from tests.books import ZONE_VERSION, Books
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_changes import (
    FEB_10,
    FEB_20,
    cancelled,
    changed,
    paused,
    resumed,
    running,
)
from tests.specimens import DAY, instalments, terms

MAR_5 = datetime(2024, 3, 5, 12, tzinfo=UTC)
ON_TOP = TaxRate(code="NO-25", ppm=250_000, included=False)
WITHIN = attrs.evolve(ON_TOP, included=True)


def nok(minor: int) -> Money:
    """Øre."""
    return Money(minor, "NOK")


STEPS = (Tier(up_to=100, unit_price=nok(40)), Tier(up_to=None, unit_price=nok(25)))
DATA = Meter(code="data", description="Data", unit="GB", tiers=STEPS, tax=ON_TOP)
TENTH = Reduction(coupon="SPRING", ppm=100_000, reason="campaign")


def metered(timing: Timing = Timing.PREPAID, **changes: Any) -> Terms:
    """A base fee, and data by the GB."""
    return terms(kind=Kind.RECURRING, timing=timing, meters=(attrs.evolve(DATA, **changes),))


def used(books: Books, quantity: int, at: datetime, name: str = "u-1") -> Books:
    """Usage is reported at the books' clock, or when it was used."""
    books.now = max(books.now, at)
    wish = Report(usage_id=name, meter="data", quantity=quantity, at=at)
    books.append("s-1", report_usage(books.states["s-1"], wish, now=books.now), actor="api:shop")
    return books


def corrected(books: Books, quantity: int, name: str = "u-1") -> Books:
    """What a report should have said."""
    state = books.states["s-1"]
    facts = correct_usage(state, name, quantity, reason="read wrong", now=books.now)
    books.append("s-1", facts, actor="api:shop")
    return books


def reduced(books: Books, wish: Reduction = TENTH) -> Books:
    """A discount is granted."""
    facts = grant_discount(books.states["s-1"], wish, now=books.now)
    books.append("s-1", facts, actor="api:shop")
    return books


def billed_in_march(agreed: Terms | None = None, quantity: int = 90) -> Books:
    """Usage of 10 February is on the invoice of 29 February; it is 5 March."""
    books = billed(used(running(agreed or metered()), quantity, FEB_10))
    books.now = MAR_5
    return books


# --- whole stories ------------------------------------------------------------------------------


def taxed() -> Books:
    """25 % on top of 299.00, and of the setup fee."""
    return billed(billed(signed_up(terms(tax=ON_TOP, setup_fee=nok(5000)))))


def taxed_within() -> Books:
    """25 % within 299.00: 239.20 and 59.80."""
    return billed(billed(signed_up(terms(tax=WITHIN))))


def once_and_tiers() -> Books:
    """Seats in two tiers, a router and its shipping on the first invoice."""
    router = OneTime(kind=OneTimeKind.PRODUCT, description="router", amount=nok(50000), tax=ON_TOP)
    post = OneTime(kind=OneTimeKind.SHIPPING, description="by post", amount=nok(4900))
    steps = (
        Tier(up_to=2, unit_price=nok(29900)),
        Tier(up_to=None, unit_price=nok(19900), flat=nok(100)),
    )
    agreed = terms(tiers=steps, quantity=5, one_time=(router, post), tax=WITHIN)
    return billed(changed(running(agreed), quantity=7))


def stated_instalments() -> Books:
    """100.00 in three payments: 33.34, 33.33 and 33.33."""
    amounts = (nok(3334), nok(3333), nok(3333))
    return billed(billed(billed(signed_up(instalments(3, price=nok(3334), instalments=amounts)))))


def usage_in_time() -> Books:
    """150 GB: 100 at 0.40 and 50 at 0.25."""
    return billed_in_march(quantity=150)


def usage_bounded() -> Books:
    """Up to the minimum in February, down to the cap in March."""
    books = billed_in_march(metered(minimum=nok(5000), cap=nok(10000)), quantity=10)
    return billed(used(books, 1000, MAR_5, "much"))


def usage_by_volume() -> Books:
    """101 GB at 0.25 are cheaper than 100 at 0.40: late usage gives credit."""
    books = billed_in_march(metered(tiering=Tiering.VOLUME), quantity=100)
    return billed(used(books, 1, FEB_10 + DAY, "late"))


def usage_in_a_trial() -> Books:
    """Shown, and free."""
    books = billed(signed_up(attrs.evolve(metered(), trial=terms().interval)))
    return billed(billed(used(books, 25, FEB_10)))


def usage_late() -> Books:
    """90 GB were billed; 20 more are 10 at 0.40 and 10 at 0.25."""
    return billed(used(billed_in_march(), 20, FEB_10 + DAY, "late"))


def usage_corrected_up() -> Books:
    """90 GB were 110."""
    return billed(corrected(billed_in_march(), 110))


def usage_corrected_down() -> Books:
    """90 GB were 40: 20.00 and their tax become credit."""
    return billed(corrected(billed_in_march(), 40))


def reduced_in_march(quantity: int, *wishes: Reduction) -> Books:
    """Usage of 10 February is reduced on the invoice of 29 February; it is 5 March."""
    books = signed_up(metered())
    for wish in wishes:
        books = reduced(books, wish)
    books = billed(books)
    books.now = FEB_10
    books = billed(used(books, quantity, FEB_10))
    books.now = MAR_5
    return books


def reduced_and_late() -> Books:
    """90 GB were 36.00 less 3.60; 20 more are 6.50 less 0.65, and 25 % of that: no more is off."""
    return billed(used(reduced_in_march(90, TENTH), 20, FEB_10 + DAY, "late"))


def reduced_and_corrected() -> Books:
    """90 GB were 40: 20.00 less 2.00, and their tax, become credit. Ended, the coupon counts on."""
    books = reduced_in_march(90, TENTH)
    facts = end_discount(books.states["s-1"], "SPRING", reason="over", now=books.now)
    books.append("s-1", facts, actor="api:shop")
    return billed(corrected(books, 40))


def late_before_a_later_coupon() -> Books:
    """Billed in full; the coupon of March reduces nothing of February."""
    return billed(reduced(used(billed_in_march(), 20, FEB_10 + DAY, "late")))


def late_before_its_invoice() -> Books:
    """Late for the meter before 10 February, known before the invoice: 25 and 5 GB are billed."""
    books = used(reduced(running(metered())), 25, FEB_10 - 5 * DAY)
    dearer = attrs.evolve(DATA, tiers=(Tier(up_to=None, unit_price=nok(100)),))
    books.now = FEB_10
    books = changed(books, meters=(dearer,))
    books.now = FEB_20
    books = billed(corrected(used(books, 10, FEB_10 - DAY, "late"), 20))
    return billed(corrected(books, 30, "late"))


def usage_at_a_change() -> Books:
    """25 GB at the old meter on 5 February, 10 at a dearer one from 10 February on."""
    books = used(running(metered()), 25, FEB_10 - 5 * DAY)
    dearer = attrs.evolve(DATA, tiers=(Tier(up_to=None, unit_price=nok(100)),))
    books.now = FEB_10
    return billed(used(changed(books, meters=(dearer,)), 10, FEB_20, "after"))


def usage_at_the_end() -> Books:
    """Cancelled on 20 February: 25 GB are billed."""
    books = used(running(metered()), 25, FEB_10)
    books.now = FEB_20
    return cancelled(books)


def discounted() -> Books:
    """10 % off 299.00 and its tax, twice; then it is ended."""
    books = billed(billed(reduced(signed_up(terms(tax=ON_TOP)))))
    facts = end_discount(books.states["s-1"], "SPRING", reason="over", now=books.now)
    books.append("s-1", facts, actor="api:shop")
    return billed(books)


def discounted_once() -> Books:
    """100.00 off the first invoice."""
    once = Reduction(coupon="WELCOME", amount=nok(10000), invoices=1, reason="welcome")
    return billed(billed(reduced(signed_up(), once)))


def discounted_and_changed() -> Books:
    """Days given back at 269.10 a period, and the rest at 499.00 less a tenth on the next."""
    books = billed(reduced(signed_up()))
    books.now = FEB_10
    return billed(changed(books, price=nok(49900)))


def discounted_after_a_pause() -> Books:
    """Dearer days wait for the invoice and are given back; the coupon comes after that."""
    books = running()
    books.now = FEB_10
    books = reduced(paused(changed(books, price=nok(49900)), credit=True))
    return billed(resumed(books, FEB_20))


def amount_set(minor: int = 51234) -> Books:
    """The second period costs 512.34."""
    books = running(terms(kind=Kind.RECURRING, variable=True))
    facts = set_amount(
        books.states["s-1"], nok(minor), reason="read", now=FEB_10, zone_version=ZONE_VERSION
    )
    books.append("s-1", facts, actor="api:shop")
    return billed(books)


STORIES_OF_PRICES = (
    taxed,
    taxed_within,
    once_and_tiers,
    stated_instalments,
    usage_in_time,
    usage_bounded,
    usage_by_volume,
    usage_in_a_trial,
    usage_late,
    usage_corrected_up,
    usage_corrected_down,
    reduced_and_late,
    reduced_and_corrected,
    late_before_a_later_coupon,
    late_before_its_invoice,
    usage_at_a_change,
    usage_at_the_end,
    discounted,
    discounted_once,
    discounted_and_changed,
    discounted_after_a_pause,
    amount_set,
)
