"""Finance's answers at random (E, R) on a long log: median and 95th percentile of each report.

    .venv/bin/python scripts/bench_asof.py [--facts 1000000] [--questions 100] [--check 0]

E is a day of the log's three years, R a position; half of the questions are asked at the log's end.
--check N: so many of the trial balances are derived from the log as well, and must be the same.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg_pool import ConnectionPool

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_log import DAYS, FIRST, LIVES, long_log

from infrastructure.books.answers import Answers
from infrastructure.books.chart_file import read_chart
from infrastructure.store.books import Books
from infrastructure.store.journal_reader import JournalReader
from infrastructure.store.journal_table import JournalBooks
from infrastructure.store.projector import Runner
from infrastructure.store.rebuild import Rebuilder
from infrastructure.store.tracking import ShapeChanged
from projections.account_lines import Place
from projections.account_sums import Known

ZONE = "Europe/Oslo"
# Lines of a ledger that are read at once, as the command does.
PAGE = 500
# Its columns: the report, and how it is asked.
REPORTS: dict[str, Callable[[Answers], Any]] = {
    "trial balance": Answers.trial_balance,
    "revenue": Answers.revenue,
    "waterfall": Answers.waterfall,
    "cash": Answers.cash,
    "statement": lambda answers: answers.statement(f"c-life{random.randrange(LIVES):02}00007"),
    "ageing": Answers.ageing,
    "ledger, 1500 of one": lambda answers: answers.ledger(
        "1500", of=f"c-life{random.randrange(LIVES):02}00007", limit=PAGE
    ),
    "ledger, 1570": lambda answers: answers.ledger("1570", limit=PAGE),
    "ledger, 1570 of 30 days": lambda answers: answers.ledger(
        "1570", after=Place(answers.known.as_of - timedelta(days=30), 0), limit=PAGE
    ),
    "ledger, 2900 of 30 days": lambda answers: answers.ledger(
        "2900", after=Place(answers.known.as_of - timedelta(days=30), 0), limit=PAGE
    ),
}


def kept(books: Books, ledger: Any) -> JournalBooks:
    """The journal, up to the log's end."""
    journal = JournalBooks(ZONE)
    runner = Runner(books.connect, books.schema, ledger, [journal], batch=5000)
    began = time.perf_counter()
    try:
        count = runner.catch_up(datetime.now(UTC))
    except ShapeChanged:
        rebuilder = Rebuilder(books.connect, books.schema, ledger)
        count = rebuilder.rebuild(journal, datetime.now(UTC)).position
    runner.close()
    print(f"journal kept: {count:,} facts in {time.perf_counter() - began:.0f} s", flush=True)
    return journal


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--check", type=int, default=0)
    arguments = parser.parse_args()
    random.seed(7)
    with long_log(arguments.facts) as (books, ledger):
        journal, head, chart = kept(books, ledger), ledger.head(), read_chart()
        with books.connect() as conn:
            conn.autocommit = True
            for suffix in ("", "_sums", "_parts", "_items"):
                conn.execute(f"VACUUM ANALYZE {books.identifier}.view_journal_v1{suffix}")
        with ConnectionPool(
            kwargs={**books.connection_arguments, "autocommit": True}, min_size=1, max_size=1
        ) as pool:
            reader = JournalReader(pool, books.schema, journal)

            def asked(tables: JournalReader | None, day: int, position: int) -> Answers:
                known = Known(as_of=(FIRST + timedelta(days=day)).date(), zone=ZONE)
                return Answers(ledger, tables, known=known, chart=chart, known_at=position)

            questions = [
                (random.randrange(DAYS + 400), random.choice((head, random.randrange(head))))
                for _ in range(arguments.questions)
            ]
            print(f"{'ms':>24}{'median':>10}{'p95':>10}{'longest':>10}")
            for name, ask in REPORTS.items():
                ask(asked(reader, *questions[0]))
                took = []
                for question in questions:
                    answers = asked(reader, *question)
                    began = time.perf_counter()
                    ask(answers)
                    took.append((time.perf_counter() - began) * 1000)
                p95 = statistics.quantiles(took, n=20)[-1]
                print(f"{name:>24}{statistics.median(took):>10.1f}{p95:>10.1f}{max(took):>10.1f}")
            for question in questions[: arguments.check]:
                derived = asked(None, *question).trial_balance()
                assert asked(reader, *question).trial_balance() == derived, question
                print(f"the log says the same at {question}")


if __name__ == "__main__":
    main()
