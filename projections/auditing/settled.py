"""Settlements and what people said of them: each version against its own lines, by its own sums.

What a version takes of the merchant's money is added up here from its lines; the books take it from
its totals. Both come to the same, or the books do not tie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import assert_never

import attrs

from domain.identity import (
    RECONCILIATION_STREAMS,
    SETTLEMENT_STREAMS,
    reconciliation_stream,
    settlement_stream,
)
from domain.settlement_ports import (
    SettledKind,
    Settlement,
    SettlementLine,
    SettlementReport,
)
from domain.settlements.events import (
    Decision,
    ExceptionAssigned,
    ExceptionDecided,
    MatchConfirmed,
    ReconciliationEvent,
    SettlementEvent,
    SettlementLinesRead,
    SettlementRead,
)
from domain.settlements.reading import LINES_A_FACT, digest_of, wrong_totals
from projections.auditing.book import Totals
from projections.auditing.codes import Say

TotalsOf = Callable[[str], Totals]


@attrs.define
class Settling:
    """One settlement's stream. taken: what its latest version took, by currency: kept, paid out."""

    versions: list[str] = attrs.field(factory=list)
    pending: list[SettlementLine] = attrs.field(factory=list)
    taken: Counter[tuple[str, str]] = attrs.field(factory=Counter)


class SettledJudge:
    """Judges the facts of settlements and reconciliations of a log."""

    def __init__(self, totals_of: TotalsOf) -> None:
        self._totals_of = totals_of
        self._settlements: dict[str, Settling] = {}
        self._decided: set[tuple[str, str]] = set()
        self._confirmed: dict[tuple[str, str], str] = {}
        self._blind: set[str] = set()

    def cannot_read(self, stream: str) -> None:
        """An event of a stream could not be decoded: nothing of it is judged any more."""
        self._blind.add(stream)

    def judge(self, event: SettlementEvent | ReconciliationEvent, stream: str, say: Say) -> None:
        """The next fact of a settlement or of an account's exceptions."""
        if stream in self._blind:
            return
        kind = SETTLEMENT_STREAMS if isinstance(event, SettlementEvent) else RECONCILIATION_STREAMS
        if not stream.startswith(kind):
            say("settlement-misnamed", f"{type(event).__name__} in {stream}")
            return
        match event:
            case SettlementLinesRead():
                self._lines(event, self._settlements.setdefault(stream, Settling()), say)
            case SettlementRead():
                expected = settlement_stream(
                    event.provider.value, event.account, event.settlement_id
                )
                if stream != expected:
                    say("settlement-misnamed", f"{event.settlement_id} in {stream}")
                self._head(event, self._settlements.setdefault(stream, Settling()), say)
            case ExceptionAssigned():
                pass
            case ExceptionDecided():
                self._decision(event, stream, say)
            case MatchConfirmed():
                before = self._confirmed.setdefault((stream, event.line_id), event.movement)
                if before != event.movement:
                    say("match-doubled", f"{event.line_id} is {before} and {event.movement}")
            case _:
                assert_never(event)

    def _lines(self, event: SettlementLinesRead, known: Settling, say: Say) -> None:
        if event.first == 1:
            known.pending = []
        follows = event.first == len(known.pending) + 1
        right = event.version == len(known.versions) + 1
        if not follows or not right or not 1 <= len(event.lines) <= LINES_A_FACT:
            what = f"{len(event.lines)} lines from {event.first} on of version {event.version}"
            say("settlement-lines-wrong", what)
        known.pending.extend(event.lines)

    def _head(self, event: SettlementRead, known: Settling, say: Say) -> None:
        lines = tuple(known.pending) if event.lines else ()
        if event.version != len(known.versions) + 1:
            say("settlement-version-wrong", f"{event.version} after {len(known.versions)}")
        if event.lines != len(lines):
            say("settlement-lines-wrong", f"{len(lines)} lines, and the head counts {event.lines}")
        for words in wrong_totals(event.totals, lines):
            say("settlement-totals-wrong", words)
        if digest_of(_report(event, lines)) != event.sha256:
            say("settlement-digest-wrong", f"version {event.version} of {event.settlement_id}")
        if event.sha256 in known.versions:
            say("settlement-repeated", f"version {event.version} is one that was there before")
        known.versions.append(event.sha256)
        known.pending = []
        taken = _taken(lines, paid=event.paid)
        for name, currency in {*taken, *known.taken}:
            sums = self._totals_of(currency)
            more = taken[name, currency] - known.taken[name, currency]
            setattr(sums, name, getattr(sums, name) + more)
        known.taken = taken

    def _decision(self, event: ExceptionDecided, stream: str, say: Say) -> None:
        if stream != reconciliation_stream(event.provider.value, event.account):
            say("settlement-misnamed", f"a decision about {event.account} in {stream}")
        if (stream, event.exception_id) in self._decided:
            say("decision-wrong", f"{event.exception_id} was decided twice")
        self._decided.add((stream, event.exception_id))
        if (event.decision is Decision.COST) != bool(event.difference.minor):
            say("decision-wrong", f"{event.decision.value} of {event.difference}")
        self._totals_of(event.difference.currency).kept += event.difference.minor


def _taken(lines: Sequence[SettlementLine], *, paid: bool) -> Counter[tuple[str, str]]:
    """What lines take from what lies at the provider, by the name of the total."""
    found: Counter[tuple[str, str]] = Counter()
    for line in lines:
        if line.kind is SettledKind.FEE:
            found["kept", line.amount.currency] += line.amount.minor
        elif line.kind is SettledKind.PAYOUT and paid:
            found["paid_out", line.amount.currency] += line.amount.minor
    return found


def _report(event: SettlementRead, lines: tuple[SettlementLine, ...]) -> SettlementReport:
    settlement = Settlement(
        settlement_id=event.settlement_id,
        provider_ref="",
        acquirer="",
        settled_on=event.settled_on,
        paid=event.paid,
        totals=event.totals,
        files=(),
    )
    return SettlementReport(settlement=settlement, lines=lines)
