"""A PostgreSQL server of our own: made and started on first use, found again afterwards.

It listens on a Unix socket only and asks everybody for a password (scram; no `trust`). The
superuser's password is drawn once and lies in `pgpass` (0600) in the data folder; connection
strings point to that file, so they hold no secret. A server that a killed process left running is
found by its pid file and used again. Any number of processes may share one: the last to stop it
stops it, and one that is killed no longer counts.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from psycopg.conninfo import make_conninfo

from infrastructure.store.postgres_binaries import copy_programs, find_programs
from infrastructure.store.server_account import (
    EmbeddedPostgresError,
    can_enter,
    give,
    is_zombie,
    run_as,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

SUPERUSER = "billing"
START_SECONDS = 60
# A socket's path may have 107 bytes on Linux, 103 on macOS; "/.s.PGSQL.5432" takes 15 of them.
LONGEST_SOCKET_FOLDER = 88
# Where root's servers lie when the wanted folder is closed to the user that runs them.
OPEN_FOLDER = Path("/var/lib/billing-ledger")
# Lines of postmaster.pid, from 0. Source: PostgreSQL's pidfile.h.
_SOCKET_FOLDER_LINE = 4
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


class EmbeddedPostgres:
    """A server whose data lies under `data_dir`.

    fsync: False only for throw-away test data; a crash of the machine may then lose everything.
    max_connections: of the server; takes effect when this call is the one that starts it.

    As root the server runs as another user (`postgres`, else `nobody`, else one that is created),
    because PostgreSQL refuses root. Where that user cannot reach `data_dir`, the data lies in a
    folder under /var/lib/billing-ledger that `data_dir/location` names.
    """

    def __init__(
        self, data_dir: Path | str, *, fsync: bool = True, max_connections: int = 100
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.fsync = fsync
        self.max_connections = max_connections
        self._in_use: IO[bytes] | None = None

    def start(self) -> str:
        """The server's connection string, as superuser; starts the server unless it runs.

        Raises: EmbeddedPostgresError; NoPostgres when no server programs are found.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
        with self._locked():
            account = self._account()
            home = self._home(account)
            programs = self._programs(home, account)
            if not (home / "cluster").exists():
                self._make_cluster(home, programs, account)
            sockets = self._socket_folder(home, account)
            if not self._runs(home, programs, account):
                self._launch(home, programs, sockets, account)
            if self._in_use is None:
                self._in_use = (self.data_dir / "users").open("ab")
                fcntl.flock(self._in_use, fcntl.LOCK_SH)
        return make_conninfo(
            host=str(sockets), user=SUPERUSER, dbname="postgres", passfile=str(self._passfile)
        )

    def stop(self) -> None:
        """Stop the server, unless another process still uses it. Quiet when it does not run."""
        if self._in_use is None:
            return
        with self._locked():
            self._in_use.close()
            self._in_use = None
            with (self.data_dir / "users").open("ab") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                account = self._account()
                home = self._home(account)
                programs = self._programs(home, account)
                if self._runs(home, programs, account):
                    self._pg_ctl(home, programs, account, "stop", "-m", "fast", "-w")

    def in_use(self) -> bool:
        """Whether any process uses the server, this one included; what is killed does not."""
        with self._locked(), (self.data_dir / "users").open("ab") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _passfile(self) -> Path:
        return self.data_dir / "pgpass"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time makes, starts or stops the server; freed even by kill -9."""
        with (self.data_dir / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _account(self) -> pwd.struct_passwd | None:
        """Whom to run as: None for ourselves, for root another user."""
        if os.geteuid() != 0:
            return None
        for cluster in (self.data_dir / "cluster", _recorded(self.data_dir) / "cluster"):
            if cluster.exists():
                return pwd.getpwuid(cluster.stat().st_uid)
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
        run_as(["useradd", "--system", "--shell", "/bin/false", "billing-postgres"], None)
        return pwd.getpwnam("billing-postgres")

    def _home(self, account: pwd.struct_passwd | None) -> Path:
        """The folder that holds cluster, sockets and log."""
        location = self.data_dir / "location"
        if location.exists():
            return _recorded(self.data_dir)
        if account is None or can_enter(account, self.data_dir):
            return self.data_dir
        digest = hashlib.blake2b(os.fsencode(self.data_dir), digest_size=8).hexdigest()
        home = OPEN_FOLDER / digest
        home.mkdir(parents=True, exist_ok=True, mode=0o711)
        if not can_enter(account, home):
            raise EmbeddedPostgresError(
                f"user {account.pw_name} can enter neither this folder "
                f"nor {home}; choose a data folder that is open to it"
            )
        location.write_text(f"{home}\n")
        return home

    def _programs(self, home: Path, account: pwd.struct_passwd | None) -> Path:
        version = home / "cluster" / "PG_VERSION"
        found = find_programs(int(version.read_text()) if version.exists() else None)
        if account is None or can_enter(account, found):
            return found
        return copy_programs(found, home)

    def _make_cluster(self, home: Path, programs: Path, account: pwd.struct_passwd | None) -> None:
        if not self._passfile.exists():
            password = secrets.token_urlsafe(32)
            draft = self.data_dir / "pgpass.new"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
                f.write(f"*:*:*:{SUPERUSER}:{password}\n")
            draft.rename(self._passfile)
        password = self._passfile.read_text().strip().rsplit(":", 1)[1]
        # Made beside and renamed: a process killed in the middle leaves nothing half made.
        draft = home / "cluster.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        give(draft, account)
        with tempfile.TemporaryDirectory(prefix="billing-") as folder:
            passwords = Path(folder) / "password"
            passwords.write_text(password)
            give(Path(folder), account)
            give(passwords, account)
            command = [str(programs / "initdb"), "-D", str(draft), "-U", SUPERUSER]
            command += ["--auth=scram-sha-256", f"--pwfile={passwords}", "--encoding=UTF8"]
            command += ["--locale=C", *(["--data-checksums"] if self.fsync else ["--no-sync"])]
            run_as(command, account)
        draft.rename(home / "cluster")

    def _socket_folder(self, home: Path, account: pwd.struct_passwd | None) -> Path:
        """A folder of ours with a path that is short enough for a socket."""
        folder = home / "sockets"
        text = os.fsencode(folder)
        if len(text) > LONGEST_SOCKET_FOLDER or not _PLAIN_PATH.fullmatch(str(folder)):
            record = self.data_dir / "socket-folder"
            if record.exists() and (known := Path(record.read_text().strip())).is_dir():
                return known
            folder = Path(tempfile.mkdtemp(prefix="billing-", dir="/tmp"))
            record.write_text(f"{folder}\n")
        folder.mkdir(exist_ok=True, mode=0o700)
        give(folder, account)
        return folder

    def _runs(self, home: Path, programs: Path, account: pwd.struct_passwd | None) -> bool:
        if self._pg_ctl(home, programs, account, "status", check=False) != 0:
            return False
        pid_file = home / "cluster" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        if not is_zombie(int(lines[0])):
            return True
        # Killed, but nobody collects dead processes here (a container without an init), and to
        # PostgreSQL its pid looks alive. Our own pid in its lock files reads as "stale" to the
        # server that we start; what follows in them still lets it see old processes that hold on.
        for lock in (pid_file, Path(lines[_SOCKET_FOLDER_LINE]) / ".s.PGSQL.5432.lock"):
            if lock.exists():
                rest = lock.read_text().splitlines()[1:]
                lock.write_text("\n".join([str(os.getpid()), *rest, ""]))
        return False

    def _launch(
        self, home: Path, programs: Path, sockets: Path, account: pwd.struct_passwd | None
    ) -> None:
        on_or_off = "on" if self.fsync else "off"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "max_connections": str(self.max_connections),
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "fsync": on_or_off,
            "synchronous_commit": "on",
            "full_page_writes": on_or_off,
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = shlex.join(part for k, v in settings.items() for part in ("-c", f"{k}={v}"))
        log = home / "cluster" / "server.log"
        try:
            self._pg_ctl(
                home,
                programs,
                account,
                "start",
                "-w",
                "-l",
                str(log),
                "-o",
                options,
                "-t",
                str(START_SECONDS),
            )
        except EmbeddedPostgresError as error:
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise EmbeddedPostgresError(f"{error}\n{tail}") from None

    def _pg_ctl(
        self,
        home: Path,
        programs: Path,
        account: pwd.struct_passwd | None,
        *arguments: str,
        check: bool = True,
    ) -> int:
        command = [str(programs / "pg_ctl"), "-D", str(home / "cluster"), *arguments]
        return run_as(command, account, check=check)


def _recorded(data_dir: Path) -> Path:
    location = data_dir / "location"
    return Path(location.read_text().strip()) if location.exists() else data_dir
