"""Stories full of demands, balances and usage that comes to a threshold, drawn by a seed; see
stories.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from random import Random
from uuid import UUID, uuid5

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Kind, Proration, Reload, RetryPolicy, Terms, Timing
from domain.providers import Provider
from domain.subscription.starting import Start
from tests.books import Books, Clock
from tests.histories import Act, History, Move, play
from tests.prices import with_threshold
from tests.replies import Reply
from tests.wishes import Wish

_SPACE = UUID("5e0b7a0e-0a8e-4b35-9a39-8b1f6a8b3c44")
_CLOCKS = [Clock.MINUTES, Clock.HOURS, Clock.DAYS, Clock.NEXT_DUE, Clock.STILL]
_REPLIES = [Reply.YES] * 12 + [Reply.SOFT, Reply.HARD] + [Reply.UNKNOWN, Reply.NOT_FOUND] * 2
_ASKING = [Wish.DEMAND, Wish.BALANCE, Wish.BALANCE, Wish.USE, Wish.USE]
_OTHERS = [
    Wish.CORRECT,
    Wish.CORRECT,
    Wish.CORRECT,
    Wish.DISCOUNT,
    Wish.CREDIT,
    Wish.CHANGE,
    Wish.PAUSE,
    Wish.RESUME,
]
_ENDS = [Wish.END_LATER, Wish.GO_ON, Wish.GO_ON]


@cache
def story_of_demands(seed: int) -> History:
    """One subscription, signed up, and sixty moves, most of them wishes."""
    draw = Random(seed)
    wish = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=uuid5(_SPACE, f"story/{seed}"),
        provider=draw.choice(list(Provider)),
        account="main",
        zone=draw.choice(["Europe/Oslo", "America/New_York", "Asia/Beirut", "UTC"]),
        start=draw.choice([date(2024, 1, 15), date(2023, 12, 31)]),
        terms=_terms(draw),
    )
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    books.sign_up(wish)
    wishes = _ASKING * 4 + _OTHERS + (_ENDS if seed % 3 == 0 else [])
    moves = tuple(
        Move(
            which=0,
            clock=draw.choice(_CLOCKS),
            act=draw.choice([Act.WORK, Act.WISH, Act.WISH]),
            reply=draw.choice(_REPLIES),
            wish=draw.choice(wishes),
            variant=draw.randrange(60),
        )
        for _ in range(60)
    )
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))


def _terms(draw: Random) -> Terms:
    kind = draw.choice([Kind.THRESHOLD, Kind.UNSCHEDULED, Kind.IMMEDIATE, Kind.RECURRING])
    prepaid = kind in (Kind.UNSCHEDULED, Kind.IMMEDIATE)
    reload = Reload(
        threshold=Money(5000, "NOK"),
        amount=Money(20_000, "NOK"),
        most_a_day=draw.choice([1, 2]),
        most_a_month=draw.choice([2, 5]),
    )
    agreed = Terms(
        plan="gold",
        plan_version=1,
        description="Gold membership",
        kind=kind,
        timing=Timing.PREPAID if prepaid else draw.choice(list(Timing)),
        interval=draw.choice([Interval(Unit.MONTH), Interval(Unit.WEEK, 2)]),
        price=Money(draw.randint(1, 100_000), "NOK"),
        retry=RetryPolicy((3, 5, 7)),
        proration=draw.choice([Proration.BY_DAY, *Proration]),
        variable=kind is not Kind.THRESHOLD and draw.random() < 0.7,
        most_demands_a_day=draw.choice([1, 3]),
        reload=reload if kind is Kind.UNSCHEDULED else None,
    )
    return with_threshold(agreed, draw.randrange(10_000)) if kind is Kind.THRESHOLD else agreed
