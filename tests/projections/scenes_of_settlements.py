"""Short stories of instalments that are settled early, made by the rules.

Three payments of 299.00 a month, prepaid, unless said otherwise. It is 10 February 2024 in Oslo.
"""

from __future__ import annotations

from domain.money import Money
from domain.plan import DunningEnd, RetryPolicy, Terms, Timing, split_total
from domain.subscription.crediting import grant_credit
from domain.subscription.pausing import Resume, pause, resume
from domain.subscription.settling import settle_early
from tests.books import ZONE_VERSION, Books
from tests.domain.asking import nok
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_changes import FEB_10
from tests.projections.scenes_of_demands import running
from tests.replies import Reply
from tests.specimens import DAY, instalments


def settled(books: Books) -> Books:
    """All that is left is billed now."""
    state, now = books.states["s-1"], books.now
    facts = settle_early(state, reason="pays it all", now=now, zone_version=ZONE_VERSION)
    books.append("s-1", facts, actor="api:shop", cause="command:settle")
    return books


def settled_and_paid() -> Books:
    """The first of three is paid, then the other two at once."""
    return billed(settled(running(instalments(3))))


def of_a_total(**changes: object) -> Terms:
    """100.00 in three: 33.34, 33.33, 33.33."""
    amounts = split_total(Money(10000, "NOK"), 3)
    return instalments(3, price=amounts[0], instalments=amounts, **changes)


def split_and_settled() -> Books:
    """What does not divide is settled to the minor unit."""
    return billed(settled(running(of_a_total())))


def settled_before_the_first() -> Books:
    """Billed afterwards: none of three is billed yet; a fee comes with the first."""
    agreed = instalments(3, timing=Timing.POSTPAID, setup_fee=nok(5000))
    books = signed_up(agreed)
    books.now = FEB_10
    return billed(settled(books))


def settled_with_credit() -> Books:
    """100.00 of it is credit."""
    books = running(instalments(3))
    facts = grant_credit(books.states["s-1"], nok(10000), reason="sorry", now=books.now)
    books.append("s-1", facts)
    return billed(settled(books))


def settled_and_paused() -> Books:
    """Paused, resumed far behind the last period: nothing is announced; then it is paid."""
    books = settled(running(instalments(3)))
    facts = pause(
        books.states["s-1"],
        until=None,
        credit=False,
        reason="away",
        now=books.now,
        zone_version=ZONE_VERSION,
    )
    books.append("s-1", facts)
    books.now += 200 * DAY
    facts = resume(
        books.states["s-1"],
        how=Resume.KEEP_ANCHOR,
        reason="back",
        now=books.now,
        zone_version=ZONE_VERSION,
    )
    books.append("s-1", facts)
    return billed(books)


def settled_and_not_paid() -> Books:
    """Declined, suspended for it after the grace, and nothing is billed."""
    agreed = instalments(3, retry=RetryPolicy((), DunningEnd.SUSPEND, 10))
    books = billed(settled(running(agreed)), Reply.SOFT)
    books.now += 10 * DAY
    return billed(books)


SETTLED = (
    settled_and_paid,
    split_and_settled,
    settled_before_the_first,
    settled_with_credit,
    settled_and_paused,
    settled_and_not_paid,
)
