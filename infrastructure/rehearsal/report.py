"""What a rehearsal came to: the figures, where each comes from, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import msgspec
from psycopg import sql

from domain.plan import DunningEnd
from domain.schedule import due_day, last_invoice, schedule_of
from domain.subscription.state import Status, Subscription
from infrastructure.audit import BooksReport, audit_books
from infrastructure.bootstrap import System
from infrastructure.commands.customers import CustomerRow
from infrastructure.rehearsal.oracle import Comparison, compare
from infrastructure.rehearsal.plan import Window
from infrastructure.rehearsal.settling import Settled
from infrastructure.rehearsal.stage import Stage
from projections.due_dates import DueDates

PAGE = 2_000
MOST_LINES = 10


@attrs.define
class Balances:
    """One group's money in one currency, minor units."""

    customers: int = 0
    billed: int = 0
    paid: int = 0
    written_off: int = 0
    open: int = 0
    overdue: int = 0
    credit: int = 0
    refunded: int = 0


@attrs.define(kw_only=True)
class Report:
    """Everything that is printed.

    balances: (group, currency) -> money. due: what falls due next, in words.
    declines: (class, code, how it went on) -> charges.
    unknowns: how doubts were resolved -> charges; open_unknowns: those that are still open.
    missed: invoices that should have been issued and were not, in words.
    waiting: why open invoices are not collected -> invoices.
    changes: what customers wished for on the way -> customers.
    usage: how usage was reported, and what came of it -> reports.
    settled: what the providers settled, against our books.
    peaks_mib: the most memory each process held. seconds: of each part of the run.
    """

    balances: dict[tuple[str, str], Balances] = attrs.field(factory=dict)
    due: list[str] = attrs.field(factory=list)
    declines: Counter[tuple[str, str, str]] = attrs.field(factory=Counter)
    unknowns: Counter[str] = attrs.field(factory=Counter)
    open_unknowns: list[str] = attrs.field(factory=list)
    missed: list[str] = attrs.field(factory=list)
    waiting: Counter[str] = attrs.field(factory=Counter)
    quarantined: int = 0
    charges: int = 0
    facts: int = 0
    books: Comparison = attrs.field(factory=Comparison)
    audit: BooksReport
    peaks_mib: dict[str, int] = attrs.field(factory=dict)
    seconds: dict[str, float] = attrs.field(factory=dict)
    clock_steps: int = 0
    changes: Counter[str] = attrs.field(factory=Counter)
    usage: Counter[str] = attrs.field(factory=Counter)
    settled: Settled | None = None

    @property
    def clean(self) -> bool:
        """Audit clean, books equal, nothing missed, nothing charged twice, and all of the money is
        matched to what providers settled, or listed."""
        well = self.audit.clean and self.books.equal and not self.missed
        return well and (self.settled is None or self.settled.complete)

    @classmethod
    def of(
        cls,
        system: System,
        stage: Stage,
        rows: Sequence[CustomerRow],
        plan: Window,
        changed: Collection[str] = (),
    ) -> Report:
        """Read it all off the books, the projections and the simulators.

        changed: subscriptions whose terms changed on the way.
        """
        audit = audit_books(system.books.connect, system.books.schema, system.ledger, system.kept)
        report = cls(audit=audit, facts=audit.head)
        report.books = compare(system.ledger, stage.simulators())
        groups = {row.customer_id: row.state or "all" for row in rows}
        _read_balances(system, groups, report)
        _read_agenda(system, plan, changed, report)
        _read_charges(system, report)
        report.quarantined = len(system.inbox.quarantined(system.clock()))
        report.charges = sum(count for count, _ in report.books.totals.values())
        stage.check()
        report.peaks_mib = {each.name: each.peak_kib // 1024 for each in stage.actors}
        return report


def _pages(system: System, name: str) -> Iterator[Any]:
    offset = 0
    while page := system.views.select(name, limit=PAGE, offset=offset).rows:
        yield from page.values()
        offset += PAGE


def _read_balances(system: System, groups: Mapping[str, str], report: Report) -> None:
    now = system.clock()
    for row in _pages(system, "balances"):
        key = (groups.get(row.customer_id, "all"), row.currency)
        group = report.balances.setdefault(key, Balances())
        group.customers += 1
        group.billed += row.billed
        group.paid += row.paid
        group.written_off += row.written_off
        group.open += row.open
        group.overdue += row.overdue(now)
        group.credit += row.credit
        group.refunded += row.refunded


def _read_agenda(system: System, plan: Window, changed: Collection[str], report: Report) -> None:
    """What is due next, why open invoices wait, and what was missed."""
    upcoming = []
    for row in _pages(system, "due_dates"):
        assert isinstance(row, DueDates)
        for item in row.items:
            if item.due_at is not None:
                upcoming.append((item.due_at, row.subscription_id, item.kind.value, item.why))
            elif item.kind.value == "collect":
                report.waiting[item.why] += 1
        if row.state.open_attempt is not None:
            attempt = row.state.open_attempt
            report.open_unknowns.append(f"{attempt.reference}: {attempt.amount}")
        stops = row.state.terms.retry.end in (DunningEnd.SUSPEND, DunningEnd.CANCEL)
        if row.subscription_id in changed or stops:
            report.missed.extend(_overdue(row.state, plan))
        else:
            report.missed.extend(_missed(row.state, plan))
    upcoming.sort()
    report.due = [
        f"{at:%Y-%m-%d %H:%M}Z  {subscription}  {kind}: {why}"
        for at, subscription, kind, why in upcoming[:MOST_LINES]
    ]


def _missed(state: Subscription, plan: Window) -> Iterator[str]:
    """Every invoice that fell due in the window, counted from the terms alone."""
    if state.status is Status.PENDING:
        yield f"{state.subscription_id}: never vaulted"
        return
    due, last = 0, last_invoice(state.terms)
    schedule = schedule_of(state.start, state.terms)
    while last is None or due < last:
        day = due_day(state.terms, schedule.period(due + 1))
        if day > plan.until.date():
            break
        due += 1
    if state.invoices_issued < due:
        yield f"{state.subscription_id}: {state.invoices_issued} of {due} invoices"


def _overdue(state: Subscription, plan: Window) -> Iterator[str]:
    """What was announced and not billed, of a subscription whose terms alone no longer tell."""
    if state.bills and state.next_due_at is not None and state.next_due_at <= plan.until:
        yield f"{state.subscription_id}: nothing billed since {state.next_due_at}"


def _read_charges(system: System, report: Report) -> None:
    """How declines and doubts went on, from the charges of each invoice in order."""
    paid = sql.SQL(
        "WITH c AS (SELECT subscription_id, status, row->>'invoice_number' AS invoice,"
        " row->>'decline' AS decline, row->>'code' AS code, row->>'evidence' AS evidence,"
        " (row->>'looks')::int AS looks FROM {charges}),"
        " p AS (SELECT subscription_id, invoice,"
        " bool_or(status IN ('succeeded', 'found-late', 'disputed', 'reversed'))"
        " AS paid, count(*) AS tries FROM c GROUP BY 1, 2)"
        " SELECT c.decline, c.code, p.paid, count(*) FROM c JOIN p USING (subscription_id, invoice)"
        " WHERE c.status = 'declined' GROUP BY 1, 2, 3"
    ).format(charges=sql.Identifier(system.books.schema, "charges"))
    with system.pool.connection() as connection:
        for decline, code, is_paid, count in connection.execute(paid):
            went_on = "paid by a later attempt" if is_paid else "still open"
            report.declines[decline, code, went_on] += count
    report.unknowns.update(_resolutions(system))


def _resolutions(system: System) -> Counter[str]:
    """What each recorded doubt ended with, from the log: unknown -> outcome and evidence."""
    query = sql.SQL(
        "SELECT e.body->>'attempt_id' AS attempt, e.name, e.body->>'evidence' FROM {events} e"
        " WHERE e.body->>'attempt_id' IN (SELECT body->>'attempt_id' FROM {events}"
        " WHERE name = 'charge-outcome-unknown.v1') AND e.name IN"
        " ('charge-succeeded.v1', 'charge-declined.v1', 'charge-not-made.v1',"
        " 'authorization-voided.v1')"
    ).format(events=sql.Identifier(system.books.schema, "events"))
    outcomes: Counter[str] = Counter()
    with system.pool.connection() as connection:
        for _, name, evidence in connection.execute(query):
            how = (evidence or "").partition(":")[0]
            outcomes[f"{name.removesuffix('.v1')} by {how}"] += 1
    return outcomes


def as_data(report: Report) -> dict[str, Any]:
    """The report for machines."""
    return {
        "clean": report.clean,
        "verdict": report.audit.verdict.value,
        "facts": report.facts,
        "charges": report.charges,
        "totals": _totals(report.books.totals),
        "refunds": _totals(report.books.refunds),
        "reversals": _totals(report.books.reversals),
        "refunds_in_doubt": report.books.doubtful,
        "charged_twice": report.books.twice,
        "missing_ours": report.books.missing_ours,
        "missing_theirs": report.books.missing_theirs,
        "amounts": report.books.amounts,
        "missed": report.missed,
        "open_unknowns": report.open_unknowns,
        "unknowns": dict(report.unknowns),
        "declines": {" / ".join(key): count for key, count in report.declines.items()},
        "waiting": dict(report.waiting),
        "changes": dict(report.changes),
        "usage": dict(report.usage),
        "quarantined": report.quarantined,
        "settled": None if report.settled is None else attrs.asdict(report.settled),
        "balances": {
            f"{group} {currency}": attrs.asdict(money)
            for (group, currency), money in report.balances.items()
        },
        "peaks_mib": report.peaks_mib,
        "seconds": {name: round(value, 1) for name, value in report.seconds.items()},
        "charges_per_second": round(report.charges / report.seconds["billing"], 1),
        "clock_steps": report.clock_steps,
    }


def _totals(found: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, int]]:
    return {
        currency: {"count": count, "minor": minor} for currency, (count, minor) in found.items()
    }


def write_report(path: Path, report: Report) -> None:
    """The report as a JSON file."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(as_data(report))))
