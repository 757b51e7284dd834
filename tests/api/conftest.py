"""A system, an app over it, and a client of that app."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

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


class Present:
    """Stands for the system of the present test: making the API anew for each takes too long."""

    system: System

    def __getattr__(self, name: str) -> Any:
        return getattr(self.system, name)


PRESENT = Present()


@cache
def app_without_keys() -> Litestar:
    """The API over whatever system is PRESENT, as long as that has no API keys."""
    system = cast(System, PRESENT)
    return build_app(system, gateways=lambda: system.gateways())


@pytest.fixture
def client(system: System, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client of the API that sees errors as strangers see them.

    Modules that read its figures say COUNTS, and get an API of their own, which counts from zero.
    """
    assert not system.settings.api_keys
    PRESENT.system = system
    counts = getattr(request.module, "COUNTS", False)
    app = build_app(system) if counts else app_without_keys()
    with TestClient(app, raise_server_exceptions=False) as made:
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
