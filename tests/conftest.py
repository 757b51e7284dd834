"""A PostgreSQL server for the whole run, and fresh books for each test that asks for them.

`BILLING_TEST_DATABASE_URL` names a server of one's own; without it the embedded one is started in
a temporary folder, with fsync off because its data is thrown away.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
import structlog

from infrastructure.store.books import Books
from infrastructure.store.embedded import EmbeddedPostgres
from infrastructure.store.schema import Roles, drop_books, open_books

_numbers = itertools.count(1)
# Shared by all books of a run: making a login role costs more than making the tables.
ROLES = Roles(owner="billing_test_owner", app="billing_test_app")


@attrs.frozen
class Server:
    """A running server. conninfo: an administrator's. throw_away: it goes with the test run."""

    conninfo: str = attrs.field(repr=False)
    throw_away: bool

    def open(self, schema: str) -> Books:
        """Books of that name on this server."""
        return open_books(self.conninfo, schema, roles=ROLES)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A test that sets up the logs, as every command does, leaves the next one's as they were."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server that the whole run shares."""
    url = os.environ.get("BILLING_TEST_DATABASE_URL")
    if url:
        yield Server(url, throw_away=False)
        return
    # Not pytest's own folder: as root the server runs as another user, who must reach it.
    folder = Path(tempfile.mkdtemp(prefix="billing-test-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder, fsync=False, max_connections=200) as conninfo:
            yield Server(conninfo, throw_away=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _fresh_books(server: Server) -> Iterator[Books]:
    schema = f"test_{os.getpid()}_{next(_numbers)}"
    yield server.open(schema)
    if not server.throw_away:
        drop_books(server.conninfo, schema)


@pytest.fixture
def books(server: Server) -> Iterator[Books]:
    """Fresh, empty books."""
    with _fresh_books(server) as fresh:
        yield fresh


@pytest.fixture
def other_books(server: Server) -> Iterator[Books]:
    """Other fresh books on the same server."""
    with _fresh_books(server) as fresh:
        yield fresh
