"""How long a reconciliation takes: settlements of many lines against as many charges.

    python scripts/bench_reconcile.py [--lines 100000] [--runs 5]

On an embedded PostgreSQL: charges are written as facts (intention and success), settlements as the
commands write them. Then, each several times, the median counts:

    lines       reading the lines alone: the settlements' streams, decoded
    log         reading the whole log, decoded, and nothing else
    reconcile   what `billing reconcile` does: the log read once, matched, listed
    matching    of that the matching alone

The bound is 30 s for 100,000 lines. Machines differ; the last lines say what this one is.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid5

from domain.identity import attempt_id, charge_reference, settlement_stream, stream_of
from domain.money import Money
from domain.plan import CaptureMode
from domain.providers import Provider
from domain.recorded import Stamp
from domain.settlement_ports import (
    SettledKind,
    SettledTotal,
    Settlement,
    SettlementLine,
    SettlementReport,
)
from domain.settlements.reading import read
from domain.settlements.state import SettlementState
from domain.subscription.events import ChargeAttempted, ChargeSucceeded
from domain.subscription.folding import evolve
from domain.subscription.state import STATE_VERSION, Subscription
from infrastructure.books.reconciling import read_reconciliation
from infrastructure.collecting import few_collections
from infrastructure.store.embedded import EmbeddedPostgres
from infrastructure.store.ledger import Append, Appended, Ledger
from infrastructure.store.schema import open_books

BOUND_S, BOUND_LINES = 30.0, 100_000
SPACE = UUID("5f3f7c9e-30a1-4b59-9d67-4b9a3f0c6d21")
NOW = datetime(2025, 3, 1, tzinfo=UTC)
BATCH, LINES_A_SETTLEMENT = 2_000, 5_000
T = TypeVar("T")


def charges(count: int) -> Iterator[tuple[str, tuple[Any, ...], SettlementLine]]:
    """(stream, facts, the provider's line) of so many charges of 12.34 USD and more."""
    for number in range(count):
        name = f"b-{number}"
        key = attempt_id(uuid5(SPACE, name), 1, 1)
        at = NOW - timedelta(days=20) + timedelta(seconds=number % 864_000)
        amount, reference = Money(1234 + number % 500, "USD"), charge_reference(name, 1, 1, key)
        provider = Provider.PAYPAL if number % 2 else Provider.DINTERO
        attempted = ChargeAttempted(
            attempt_id=key,
            customer_id=name,
            invoice_number=1,
            attempt_number=1,
            amount=amount,
            provider=provider,
            account="main",
            token_ref="t-1",
            reference=reference,
            capture=CaptureMode.AT_ONCE,
            key_expires_at=at + timedelta(hours=6),
            effective_at=at,
        )
        succeeded = ChargeSucceeded(
            attempt_id=key,
            customer_id=name,
            invoice_number=1,
            amount=amount,
            provider_ref=f"CAP{number:012}",
            evidence="answer",
            effective_at=at,
        )
        line = SettlementLine(
            row=number + 1,
            kind=SettledKind.CAPTURE,
            amount=amount,
            charge_ref=f"CAP{number:012}",
            reference=reference,
            on=at.date(),
        )
        yield stream_of(name), (attempted, succeeded), line


def stamp_of(name: str) -> Stamp:
    """One command a name."""
    return Stamp(actor="bench", cause="bench", command_id=uuid5(SPACE, name))


def write(ledger: Ledger[Any], appends: Sequence[Append]) -> None:
    """All of them, or none counts."""
    for result in ledger.append(appends, now=NOW):
        assert isinstance(result, Appended), result


def settle(ledger: Ledger[Any], provider: Provider, lines: list[SettlementLine]) -> None:
    """Settlements of these lines, paid out in full."""
    stamp = stamp_of(provider.value)
    for number, start in enumerate(range(0, len(lines), LINES_A_SETTLEMENT)):
        some = tuple(lines[start : start + LINES_A_SETTLEMENT])
        total, none = sum(each.amount.minor for each in some), Money(0, "USD")
        whole = SettledTotal(
            captured=Money(total, "USD"),
            refunded=none,
            fees=none,
            payout=none,
            balance_change=total,
        )
        settlement = Settlement(
            settlement_id=f"s-{number}",
            provider_ref="",
            acquirer="bench",
            settled_on=NOW.date(),
            paid=True,
            totals=(whole,),
            files=(),
        )
        report = SettlementReport(settlement=settlement, lines=some)
        facts = read(
            SettlementState(), report, provider=provider, account="main", source="api", now=NOW
        )
        stream = settlement_stream(provider.value, "main", f"s-{number}")
        write(ledger, [Append(stream, 0, facts, stamp)])


def fill(ledger: Ledger[Any], count: int) -> None:
    """Charges, and what providers settled of them."""
    lines: dict[Provider, list[SettlementLine]] = {each: [] for each in Provider}
    made = charges(count)
    while some := list(islice(made, BATCH)):
        write(
            ledger,
            [Append(stream, 0, facts, stamp_of(stream)) for stream, facts, _ in some],
        )
        for _, (attempted, _), line in some:
            lines[attempted.provider].append(line)
    for provider, theirs in lines.items():
        settle(ledger, provider, theirs)


def read_lines(ledger: Ledger[Any], count: int) -> int:
    """Every line of every settlement."""
    found = 0
    for provider in Provider:
        for number in range(-(-count // LINES_A_SETTLEMENT)):
            state = SettlementState()
            stream = settlement_stream(provider.value, "main", f"s-{number}")
            for each in ledger.read_stream(stream):
                state.take(each.event, NOW.date())
            found += 0 if state.statement is None else len(state.statement.lines)
    return found


def read_log(ledger: Ledger[Any]) -> int:
    """Every fact."""
    after = found = 0
    while items := ledger.read_log(after, 5_000):
        after, found = items[-1].position, found + len(items)
    return found


def reconcile(ledger: Ledger[Any]) -> float:
    """Everything; the seconds of the matching alone."""
    known = read_reconciliation(ledger)
    began = time.process_time()
    with few_collections():
        found = known.compare(as_of=NOW.date()).comparison
    took = time.process_time() - began
    assert found.complete
    assert not found.listed, found.listed[:3]
    return took


def timed(runs: int, call: Callable[[], T]) -> tuple[float, float, list[T]]:
    """Medians of several runs: seconds by the clock, seconds of this process; what each gave."""
    took, worked, gave = [], [], []
    for _ in range(runs):
        began, had = time.perf_counter(), time.process_time()
        gave.append(call())
        took.append(time.perf_counter() - began)
        worked.append(time.process_time() - had)
    return statistics.median(took), statistics.median(worked), gave


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="billing-bench-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder), fsync=False) as conninfo:
            books = open_books(conninfo, "bench")
            ledger: Ledger[Subscription] = Ledger(
                books, evolve=evolve, state_type=Subscription, state_version=STATE_VERSION
            )
            began = time.perf_counter()
            fill(ledger, chosen.lines)
            print(f"filled in {time.perf_counter() - began:.1f} s, {ledger.head():,} facts")
            *alone, counts = timed(chosen.runs, lambda: read_lines(ledger, chosen.lines))
            assert set(counts) == {chosen.lines}
            *log, _ = timed(chosen.runs, lambda: read_log(ledger))
            *whole, matching = timed(chosen.runs, lambda: reconcile(ledger))
            ledger.close()
    print(f"{chosen.lines:,} lines against {chosen.lines:,} charges, median of {chosen.runs} runs")
    print("                 clock  this process")
    for name, (took, worked) in {"lines": alone, "log": log, "reconcile": whole}.items():
        print(f"{name:12} {took:7.2f} s     {worked:7.2f} s")
    print(f"{'matching':12} {'':7}       {statistics.median(matching):7.2f} s")
    print(f"reconcile takes {whole[1] / alone[1]:.1f} times what reading the lines alone takes")
    bound, kept = BOUND_S * chosen.lines / BOUND_LINES, whole[0]
    print(f"bound {bound:.0f} s by the clock: {'kept' if kept < bound else 'BROKEN'}")
    busy = os.getloadavg()[0]
    print(f"load of the machine at the end: {busy:.1f}")
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    raise SystemExit(0 if kept < bound else 1)


if __name__ == "__main__":
    main()
