"""Stories full of disputes: customers who pay, and contest it; see stories.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from uuid import UUID, uuid5

from domain.providers import Provider
from domain.subscription.starting import Start
from tests.books import Books, Clock
from tests.histories import Act, History, Move, play
from tests.replies import Reply
from tests.specimens import terms
from tests.wishes import Wish

_SPACE = UUID("0b1f7b52-51c1-4f7e-8a55-9a5f0d6f2c44")
_CLOCKS = [Clock.NEXT_DUE] * 3 + [Clock.STILL] * 4 + [Clock.HOURS, Clock.DAYS]
_ACTS = [Act.WORK] * 12 + [Act.WISH] * 10 + [Act.TAKEN_BEFORE, Act.NEW_TOKEN, Act.LATE, Act.PAYER]
_REPLIES = [Reply.YES] * 12 + [Reply.MORE, Reply.UNKNOWN, Reply.NOT_FOUND] + list(Reply)
_WISHES = (
    [Wish.DISPUTE] * 10
    + [Wish.TAKE_BACK, Wish.COLLECT] * 4
    + [Wish.REFUND, Wish.RESOLVE, Wish.WRITE_OFF] * 3
    + [Wish.CREDIT, Wish.CHANGE, Wish.CANCEL_WITH_REFUND]
)


def story_of_disputes(seed: int) -> History:
    """One subscription, signed up and paid once, and fifty moves."""
    draw = Random(seed)
    wish = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=uuid5(_SPACE, f"disputes/{seed}"),
        provider=draw.choice(list(Provider)),
        account="main",
        zone="Europe/Oslo",
        start=date(2024, 1, 31),
        terms=terms(),
    )
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    books.sign_up(wish)
    first = Move(0, Clock.NEXT_DUE, Act.WORK, Reply.YES)
    moves = (first, *(_move(draw) for _ in range(50)))
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))


def _move(draw: Random) -> Move:
    return Move(
        0,
        draw.choice(_CLOCKS),
        draw.choice(_ACTS),
        draw.choice(_REPLIES),
        draw.choice(_WISHES),
        draw.randrange(60),
    )
