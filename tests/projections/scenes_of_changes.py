"""Short stories of changes, made by the real decisions on the plan of specimens.py.

299.00 NOK a month, from 31 January 2024 in Oslo. The first period has 29 days, to 29 February; on
10 February 19 of them are left: 29900 x 19/29 = 19589.66, so 195.90 NOK. Prepaid unless it says
otherwise. Amounts are minor units.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Proration, Terms, Timing
from domain.subscription.changing import Change, change_terms
from domain.subscription.crediting import grant_credit
from domain.subscription.ending import cancel, schedule_cancellation, withdraw_cancellation
from domain.subscription.events import SubscriptionEvent, When
from domain.subscription.pausing import Resume, pause, resume
from tests.books import ZONE_VERSION, Books
from tests.projections.scenes import billed, signed_up
from tests.replies import Reply
from tests.specimens import terms

FEB_10 = datetime(2024, 2, 10, 12, tzinfo=UTC)
FEB_20 = datetime(2024, 2, 20, 12, tzinfo=UTC)
APR_10 = datetime(2024, 4, 10, 12, tzinfo=UTC)
BIG = Money(49900, "NOK")
SMALL = Money(9900, "NOK")


def running(agreed: Terms | None = None, **changes: Any) -> Books:
    """10 February: prepaid, the first period is billed and paid; postpaid, it is not billed."""
    books = signed_up(agreed, **changes)
    if books.states["s-1"].terms.timing is Timing.PREPAID:
        billed(books)
    books.now = FEB_10
    return books


def postpaid(**changes: Any) -> Terms:
    """The same plan, billed at the end of each period."""
    return terms(timing=Timing.POSTPAID, **changes)


def _record(books: Books, facts: tuple[SubscriptionEvent, ...]) -> Books:
    books.append("s-1", facts, actor="api:shop", cause="command:api")
    return books


def changed(
    books: Books, *, when: When = When.NOW, proration: Proration | None = None, **other: Any
) -> Books:
    """The present terms with something else, agreed to at the books' clock."""
    state = books.states["s-1"]
    wish = Change(
        terms=attrs.evolve(state.terms, **other), when=when, reason="asked", proration=proration
    )
    return _record(books, change_terms(state, wish, now=books.now, zone_version=ZONE_VERSION))


def paused(books: Books, *, credit: bool = True, until: datetime | None = None) -> Books:
    """Paused at the books' clock."""
    facts = pause(
        books.states["s-1"],
        until=until,
        credit=credit,
        reason="away",
        now=books.now,
        zone_version=ZONE_VERSION,
    )
    return _record(books, facts)


def resumed(books: Books, now: datetime, how: Resume = Resume.KEEP_ANCHOR) -> Books:
    """Resumed at an instant."""
    books.now = now
    facts = resume(books.states["s-1"], how=how, reason="back", now=now, zone_version=ZONE_VERSION)
    return _record(books, facts)


def given_credit(books: Books, minor: int) -> Books:
    """Credit out of goodwill."""
    amount = Money(minor, "NOK")
    return _record(books, grant_credit(books.states["s-1"], amount, reason="sorry", now=books.now))


def ending(books: Books, at: datetime | None = None) -> Books:
    """A planned cancellation."""
    facts = schedule_cancellation(
        books.states["s-1"], at=at, reason="moves", now=books.now, zone_version=ZONE_VERSION
    )
    return _record(books, facts)


def going_on(books: Books) -> Books:
    """The planned cancellation is withdrawn."""
    facts = withdraw_cancellation(
        books.states["s-1"], reason="stays", now=books.now, zone_version=ZONE_VERSION
    )
    return _record(books, facts)


def cancelled(books: Books, credit: Proration = Proration.NONE) -> Books:
    """Cancelled at the books' clock."""
    state = books.states["s-1"]
    return _record(books, cancel(state, reason="moved", now=books.now, credit=credit))


# --- whole stories -----------------------------------------------------------------------------


def dearer_now() -> Books:
    """Credit of 19590 for the rest; the next invoice has 49900 and 32693 more for that rest."""
    return billed(changed(running(), price=BIG))


def dearer_now_postpaid() -> Books:
    """One invoice: 29900, less 19590, and 32693; then one of 49900."""
    return billed(billed(changed(running(postpaid()), price=BIG)))


def cheaper_later() -> Books:
    """The running period stays, then 99.00 a month."""
    return billed(changed(running(), price=SMALL, when=When.PERIOD_END))


def fortnightly_now() -> Books:
    """Credit for the rest, and fortnights from 10 February on."""
    return billed(billed(changed(running(), interval=Interval(Unit.WEEK, 2))))


def fortnightly_later(agreed: Terms | None = None) -> Books:
    """Fortnights once the running period is over."""
    books = changed(running(agreed), interval=Interval(Unit.WEEK, 2), when=When.PERIOD_END)
    return billed(billed(books))


def paused_and_kept() -> Books:
    """Credit of 19590; back on 10 April: 20 of the 30 days from 31 March to 30 April are billed,
    29900 x 20/30 = 19933.33, then whole periods."""
    return billed(billed(resumed(paused(running()), APR_10)))


def paused_and_restarted() -> Books:
    """Credit of 19590; whole periods from 10 April on."""
    return billed(billed(resumed(paused(running()), APR_10, Resume.RESTART)))


def paused_within() -> Books:
    """Resumed on 20 February: the last 9 days are charged again, 29900 x 9/29 = 9279.31."""
    return billed(resumed(paused(running()), FEB_20))


def restarted_within() -> Books:
    """Resumed on 20 February with a whole period from then on."""
    return billed(resumed(paused(running()), FEB_20, Resume.RESTART))


def paused_without_credit(agreed: Terms | None = None) -> Books:
    """The running period is paid for, or billed at its end; back on 10 April."""
    return billed(billed(resumed(paused(running(agreed), credit=False), APR_10)))


def paused_postpaid(now: datetime = APR_10) -> Books:
    """The running period's invoice gives 19590 back."""
    return billed(billed(resumed(paused(running(postpaid())), now)))


def paused_until() -> Books:
    """Resumed by itself on 10 April."""
    books = paused(running(), until=APR_10)
    return billed(billed(books))


def credited_twice() -> Books:
    """10000 and 40000 of goodwill pay 29900 and 20100 of the two invoices to come."""
    return billed(billed(given_credit(given_credit(running(), 10000), 40000)))


def ended_as_planned() -> Books:
    """It ends when the running period does."""
    return billed(ending(running()))


def ended_at_a_date() -> Books:
    """It ends on 10 April, two invoices later."""
    return billed(billed(billed(ending(running(), APR_10))))


def ended_postpaid() -> Books:
    """The running period is billed once more, and paid; that completes it."""
    return billed(ending(running(postpaid())))


def went_on() -> Books:
    """Planned, withdrawn, and billed."""
    return billed(going_on(ending(running())))


def went_on_postpaid() -> Books:
    """Withdrawn after the last invoice, which is still open: another one is announced."""
    return billed(going_on(billed(ending(running(postpaid())), Reply.SOFT)))


def cancelled_with_credit() -> Books:
    """What is left of the billed period becomes credit."""
    return cancelled(running(), Proration.BY_DAY)


STORIES = (
    dearer_now,
    dearer_now_postpaid,
    cheaper_later,
    fortnightly_now,
    fortnightly_later,
    paused_and_kept,
    paused_and_restarted,
    paused_within,
    restarted_within,
    paused_without_credit,
    paused_postpaid,
    paused_until,
    credited_twice,
    ended_as_planned,
    ended_at_a_date,
    ended_postpaid,
    went_on,
    went_on_postpaid,
    cancelled_with_credit,
)
