"""Stories full of disputes: customers who pay, and contest it; see stories.py."""

from __future__ import annotations

from uuid import UUID, uuid5

from tests.books import Clock
from tests.histories import Act, History
from tests.projections.telling import Menu, story_of_a_payer
from tests.replies import Reply
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
_MENU = Menu(clocks=_CLOCKS, acts=_ACTS, replies=_REPLIES, wishes=_WISHES)


def story_of_disputes(seed: int) -> History:
    """One subscription, signed up and paid once, and fifty moves."""
    return story_of_a_payer(_MENU, seed, uuid5(_SPACE, f"disputes/{seed}"))
