"""Stories full of refunds: customers who pay, and get money back; see stories.py."""

from __future__ import annotations

from uuid import UUID, uuid5

from tests.books import Clock
from tests.histories import Act, History
from tests.projections.telling import Menu, story_of_a_payer
from tests.replies import Reply
from tests.wishes import Wish

_SPACE = UUID("5c0d8a17-9a1b-4f0e-8f6e-1d2f8c5b7e33")
_CLOCKS = [Clock.NEXT_DUE] * 3 + [Clock.STILL] * 4 + [Clock.HOURS, Clock.DAYS]
_ACTS = [Act.WORK] * 12 + [Act.WISH] * 8 + [Act.LATE, Act.LATE]
_ACTS += [Act.TAKEN_BEFORE, Act.CALLBACK, Act.PERSON, Act.REPEAT]
_REPLIES = [Reply.YES] * 10 + [Reply.UNKNOWN, Reply.NOT_FOUND, Reply.HARD] * 2 + list(Reply)
_WISHES = [Wish.REFUND] * 8 + [Wish.CREDIT, Wish.CHANGE, Wish.RESOLVE, Wish.CANCEL_WITH_REFUND]
_MENU = Menu(clocks=_CLOCKS, acts=_ACTS, replies=_REPLIES, wishes=_WISHES)


def story_of_refunds(seed: int) -> History:
    """One subscription, signed up and paid once, and fifty moves."""
    return story_of_a_payer(_MENU, seed, uuid5(_SPACE, f"refunds/{seed}"))
