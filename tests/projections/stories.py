"""Stories full of changes: many wishes on one subscription, drawn by a seed, made by the rules.

Hypothesis draws wishes as often as everything else, so the rare pairs of them (a pause right after
a change, a withdrawal after the last invoice) seldom meet. Here they meet often; the same seed
always tells the same story.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from uuid import UUID, uuid5

import attrs

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import DunningEnd, Kind, PaidTrial, Proration, RetryPolicy, Terms, Timing
from domain.providers import Provider
from domain.schedule import schedule_of
from domain.subscription.starting import Past, Start
from tests.books import Books, Clock
from tests.histories import Act, History, Move, play
from tests.prices import priced
from tests.replies import Reply
from tests.wishes import Wish

_SPACE = UUID("2b6f2c0e-6a43-4b7e-8f0d-7d3f1c9b5a22")
_INTERVALS = [Interval(Unit.MONTH)] * 4 + [Interval(Unit.WEEK, 2), Interval(Unit.YEAR)]
_DAYS = [date(2024, 1, 31), date(2024, 1, 15), date(2024, 2, 29), date(2023, 12, 31)]
_CLOCKS = [Clock.NEXT_DUE] * 4 + [Clock.DAYS] * 3 + [Clock.STILL, Clock.HOURS, Clock.MONTH]
_REPLIES = [Reply.YES] * 10 + [Reply.SOFT, Reply.SOFT, Reply.HARD, Reply.UNKNOWN, Reply.MORE]
_WISHES = (
    [Wish.CHANGE] * 5
    + [Wish.PAUSE, Wish.RESUME, Wish.RESUME] * 3
    + [Wish.CREDIT, Wish.END_LATER, Wish.GO_ON, Wish.GO_ON] * 2
    + [Wish.CANCEL_WITH_CREDIT]
    + [Wish.USE] * 8
    + [Wish.CORRECT, Wish.CORRECT, Wish.DISCOUNT, Wish.DISCOUNT, Wish.END_DISCOUNT]
    + [Wish.SET_AMOUNT, Wish.ANCHOR]
)


@cache
def story(seed: int) -> History:
    """One subscription, signed up, and forty moves, half of them wishes."""
    draw = Random(seed)
    wish = _begun_otherwise(draw, _wish(draw, seed))
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    books.sign_up(wish)
    moves = tuple(_move(draw) for _ in range(40))
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))


def _wish(draw: Random, seed: int) -> Start:
    return Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=uuid5(_SPACE, f"story/{seed}"),
        provider=draw.choice(list(Provider)),
        account="main",
        zone=draw.choice(["Europe/Oslo", "America/New_York", "Africa/Cairo", "UTC"]),
        start=draw.choice(_DAYS),
        terms=_terms(draw),
    )


def _begun_otherwise(draw: Random, wish: Start) -> Start:
    """Now and then with a paid trial, up to an anchor, or long after its first day."""
    terms, how = wish.terms, draw.randrange(8)
    if how == 0 and terms.kind is not Kind.INSTALLMENT:
        price = Money(draw.randint(1, 5000), "NOK")
        rhythm = draw.choice([terms.interval, Interval(Unit.WEEK, 2)])
        trial = PaidTrial(price=price, interval=rhythm, cycles=draw.randint(1, 3))
        return attrs.evolve(wish, paid_trial=trial)
    if how == 1:
        first = schedule_of(wish.start, terms).anchor
        return attrs.evolve(wish, anchor=first + timedelta(days=draw.randint(0, 13)))
    if how == 2:
        early = wish.start - timedelta(days=draw.choice([10, 95, 400]))
        past = Past.BILL if terms.kind is Kind.INSTALLMENT else draw.choice([*Past])
        return attrs.evolve(wish, start=early, past=past)
    return wish


_UNPAID = [Reply.SOFT] * 8 + [Reply.YES] * 6 + [Reply.MORE, Reply.LESS, Reply.MERCHANT]
_DUNNING = [Wish.COLLECT, Wish.REINSTATE, Wish.WRITE_OFF, Wish.RESOLVE] * 3 + list(Wish)
_VISITS = [Act.WORK] * 10 + [Act.WISH] * 4 + [Act.NEW_TOKEN, Act.PAYER, Act.LATE]


@cache
def story_of_dunning(seed: int) -> History:
    """One subscription that is seldom paid, under each end of dunning in turn."""
    draw = Random(seed)
    retry = RetryPolicy(
        draw.choice([(), (1,), (3, 5)]),
        end=list(DunningEnd)[seed % 4],
        grace_days=draw.choice([0, 2, 20]),
    )
    wish = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=uuid5(_SPACE, f"dunning/{seed}"),
        provider=draw.choice(list(Provider)),
        account="main",
        zone=draw.choice(["Europe/Oslo", "America/New_York", "UTC"]),
        start=draw.choice(_DAYS),
        terms=attrs.evolve(_terms(draw), retry=retry),
    )
    wish = _begun_otherwise(draw, wish)
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    books.sign_up(wish)
    moves = tuple(
        Move(
            which=0,
            clock=draw.choice([*_CLOCKS, Clock.NEXT_DUE, Clock.NEXT_DUE]),
            act=draw.choice(_VISITS),
            reply=draw.choice(_UNPAID),
            wish=draw.choice(_DUNNING),
            variant=draw.randrange(60),
        )
        for _ in range(40)
    )
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))


def _move(draw: Random) -> Move:
    return Move(
        which=0,
        clock=draw.choice(_CLOCKS),
        act=draw.choice([Act.WORK, Act.WISH]),
        reply=draw.choice(_REPLIES),
        wish=draw.choice(_WISHES),
        variant=draw.randrange(60),
    )


def _terms(draw: Random) -> Terms:
    kind = draw.choice([Kind.SUBSCRIPTION] * 3 + [Kind.RECURRING] * 4 + [Kind.INSTALLMENT])
    agreed = Terms(
        plan="gold",
        plan_version=1,
        description="Gold membership",
        kind=kind,
        timing=draw.choice(list(Timing)),
        interval=draw.choice(_INTERVALS),
        price=Money(draw.randint(1, 100_000), "NOK"),
        trial=draw.choice([None, None, Interval(Unit.DAY, 14), Interval(Unit.MONTH)]),
        setup_fee=draw.choice([None, Money(500, "NOK")]),
        cycles=draw.randint(1, 4) if kind is Kind.INSTALLMENT else None,
        retry=RetryPolicy((3, 5, 7)),
        quantity=draw.choice([1, 1, 3]),
        proration=draw.choice([Proration.BY_DAY, *Proration]),
    )
    return priced(agreed, draw.randrange(10_000))
