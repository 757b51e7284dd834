"""A subscription's life in words: one plain sentence a fact, for operators and auditors.

Not stored. The words are made when somebody asks, from the stream itself, which is short and read
in one go: a stored copy would double the log, would have to be rebuilt whenever a sentence is put
better, and could differ from the facts that it explains.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import attrs

from domain.plan import CaptureMode
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
    Resolution,
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
from projections.timeline_changes import in_words, rhythm, utc, words_of_change
from projections.timeline_disputes import words_of_dispute
from projections.timeline_dunning import words_of_dunning
from projections.timeline_refunds import words_of_refund
from projections.timeline_tokens import words_of_token_end
from projections.timeline_usage import words_of_demand, words_of_settlement, words_of_usage
from projections.timeline_voids import words_of_void


@attrs.frozen(kw_only=True)
class TimelineEntry:
    """One fact. at: UTC, when it took effect in the world; the other fields as in Recorded."""

    at: datetime
    recorded_at: datetime
    position: int
    version: int
    words: str
    actor: str
    cause: str


def entry(recorded: Recorded[SubscriptionEvent]) -> TimelineEntry:
    """A recorded fact as a line of the timeline."""
    return TimelineEntry(
        at=recorded.effective_at,
        recorded_at=recorded.recorded_at,
        position=recorded.position,
        version=recorded.version,
        words=words_of(recorded.event),
        actor=recorded.actor,
        cause=recorded.cause,
    )


_Vaulting = TokenRequested | ApprovalOffered | TokenVaulted | TokenRefused | TokenRequestExpired
_Charging = ChargeAttempted | ChargeAuthorized | CaptureAttempted | ChargeSucceeded | ChargeDeclined
_Doubting = (
    ChargeOutcomeUnknown
    | ChargeLookedUp
    | ChargeNotMade
    | ChargeFoundLate
    | ChargeDiscrepancyFound
    | DiscrepancyResolved
)


def words_of(event: SubscriptionEvent) -> str:
    """A fact in one plain sentence. Instants are UTC; days are the subscription's own."""
    match event:
        case SubscriptionStarted():
            return _started(event)
        case (
            TokenRequested()
            | ApprovalOffered()
            | TokenVaulted()
            | TokenRefused()
            | TokenRequestExpired()
        ):
            return _vaulting(event)
        case TokenDeletionRequested() | TokenRevoked():
            return words_of_token_end(event)
        case InvoiceIssued():
            return words_of_demand(event) if event.demand else _invoiced(event)
        case BillingParked():
            return (
                f"Invoice {event.invoice_number} was not issued: {event.lines} lines would be due "
                f"on {event.due_on}; billing waits for a person."
            )
        case BillingReleased():
            return f"Billing goes on ({event.reason})."
        case InstalmentsSettled():
            return words_of_settlement(event)
        case AmountSet() | UsageReported() | UsageCorrected() | BalanceReported():
            return words_of_usage(event)
        case (
            ChargeAttempted()
            | ChargeAuthorized()
            | CaptureAttempted()
            | ChargeSucceeded()
            | ChargeDeclined()
        ):
            return _charging(event)
        case VoidAttempted() | AuthorizationVoided():
            return words_of_void(event)
        case (
            ChargeOutcomeUnknown()
            | ChargeLookedUp()
            | ChargeNotMade()
            | ChargeFoundLate()
            | ChargeDiscrepancyFound()
            | DiscrepancyResolved()
        ):
            return _doubting(event)
        case CollectionPostponed():
            return (
                f"Invoice {event.invoice_number} is not charged before {utc(event.collect_at)}: "
                f"the card's budget {event.reason} is used up. Nothing was sent."
            )
        case (
            RetryScheduled()
            | CollectionEnded()
            | CollectionResumed()
            | InvoiceWrittenOff()
            | SubscriptionSuspended()
            | SubscriptionReinstated()
        ):
            return words_of_dunning(event)
        case (
            TermsChanged()
            | SubscriptionPaused()
            | SubscriptionResumed()
            | CreditGranted()
            | CreditApplied()
            | DiscountGranted()
            | DiscountEnded()
            | CancellationScheduled()
            | CancellationWithdrawn()
        ):
            return words_of_change(event)
        case (
            RefundRequested()
            | RefundAttempted()
            | RefundSucceeded()
            | RefundFailed()
            | RefundFoundLate()
            | RefundOutcomeUnknown()
            | RefundLookedUp()
        ):
            return words_of_refund(event)
        case DisputeOpened() | DisputeAdvanced() | DisputeClosed() | ChargeReversed():
            return words_of_dispute(event)
        case SubscriptionCancelled():
            return f"Cancelled ({event.reason}); nothing is billed from here on."
        case SubscriptionCompleted():
            return "Completed: the last of the agreed payments is in."
        case _:
            assert_never(event)


def _started(event: SubscriptionStarted) -> str:
    terms = event.terms
    parts = [
        f"Started for customer {event.customer_id} with plan {terms.plan} "
        f"version {terms.plan_version}: {rhythm(terms)}"
    ]
    if terms.trial is not None:
        parts.append(f"free trial of {terms.trial.count} {terms.trial.unit.value.lower()}(s)")
    if terms.setup_fee is not None:
        parts.append(f"setup fee {terms.setup_fee}")
    if terms.cycles is not None:
        parts.append(f"{terms.cycles} payment(s)")
    parts.append(
        f"from {event.start} ({event.zone}) through {event.provider.value} account "
        f"{event.account}; {_first_due(event)}"
    )
    return ", ".join(parts) + "."


def _first_due(event: SubscriptionStarted) -> str:
    due = event.first_due_at
    return f"first invoice due at {utc(due)}" if due else "billed when it is asked for"


def _vaulting(event: _Vaulting) -> str:
    match event:
        case TokenRequested():
            return (
                f"Token request {event.number} ({event.purpose.value.lower()}: {event.reason})"
                f"{_elsewhere(event)}{_with_payment(event)}; the approval is awaited until "
                f"{utc(event.expires_at)}."
            )
        case ApprovalOffered():
            return (
                f"The provider offered an approval page ({event.provider_ref}), open until "
                f"{utc(event.expires_at)}."
            )
        case TokenVaulted():
            shown = event.instrument
            name = " ".join(
                part for part in (shown.brand, shown.kind, shown.last_digits, shown.expires) if part
            )
            replaced = "" if event.replaces is None else f", in place of {event.replaces}"
            return f"The payer approved; the token of a {name} is vaulted{replaced}."
        case TokenRefused():
            return f"The token request was refused: {event.code} ({event.message})."
        case TokenRequestExpired():
            return f"The token request expired without an approval: {event.reason}."
        case _:
            assert_never(event)


def _elsewhere(event: TokenRequested) -> str:
    if event.provider is None:
        return ""
    return f" through {event.provider.value} account {event.account}, where charges then go"


def _with_payment(event: TokenRequested) -> str:
    return "" if event.first_charge is None else ", on a page where the payer pays"


def _invoiced(event: InvoiceIssued) -> str:
    ahead = (
        "no other is due"
        if event.next_due_at is None
        else f"the next is due at {utc(event.next_due_at)}"
    )
    return (
        f"Invoice {event.invoice_number} issued for {event.period.start} to {event.period.end}: "
        f"{event.total}, due {event.due_on} ({in_words(event.lines)}); {ahead}."
    )


def _charging(event: _Charging) -> str:
    match event:
        case ChargeAttempted():
            verb = "charge" if event.capture is CaptureMode.AT_ONCE else "reserve"
            if not event.token_ref:
                verb = f"have the payer pay, and {verb},"
            return (
                f"About to {verb} {event.amount} for invoice {event.invoice_number}, attempt "
                f"{event.attempt_number}, through {event.provider.value} account {event.account} "
                f"as {event.reference}; not sent after {utc(event.key_expires_at)}."
            )
        case ChargeAuthorized():
            return (
                f"{event.amount} reserved ({event.authorization_ref}), known by "
                f"{event.evidence}; no money has moved."
            )
        case CaptureAttempted():
            return f"About to capture {event.amount}; not sent after {utc(event.key_expires_at)}."
        case ChargeSucceeded():
            return (
                f"{event.amount} received for invoice {event.invoice_number} "
                f"({event.provider_ref}), known by {event.evidence}."
            )
        case ChargeDeclined():
            return (
                f"Declined for invoice {event.invoice_number}: {event.code} "
                f"({event.decline.value.lower().replace('_', ' ')}), {event.message}; "
                f"known by {event.evidence}."
            )
        case _:
            assert_never(event)


def _doubting(event: _Doubting) -> str:
    match event:
        case ChargeOutcomeUnknown():
            return (
                f"Outcome unknown ({event.reason}); nothing else is charged, and the provider is "
                f"asked at {utc(event.next_look_up_at)}."
            )
        case ChargeLookedUp():
            ahead = (
                "a person has to decide"
                if event.next_look_up_at is None
                else f"asked again at {utc(event.next_look_up_at)}"
            )
            found = f" ({event.provider_ref})" if event.provider_ref else ""
            return f"Look {event.look_number} at the provider: {event.finding}{found}; {ahead}."
        case ChargeNotMade():
            return (
                f"Established that the charge for invoice {event.invoice_number} was never made "
                f"({event.evidence})."
            )
        case ChargeFoundLate():
            return (
                f"{event.amount} turned up late for invoice {event.invoice_number} "
                f"({event.provider_ref}), known by {event.evidence}."
            )
        case ChargeDiscrepancyFound():
            return (
                f"Invoice {event.invoice_number}: {event.expected} expected, {event.received} "
                f"received ({event.discrepancy.value.lower()}); a person has to look."
            )
        case DiscrepancyResolved():
            made_of_it = (
                "accepted; it counts as it is booked"
                if event.resolution is Resolution.ACCEPTED
                else "dismissed; it was settled by other means"
            )
            return (
                f"{event.received} for invoice {event.invoice_number}: {made_of_it} "
                f"({event.reason})."
            )
        case _:
            assert_never(event)
