"""What a test process started ends with it, also when that process is killed.

The guard is a process of its own. It waits until the process that started it has ended, however
that came about, and then ends what that one left behind (workers, simulators, database servers)
and removes its folders:

    python tests/guarding.py MARK FOLDER...    # reads its input, which ends with the guarded one

What belongs to a run carries its mark in the environment, which children inherit. Processes are
found under /proc, so on Linux only; elsewhere what a killed run left has to be ended by hand.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "BILLING_TEST_RUN"
WITHIN_S = 20.0
# A server that kept the books of some thousand tests has a great many files.
REMOVED_WITHIN_S = 200.0


@contextlib.contextmanager
def guarded(*folders: Path) -> Iterator[str]:
    """Guard this process until the end of the block; the mark of what it starts in it.

    folders: removed in the end.
    """
    mark = secrets.token_hex(8)
    before = os.environ.get(VARIABLE)
    command = [sys.executable, "-I", __file__, mark, *map(str, folders)]
    # A session of its own: Ctrl-C on the terminal is for the tests, not for the guard.
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    os.environ[VARIABLE] = mark
    try:
        yield mark
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait(WITHIN_S + REMOVED_WITHIN_S)


def left_behind(mark: str) -> list[Path]:
    """Folders under /proc of the processes with that mark, zombies not among them."""
    wanted = f"{VARIABLE}={mark}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile, or another user's
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append(process)
    return found


def end(process: Path) -> None:
    """Kill it; a PostgreSQL server is told to quit at once, and so gives its memory back."""
    with contextlib.suppress(OSError):
        is_server = (process / "comm").read_text().strip() == "postgres"
        os.kill(int(process.name), signal.SIGQUIT if is_server else signal.SIGKILL)


def main(mark: str, *folders: str) -> None:
    """Wait for the end of the input, then leave nothing."""
    sys.stdin.buffer.read()
    deadline = time.monotonic() + WITHIN_S
    while left := left_behind(mark):
        if time.monotonic() > deadline:
            return  # what cannot be ended keeps its folder
        for process in left:
            end(process)
        time.sleep(0.05)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
