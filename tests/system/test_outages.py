"""The database goes away, sessions are cut, projections change hands; nothing is lost by it."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from infrastructure.simulators.faults import Fault
from infrastructure.store.embedded import EmbeddedPostgres
from infrastructure.store.postgres_binaries import NoPostgres
from infrastructure.store.projector import Runner
from infrastructure.store.view_table import live_name
from projections.balances import BALANCES
from projections.catalogue import PROJECTIONS
from projections.charges import CHARGES
from tests.system.building import house
from tests.system.conftest import EVENING
from tests.system.customers import customers
from tests.system.house import House
from tests.system.recovery import Moments, recovered
from tests.waiting import until


def test_F17_connection_lost_while_appending(home: House) -> None:
    """The writer asks again under the same event ids, and writes once."""
    home.move_in(customers(4))
    home.forward(hours=13)
    with home.appends_held():
        home.start_worker()
        until(lambda: home.waiting("append_events") > 0, "the worker's intents")
        assert home.cut_connections(of="append_events") > 0
        until(lambda: home.waiting("append_events") > 0, "the worker to ask again")
    recovered(home, charges=4, attempts=4)


def test_F17_connections_lost_again_and_again(home: House) -> None:
    """Everybody's, ours too, at random moments of a month."""
    home.sign_up(customers(12, days=3))
    moments = Moments(random.Random(17), count=6, between=(0.1, 0.8))
    home.watch = lambda: moments.now() and home.cut_connections()
    home.play(days=31)
    assert moments.left < 6
    home.watch = lambda: None
    recovered(home, charges=24)
    assert home.killed() == 0


def test_F18_database_restarted_under_working_workers(tmp_path: Path) -> None:
    """It is stopped and started while calls are under way; what was acknowledged is there."""
    folder = Path(tempfile.mkdtemp(prefix="billing-test-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder, fsync=False)
    try:
        with house(server.start(), tmp_path, start=EVENING, throw_away=True) as home:
            home.move_in(customers(12))
            for controls in home.controls.values():
                controls.faults.hang_s = 0.5
                controls.faults.shares = {Fault.LOST_ANSWER: 0.5}
            restarted: list[int] = []

            def restart() -> None:
                if not restarted and home.captured():
                    restarted.append(len(home.captured()))
                    server.stop()
                    server.start()

            home.crowd, home.watch = 2, restart
            home.play(days=2)
            assert restarted[0] < 12
            recovered(home, charges=12, attempts=12)
            assert home.killed() == 0
    except NoPostgres as missing:
        pytest.skip(f"no PostgreSQL of our own can be started here: {missing}")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_F27_killed_in_the_middle_of_a_batch_of_rows(home: House) -> None:
    """Rows of one projection are written, those of another are not; then all or none are there."""
    home.move_in(customers(4))
    home.forward(hours=13)
    # In whatever order they are written, a bill touches charges and, before or after, balances.
    last = live_name(max((BALANCES, CHARGES), key=PROJECTIONS.index))
    with home.held(f"LOCK TABLE {last} IN EXCLUSIVE MODE"):
        worker = home.start_worker()
        until(lambda: home.waiting(last) > 0, "a batch to be in the middle")
        worker.kill()
    recovered(home, charges=4, attempts=4)


def test_F28_several_runners_of_the_projections(home: House) -> None:
    """Two workers and this process want to lead; one does, and the last takes over."""
    home.sign_up(customers(8, days=2))
    books, ledger = home.system.books, home.system.ledger
    third = Runner(books.connect, books.schema, ledger, PROJECTIONS, silence_s=3600.0)
    home.crowd, home.watch = 2, lambda: third.run_once(home.now)
    home.play(days=3)
    home.workers[0].kill()
    home.play(days=28)
    home.watch = lambda: None
    home.send_home()
    third.catch_up(home.now)
    assert third.leads()
    third.close()
    recovered(home, charges=16)


def test_worker_whose_projections_fail_ends_with_them(home: House) -> None:
    """It does not go on as if it worked: it says why and leaves, and another may be started."""
    home.move_in(customers(2))
    with psycopg.connect(home.admin) as conn:
        conn.execute(f"UPDATE \"{home.system.books.schema}\".view_positions SET shape = 'other'")
    worker = home.start_worker()
    until(lambda: not worker.alive, "the worker to end")
    assert worker.process.returncode > 0
    assert "changed their shape" in worker.said()
