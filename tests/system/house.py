"""A house that bills: fresh books, both simulators, the callback door, and worker processes.

The simulators and the callback door run in threads of the test; the workers are processes of their
own (`billing work`), so that they can be killed, stopped and started while the rest goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import attrs
import eventsourcing.persistence
import psycopg

from domain.refusals import Refused
from domain.subscription.starting import Start
from infrastructure.bootstrap import System
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.rehearsal.stage import Stage
from infrastructure.rehearsal.stepping import Director
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import CallbackFault
from infrastructure.simulators.serving import Controls
from infrastructure.store.projector import Runner
from infrastructure.workers.process import work
from tests.waiting import WITHIN_S, until

ROOT = Path(__file__).resolve().parents[2]
LEASE_S = 2.0
# What a reader of ours may meet while the server's connections are being cut.
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    eventsourcing.persistence.OperationalError,
    eventsourcing.persistence.InterfaceError,
    eventsourcing.persistence.InternalError,
)
E = TypeVar("E")


@attrs.define
class Worker:
    """One `billing work` process. log: where it writes."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        """Whether it has not ended; a stopped one lives."""
        return self.process.poll() is None

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN_S)

    def said(self) -> str:
        """All that it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@attrs.define(slots=False)
class House:
    """One set of books with everything around it.

    controls: of the simulators by provider: their faults, books and clocks.
    hidden: secrets by what they are; none of them may ever be logged.
    crowd: how many workers are kept running; plans: crash points of those started next.
    helped: the one after these is no process but a helper.
    """

    folder: Path
    environment: Mapping[str, str]
    admin: str
    system: System
    stage: Stage
    controls: Mapping[str, Controls]
    hidden: dict[str, str]
    workers: list[Worker] = attrs.field(factory=list)
    crowd: int = 1
    plans: list[str] = attrs.field(factory=list)
    helped: bool = False
    watch: Callable[[], None] = lambda: None

    def __attrs_post_init__(self) -> None:
        self._helpers = contextlib.ExitStack()
        self._director = Director(
            self.system, self.stage, lambda *_: self._look(), stuck_after_s=WITHIN_S
        )

    # --- the clock and the customers ------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The books' time."""
        return self.system.clock()

    def set_time(self, now: datetime) -> None:
        """Move every clock; forward only."""
        self._director.set_time(now)

    def forward(self, **span: float) -> None:
        """Move every clock by a timedelta's arguments."""
        self.set_time(self.now + timedelta(**span))

    def sign_up(self, wishes: Sequence[Start]) -> None:
        """Start subscriptions and ask for their tokens."""
        commands = Subscriptions(self.system, actor="test")
        for outcome in commands.start_many(wishes, request_token=True, cause="command:import"):
            assert not isinstance(outcome, Refused), outcome

    def play(self, days: float) -> None:
        """Work all that falls due in so many days; the workers are kept running meanwhile."""
        goal = self.now + timedelta(days=days)
        deadline = time.monotonic() + 2 * WITHIN_S
        while True:
            try:
                self._director.play(goal)
                return
            except AWAY:
                assert time.monotonic() < deadline, "the database never came back"

    def _look(self) -> None:
        """Called while waiting: replace who has died, then do what the test wants done."""
        while sum(each.alive for each in self.workers) < self.crowd:
            if self.helped and not self.plans:
                self.crowd = 0
                self._helpers.enter_context(self.helper())
            else:
                self.start_worker(self.plans.pop(0) if self.plans else "")
        self.watch()

    # --- the workers ----------------------------------------------------------------------------

    def start_worker(self, crash_at: str = "") -> Worker:
        """One more worker, which dies at a named point if one is given."""
        log = self.folder / f"worker-{len(self.workers) + 1}.log"
        environment = {**os.environ, **self.environment, "BILLING_CRASH_AT": crash_at}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "infrastructure.cli.main", "work"],
                env=environment,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.workers.append(Worker(process, log))
        return self.workers[-1]

    def move_in(self, wishes: Sequence[Start]) -> None:
        """Sign up and let every payer approve; then nobody works, and nothing is due yet."""
        crowd, self.crowd = self.crowd, 0
        with self.helper():
            self.sign_up(wishes)
            self.play(days=0.1)
        self.crowd = crowd

    @contextlib.contextmanager
    def helper(self) -> Iterator[None]:
        """A worker to whom nothing happens: a thread, because starting a process takes long."""
        stopping = asyncio.Event()
        thread = threading.Thread(target=lambda: asyncio.run(work(self.system, stopping)))
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def die_at(self, point: str) -> Worker:
        """Start a worker that dies at a point, and wait for its death."""
        worker = self.start_worker(point)
        until(lambda: not worker.alive, f"the worker to die at {point}:\n{worker.said()}")
        assert worker.process.returncode == -signal.SIGKILL, worker.said()
        return worker

    def alive(self) -> list[Worker]:
        """Workers that have not ended."""
        return [each for each in self.workers if each.alive]

    def killed(self) -> int:
        """How many workers were killed so far."""
        return sum(each.process.poll() == -signal.SIGKILL for each in self.workers)

    def send_home(self) -> None:
        """End every worker gracefully; each must end well."""
        self.crowd = 0
        self._helpers.close()
        for worker in self.workers:
            if worker.alive:
                # Told to end before it has begun, it ends as any process does.
                assert worker.end() in (0, -signal.SIGTERM), worker.said()

    def leased(self) -> int:
        """Subscriptions that were not given back."""
        return self.count("work WHERE leased_until IS NOT NULL")

    def count(self, rows: str) -> int:
        """How many rows of the books' tables, e.g. "inbox WHERE status = 'waiting'"."""
        with psycopg.connect(self.admin, autocommit=True) as conn:
            found = conn.execute(f'SELECT count(*) FROM "{self.system.books.schema}".{rows}')
            return int(found.fetchone()[0])

    def column(self, query: str) -> list[Any]:
        """The first column of a query on the books' tables."""
        with psycopg.connect(self.admin, autocommit=True) as conn:
            conn.execute(f'SET search_path = "{self.system.books.schema}"')
            return [row[0] for row in conn.execute(query)]

    def facts(self, kind: type[E]) -> list[E]:
        """Every fact of a kind, in order."""
        return [
            each.event
            for each in self.system.ledger.read_log(0, 100_000)
            if isinstance(each.event, kind)
        ]

    # --- the database ---------------------------------------------------------------------------

    def cut_connections(self, *, of: str = "") -> int:
        """pg_terminate_backend for sessions of these books, ours too; how many there were.

        of: only of those whose present or last statement holds this text.
        """
        with psycopg.connect(self.admin, autocommit=True) as conn:
            found = conn.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = %s AND strpos(query, %s) > 0",
                [f"billing {self.system.books.schema}", of],
            ).fetchone()
        assert found is not None
        return int(found[0])

    @contextlib.contextmanager
    def projected(self) -> Iterator[Runner]:
        """This process keeps the projections, so that a worker may sleep without leading them."""
        runner, end = self.system.projection_runner(), threading.Event()
        runner.catch_up(self.now)
        thread = threading.Thread(target=runner.run_forever, args=(end,))
        thread.start()
        try:
            yield runner
        finally:
            end.set()
            thread.join()

    @contextlib.contextmanager
    def held(self, *statements: str) -> Iterator[None]:
        """A transaction of the administrator's that holds what these statements lock."""
        with psycopg.connect(self.admin) as conn:
            conn.execute(f'SET LOCAL search_path = "{self.system.books.schema}"')
            for statement in statements:
                conn.execute(statement)
            yield

    def appends_held(self) -> contextlib.AbstractContextManager[None]:
        """Nobody's append gets through meanwhile: each waits in the server for its lock."""
        return self.held("SELECT pg_advisory_xact_lock(1818585188, 'events'::regclass::oid::int4)")

    def waiting(self, statement: str) -> int:
        """Sessions of these books that wait for a lock in a statement with this text."""
        with psycopg.connect(self.admin, autocommit=True) as conn:
            found = conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
                " AND wait_event_type = 'Lock' AND strpos(query, %s) > 0",
                [f"billing {self.system.books.schema}", statement],
            ).fetchone()
        assert found is not None
        return int(found[0])

    # --- the simulators -------------------------------------------------------------------------

    def lose_callbacks(self) -> None:
        """From now on nobody calls back."""
        for controls in self.controls.values():
            controls.faults.callback_shares = {CallbackFault.LOST: 1.0}

    def captured(self) -> dict[str, datetime]:
        """When each reference was captured, by both books."""
        return {
            entry.reference: entry.at
            for controls in self.controls.values()
            for entry in controls.book.entries()
            if entry.movement is Movement.CAPTURED
        }
