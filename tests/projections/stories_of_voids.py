"""Stories full of reservations: money that is set aside, doubted, renewed, and wanted no more; see
stories.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from uuid import UUID, uuid5

from domain.plan import CaptureMode, Kind
from domain.providers import Provider
from domain.subscription.starting import Start
from tests.books import Books, Clock
from tests.histories import Act, History, Move, play
from tests.projections.telling import Menu
from tests.replies import Reply
from tests.specimens import terms
from tests.wishes import Wish

_SPACE = UUID("5c0d8a17-9a1b-4f0e-8f6e-1d2f8c5b7e44")
_CLOCKS = [Clock.NEXT_DUE] * 6 + [Clock.STILL] * 4 + [Clock.HOURS, Clock.DAYS] * 2 + [Clock.MONTH]
_ACTS = [Act.WORK] * 14 + [Act.TAKEN_BEFORE, Act.CALLBACK, Act.LATE, Act.REPEAT, Act.PERSON] * 2
_REPLIES = [Reply.YES] * 10 + [Reply.UNKNOWN, Reply.RESERVED, Reply.NOT_FOUND] * 4 + list(Reply)
_WISHES = [Wish.RESOLVE, Wish.PAUSE, Wish.CREDIT]
_MENU = Menu(clocks=_CLOCKS, acts=[*_ACTS, Act.WISH], replies=_REPLIES, wishes=_WISHES)


def story_of_voids(seed: int) -> History:
    """One subscription whose money is reserved first: a while of billing, then it is cancelled,
    and what is under way comes to its end."""
    draw = Random(seed)
    wish = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=uuid5(_SPACE, f"voids/{seed}"),
        provider=draw.choice(list(Provider)),
        account="main",
        zone="Europe/Oslo",
        start=date(2024, 1, 31),
        terms=terms(capture=CaptureMode.AFTER_AUTHORIZATION, **_kind(draw)),
    )
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    books.sign_up(wish)
    before = [_MENU.move(draw) for _ in range(draw.randrange(2, 14))]
    leaves = Move(0, Clock.STILL, Act.CANCEL, Reply.YES)
    after = [_MENU.move(draw) for _ in range(20)]
    moves = (*before, leaves, *after)
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))


def _kind(draw: Random) -> dict[str, object]:
    return {"kind": Kind.INSTALLMENT, "cycles": 2} if draw.randrange(3) == 0 else {}
