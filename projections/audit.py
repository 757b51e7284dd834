"""The audit of the facts themselves: one pass over the log, every finding, nothing stored.

It is fed one recorded fact at a time, in the log's order, and remembers little of each
subscription (auditing/book.py), so a log of any length can be audited in flat memory. It never
stops at the first finding. It judges the facts by other means than the fold that made them.

    audit = Audit()
    for recorded in log: audit.see(recorded)
    report = audit.report()
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, get_args

import attrs

from domain.catalogue.events import PlanEvent
from domain.due_runs.events import DueRunEvent
from domain.identity import (
    DUE_RUN_STREAMS,
    PERIOD_STREAMS,
    PLAN_STREAMS,
    RECONCILIATION_STREAMS,
    SETTLEMENT_STREAMS,
    SUBSCRIPTION_STREAMS,
    event_id,
    plan_of,
    subscription_of,
)
from domain.periods.events import PeriodEvent
from domain.recorded import Recorded
from domain.settlements.events import ReconciliationEvent, SettlementEvent
from domain.subscription.events import (
    SubscriptionEvent,
    SubscriptionStarted,
)
from projections.attempts import AttemptLog
from projections.auditing.book import Book, Totals
from projections.auditing.codes import CODES
from projections.auditing.due_runs import RunCheck, RunOrder, Told
from projections.auditing.judging import Judges
from projections.auditing.leftovers import leftovers
from projections.auditing.periods import ChainAt, PeriodOrder, SealCheck
from projections.auditing.restoring import check_restored
from projections.auditing.tying import Tying

_SUBSCRIPTION_EVENTS = frozenset(get_args(SubscriptionEvent))
_PLAN_EVENTS = frozenset(get_args(PlanEvent))
_PERIOD_EVENTS = frozenset(get_args(PeriodEvent))
_RUN_EVENTS = frozenset(get_args(DueRunEvent))
_SETTLED_EVENTS = frozenset((*get_args(SettlementEvent), *get_args(ReconciliationEvent)))


class Verdict(Enum):
    """DIFFERENCES: something is wrong. INCOMPLETE: nothing is, as far as could be read."""

    CLEAN = "clean"
    DIFFERENCES = "differences"
    INCOMPLETE = "incomplete"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is wrong. code: a key of CODES. position: where in the log it shows."""

    code: str
    position: int
    subscription: str
    words: str


@attrs.frozen(kw_only=True)
class AuditReport:
    """What an audit found. positions: how many were read. incomplete: what could not be read.

    totals: per currency; of a stream that could not be read, only what lies before that event.
    books: in what the double entry does not come to the totals; judged where the facts are sound.
    """

    findings: tuple[Finding, ...]
    totals: Mapping[str, Totals]
    positions: int
    subscriptions: int
    incomplete: tuple[str, ...]
    books: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether a fact is wrong, or the books are."""
        return bool(self.findings or self.books)

    @property
    def verdict(self) -> Verdict:
        """A finding weighs more than what could not be read."""
        return verdict_of(differs=self.differs, incomplete=bool(self.incomplete))


def verdict_of(*, differs: bool, incomplete: bool) -> Verdict:
    """The verdict of a whole audit from its parts."""
    if differs:
        return Verdict.DIFFERENCES
    return Verdict.INCOMPLETE if incomplete else Verdict.CLEAN


class Audit:
    """A running audit; see the module."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._incomplete: list[str] = []
        self._books: dict[str, Book] = {}
        self._judges = Judges()
        self._periods = PeriodOrder()
        self._runs = RunOrder()
        self._tying = Tying()
        self._position = 0
        self._read = 0
        self._recorded_at: datetime | None = None

    @property
    def attempts(self) -> AttemptLog:
        """Attempts on cards, of the last weeks of the log."""
        return self._judges.attempts

    @property
    def zone(self) -> str:
        """The time zone of the periods that were closed; "" where none was."""
        return self._periods.zone

    @property
    def runs(self) -> tuple[Told, ...]:
        """The due runs that can be derived again."""
        return self._runs.told

    def see(self, recorded: Recorded[Any]) -> None:
        """Judge the next fact of the log."""
        book = self._place(recorded.position, recorded.stream, recorded.version)
        say = partial(self._say, recorded.position, book.subscription_id)
        if self._recorded_at is not None and recorded.recorded_at < self._recorded_at:
            say("recorded-time-back", f"{recorded.recorded_at} after {self._recorded_at}")
        self._recorded_at = recorded.recorded_at
        derived = event_id(recorded.command_id, recorded.stream, recorded.version)
        if recorded.event_id != derived:
            say("event-id-wrong", f"{recorded.event_id} instead of {derived}")
        if check_restored(recorded, say):
            return
        if type(recorded.event) in _PLAN_EVENTS:
            self._judges.shelves.judge(recorded.event, recorded.stream, say)
            return
        if type(recorded.event) in _PERIOD_EVENTS:
            self._periods.judge(recorded.event, recorded.position, recorded.stream, say)
            return
        if type(recorded.event) in _RUN_EVENTS:
            self._runs.judge(recorded.event, recorded.position, recorded.stream, say)
            return
        if recorded.stream.startswith(DUE_RUN_STREAMS):
            say("run-misnamed", f"{type(recorded.event).__name__} in {recorded.stream}")
        if recorded.stream.startswith(PERIOD_STREAMS):
            say("period-misnamed", f"{type(recorded.event).__name__} in {recorded.stream}")
        if recorded.stream.startswith(PLAN_STREAMS):
            say("plan-misnamed", f"{type(recorded.event).__name__} in {recorded.stream}")
        if type(recorded.event) in _SETTLED_EVENTS:
            self._judges.settled.judge(recorded.event, recorded.stream, say)
            self._tying.see(recorded)
            return
        if recorded.stream.startswith((SETTLEMENT_STREAMS, RECONCILIATION_STREAMS)):
            say("settlement-misnamed", f"{type(recorded.event).__name__} in {recorded.stream}")
        if type(recorded.event) not in _SUBSCRIPTION_EVENTS or book.blind:
            return
        if book.started is None and not isinstance(recorded.event, SubscriptionStarted):
            say("stream-not-begun", f"it begins with {type(recorded.event).__name__}")
            self._blind(book, f"{recorded.stream} has no beginning; its facts were not judged")
            return
        self._judges.judge(book, recorded, say)
        self._tying.see(recorded)

    def cannot_read(self, position: int, stream: str, version: int, reason: str) -> None:
        """The next place in the log holds something that could not be decoded.

        The stream's later facts cannot be judged; the audit is incomplete, and goes on.
        """
        book = self._place(position, stream, version)
        self._incomplete.append(f"position {position}, {stream} version {version}: {reason}")
        book.blind = True
        if stream.startswith(PLAN_STREAMS):
            self._judges.shelves.cannot_read(plan_of(stream))
        if stream.startswith(PERIOD_STREAMS):
            self._periods.blind = True
        self._judges.settled.cannot_read(stream)

    def report(self, *, head: int | None = None) -> AuditReport:
        """What was found so far, as if the log ended here.

        head: the position that the log claims to reach, if known.
        """
        findings, totals = list(self._findings), self._judges.totals
        if head is not None and self._position < head:
            findings.append(_finding(self._position, "", "log-too-short", f"it ends before {head}"))
        for book in self._books.values():
            findings.extend(
                _finding(book.position, book.subscription_id, code, words)
                for code, words in leftovers(book)
            )
        sound = not findings and not self._incomplete
        return AuditReport(
            findings=tuple(sorted(findings, key=lambda finding: finding.position)),
            totals={code: attrs.evolve(totals[code]) for code in sorted(totals)},
            positions=self._read,
            subscriptions=sum(1 for book in self._books.values() if book.started is not None),
            incomplete=tuple(self._incomplete),
            books=self._tying.differences(totals) if sound else (),
        )

    def _place(self, position: int, stream: str, version: int) -> Book:
        """The stream's book, once position and version are found to be the next ones."""
        book = self._books.get(stream)
        if book is None:
            book = self._books[stream] = Book(subscription_of(stream))
            book.blind = not stream.startswith(SUBSCRIPTION_STREAMS)
        if position != self._position + 1:
            words = f"{position} follows {self._position}"
            self._say(position, book.subscription_id, "position-gap", words)
        if version != book.version + 1:
            words = f"version {version} of {stream} follows {book.version}"
            self._say(position, book.subscription_id, "version-gap", words)
        self._position, self._read = position, self._read + 1
        book.version, book.position = version, position
        return book

    def _blind(self, book: Book, reason: str) -> None:
        book.blind = True
        self._incomplete.append(reason)

    def _say(self, position: int, subscription: str, code: str, words: str) -> None:
        self._findings.append(_finding(position, subscription, code, words))


def _finding(position: int, subscription: str, code: str, words: str) -> Finding:
    assert code in CODES, code
    return Finding(code=code, position=position, subscription=subscription, words=words)


class SecondAudit:
    """The second pass, over a log that the first one could read whole: whether every seal holds,
    and whether every due run told the truth.

    zone, runs: see Audit. chain_at: see SealCheck.
    """

    def __init__(self, zone: str, runs: tuple[Told, ...], chain_at: ChainAt) -> None:
        self._seals = SealCheck(zone, chain_at) if zone else None
        self._runs = RunCheck(runs, self._say) if runs else None
        self._findings: list[Finding] = []

    @property
    def wanted(self) -> bool:
        """Whether there is anything to check."""
        return self._seals is not None or self._runs is not None

    def see(self, recorded: Recorded[Any]) -> None:
        """The next fact of the log."""
        if self._seals is not None:
            self._seals.see(recorded, partial(self._say, recorded.position, recorded.stream))
        if self._runs is not None:
            self._runs.see(recorded)

    def added_to(self, report: AuditReport) -> AuditReport:
        """A report with what was found here."""
        found = sorted(self._findings, key=lambda finding: finding.position)
        return attrs.evolve(report, findings=(*report.findings, *found))

    def _say(self, position: int, stream: str, code: str, words: str) -> None:
        self._findings.append(_finding(position, subscription_of(stream), code, words))


def nowhere_sealed(_: int) -> str | None:
    """Of a log at hand nothing is known of what was sealed."""
    return None


def audit_log(
    log: Iterable[Recorded[Any]], *, head: int | None = None, chain_at: ChainAt = nowhere_sealed
) -> AuditReport:
    """Audit a log that is at hand as a whole. chain_at: see SealCheck."""
    audit, facts = Audit(), list(log)
    for recorded in facts:
        audit.see(recorded)
    report = audit.report(head=head)
    second = SecondAudit(audit.zone, audit.runs, chain_at)
    if report.incomplete or not second.wanted:
        return report
    for recorded in facts:
        second.see(recorded)
    return second.added_to(report)
