"""Fact -> the checks that judge it: the audit's table of what happens when.

Each check judges by means of its own, and leaves in the subscription's book what later facts are
judged by.
"""

from __future__ import annotations

from typing import assert_never

import attrs

from domain.plan import Terms
from domain.recorded import Recorded
from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeOpened,
)
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
    RefundFoundLate,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from projections.attempts import AttemptLog
from projections.auditing.book import Book, Totals
from projections.auditing.budgeting import check_budgets, check_postponed
from projections.auditing.changing import check_change
from projections.auditing.charging import check_attempt, check_progress, check_retry
from projections.auditing.codes import Say
from projections.auditing.crediting import (
    check_application,
    check_founded,
    check_grant,
)
from projections.auditing.demanding import (
    beside_schedule,
    check_balance,
    check_beside,
    check_reloaded,
)
from projections.auditing.discounts import check_ended, check_granted
from projections.auditing.disputing import check_dispute, check_reversal, check_taken_back
from projections.auditing.dunning import (
    check_collected_again,
    check_reinstatement,
    check_suspension,
    check_write_off,
)
from projections.auditing.ending import (
    check_end,
    check_planned_end,
    check_withdrawal,
)
from projections.auditing.first_payments import check_named
from projections.auditing.invoicing import check_amount, check_invoice
from projections.auditing.late_refunds import check_refund_late, check_refund_resolved
from projections.auditing.parking import check_parking
from projections.auditing.pausing import check_pause, check_resume
from projections.auditing.plans import Shelves
from projections.auditing.refunding import (
    check_goes_back,
    check_refund_attempt,
    check_refund_doubt,
    check_refund_outcome,
    check_refund_request,
    note_captured,
)
from projections.auditing.resolving import check_credited, check_resolution
from projections.auditing.settled import SettledJudge
from projections.auditing.settlements import check_settled, check_settlement_billed
from projections.auditing.settling import (
    check_awaited,
    check_discrepancy,
    check_failure,
    check_late,
    check_success,
)
from projections.auditing.usage import check_correction, check_report
from projections.auditing.vaulting import (
    check_asked_anew,
    check_request,
    check_request_answer,
    check_start,
    check_token_end,
)
from projections.auditing.voiding import check_void, check_voided

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


class Judges:
    """What is shared by all subscriptions of a log: plans, totals, terms, attempts on cards."""

    def __init__(self) -> None:
        self.shelves = Shelves()
        self.attempts = AttemptLog()
        self.totals: dict[str, Totals] = {}
        self.settled = SettledJudge(self._totals_of)
        self._terms: dict[Terms, Terms] = {}

    def judge(self, book: Book, recorded: Recorded[SubscriptionEvent], say: Say) -> None:
        """Judge a fact of a subscription that has begun, or begins with it."""
        event = recorded.event
        check_awaited(book, event, say)
        check_founded(book, event, say)
        check_reloaded(book, event, say)
        check_settlement_billed(book, event, say)
        check_budgets(self.attempts, recorded, say)
        check_credited(book, event, say)
        check_goes_back(book, event, say)
        check_taken_back(book, event, say)
        check_asked_anew(book, event, say)
        check_named(book, event, say)
        match event:
            case SubscriptionStarted():
                self.shelves.check_start(event, recorded.cause, say)
                terms = self._terms.setdefault(event.terms, event.terms)
                check_start(book, attrs.evolve(event, terms=terms), recorded.stream, say)
            case TokenRequested():
                check_request(book, event, say)
            case ApprovalOffered() | TokenVaulted() | TokenRefused() | TokenRequestExpired():
                check_request_answer(book, event, say)
            case TokenDeletionRequested() | TokenRevoked():
                check_token_end(book, event, say)
            case InvoiceIssued() if beside_schedule(event):
                totals = self._totals_of(event.total.currency)
                check_beside(book, event, recorded.recorded_at, totals, say)
            case BalanceReported():
                check_balance(book, event, recorded.recorded_at, say)
            case InvoiceIssued():
                self.shelves.check_invoice(book, event, say)
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
            case VoidAttempted():
                check_void(book, event, say)
            case AuthorizationVoided():
                check_voided(book, event, say)
                check_failure(book, event, say)
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
            case RefundFoundLate():
                check_refund_late(book, event, self._totals_of, say)
            case DisputeOpened() | DisputeAdvanced() | DisputeClosed():
                check_dispute(book, event, say)
            case ChargeReversed():
                check_reversal(book, event, self._totals_of, say)
            case ChargeDiscrepancyFound():
                check_discrepancy(book, event, say)
            case RetryScheduled() | CollectionEnded():
                check_retry(book, event, say)
            case CollectionPostponed():
                check_postponed(book, event, self.attempts, say)
            case DiscrepancyResolved() if event.attempt_id in book.late_refunds:
                check_refund_resolved(book, event, self._totals_of, say)
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
                    self.shelves.check_change(book, event, recorded.cause, say)
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
        return self.totals.setdefault(currency, Totals())
