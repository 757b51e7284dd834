"""How stories of one topic are told: what their moves are drawn from, and a payer who paid once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from random import Random
from uuid import UUID

import attrs

from domain.providers import Provider
from domain.subscription.starting import Start
from tests.books import Books, Clock
from tests.histories import Act, History, Move, play
from tests.replies import Reply
from tests.specimens import terms
from tests.wishes import Wish


@attrs.frozen(kw_only=True)
class Menu:
    """What moves are drawn from; what stands there more often comes more often."""

    clocks: Sequence[Clock]
    acts: Sequence[Act]
    replies: Sequence[Reply]
    wishes: Sequence[Wish]

    def move(self, draw: Random) -> Move:
        """One move of the only subscription."""
        return Move(
            0,
            draw.choice(self.clocks),
            draw.choice(self.acts),
            draw.choice(self.replies),
            draw.choice(self.wishes),
            draw.randrange(60),
        )


def story_of_a_payer(menu: Menu, seed: int, namespace: UUID) -> History:
    """One subscription, signed up and paid once, and fifty moves."""
    draw = Random(seed)
    wish = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=namespace,
        provider=draw.choice(list(Provider)),
        account="main",
        zone="Europe/Oslo",
        start=date(2024, 1, 31),
        terms=terms(),
    )
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    books.sign_up(wish)
    first = Move(0, Clock.NEXT_DUE, Act.WORK, Reply.YES)
    moves = (first, *(menu.move(draw) for _ in range(50)))
    play(books, moves, [wish])
    return History((wish,), moves, tuple(books.log), dict(books.states))
