"""Stories of first payments on the page that makes the token; see stories.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from uuid import UUID, uuid5

from domain.plan import CaptureMode
from domain.providers import Provider
from domain.subscription.starting import FirstPayment, Start
from tests.books import Books, Clock
from tests.histories import Act, History, play
from tests.projections.telling import Menu
from tests.replies import Reply
from tests.specimens import instalments, terms
from tests.wishes import Wish

_SPACE = UUID("2b9d1f4e-6c07-4d55-8a5e-4a3f0f1f7c11")
_CLOCKS = [Clock.STILL] * 4 + [Clock.MINUTES, Clock.NEXT_DUE] * 2 + [Clock.HOURS, Clock.DAYS]
_ACTS = [Act.WORK] * 8 + [Act.CALLBACK, Act.PAYER, Act.NEW_TOKEN] * 3 + [Act.TAKEN_BEFORE, *Act]
_REPLIES = [Reply.YES] * 6 + [Reply.UNKNOWN, Reply.NOT_FOUND] * 3 + [Reply.HARD, *Reply]
_WISHES = [Wish.COLLECT, Wish.PAUSE, Wish.RESUME, Wish.CHANGE, Wish.CREDIT]
_MENU = Menu(clocks=_CLOCKS, acts=_ACTS, replies=_REPLIES, wishes=_WISHES)


def story_of_first_payments(seed: int) -> History:
    """One subscription that is due when it is agreed to, and forty moves."""
    draw = Random(seed)
    capture = draw.choice(list(CaptureMode))
    agreed = instalments(2, capture=capture) if seed % 5 == 0 else terms(capture=capture)
    wish = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=uuid5(_SPACE, f"first/{seed}"),
        provider=Provider.DINTERO,
        account="main",
        zone="Europe/Oslo",
        start=date(2024, 1, 31),
        terms=agreed,
        first_payment=FirstPayment.IN_SESSION,
    )
    books = Books(datetime(2024, 1, 31, 10, tzinfo=UTC))
    books.start(wish)
    moves = tuple(_MENU.move(draw) for _ in range(40))
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))
