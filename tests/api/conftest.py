"""A system, an app over it, and a client of that app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from infrastructure.api.app import build_app
from infrastructure.bootstrap import System
from infrastructure.store.books import Books
from tests.api.billing import running
from tests.conftest import Server, fresh_books
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


@pytest.fixture(scope="module")
def running_system(server: Server) -> Iterator[System]:
    """One running subscription for all requests of a module that are to write nothing."""
    with fresh_books(server, "running") as books, system_over(books) as made:
        running(made)
        yield made


@pytest.fixture(scope="module")
def kept(running_system: System) -> Iterator[Client]:
    """A client of it."""
    with TestClient(build_app(running_system), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def unmoved(running_system: System) -> Iterator[None]:
    """Nothing is written by the test."""
    head = running_system.ledger.head()
    yield
    assert running_system.ledger.head() == head
