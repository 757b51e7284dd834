"""A fixed corpus of histories, drawn once, for tests that ask what can be reached at all."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.histories import History, histories
from tests.projections.stories import story, story_of_dunning


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
    """The same three hundred histories in every run, sixty stories full of changes, and sixty of
    customers who do not pay."""
    changes = (story(seed) for seed in range(60))
    return [*_drawn(300), *changes, *(story_of_dunning(seed) for seed in range(60))]
