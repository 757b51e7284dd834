"""Folding of disputes and reversals."""

from __future__ import annotations

from domain.copying import with_
from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeEvent,
    DisputeOpened,
    DisputeOutcome,
)
from domain.subscription.disputes import TOKEN_LOST_FOR, Dispute, TakenBack
from domain.subscription.folding_payments import COLLECTED_ANEW, with_invoice
from domain.subscription.folding_refunds import with_charge
from domain.subscription.owed import REVERSED, OpenInvoice
from domain.subscription.state import Subscription
from domain.subscription.vaulted import Token


def disputed(state: Subscription, event: DisputeEvent) -> Subscription:
    """A dispute goes on, or money was taken back."""
    match event:
        case DisputeOpened():
            return _opened(state, event)
        case DisputeAdvanced(dispute_ref=ref, stage=stage, status=status):
            known = state.dispute(ref)
            if known is None:
                return state
            return _with_dispute(state, with_(known, stage=stage, status=status))
        case DisputeClosed():
            return _closed(state, event)
        case ChargeReversed():
            return _reversed(state, event)


def _opened(state: Subscription, event: DisputeOpened) -> Subscription:
    """From now on nothing is collected by itself, whatever a person wanted before."""
    charge = state.charge(event.attempt_id)
    dispute = Dispute(
        dispute_ref=event.dispute_ref,
        attempt_id=event.attempt_id,
        invoice_number=event.invoice_number,
        amount=event.amount,
        reason=event.reason,
        stage=event.stage,
        status="",
        token_ref="" if charge is None else charge.token_ref,
        at=event.effective_at,
    )
    waiting = tuple(with_(each, despite_dispute=False) for each in state.open_invoices)
    return with_(state, disputes=(*state.disputes, dispute), open_invoices=waiting)


def _closed(state: Subscription, event: DisputeClosed) -> Subscription:
    """Lost for a reason that says that the payer does not want to be charged: no more is."""
    known = state.dispute(event.dispute_ref)
    if known is None:
        return state
    state = _with_dispute(state, with_(known, outcome=event.outcome, returned=event.amount))
    if event.outcome is not DisputeOutcome.LOST or known.reason not in TOKEN_LOST_FOR:
        return state
    return with_(
        state,
        token=_lost(state.token, known.token_ref),
        backup=_lost(state.backup, known.token_ref),
    )


def _with_dispute(state: Subscription, dispute: Dispute) -> Subscription:
    ref = dispute.dispute_ref
    changed = tuple(dispute if each.dispute_ref == ref else each for each in state.disputes)
    return with_(state, disputes=changed)


def _lost(token: Token | None, token_ref: str) -> Token | None:
    if token is None or token.token_ref != token_ref:
        return token
    return with_(token, usable=False)


def _reversed(state: Subscription, event: ChargeReversed) -> Subscription:
    """The invoice is open again by so much, and a person decides what becomes of it."""
    reversal = TakenBack(
        attempt_id=event.attempt_id,
        amount=event.amount,
        provider_ref=event.provider_ref,
        dispute_ref=event.dispute_ref,
    )
    state = with_(state, reversals=(*state.reversals, reversal))
    charge = state.charge(event.attempt_id)
    if charge is not None:
        state = with_charge(state, with_(charge, reversed=charge.reversed + event.amount))
    state = _open_again(state, event.invoice_number)
    invoice = state.invoice(event.invoice_number)
    if invoice is None:
        return state
    back = invoice.reversed + event.amount
    changes = {**COLLECTED_ANEW, "reversed": back, "ended": REVERSED}
    return with_invoice(state, invoice.number, **changes)


def _open_again(state: Subscription, number: int) -> Subscription:
    """The state in which an invoice is among the open ones, if it is known at all."""
    closed = next((each for each in state.closed_invoices if each.number == number), None)
    if closed is None or state.invoice(number) is not None:
        return state
    again = with_(closed, used_up_at=None, despite_dispute=False)
    return with_(
        state,
        open_invoices=_oldest_first(state.open_invoices, again),
        closed_invoices=tuple(each for each in state.closed_invoices if each.number != number),
    )


def _oldest_first(invoices: tuple[OpenInvoice, ...], again: OpenInvoice) -> tuple[OpenInvoice, ...]:
    later = (n for n, each in enumerate(invoices) if each.due_at > again.due_at)
    at = next(later, len(invoices))
    return (*invoices[:at], again, *invoices[at:])
