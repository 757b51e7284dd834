"""A system, an app over it, and a client of that app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from infrastructure.api.app import build_app
from infrastructure.bootstrap import System
from infrastructure.store.books import Books
from tests.systems import system_over

Client = TestClient[Litestar]


@pytest.fixture
def system(books: Books) -> Iterator[System]:
    """A system over fresh books, with no API keys and both providers' main accounts."""
    with system_over(books) as made:
        yield made


@pytest.fixture
def client(system: System) -> Iterator[Client]:
    """A client of the API that sees errors as strangers see them."""
    with TestClient(build_app(system), raise_server_exceptions=False) as made:
        yield made
