"""Facts fold into state. Folding judges nothing: it never refuses a stored fact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never
from uuid import UUID

from domain.copying import with_
from domain.schedule import schedule_of
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
    DeclineClass,
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
from domain.subscription.folding_bills import (
    credited,
    invoiced,
    paused,
    resumed,
    terms_changed,
)
from domain.subscription.folding_demands import reported
from domain.subscription.folding_discounts import discounted
from domain.subscription.folding_disputes import disputed
from domain.subscription.folding_payments import (
    collection,
    difference_found,
    dunned,
    received,
    resolved,
    with_invoice,
)
from domain.subscription.folding_refunds import collected, covered, refund_resolved, refunded
from domain.subscription.folding_tokens import token_ended
from domain.subscription.folding_usage import used
from domain.subscription.folding_vaulting import vaulted
from domain.subscription.folding_voids import captured_next, reserved_anew, void_begun
from domain.subscription.owed import Attempt
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundFailed,
    RefundFoundLate,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.served import Cancellation, Settled
from domain.subscription.state import Status, Subscription
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from domain.subscription.vaulted import Token
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted


def evolve(state: Subscription | None, event: SubscriptionEvent) -> Subscription:
    """The state after one more fact."""
    if isinstance(event, SubscriptionStarted):
        return _started(event)
    assert state is not None, "a stream begins with SubscriptionStarted"
    match event:
        case TokenRequested() | ApprovalOffered() | TokenVaulted():
            return vaulted(state, event)
        case TokenRefused() | TokenRequestExpired():
            return with_(state, token_request=None)
        case TokenDeletionRequested() | TokenRevoked():
            return token_ended(state, event)
        case InvoiceIssued():
            return invoiced(state, event)
        case ChargeAttempted():
            return _attempted(state, event)
        case ChargeAuthorized() | CaptureAttempted() | ChargeOutcomeUnknown() | ChargeLookedUp():
            return _still_open(state, event)
        case VoidAttempted():
            return _still_open(state, event)
        case ChargeSucceeded(invoice_number=number, amount=amount):
            asked = None if state.open_attempt is None else state.open_attempt.amount
            settled = with_(collected(state, event, state.open_attempt), open_attempt=None)
            return received(_begun(settled), number, amount, differs=amount != asked)
        case ChargeFoundLate(invoice_number=number, amount=amount):
            late, remaining = _taken_out(state.failed_attempts, event.attempt_id)
            found = with_(collected(state, event, late), failed_attempts=remaining)
            return received(_begun(found), number, amount, differs=True)
        case ChargeDeclined() | ChargeNotMade() | AuthorizationVoided():
            return _failed(state, event)
        case CollectionPostponed(invoice_number=number, collect_at=at, reason=reason):
            return with_invoice(state, number, retry_at=at, postponed=reason)
        case ChargeDiscrepancyFound():
            return difference_found(state, event)
        case DiscrepancyResolved() if state.late_refund(event.attempt_id) is not None:
            return refund_resolved(state, event)
        case DiscrepancyResolved():
            return resolved(state, event)
        case RetryScheduled() | CollectionEnded() | CollectionResumed():
            return collection(state, event)
        case InvoiceWrittenOff() | SubscriptionSuspended() | SubscriptionReinstated():
            return dunned(state, event)
        case TermsChanged():
            return terms_changed(state, event)
        case SubscriptionPaused():
            return paused(state, event)
        case SubscriptionResumed():
            return resumed(state, event)
        case CreditGranted():
            return covered(credited(state, event))
        case CreditApplied():
            return credited(state, event)
        case RefundRequested() | RefundAttempted() | RefundSucceeded() | RefundFailed():
            return refunded(state, event)
        case RefundOutcomeUnknown() | RefundLookedUp() | RefundFoundLate():
            return refunded(state, event)
        case DisputeOpened() | DisputeAdvanced() | DisputeClosed() | ChargeReversed():
            return disputed(state, event)
        case BillingParked():
            return with_(state, parked=True)
        case BillingReleased():
            return with_(state, parked=False, lines_on=None)
        case DiscountGranted() | DiscountEnded():
            return discounted(state, event)
        case UsageReported() | UsageCorrected():
            return used(state, event)
        case BalanceReported():
            return reported(state, event)
        case AmountSet(invoice_number=number, amount=amount):
            others = tuple(each for each in state.amounts if each[0] != number)
            return with_(state, amounts=(*others, (number, amount)))
        case InstalmentsSettled(invoice_number=number):
            last = Settled(invoice_number=number, last_invoice=state.invoices_issued)
            return with_(state, settled=last, next_due_at=None)
        case CancellationScheduled(at=at, last_invoice=last, reason=reason):
            planned = Cancellation(at=at, last_invoice=last, reason=reason)
            return with_(state, cancellation=planned)
        case CancellationWithdrawn(next_due_at=next_due_at):
            return with_(state, cancellation=None, next_due_at=next_due_at)
        case SubscriptionCancelled():
            return with_(
                state,
                status=Status.CANCELLED,
                ended_at=event.effective_at,
                next_due_at=None,
                token_request=None,
                pause=None,
                suspension=None,
                cancellation=None,
            )
        case SubscriptionCompleted():
            at = event.effective_at
            return with_(state, status=Status.COMPLETED, token_request=None, ended_at=at)
        case _:
            assert_never(event)


def evolve_all(state: Subscription | None, events: Iterable[SubscriptionEvent]) -> Subscription:
    """The state after several more facts, in order; there is at least one, or a state."""
    for event in events:
        state = evolve(state, event)
    assert state is not None, "a stream begins with SubscriptionStarted"
    return state


def _started(event: SubscriptionStarted) -> Subscription:
    return Subscription(
        subscription_id=event.subscription_id,
        customer_id=event.customer_id,
        namespace=event.namespace,
        provider=event.provider,
        account=event.account,
        currency=event.currency,
        zone=event.zone,
        start=event.start,
        terms=event.terms,
        schedule=schedule_of(event.start, event.terms),
        status=Status.PENDING,
        started_at=event.effective_at,
        started_at_account=(event.provider, event.account),
        shaped_at=event.effective_at,
        next_due_at=event.first_due_at,
        meters=event.terms.meters,
    )


def _attempted(state: Subscription, event: ChargeAttempted) -> Subscription:
    attempt = Attempt(
        provider=event.provider,
        account=event.account,
        attempt_id=event.attempt_id,
        invoice_number=event.invoice_number,
        attempt_number=event.attempt_number,
        amount=event.amount,
        reference=event.reference,
        token_ref=event.token_ref,
        capture=event.capture,
        attempted_at=event.effective_at,
        key_expires_at=event.key_expires_at,
    )
    request = state.token_request
    if request is not None and request.first_charge == event.attempt_id:
        state = with_(state, token_request=with_(request, reference=event.reference))
    return with_invoice(
        with_(state, open_attempt=attempt),
        event.invoice_number,
        attempts=event.attempt_number,
        postponed="",
        **({"backup_tried": True} if state.on_backup(attempt) else {}),
    )


def _begun(state: Subscription) -> Subscription:
    """The first payment begins what waited for it, with a token or without."""
    return with_(state, status=Status.ACTIVE) if state.status is Status.PENDING else state


def _taken_out(
    attempts: tuple[Attempt, ...], attempt_id: UUID
) -> tuple[Attempt | None, tuple[Attempt, ...]]:
    """The attempt of that key, if it is among them, and the others."""
    found = next((each for each in attempts if each.attempt_id == attempt_id), None)
    return found, tuple(each for each in attempts if each.attempt_id != attempt_id)


def _still_open(
    state: Subscription,
    event: ChargeAuthorized
    | CaptureAttempted
    | VoidAttempted
    | ChargeOutcomeUnknown
    | ChargeLookedUp,
) -> Subscription:
    attempt = state.open_attempt
    if attempt is None or attempt.attempt_id != event.attempt_id:
        return state
    match event:
        case ChargeAuthorized():
            changed = reserved_anew(attempt, event)
        case CaptureAttempted():
            changed = captured_next(attempt, event)
        case VoidAttempted():
            changed = void_begun(attempt, event)
        case ChargeOutcomeUnknown():
            changed = with_(
                attempt,
                unknown=True,
                next_look_up_at=event.next_look_up_at,
                provider_ref=event.provider_ref or attempt.provider_ref,
            )
        case ChargeLookedUp():
            changed = with_(
                attempt,
                unknown=True,
                looks=event.look_number,
                next_look_up_at=event.next_look_up_at,
                provider_ref=event.provider_ref or attempt.provider_ref,
            )
    return with_(state, open_attempt=changed)


def _failed(
    state: Subscription, event: ChargeDeclined | ChargeNotMade | AuthorizationVoided
) -> Subscription:
    attempt = state.open_attempt
    if attempt is None or attempt.attempt_id != event.attempt_id:
        return state
    settled = with_(state, open_attempt=None, failed_attempts=(*state.failed_attempts, attempt))
    number, first = event.invoice_number, state.token
    if isinstance(event, ChargeNotMade | AuthorizationVoided):
        # The backup is tried once; what was never made, or let go, was not that once.
        on_backup = state.on_backup(attempt)
        return with_invoice(settled, number, backup_tried=False) if on_backup else settled
    if event.decline in (DeclineClass.HARD, DeclineClass.PAYER_ACTION):
        backup = _spent(state.backup, attempt)
        settled = with_(settled, token=_spent(first, attempt), backup=backup)
    if first is not None and first.token_ref == attempt.token_ref:
        settled = with_invoice(settled, number, first_failed=True)
    return settled


def _spent(token: Token | None, attempt: Attempt) -> Token | None:
    """The token, which may be charged no more if the attempt was on it."""
    if token is None or token.token_ref != attempt.token_ref:
        return token
    return with_(token, usable=False)
