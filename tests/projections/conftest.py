"""A fixed corpus of histories, drawn once, for tests that ask what can be reached at all."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.books import Books
from tests.histories import History, histories
from tests.projections.scenes_of_beginnings import released
from tests.projections.scenes_of_demands import corrected_to_the_threshold
from tests.projections.stories import story, story_of_dunning
from tests.projections.stories_of_demands import story_of_demands
from tests.projections.stories_of_disputes import story_of_disputes
from tests.projections.stories_of_first_payments import story_of_first_payments
from tests.projections.stories_of_refunds import story_of_refunds
from tests.projections.stories_of_settlements import story_of_settlements
from tests.projections.stories_of_tokens import story_of_tokens
from tests.projections.stories_of_voids import story_of_voids


def _drawn(count: int) -> list[History]:
    drawn: list[History] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(histories())
    def collect(history: History) -> None:
        drawn.append(history)

    collect()
    return drawn


@pytest.fixture(scope="session")
def corpus() -> list[History]:
    """The same three hundred histories in every run, and sixty stories each: full of changes, of
    customers who do not pay, of demands, balances and usage that comes to a threshold, of
    refunds, of disputes, of reservations, of tokens that end, of first payments on a page, and of
    instalments that are settled early. Two scenes hold what is too rare to be drawn."""
    tellers = (
        *(story, story_of_dunning, story_of_demands, story_of_settlements, story_of_tokens),
        *(story_of_refunds, story_of_disputes, story_of_voids, story_of_first_payments),
    )
    scenes = (told(released()), told(corrected_to_the_threshold()))
    return [*_drawn(300), *(tell(seed) for tell in tellers for seed in range(60)), *scenes]


def told(books: Books) -> History:
    """The history of a scene."""
    return History((), (), tuple(books.log), dict(books.states))
