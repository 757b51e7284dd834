"""The audit of the facts themselves: one pass over the log, every finding, nothing stored.

It is fed one recorded fact at a time, in the log's order, and remembers little of each
subscription (auditing/book.py), so a log of any length can be audited in flat memory. It never
stops at the first finding. It judges the facts by other means than the fold that made them.

    audit = Audit()
    for recorded in log: audit.see(recorded)
    report = audit.report()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, assert_never, get_args

import attrs

from domain.catalogue.events import PlanEvent
from domain.identity import (
    PLAN_STREAMS,
    SUBSCRIPTION_STREAMS,
    event_id,
    plan_of,
    subscription_of,
)
from domain.plan import Terms
from domain.recorded import Recorded
from domain.subscription.events import (
    AmountSet,
    ApprovalOffered,
    BalanceReported,
    BillingParked,
    BillingReleased,
    CancellationScheduled,
    CancellationWithdrawn,
    CaptureAttempted,
    ChargeAttempted,
    ChargeAuthorized,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeLookedUp,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    CollectionEnded,
    CollectionPostponed,
    CollectionResumed,
    CreditApplied,
    CreditGranted,
    DiscountEnded,
    DiscountGranted,
    DiscrepancyResolved,
    InstalmentsSettled,
    InvoiceIssued,
    InvoiceWrittenOff,
    RetryScheduled,
    SubscriptionCancelled,
    SubscriptionCompleted,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionReinstated,
    SubscriptionResumed,
    SubscriptionStarted,
    SubscriptionSuspended,
    TermsChanged,
    TokenRefused,
    TokenRequested,
    TokenRequestExpired,
    TokenVaulted,
    UsageCorrected,
    UsageReported,
)
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundFailed,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.state import Status
from projections.attempts import AttemptLog
from projections.auditing.book import Book, Totals
from projections.auditing.budgeting import check_budgets, check_postponed
from projections.auditing.changing import check_change
from projections.auditing.charging import check_attempt, check_progress, check_retry
from projections.auditing.codes import CODES, Say
from projections.auditing.crediting import (
    check_application,
    check_founded,
    check_grant,
    credit_lies_idle,
)
from projections.auditing.demanding import (
    beside_schedule,
    check_balance,
    check_beside,
    check_reloaded,
)
from projections.auditing.discounts import check_ended, check_granted
from projections.auditing.dunning import (
    check_collected_again,
    check_reinstatement,
    check_suspension,
    check_write_off,
)
from projections.auditing.ending import (
    all_is_paid,
    check_end,
    check_planned_end,
    check_withdrawal,
)
from projections.auditing.invoicing import check_amount, check_invoice
from projections.auditing.parking import check_parking
from projections.auditing.pausing import check_pause, check_resume
from projections.auditing.plans import Shelves
from projections.auditing.refunding import (
    check_goes_back,
    check_refund_attempt,
    check_refund_doubt,
    check_refund_outcome,
    check_refund_request,
    lies_after_end,
    note_captured,
)
from projections.auditing.resolving import check_credited, check_resolution
from projections.auditing.settlements import check_settled, check_settlement_billed
from projections.auditing.settling import (
    check_awaited,
    check_discrepancy,
    check_failure,
    check_late,
    check_success,
)
from projections.auditing.usage import check_correction, check_report
from projections.auditing.vaulting import check_request, check_request_answer, check_start

_SUBSCRIPTION_EVENTS = frozenset(get_args(SubscriptionEvent))
_PLAN_EVENTS = frozenset(get_args(PlanEvent))
_Changing = (
    TermsChanged
    | SubscriptionPaused
    | SubscriptionResumed
    | CreditGranted
    | CreditApplied
    | DiscountGranted
    | DiscountEnded
    | CancellationScheduled
    | CancellationWithdrawn
)


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
    """

    findings: tuple[Finding, ...]
    totals: Mapping[str, Totals]
    positions: int
    subscriptions: int
    incomplete: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """A finding weighs more than what could not be read."""
        return verdict_of(differs=bool(self.findings), incomplete=bool(self.incomplete))


def verdict_of(*, differs: bool, incomplete: bool) -> Verdict:
    """The verdict of a whole audit from its parts."""
    if differs:
        return Verdict.DIFFERENCES
    return Verdict.INCOMPLETE if incomplete else Verdict.CLEAN


class Audit:
    """A running audit; see the module. attempts: on cards, of the last weeks of the log."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._incomplete: list[str] = []
        self._totals: dict[str, Totals] = {}
        self._books: dict[str, Book] = {}
        self._shelves = Shelves()
        self._terms: dict[Terms, Terms] = {}
        self._position = 0
        self._read = 0
        self._recorded_at: datetime | None = None
        self.attempts = AttemptLog()

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
        if type(recorded.event) in _PLAN_EVENTS:
            self._shelves.judge(recorded.event, recorded.stream, say)
            return
        if recorded.stream.startswith(PLAN_STREAMS):
            say("plan-misnamed", f"{type(recorded.event).__name__} in {recorded.stream}")
        if type(recorded.event) not in _SUBSCRIPTION_EVENTS or book.blind:
            return
        if book.started is None and not isinstance(recorded.event, SubscriptionStarted):
            say("stream-not-begun", f"it begins with {type(recorded.event).__name__}")
            self._blind(book, f"{recorded.stream} has no beginning; its facts were not judged")
            return
        check_awaited(book, recorded.event, say)
        check_founded(book, recorded.event, say)
        check_reloaded(book, recorded.event, say)
        check_settlement_billed(book, recorded.event, say)
        check_budgets(self.attempts, recorded, say)
        check_credited(book, recorded.event, say)
        check_goes_back(book, recorded.event, say)
        self._judge(book, recorded, say)

    def cannot_read(self, position: int, stream: str, version: int, reason: str) -> None:
        """The next place in the log holds something that could not be decoded.

        The stream's later facts cannot be judged; the audit is incomplete, and goes on.
        """
        book = self._place(position, stream, version)
        self._incomplete.append(f"position {position}, {stream} version {version}: {reason}")
        book.blind = True
        if stream.startswith(PLAN_STREAMS):
            self._shelves.cannot_read(plan_of(stream))

    def report(self, *, head: int | None = None) -> AuditReport:
        """What was found so far, as if the log ended here.

        head: the position that the log claims to reach, if known.
        """
        findings = list(self._findings)
        if head is not None and self._position < head:
            findings.append(_finding(self._position, "", "log-too-short", f"it ends before {head}"))
        for book in self._books.values():
            findings.extend(_at_the_end(book))
        return AuditReport(
            findings=tuple(sorted(findings, key=lambda finding: finding.position)),
            totals={code: attrs.evolve(self._totals[code]) for code in sorted(self._totals)},
            positions=self._read,
            subscriptions=sum(1 for book in self._books.values() if book.started is not None),
            incomplete=tuple(self._incomplete),
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

    def _judge(self, book: Book, recorded: Recorded[SubscriptionEvent], say: Say) -> None:
        event = recorded.event
        match event:
            case SubscriptionStarted():
                self._shelves.check_start(event, recorded.cause, say)
                terms = self._terms.setdefault(event.terms, event.terms)
                check_start(book, attrs.evolve(event, terms=terms), recorded.stream, say)
            case TokenRequested():
                check_request(book, event, say)
            case ApprovalOffered() | TokenVaulted() | TokenRefused() | TokenRequestExpired():
                check_request_answer(book, event, say)
            case InvoiceIssued() if beside_schedule(event):
                totals = self._totals_of(event.total.currency)
                check_beside(book, event, recorded.recorded_at, totals, say)
            case BalanceReported():
                check_balance(book, event, recorded.recorded_at, say)
            case InvoiceIssued():
                self._shelves.check_invoice(book, event, say)
                totals = self._totals_of(event.total.currency)
                check_invoice(book, event, recorded.recorded_at, totals, say)
            case BillingParked() | BillingReleased():
                check_parking(book, event, say)
            case AmountSet():
                check_amount(book, event, say)
            case InstalmentsSettled():
                check_settled(book, event, say)
            case UsageReported():
                check_report(book, event, recorded.recorded_at, say)
            case UsageCorrected():
                check_correction(book, event, say)
            case ChargeAttempted():
                check_attempt(book, event, say)
            case ChargeAuthorized() | CaptureAttempted() | ChargeOutcomeUnknown():
                check_progress(book, event, say)
            case ChargeLookedUp():
                check_progress(book, event, say)
            case ChargeSucceeded():
                check_success(book, event, self._totals_of, say)
                note_captured(book, event)
            case ChargeDeclined() | ChargeNotMade():
                check_failure(book, event, say)
            case ChargeFoundLate():
                check_late(book, event, self._totals_of, say)
                note_captured(book, event)
            case RefundRequested():
                check_refund_request(book, event, self._totals_of, say)
            case RefundAttempted():
                check_refund_attempt(book, event, say)
            case RefundOutcomeUnknown() | RefundLookedUp():
                check_refund_doubt(book, event, say)
            case RefundSucceeded() | RefundFailed():
                check_refund_outcome(book, event, self._totals_of, say)
            case ChargeDiscrepancyFound():
                check_discrepancy(book, event, say)
            case RetryScheduled() | CollectionEnded():
                check_retry(book, event, say)
            case CollectionPostponed():
                check_postponed(book, event, self.attempts, say)
            case DiscrepancyResolved():
                check_resolution(book, event, say)
            case CollectionResumed():
                check_collected_again(book, event, say)
            case InvoiceWrittenOff():
                check_write_off(book, event, self._totals_of(event.amount.currency), say)
            case SubscriptionSuspended():
                check_suspension(book, event, say)
            case SubscriptionReinstated():
                check_reinstatement(book, event, say)
            case SubscriptionCancelled() | SubscriptionCompleted():
                check_end(book, event, say)
            case _:
                if isinstance(event, TermsChanged):
                    self._shelves.check_change(book, event, recorded.cause, say)
                self._judge_change(book, event, say)

    def _judge_change(self, book: Book, event: _Changing, say: Say) -> None:
        match event:
            case TermsChanged():
                terms = self._terms.setdefault(event.terms, event.terms)
                check_change(book, attrs.evolve(event, terms=terms), say)
            case SubscriptionPaused():
                check_pause(book, event, say)
            case SubscriptionResumed():
                check_resume(book, event, say)
            case CreditGranted():
                check_grant(book, event, self._totals_of(event.amount.currency), say)
            case CreditApplied():
                check_application(book, event, self._totals_of(event.amount.currency), say)
            case DiscountGranted():
                check_granted(book, event, say)
            case DiscountEnded():
                check_ended(book, event, say)
            case CancellationScheduled():
                check_planned_end(book, event, say)
            case CancellationWithdrawn():
                check_withdrawal(book, event, say)
            case _:
                assert_never(event)

    def _totals_of(self, currency: str) -> Totals:
        return self._totals.setdefault(currency, Totals())

    def _blind(self, book: Book, reason: str) -> None:
        book.blind = True
        self._incomplete.append(reason)

    def _say(self, position: int, subscription: str, code: str, words: str) -> None:
        self._findings.append(_finding(position, subscription, code, words))


def _finding(position: int, subscription: str, code: str, words: str) -> Finding:
    assert code in CODES, code
    return Finding(code=code, position=position, subscription=subscription, words=words)


def _at_the_end(book: Book) -> Iterator[Finding]:
    """What a stream must not end with."""
    if book.blind or book.started is None:
        return
    if book.difference is not None:
        words = f"{book.difference.received} received, and no word of it"
        yield _finding(book.position, book.subscription_id, "discrepancy-missing", words)
    if book.overpaid is not None:
        words = f"{book.overpaid} too much was received and accepted"
        yield _finding(book.position, book.subscription_id, "overpayment-not-credited", words)
    if lies_after_end(book):
        words = f"{sum(book.credits.values())} minor units are left of it"
        yield _finding(book.position, book.subscription_id, "credit-after-end", words)
    if book.unused is not None:
        words = f"{book.unused.amount}, and nothing gave the days back"
        yield _finding(book.position, book.subscription_id, "credit-unfounded", words)
    if book.closed and not book.has_ended:
        words = f"invoice {book.invoices} closes, and it did not end"
        yield _finding(book.position, book.subscription_id, "next-due-off-schedule", words)
    if book.beside.awaits_reload:
        words = "a balance is too low, and nothing was charged"
        yield _finding(book.position, book.subscription_id, "reload-missing", words)
    settling = book.beside.settling
    if settling is not None and not settling.billed:
        words = f"nothing bills the {settling.amount} that were settled"
        yield _finding(book.position, book.subscription_id, "settlement-missing", words)
    if credit_lies_idle(book):
        words = f"invoice {book.applying} is open, and credit is left"
        yield _finding(book.position, book.subscription_id, "credit-not-applied", words)
    if book.status is Status.ACTIVE and all_is_paid(book):
        words = "the last payment is in"
        yield _finding(book.position, book.subscription_id, "completion-missing", words)


def audit_log(log: Iterable[Recorded[Any]], *, head: int | None = None) -> AuditReport:
    """Audit a log that is at hand as a whole."""
    audit = Audit()
    for recorded in log:
        audit.see(recorded)
    return audit.report(head=head)
