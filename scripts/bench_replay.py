"""Events a second through every projection and the journal, and beside hledger and beancount.

    .venv/bin/python scripts/bench_replay.py [--facts 1000000] [--each] [--no-others]

replayed   rows as they are read, and decoded; then all projections rebuilt together, without and
           with the journal; with --each also every one by itself
balances   of all accounts from the same entries: ours from the log, ours from the tables that were
           kept, hledger and beancount from the export (hledger on the PATH; bean-check likewise, or
           the interpreter of a beancount in BILLING_BEANCOUNT)

Wall seconds; processor seconds of the processes of a line, and the greatest memory of one of them
(the server works beside them). Each line is a process, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_log import long_log

from infrastructure.books.chart_file import read_chart
from infrastructure.books.reading import KnownJournal
from infrastructure.bootstrap import open_ledger
from infrastructure.exports.manifest import export
from infrastructure.exports.source import Wanted
from infrastructure.store.books import Books
from infrastructure.store.crew import Crew
from infrastructure.store.journal_table import JournalBooks
from infrastructure.store.rebuild import Rebuilder
from infrastructure.store.view_table import Kept
from projections.account_sums import Known, sums, trial_balance
from projections.catalogue import PROJECTIONS

BATCH = 5000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOURNAL = JournalBooks("Europe/Oslo")
KEPT: tuple[Kept, ...] = (*PROJECTIONS, JOURNAL)
KNOWN = Known(as_of=date(2030, 1, 1), zone="Europe/Oslo")


def raw(_: Books, ledger: Any) -> None:
    """The rows, as the driver hands them out."""
    position = 0
    while rows := ledger._ledger_recorder.rows_of_log(position, BATCH, None):
        position = rows[-1][0]


def decoded(_: Books, ledger: Any) -> None:
    """The facts."""
    position = 0
    while facts := ledger.read_log(position, BATCH):
        position = facts[-1].position


def together(*kept: Kept) -> Callable[[Books, Any], None]:
    """Some of them rebuilt, by as many processes as there are processors."""

    def rebuilt(books: Books, ledger: Any) -> None:
        crew = Crew(books, open_ledger, os.cpu_count() or 1)
        Rebuilder(books.connect, books.schema, ledger, batch=BATCH, crew=crew).rebuild_all(
            kept, NOW
        )

    return rebuilt


def one(kept: Kept) -> Callable[[Books, Any], None]:
    """One of them, rebuilt."""

    def rebuilt(books: Books, ledger: Any) -> None:
        Rebuilder(books.connect, books.schema, ledger, batch=BATCH).rebuild(kept, NOW)

    return rebuilt


def balances(_: Books, ledger: Any) -> None:
    """The trial balance, derived from the log."""
    assert trial_balance(sums(KnownJournal(ledger), KNOWN), read_chart())


TASKS: dict[str, Callable[[Books, Any], None]] = {
    "raw rows": raw,
    "decoded": decoded,
    "all projections": together(*PROJECTIONS),
    "and the journal": together(*KEPT),
    **{f"{each.name} alone": one(each) for each in KEPT},
    "balances from the log": balances,
}


def task(name: str, facts: int) -> None:
    """Do one task in this process and print its line."""
    with long_log(facts) as (books, ledger):
        head = ledger.head()
        wall, processor = time.perf_counter(), _processor()
        TASKS[name](books, ledger)
        wall, processor = time.perf_counter() - wall, _processor() - processor
    most = max(resource.getrusage(who).ru_maxrss for who in _WHO) / 1024
    line(name, head, wall, processor, most)


# This process, and those that it had and that have ended.
_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _processor() -> float:
    """Processor seconds so far."""
    used = [resource.getrusage(who) for who in _WHO]
    return sum(each.ru_utime + each.ru_stime for each in used)


def line(name: str, facts: int, wall: float, processor: float, most: float) -> None:
    """One line of the table."""
    rates = f"{facts / wall:>10,.0f}{facts / max(processor, 0.001):>12,.0f}"
    print(f"{name:28}{wall:>8.1f}{processor:>10.1f}{rates}{most:>8.0f}", flush=True)


def others(facts: int) -> None:
    """The same entries in the formats of others, and the balances that they make of them."""
    tools = {
        "hledger": ([shutil.which("hledger")], ["-f", "{}", "balance", "--flat", "--no-total"]),
        "beancount": (_beancount(), ["{}"]),
    }
    with tempfile.TemporaryDirectory() as folder, long_log(facts) as (_, ledger):
        for format, (program, arguments) in tools.items():
            if not program[0]:
                print(f"{format}: not here")
                continue
            to = Path(folder) / format
            wanted = Wanted(known=KNOWN, made_at=datetime.now(UTC), software="bench")
            made = export(
                ledger,
                to,
                format=format,
                wanted=wanted,
                chart=read_chart(),
                hash_at=lambda _: "",  # nothing is sealed here
            )
            command = [*program, *(each.format(to / made.file) for each in arguments)]
            began = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # type: ignore[arg-type]
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            assert status == 0, command
            spent = used.ru_utime + used.ru_stime
            line(f"{format}, {made.transactions:,}", facts, wall, spent, used.ru_maxrss / 1024)


def _beancount() -> list[str | None]:
    if python := os.environ.get("BILLING_BEANCOUNT"):
        loads = "import sys, beancount.loader as l; e, *_ = l.load_file(sys.argv[1]); assert e"
        return [python, "-c", loads]
    return [shutil.which("bean-check")]


def main() -> None:
    """Parse, run every task in a process of its own, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--each", action="store_true", help="also each projection by itself")
    parser.add_argument("--no-others", action="store_true", help="without hledger and beancount")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        task(arguments.task, arguments.facts)
        return
    with long_log(arguments.facts):
        head = f"{'':28}{'wall s':>8}{'cpu s':>10}{'a second':>10}{'a cpu s':>12}{'MB':>8}"
        print(head, flush=True)
        for name in TASKS:
            if arguments.each or not name.endswith(" alone"):
                command = [sys.executable, __file__, "--facts", str(arguments.facts)]
                subprocess.run([*command, "--task", name], check=True)
    if not arguments.no_others:
        others(arguments.facts)


if __name__ == "__main__":
    main()
