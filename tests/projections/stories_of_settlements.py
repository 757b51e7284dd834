"""Stories of instalment plans that are settled early, drawn by a seed; see stories.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from uuid import UUID, uuid5

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import DunningEnd, Kind, RetryPolicy, Terms, Timing, split_total
from domain.providers import Provider
from domain.subscription.starting import Start
from domain.taxes import TaxRate
from tests.books import Books, Clock
from tests.histories import Act, History, Move, play
from tests.replies import Reply
from tests.wishes import Wish

_SPACE = UUID("3b1d5a46-94d0-4c8f-8f0e-7f0f3a4c9f12")
_CLOCKS = [Clock.NEXT_DUE] * 4 + [Clock.HOURS, Clock.DAYS, Clock.STILL]
_REPLIES = [Reply.YES] * 8 + [Reply.SOFT, Reply.HARD, Reply.UNKNOWN, Reply.NOT_FOUND]
_OTHERS = [
    *(Wish.CREDIT, Wish.PAUSE, Wish.RESUME, Wish.RESUME, Wish.END_LATER, Wish.GO_ON),
    *(Wish.DEMAND, Wish.DISCOUNT, Wish.COLLECT, Wish.REINSTATE, Wish.WRITE_OFF, Wish.ANCHOR),
]
_FEW = (1, 2, 3, 6, 12)


def story_of_settlements(seed: int) -> History:
    """One instalment plan, signed up, and forty moves; sooner or later it is settled."""
    draw = Random(seed)
    wish = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=uuid5(_SPACE, f"story/{seed}"),
        provider=draw.choice(list(Provider)),
        account="main",
        zone=draw.choice(["Europe/Oslo", "America/New_York", "Asia/Beirut", "UTC"]),
        start=draw.choice([date(2024, 1, 15), date(2023, 12, 31), date(2024, 2, 29)]),
        terms=_terms(draw),
    )
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    books.sign_up(wish)
    wishes = [Wish.SETTLE] * 3 + _OTHERS
    moves = tuple(
        Move(
            which=0,
            clock=draw.choice(_CLOCKS),
            act=draw.choice([Act.WORK, Act.WORK, Act.PAYER, Act.WISH]),
            reply=draw.choice(_REPLIES),
            wish=draw.choice(wishes),
            variant=draw.randrange(60),
        )
        for _ in range(40)
    )
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))


def _terms(draw: Random) -> Terms:
    payments, total = draw.choice(_FEW), Money(draw.randint(12, 100_000), "NOK")
    amounts = split_total(total, payments)
    stated = draw.random() < 0.6
    return Terms(
        plan="sofa",
        plan_version=1,
        description="Sofa",
        kind=Kind.INSTALLMENT,
        timing=draw.choice(list(Timing)),
        interval=draw.choice([Interval(Unit.MONTH), Interval(Unit.WEEK, 2)]),
        price=amounts[0],
        cycles=payments,
        instalments=amounts if stated else (),
        quantity=1 if stated else draw.choice([1, 3]),
        trial=draw.choice([None, None, Interval(Unit.WEEK)]),
        setup_fee=draw.choice([None, Money(500, "NOK")]),
        tax=draw.choice([None, TaxRate(code="NO-25", ppm=250_000, included=False)]),
        retry=RetryPolicy(draw.choice([(), (1,), (3, 5)]), draw.choice([*DunningEnd]), 5),
        backup=draw.random() < 0.3,
    )
