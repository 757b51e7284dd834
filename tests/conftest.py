"""A PostgreSQL server for each test process, and fresh books for each test that asks for them.

`BILLING_TEST_DATABASE_URL` names a server of one's own, which all test processes then share;
without it each starts an embedded one of its own in a temporary folder, with fsync off because its
data is thrown away. One each: tests stop it, cut its connections and change its settings.
"""

from __future__ import annotations

import itertools
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
import structlog
from hypothesis import HealthCheck, settings

from infrastructure.store.books import Books
from infrastructure.store.embedded import EmbeddedPostgres
from infrastructure.store.schema import Roles, drop_books, open_books
from tests.guarding import guarded

# Of this process, wherever it runs: several may share a server, and one that was killed may have
# left its books there.
_RUN = secrets.token_hex(4)
_numbers = itertools.count(1)
# A machine that is busy with something else draws slowly; that says nothing about our rules.
settings.register_profile(
    "ours", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")
# Modules that take longest, for runs in several processes: what begins last must be short.
LONGEST_FIRST = ("system/test_state_machine", "system/test_crashes", "system/")
TESTS = Path(__file__).parent
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a run that is split up, the longest modules come first."""

    def rank(item: pytest.Item) -> int:
        module = item.path.relative_to(TESTS).as_posix()
        places = (n for n, start in enumerate(LONGEST_FIRST) if module.startswith(start))
        return next(places, len(LONGEST_FIRST))

    if hasattr(config, "workerinput"):
        items.sort(key=rank)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A test that sets up the logs, as every command does, leaves the next one's as they were."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session", autouse=True)
def folder_of_run() -> Iterator[Path]:
    """A temporary folder. It goes in the end, with all that the tests started, come what may."""
    # Not pytest's own folder: as root the server runs as another user, who must reach it.
    folder = Path(tempfile.mkdtemp(prefix="billing-test-"))
    folder.chmod(0o711)
    with guarded(folder):
        yield folder


@pytest.fixture(scope="session")
def server(folder_of_run: Path) -> Iterator[Server]:
    """The server of this test process."""
    url = os.environ.get("BILLING_TEST_DATABASE_URL")
    if url:
        yield Server(url, throw_away=False)
        return
    with EmbeddedPostgres(folder_of_run, fsync=False, max_connections=200) as conninfo:
        yield Server(conninfo, throw_away=True)


def fresh_name(kind: str) -> str:
    """A name for books that no other test has, here or in another process."""
    return f"{kind}_{_RUN}_{next(_numbers)}"


@contextmanager
def fresh_books(server: Server, kind: str = "test") -> Iterator[Books]:
    """Fresh, empty books; gone afterwards. kind: how their name begins."""
    schema = fresh_name(kind)
    try:
        yield server.open(schema)
    finally:
        if not server.throw_away:
            drop_books(server.conninfo, schema)


@pytest.fixture
def books(server: Server) -> Iterator[Books]:
    """Fresh, empty books."""
    with fresh_books(server) as fresh:
        yield fresh


@pytest.fixture
def other_books(server: Server) -> Iterator[Books]:
    """Other fresh books on the same server."""
    with fresh_books(server) as fresh:
        yield fresh
