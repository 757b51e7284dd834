"""Short stories of demands, balances and usage that comes to a threshold, made by the rules.

Terms and amounts: tests/domain/asking.py. It is 10 February 2024 in Oslo.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.plan import Terms
from domain.subscription.demanding import BalanceReport, demand, report_balance
from domain.subscription.discounting import Reduction, grant_discount
from domain.subscription.metering import Report, correct_usage, report_usage
from tests.books import Books
from tests.domain.asking import RELOADED, asked, by_threshold, nok, unscheduled
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_changes import FEB_10
from tests.projections.scenes_of_changes import running as begun
from tests.specimens import PRICE, instalments, terms

MINUTE = timedelta(minutes=1)


def running(agreed: Terms) -> Books:
    """Signed up; what has no schedule has billed nothing."""
    if agreed.scheduled:
        return begun(agreed)
    books = signed_up(agreed)
    books.now = FEB_10
    return books


def demanded(books: Books, minor: int = 1000, demand_id: str = "d-1") -> Books:
    """Something is asked for at the books' clock, and charged."""
    books.now += MINUTE
    facts = demand(books.states["s-1"], asked(minor, demand_id), now=books.now)
    books.append("s-1", facts, actor="api:shop", cause="command:demand")
    return billed(books)


def two_demands() -> Books:
    """Two in one day, which is the most there may be."""
    return demanded(demanded(running(unscheduled(most_demands_a_day=2))), 700, "d-2")


def two_demands_at_a_fixed_price() -> Books:
    """At the agreed price."""
    start = running(unscheduled(variable=False))
    return demanded(demanded(start, PRICE.minor), PRICE.minor, "d-2")


def a_demand_in_between() -> Books:
    """A period, a demand, the next period."""
    return billed(demanded(running(terms()), PRICE.minor))


def of_instalments() -> Books:
    """The first of three."""
    return running(instalments(3))


def reported(books: Books, name: str, minor: int, at: datetime | None = None) -> Books:
    """A balance, a minute after it was so."""
    books.now += MINUTE
    wish = BalanceReport(report_id=name, balance=nok(minor), at=at or books.now - MINUTE)
    facts = report_balance(books.states["s-1"], wish, now=books.now)
    books.append("s-1", facts, actor="api:shop", cause="command:balance")
    return books


def reloaded() -> Books:
    """High, low, lower, high again; one reload, charged."""
    books = reported(reported(running(RELOADED), "r-1", 9000), "r-2", 4999)
    return reported(reported(billed(books), "r-3", 100), "r-4", 9000)


def reloaded_twice() -> Books:
    """Two crossings, which is all that a day may have, and a third one that waits."""
    books = reported(running(RELOADED), "r-1", 0)
    books = reported(reported(billed(books), "r-2", 9000), "r-3", 0)
    return reported(reported(billed(books), "r-4", 9000), "r-5", 0)


def used(books: Books, quantity: int, name: str) -> Books:
    """Usage, reported a minute after it."""
    books.now += MINUTE
    wish = Report(usage_id=name, meter="data", quantity=quantity, at=books.now - MINUTE)
    facts = report_usage(books.states["s-1"], wish, now=books.now)
    books.append("s-1", facts, actor="api:shop", cause="command:usage")
    return books


def at_the_threshold() -> Books:
    """200 and 60 GB: 104.00 at once; 10 GB with the period."""
    books = billed(used(used(running(by_threshold()), 200, "u-1"), 60, "u-2"))
    return billed(used(books, 10, "u-3"))


def corrected_to_the_threshold() -> Books:
    """60 units were 260: the correction brings what is not billed to the threshold."""
    books = used(running(by_threshold()), 60, "u-1")
    facts = correct_usage(books.states["s-1"], "u-1", 260, reason="read wrong", now=books.now)
    books.append("s-1", facts, actor="api:shop")
    return billed(books)


def reduced_at_the_threshold() -> Books:
    """250 GB, 10 % off."""
    books = running(by_threshold())
    wish = Reduction(coupon="SPRING", ppm=100_000, reason="campaign")
    books.append("s-1", grant_discount(books.states["s-1"], wish, now=books.now))
    return billed(used(books, 250, "u-1"))
