"""The audit of a set of books: the facts judged one by one, and every stored row replayed.

One pass, in flat memory and without stopping anybody: while every stored projection is folded again
from position 1 to be compared with its live rows, each fact that goes by is judged by
projections/audit.py. The ledger of attempts is held against the facts too. Where periods were
closed or due runs recorded, a second pass adds the books up anew for each seal, and derives each
run again. Whatever is found is listed; nothing is mended.

verdict
  clean         nothing differs, and everything up to `head` was read
  differences   a finding in the facts, or a live row that is not what the facts say
  incomplete    nothing differs in what could be read, and something could not be
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import attrs
from psycopg import Connection

from domain.money import Money, decimal_text
from domain.recorded import Recorded
from infrastructure.proof.sealed import NotSealed, SealedLog
from infrastructure.store.attempt_rebuild import compare_attempts
from infrastructure.store.families import FamilyLog
from infrastructure.store.folding import LogItem
from infrastructure.store.journal_writer import StreamLog
from infrastructure.store.rebuild import Difference, LogTooShort, Rebuilder
from infrastructure.store.tracking import (
    ShapeChanged,
    ViewMissing,
    parked_streams,
    require_shape,
    standing,
)
from infrastructure.store.view_table import Kept, live_name
from projections.attempts import AttemptLog
from projections.audit import Audit, AuditReport, Finding, SecondAudit, Verdict, verdict_of
from projections.auditing.book import Totals
from projections.auditing.periods import ChainAt
from projections.catalogue import PROJECTIONS

BATCH = 5000
_LONGEST_VALUE = 80

Tell = Callable[[int, int], None]


@attrs.frozen(kw_only=True)
class BooksReport:
    """What the audit of a set of books found.

    head: the last position when the audit began; facts: up to there.
    views: where each compared projection stood, by table name.
    differences: live rows, of projections and attempts, that are not what the facts say.
    incomplete: what could not be compared, beside `facts.incomplete`.
    """

    schema: str
    head: int
    facts: AuditReport
    views: dict[str, int]
    differences: tuple[Difference, ...]
    incomplete: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict on facts and rows together."""
        return verdict_of(
            differs=self.facts.differs or bool(self.differences),
            incomplete=bool(self.facts.incomplete or self.incomplete),
        )

    @property
    def clean(self) -> bool:
        """Whether all is well; only then may a command end with exit status 0."""
        return self.verdict is Verdict.CLEAN


def audit_books(
    connect: Callable[[], Connection[Any]],
    schema: str,
    log: AuditedLog,
    projections: Sequence[Kept] = PROJECTIONS,
    *,
    batch: int = BATCH,
    tell: Tell | None = None,
    upto: int | None = None,
) -> BooksReport:
    """Audit a set of books as they stand; workers and readers go on meanwhile.

    connect: makes a connection in the application's role.
    batch: facts read at a time. tell: called with (position, head) after each batch.
    upto: the last position that is judged; None: the log's last one as it is now.
    Raises: psycopg.OperationalError when the database cannot be reached.
    """
    head = log.head() if upto is None else upto
    judged = _JudgedLog(log, head, tell)
    views, incomplete, comparable = _standings(connect, schema, projections, head)
    differences: list[Difference] = []
    too_short: list[Finding] = []
    try:
        # One by one where they come from a cursor; only those that differ are kept.
        differences.extend(Rebuilder(connect, schema, judged, batch=batch).compare(*comparable))
    except LogTooShort as short:
        words = f"rows claim more than the log holds: {short}"
        too_short.append(Finding(code="log-too-short", position=head, subscription="", words=words))
    facts = judged.report(batch)
    if not facts.incomplete:
        facts = _second_pass(connect, schema, log, judged, batch).added_to(facts)
    tried = compare_attempts(connect, schema, log, judged.attempts, judged.position)
    differences.extend(tried)
    facts = attrs.evolve(facts, findings=(*facts.findings, *too_short))
    return BooksReport(
        schema=schema,
        head=head,
        facts=facts,
        views=views,
        differences=tuple(differences),
        incomplete=tuple(incomplete),
    )


class AuditedLog(StreamLog, FamilyLog, Protocol):
    """What an audit needs of the ledger."""


class _JudgedLog:
    """The log up to `head`, each fact of which is judged when it is first read.

    What the replay of the rows reads is so read and decoded once. Places count, not numbers: if a
    position is missing, the next one that is there comes.
    """

    def __init__(self, log: AuditedLog, head: int, tell: Tell | None) -> None:
        self._log = log
        self._head = head
        self._tell = tell
        self._audit = Audit()
        self._judged_to = 0

    @property
    def attempts(self) -> AttemptLog:
        """What was tried on each card, up to `position`."""
        return self._audit.attempts

    def second(self, chain_at: ChainAt) -> SecondAudit:
        """What is to be seen in a second pass, when all is judged."""
        return SecondAudit(self._audit.zone, self._audit.runs, chain_at)

    def told(self, position: int) -> None:
        """Tell of a second pass."""
        if self._tell is not None:
            self._tell(position, self._head)

    @property
    def position(self) -> int:
        """The last position that was judged."""
        return self._judged_to

    def read_log(self, after: int, limit: int, stop: int | None = None) -> Sequence[LogItem]:
        """As the log itself; the facts not read before are judged on the way."""
        items = self._log.read_log(after, limit, stop)
        if after <= self._judged_to:
            self._judge([each for each in items if self._judged_to < each.position <= self._head])
        return items

    def read_stream(self, stream: str, after_version: int = 0) -> Sequence[Recorded[Any]]:
        """As the log itself."""
        return self._log.read_stream(stream, after_version)

    def read_streams(self, streams: Sequence[str], stop: int) -> Iterator[list[Recorded[Any]]]:
        """As the log itself."""
        return self._log.read_streams(streams, stop)

    def read_beginnings(self, after: int, limit: int, stop: int) -> Sequence[LogItem]:
        """As the log itself."""
        return self._log.read_beginnings(after, limit, stop)

    def read_together(
        self, streams: Sequence[str], after: int, limit: int, stop: int
    ) -> Sequence[LogItem]:
        """As the log itself."""
        return self._log.read_together(streams, after, limit, stop)

    def streams_named(self, prefix: str) -> list[str]:
        """As the log itself."""
        return self._log.streams_named(prefix)

    def head(self) -> int:
        """As the log itself."""
        return self._log.head()

    @property
    def judged_head(self) -> int:
        """The last position that is to be judged."""
        return self._head

    def report(self, batch: int) -> AuditReport:
        """The report on all facts up to `head`; those that nobody has read yet are read now."""
        while self._judged_to < self._head:
            if not self.read_log(self._judged_to, batch, self._head):
                break
        return self._audit.report(head=self._head)

    def _judge(self, items: Sequence[LogItem]) -> None:
        for item in items:
            if isinstance(item, Recorded):
                self._audit.see(item)
            else:
                reason = f"{item.name}: {item.reason}"
                self._audit.cannot_read(item.position, item.stream, item.version, reason)
        if items:
            self._judged_to = items[-1].position
            if self._tell is not None:
                self._tell(self._judged_to, self._head)


def _second_pass(
    connect: Callable[[], Connection[Any]],
    schema: str,
    log: StreamLog,
    judged: _JudgedLog,
    batch: int,
) -> SecondAudit:
    """Every seal against the books, which are added up anew for it, and against the sealed chain;
    every due run against the facts."""
    with connect() as conn:
        second = judged.second(chains_in(SealedLog(conn, schema)))
        after = 0
        while second.wanted and (items := log.read_log(after, batch, judged.judged_head)):
            for item in items:
                if isinstance(item, Recorded):
                    second.see(item)
            after = items[-1].position
            judged.told(after)
    return second


def chains_in(log: SealedLog) -> ChainAt:
    """The chain that is sealed at a position. What is not sealed has none: verifying says so."""

    def chain_at(position: int) -> str | None:
        try:
            return log.at(position).chain
        except (NotSealed, ValueError):
            return None

    return chain_at


def _standings(
    connect: Callable[[], Connection[Any]],
    schema: str,
    projections: Sequence[Kept],
    head: int,
) -> tuple[dict[str, int], list[str], list[Kept]]:
    """Where the live rows stand, what keeps them from being compared, and which can be."""
    views: dict[str, int] = {}
    incomplete: list[str] = []
    comparable: list[Kept] = []
    with connect() as conn:
        conn.autocommit = True
        for projection in projections:
            name = live_name(projection)
            try:
                stands = standing(conn, schema, projection)
                require_shape(projection, stands)
            except (ViewMissing, ShapeChanged) as error:
                incomplete.append(f"{name}: {error}")
                continue
            views[name] = stands.position
            comparable.append(projection)
            if stands.position < head:
                incomplete.append(f"{name} stands at {stands.position}, the log at {head}")
            for parked in parked_streams(conn, schema, projection).values():
                incomplete.append(
                    f"{name}: {parked.stream} is set aside from position {parked.position} on "
                    f"({parked.reason})"
                )
    return views, incomplete, comparable


# --- telling ----------------------------------------------------------------------------------


def as_words(report: BooksReport) -> str:
    """The report for a person: the verdict first, then everything that was found."""
    facts = report.facts
    lines = [
        f"audit of {report.schema}: {report.verdict.value}",
        f"{facts.positions} facts of {facts.subscriptions} subscriptions read, up to position "
        f"{report.head}; {len(report.views)} stored projections replayed",
    ]
    lines += [_totals_in_words(code, sums) for code, sums in facts.totals.items()]
    lines += [
        f"position {found.position}  {found.subscription or '-'}  {found.code}: {found.words}"
        for found in facts.findings
    ]
    lines += [f"the books do not tie: {words}" for words in facts.books]
    lines += [_difference_in_words(each) for each in report.differences]
    lines += [f"not read: {reason}" for reason in (*facts.incomplete, *report.incomplete)]
    return "\n".join(lines)


def as_data(report: BooksReport) -> dict[str, Any]:
    """The report as plain values, for JSON. Amounts are minor units."""
    facts = report.facts
    return {
        "verdict": report.verdict.value,
        "books": report.schema,
        "head": report.head,
        "positions_read": facts.positions,
        "subscriptions": facts.subscriptions,
        "totals": {code: attrs.asdict(sums) for code, sums in facts.totals.items()},
        "views": dict(report.views),
        "findings": [attrs.asdict(found) for found in facts.findings],
        "differences": [
            {**attrs.asdict(each), "subscription": _subscription_of(each)}
            for each in report.differences
        ],
        "not_tied": list(facts.books),
        "incomplete": [*facts.incomplete, *report.incomplete],
    }


def as_json(report: BooksReport) -> str:
    """The report as JSON text."""
    return json.dumps(as_data(report), indent=2, ensure_ascii=False)


def _totals_in_words(currency: str, sums: Totals) -> str:
    parts = (
        f"{name} {decimal_text(Money(minor, currency))}"
        for name, minor in attrs.asdict(sums).items()
    )
    return f"{currency}: {', '.join(parts)}"


def _subscription_of(difference: Difference) -> str:
    """The subscription of a row that belongs to one, else ""."""
    row = (difference.live or difference.replayed or {}).get("row") or {}
    return str(row.get("subscription_id", ""))


def _difference_in_words(difference: Difference) -> str:
    where = f"position {difference.position}  {_subscription_of(difference) or '-'}"
    what = f"{difference.projection} row {difference.key}"
    if difference.live is None:
        return f"{where}  row-missing: {what} is not there, the facts make one"
    if difference.replayed is None:
        return f"{where}  row-unfounded: {what} is there, the facts make none"
    parts = "; ".join(_fields_that_differ(difference.live, difference.replayed))
    return f"{where}  row-differs: {what}: {parts}"


def _fields_that_differ(live: dict[str, Any], replayed: dict[str, Any]) -> Iterator[str]:
    """Fields of the row that differ, then columns beside it."""
    inside = [side.get("row") or {} for side in (live, replayed)]
    beside = [
        {f"column {name}": value for name, value in side.items() if name not in ("key", "row")}
        for side in (live, replayed)
    ]
    for is_now, should_be in (inside, beside):
        for name in sorted({*is_now, *should_be}):
            if is_now.get(name) != should_be.get(name):
                facts = _short(should_be.get(name))
                yield f"{name} is {_short(is_now.get(name))}, the facts say {facts}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
