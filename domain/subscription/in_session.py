"""The first payment on the page that makes the token: intended, offered, settled, given up.

The attempt is on the ledger together with the request, and bears no token. From the moment at
which the page may have been made the payer may pay, so nothing else is attempted, and no second
page is made, until the provider shows what became of the first.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.ports import Offered, StillOpen, TokenAnswer, TokenDenied, TokenOfferAnswer, Unknown
from domain.providers import LOOK_UP_WAITS, RULES
from domain.refusals import Refused
from domain.subscription.charging import ANSWER, doubt, intended
from domain.subscription.events import (
    ChargeDeclined,
    DeclineClass,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve_all
from domain.subscription.invoicing import first_invoice
from domain.subscription.owed import Attempt, OpenInvoice
from domain.subscription.standing import check_not_ended
from domain.subscription.state import Subscription
from domain.subscription.vaulted import OpenTokenRequest
from domain.subscription.vaulting import (
    NOT_ANSWERED,
    NOT_APPROVED,
    completed,
    expired,
    offered,
    open_request,
    requested,
)
from domain.subscription.voiding import still_wanted

Events = tuple[SubscriptionEvent, ...]


def pay_in_session(state: Subscription, *, reason: str, now: datetime, zone_version: str) -> Events:
    """Have the payer pay the oldest open invoice on the page that makes the token. The first
    period is billed for it, if it is due. Quiet while such a request is open.

    Refused: "subscription-ended"; "first-payment-not-offered" where the provider's page takes no
        payment; "token-usable" where a token can be charged; "token-request-open" while another
        page is open; "charge-open" while a charge has no outcome; "first-payment-not-due" where
        nothing is owed yet.
    """
    check_not_ended(state)
    what, request = state.subscription_id, state.token_request
    if not RULES[state.provider].session_pays:
        raise Refused("first-payment-not-offered", f"{state.provider.value} takes none on its page")
    if request is not None and request.first_charge is not None:
        return ()
    if request is not None:
        raise Refused("token-request-open", "the payer has a page that takes no payment")
    if state.token is not None and state.token.usable:
        raise Refused("token-usable", f"{what} has a token that can be charged")
    if state.open_attempt is not None:
        raise Refused("charge-open", f"attempt {state.open_attempt.attempt_id} has no outcome")
    billed = first_invoice(state, now=now, zone_version=zone_version)
    after = evolve_all(state, billed)
    invoice = _payable(after, now)
    if invoice is None:
        raise Refused("first-payment-not-due", f"nothing of {what} is to be paid by now")
    return (*billed, *_asked(after, invoice, reason, now))


def page_answered(
    state: Subscription, request_id: UUID, answer: TokenOfferAnswer, *, now: datetime
) -> Events:
    """Record what the provider answered to a request. Safe to repeat.

    Where it takes a payment: a doubt is one about that payment; a no settles it as declined; and
    a page whose payment is settled already is not shown to the payer.
    """
    request = open_request(state, request_id)
    facts = offered(state, request_id, answer, now=now)
    if request is None or request.first_charge is None or request.provider_ref:
        return facts
    attempt = awaited(state, request)
    match answer:
        case Offered() if attempt is None:
            return (expired(request_id, NOT_ANSWERED, now),)
        case TokenDenied() if attempt is not None:
            return (*facts, _declined(state, attempt, answer, now))
        case Unknown(reason=reason) if attempt is not None and not attempt.unknown:
            return (doubt(attempt, reason, "", now),)
        case _:
            return facts


def token_seen(
    state: Subscription, request_id: UUID, answer: TokenAnswer, *, token_ref: str, now: datetime
) -> Events:
    """Record how an offered request ended. Safe to repeat.

    Where its page takes a payment it is waited for as long as that can be made, and no longer.
    """
    request = open_request(state, request_id)
    of_payment = request is not None and request.first_charge is not None
    if request is not None and of_payment and isinstance(answer, StillOpen):
        over = token_shows(state, request)
        return (expired(request_id, NOT_APPROVED, now),) if over else ()
    return completed(state, request_id, answer, token_ref=token_ref, now=now)


def give_up_page(state: Subscription, request_id: UUID, *, now: datetime) -> Events:
    """The page was never offered, and its payment is settled: ask anew under another key, with
    the payment where it is still to be made."""
    request = open_request(state, request_id)
    if request is None or request.provider_ref or awaited(state, request) is not None:
        return ()
    over = expired(request_id, NOT_ANSWERED, now)
    after = evolve_all(state, (over,))
    invoice = None if after.open_attempt is not None else _payable(after, now)
    if invoice is not None:
        return (over, *_asked(after, invoice, NOT_ANSWERED, now))
    return (over, requested(after, reason=NOT_ANSWERED, now=now))


def awaited(state: Subscription, request: OpenTokenRequest) -> Attempt | None:
    """The payment of a request's page, while it has no outcome."""
    attempt = state.open_attempt
    ours = attempt is not None and attempt.attempt_id == request.first_charge
    return attempt if ours else None


def may_open(state: Subscription, request: OpenTokenRequest, now: datetime) -> bool:
    """Whether the page may be made: certainly for the first time, and all of its payment is
    wanted."""
    attempt = awaited(state, request)
    if attempt is None or attempt.unknown or now >= attempt.key_expires_at:
        return False
    return still_wanted(state, attempt) == attempt.amount


def token_shows(state: Subscription, request: OpenTokenRequest) -> bool:
    """Whether the payer has done on the page what there is to do: the payment is made, reserved
    or settled otherwise."""
    attempt = awaited(state, request)
    return attempt is None or bool(attempt.authorization_ref)


def first_look_at(attempt: Attempt) -> datetime:
    """When a payment on a page is looked for, if nothing was heard of it. UTC.

    Soon after the payer may have the page; until then, not before nobody asks for it any more.
    """
    if not attempt.order_ref:
        return attempt.key_expires_at
    return attempt.attempted_at + LOOK_UP_WAITS[0]


def _payable(state: Subscription, now: datetime) -> OpenInvoice | None:
    """The oldest invoice that the payer may pay now."""
    for invoice in state.open_invoices:
        if not invoice.ended and invoice.collect_at <= now and not state.held_back(invoice):
            return invoice
    return None


def _asked(state: Subscription, invoice: OpenInvoice, reason: str, now: datetime) -> Events:
    """The request, and the attempt that its page takes."""
    attempted = intended(
        state, invoice, provider=state.provider, account=state.account, token_ref="", now=now
    )
    request = requested(state, reason=reason, now=now)
    return (attrs.evolve(request, first_charge=attempted.attempt_id), attempted)


def _declined(
    state: Subscription, attempt: Attempt, denied: TokenDenied, now: datetime
) -> ChargeDeclined:
    """The page was refused, and no payment can come of it: our request is at fault."""
    return ChargeDeclined(
        attempt_id=attempt.attempt_id,
        customer_id=state.customer_id,
        invoice_number=attempt.invoice_number,
        decline=DeclineClass.MERCHANT,
        code=denied.code,
        message=denied.message[:200],
        retry_not_before=None,
        provider_ref="",
        evidence=ANSWER,
        effective_at=now,
    )
