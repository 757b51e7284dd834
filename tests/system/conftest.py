"""Houses for the tests of the whole system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.system.building import house
from tests.system.house import House

# The evening before the first subscriptions of these tests begin.
EVENING = datetime(2025, 1, 30, 12, tzinfo=UTC)


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Iterator[House]:
    """A house over fresh books, with nobody in it yet."""
    throw_away = server.throw_away
    with house(server.conninfo, tmp_path, start=EVENING, throw_away=throw_away) as built:
        yield built
