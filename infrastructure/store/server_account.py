"""Running the server's programs as the user that the server runs as."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from pathlib import Path


class EmbeddedPostgresError(Exception):
    """The server could not be made or started; the text ends with what it said."""


def is_zombie(pid: int) -> bool:
    """Whether that process has ended and waits for a parent that does not collect it (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def give(path: Path, account: pwd.struct_passwd | None) -> None:
    """Make a path that account's own; None is ourselves, and nothing changes."""
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def can_enter(account: pwd.struct_passwd, folder: Path) -> bool:
    """Whether that account may go into a folder, asked of the system itself."""
    return run_as(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], account, check=False) == 0


def run_as(command: list[str], account: pwd.struct_passwd | None, *, check: bool = True) -> int:
    """Run a program as that account and wait for it; its output goes into the error's text."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    environment["LC_ALL"] = "C"
    with tempfile.TemporaryFile() as output:  # not a pipe: a started server would keep it open
        done = subprocess.run(  # noqa: S603 - programs and paths are ours, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            check=False,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if check and done.returncode != 0:
        raise EmbeddedPostgresError(f"{Path(command[0]).name} failed: {said[-2000:]}")
    return done.returncode
