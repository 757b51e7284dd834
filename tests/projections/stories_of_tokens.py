"""Stories of tokens that end: let go, revoked, replaced, moved; see stories.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from uuid import UUID, uuid5

from domain.providers import Provider
from domain.subscription.starting import Start
from tests.books import Books, Clock
from tests.histories import Act, History, play
from tests.projections.telling import Menu
from tests.replies import Reply
from tests.specimens import terms
from tests.wishes import Wish

_SPACE = UUID("0d4c8b52-3a8e-4d0b-9f0b-61a0c1f4e7d2")
_CLOCKS = [Clock.NEXT_DUE] * 3 + [Clock.STILL] * 3 + [Clock.HOURS, Clock.DAYS]
_ACTS = [Act.WORK] * 12 + [Act.REVOKED, Act.WISH, Act.NEW_TOKEN] * 3 + [Act.TAKEN_BEFORE, *Act]
_REPLIES = [Reply.YES] * 10 + [Reply.UNKNOWN, Reply.NOT_FOUND, Reply.HARD, Reply.LESS]
_WISHES = [Wish.LET_GO] * 6 + [Wish.COLLECT, Wish.PAUSE, Wish.RESUME]
_MENU = Menu(clocks=_CLOCKS, acts=_ACTS, replies=_REPLIES, wishes=_WISHES)


def story_of_tokens(seed: int) -> History:
    """One subscription, signed up, many with a backup, and fifty moves."""
    draw = Random(seed)
    wish = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=uuid5(_SPACE, f"tokens/{seed}"),
        provider=draw.choice(list(Provider)),
        account="main",
        zone="Europe/Oslo",
        start=date(2024, 1, 31),
        terms=terms(backup=seed % 2 == 1),
    )
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    books.sign_up(wish)
    if seed % 2:
        books.add_backup("s-1")
    moves = tuple(_MENU.move(draw) for _ in range(50))
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))
