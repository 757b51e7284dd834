"""Nothing that a test process started outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guarding import VARIABLE, guarded, left_behind
from tests.waiting import WITHIN_S, until

PROJECT = Path(__file__).resolve().parent.parent
# A test process with a database and a worker that ignores SIGTERM.
TESTS = """
import subprocess, sys, tempfile
from pathlib import Path
from infrastructure.store.embedded import EmbeddedPostgres
from tests.guarding import guarded
folder = Path(tempfile.mkdtemp(prefix="billing-test-"))
folder.chmod(0o711)
with guarded(folder) as mark, EmbeddedPostgres(folder, fsync=False):
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.DEVNULL)
    print(mark, folder, flush=True)
    sys.stdin.read()
"""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are found under /proc"
)


@needs_proc
def test_a_killed_test_process_leaves_nothing_running() -> None:
    """kill -9: the database and the worker end, the folder goes."""
    with subprocess.Popen(
        [sys.executable, "-c", TESTS],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout is not None
        mark, folder = tests.stdout.readline().split()
        running = {(each / "comm").read_text().strip() for each in left_behind(mark)}
        assert {"postgres"} < running
        tests.kill()
    until(lambda: not left_behind(mark))
    until(lambda: not Path(folder).exists())


@needs_proc
def test_what_is_left_at_the_end_is_ended(tmp_path: Path) -> None:
    """A test that forgot a process does not leave it behind; the folder goes with its files."""
    folder = tmp_path / "of-the-run"
    folder.mkdir()
    (folder / "file").touch()
    before = os.environ.get(VARIABLE)
    with guarded(folder) as mark:
        forgotten = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        until(lambda: len(left_behind(mark)) == 1)
    assert forgotten.wait(WITHIN_S) == -9
    assert not folder.exists()
    assert os.environ.get(VARIABLE) == before
