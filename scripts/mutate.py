"""Plant known faults in the rules, one at a time, and see that the tests catch each.

    python scripts/mutate.py [--only WORD] [--jobs N]

Each fault of the planted_*.py beside this file is planted in a temporary copy of the project. The
tests that its file names and those of its module run on it first; when those pass, the other
tests of its file's folder (RUN_ON; else those of the rules); at last the properties. Where its file
says NEEDS_SERVER, they run with the project's fixtures, each run on a server of its own. Nothing
here is touched.

Exit status: 0 every fault was caught; 1 one survived; 2 a snippet is no longer in the source, or
the tests fail without any fault, or a planted fault is not even code.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

from planted_faults import Fault

# Each planted_*.py beside this file.
GROUPS = tuple(
    import_module(path.stem) for path in sorted(Path(__file__).parent.glob("planted_*.py"))
)
FAULTS: tuple[Fault, ...] = tuple(fault for group in GROUPS for fault in group.FAULTS)
PROJECT = Path(__file__).resolve().parent.parent
COPIED = (
    "domain",
    "projections",
    "infrastructure",
    "tests",
    "pyproject.toml",
    "scripts/verify_proof.py",
)
RULES_TESTS = "tests/domain"
LAST = {f"{RULES_TESTS}/test_{name}.py" for name in ("calendar", "identity", "money")}
# Whole histories that are drawn, whole contracts over HTTP.
LONG = ("import History", "import GatewayContract")
# Seconds after which a run that does not end counts as caught: some faults loop for ever. The
# longest run took 581 s without a fault, on two cores that others were using, too.
LONGEST_RUN_S = 1200
# pytest's own exit codes. INTERRUPTED: a test could not even be collected; where the planted
# module itself can be imported, that is the fault's doing.
PASSED, FAILED, INTERRUPTED = 0, 1, 2


class Unusable(Exception):
    """A fault that cannot be planted, or tests that say nothing."""


@contextmanager
def copied_project() -> Iterator[Path]:
    """A throw-away copy of what the tests of the rules need."""
    with tempfile.TemporaryDirectory(prefix="billing-mutate-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = PROJECT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (copy / name).parent.mkdir(exist_ok=True)
                shutil.copy2(source, copy / name)
        yield copy


def planted(fault: Fault, source: str) -> str:
    """The source with the fault in it. Raises: Unusable."""
    found = source.count(fault.snippet)
    if found != 1:
        raise Unusable(f"{fault.path}: the snippet is there {found} times: {fault.snippet!r}")
    text = source.replace(fault.snippet, fault.planted)
    try:
        compile(text, fault.path, "exec")
    except SyntaxError as error:
        raise Unusable(f"{fault.path}: planted, it is no code: {error}") from error
    return text


def group_of(fault: Fault) -> ModuleType:
    """The file that it stands in."""
    return next(group for group in GROUPS if fault in group.FAULTS)


def folder_of(fault: Fault) -> str:
    """Where the tests are that are to catch it."""
    folder: str = getattr(group_of(fault), "RUN_ON", RULES_TESTS)
    return folder


def named_by(fault: Fault) -> tuple[str, ...]:
    """The tests that its file says are about it."""
    return tuple(getattr(group_of(fault), "TESTS", ()))


def tests_of(copy: Path, module: str, folder: str, named: tuple[str, ...]) -> list[list[str]]:
    """One run after the other: the tests most likely to fail, the other quick ones, and those that
    take long."""
    first: list[str] = []
    quick: list[str] = []
    slow: list[str] = []
    for path in sorted((copy / folder).glob("test_*.py")):
        drawn = any(word in path.read_text() for word in LONG)
        likely = bool(module) and module in path.stem
        runs = slow if drawn else first if likely or path.stem in named else quick
        runs.append(str(path.relative_to(copy)))
    # The first failure ends a run, so the likeliest come first; values are tested last.
    first.sort(key=lambda path: (module not in path, path))
    quick.sort(key=lambda path: (path in LAST, path))
    return [each for each in (first, quick, slow) if each]


def needs_server(folder: str) -> bool:
    """Whether the tests of a folder need the project's fixtures, and so a database."""
    return any(
        getattr(group, "NEEDS_SERVER", False) and getattr(group, "RUN_ON", "") == folder
        for group in GROUPS
    )


def run_tests(copy: Path, paths: list[str]) -> int:
    """pytest's exit code; FAILED where it does not come to an end."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "--tb=no",
        # The fixtures of the project start a database; the rules need none.
        *([] if needs_server(str(Path(paths[0]).parent)) else ["--noconftest"]),
        "--hypothesis-seed=0",
        *paths,
    ]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            timeout=LONGEST_RUN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return FAILED
    if done.returncode not in (PASSED, FAILED, INTERRUPTED):
        raise Unusable(f"pytest says {done.returncode}: {done.stdout.decode()[-800:]}")
    return done.returncode


def is_caught(fault: Fault) -> bool:
    """Whether a test fails on the fault. Raises: Unusable."""
    with copied_project() as copy:
        target = copy / fault.path
        target.write_text(planted(fault, target.read_text()))
        module = fault.path.removesuffix(".py").replace("/", ".")
        importing = [sys.executable, "-c", f"import {module}"]
        if subprocess.run(importing, cwd=copy, capture_output=True, check=False).returncode:
            raise Unusable(f"{fault.path}: planted, it cannot be imported: {fault.complaint}")
        return any(
            run_tests(copy, paths) != PASSED
            for paths in tests_of(copy, target.stem, folder_of(fault), named_by(fault))
        )


def check_sound(faults: list[Fault]) -> None:
    """Every fault can be planted, and without one all tests pass. Raises: Unusable."""
    for fault in faults:
        planted(fault, (PROJECT / fault.path).read_text())
    with copied_project() as copy:
        for folder in sorted({folder_of(each) for each in faults}):
            runs = tests_of(copy, "", folder, ())
            if any(run_tests(copy, paths) != PASSED for paths in runs):
                raise Unusable(f"{folder} fails without any fault; mend it first")


def main() -> int:
    """Plant, test, report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--only",
        default="",
        help="faults whose complaint or file has this word, or the planted_*.py that they are in",
    )
    parser.add_argument("--jobs", type=int, default=2, help="test runs at a time (default 2)")
    chosen = parser.parse_args()
    faults = [
        fault
        for group in GROUPS
        for fault in group.FAULTS
        if chosen.only in f"{fault.complaint} {fault.path} {group.__name__}"
    ]
    began, survived = time.monotonic(), 0
    try:
        check_sound(faults)
        with ThreadPoolExecutor(max_workers=max(1, chosen.jobs)) as pool:
            for fault, caught in zip(faults, pool.map(is_caught, faults), strict=True):
                survived += not caught
                verdict = "caught  " if caught else "SURVIVED"
                print(f"{verdict}  {fault.path:38} {fault.complaint}", flush=True)
    except Unusable as reason:
        print(f"cannot tell: {reason}", file=sys.stderr)
        return 2
    took = time.monotonic() - began
    print(f"{len(faults)} faults planted, {survived} survived, {took:.0f} s")
    return 1 if survived or not faults else 0


if __name__ == "__main__":
    sys.exit(main())
