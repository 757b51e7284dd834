"""What a subscription needs next. Pure: the state and the time decide, never the agenda row.

The order is the rule: first send and settle refunds and delete tokens that were let go, which wait
for nothing and hold nothing up, then settle the charge that may have been sent, then end a pause
or a grace, then carry out a move to another version of the plan that was announced for the period
that begins, then bill what is due, then collect what is open, then get a token. A token comes last
because a provider that makes no page must not hold up what the present token can pay.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from domain.catalogue.moving import MOVE, move_due
from domain.catalogue.state import Plan
from domain.processes.agenda import ItemKind, tokens_to_delete
from domain.processes.steps import (
    AskToken,
    DeleteToken,
    LookUp,
    LookUpRefund,
    Nothing,
    Record,
    SeeToken,
    SendCapture,
    SendCharge,
    SendRefund,
    SendRenewal,
    SendVoid,
    Step,
)
from domain.subscription.charging import LOOK_UP, attempt_charge
from domain.subscription.dunning import end_dunning
from domain.subscription.ending import cancel_as_scheduled
from domain.subscription.folding import evolve_all
from domain.subscription.in_session import (
    awaited,
    first_look_at,
    give_up_page,
    may_open,
    token_shows,
)
from domain.subscription.invoicing import issue_invoice
from domain.subscription.owed import Attempt
from domain.subscription.pausing import resume_as_scheduled
from domain.subscription.refunding import attempt_refund, let_go_of_reversed
from domain.subscription.state import Subscription
from domain.subscription.threshold import threshold_invoice
from domain.subscription.vaulted import OpenTokenRequest
from domain.subscription.vaulting import give_up_asking
from domain.subscription.voiding import has_lapsed, is_to_be_renewed, still_wanted


def next_step(
    state: Subscription,
    *,
    now: datetime,
    taken_before: bool,
    zone_version: str,
    plan: Plan | None = None,
    refunds_taken: Collection[UUID] = (),
    refunds_held: Collection[UUID] = (),
    not_renewed: Collection[UUID] = (),
    tokens_held: Collection[str] = (),
) -> Step:
    """The first thing that this subscription needs at `now`.

    plan: that of its terms, where there is one in the catalogue.

    taken_before: another worker held this subscription and never gave it back, so whatever
        attempt is open may have been sent.
    refunds_taken: the same of refunds, by their keys. refunds_held: those that the provider would
        not do just now; they are left alone, and everything else goes on.
    not_renewed: captures before which the provider did not renew the reservation: it stands as it
        is.
    tokens_held: the same of tokens that were to be deleted, by their references.
    Safe to repeat: an attempt that may have been sent is looked up, never sent again; one that
    has settled needs nothing.
    """
    step = _refund(state, now, refunds_taken, refunds_held)
    if isinstance(step, Nothing):
        step = _let_go(state, tokens_held)
    if not isinstance(step, Nothing):
        return step
    if state.open_attempt is not None:
        step = _settle(state, state.open_attempt, now, taken_before, not_renewed)
        if not isinstance(step, Nothing):
            return step
    step = _resume(state, now, zone_version)
    if isinstance(step, Nothing):
        step = _dun(state, now, zone_version)
    if isinstance(step, Nothing):
        step = _move(state, plan, now, zone_version)
    if isinstance(step, Nothing):
        step = _bill(state, now, zone_version)
    if isinstance(step, Nothing):
        step = _cancel(state, now)
    if isinstance(step, Nothing) and state.token_request is not None:
        return _vault(state, state.token_request, now, taken_before)
    return step


def _refund(
    state: Subscription, now: datetime, taken: Collection[UUID], held: Collection[UUID]
) -> Step:
    """The first refund that needs something: intend it, send it, or look, as with a charge."""
    for refund in state.refunds:
        if refund.refund_id in held or state.refund_held(refund):
            continue
        if reversed_before := let_go_of_reversed(state, refund, now=now):
            return Record(reversed_before, ItemKind.REFUND.value)
        if refund.attempted_at is None:
            return Record(attempt_refund(refund, now=now), ItemKind.REFUND.value)
        if refund.unknown:
            if refund.next_look_up_at is not None and now >= refund.next_look_up_at:
                return LookUpRefund(refund, LOOK_UP)
            continue
        expired = refund.key_expires_at is None or now >= refund.key_expires_at
        if refund.refund_id in taken or expired:
            return LookUpRefund(refund, LOOK_UP)
        return SendRefund(refund)
    return Nothing()


def _let_go(state: Subscription, held: Collection[str]) -> Step:
    """The first token to be deleted; asked for as often as it takes."""
    for token in tokens_to_delete(state):
        if token.token_ref not in held:
            return DeleteToken(token)
    return Nothing()


def _settle(
    state: Subscription,
    attempt: Attempt,
    now: datetime,
    taken_before: bool,
    not_renewed: Collection[UUID],
) -> Step:
    """An open attempt: send it if that is certainly the first time, else look.

    Nor is it sent when its money is not wanted any more, or less of it (the subscription was
    cancelled, late money or credit paid the invoice), or not there (it is charged at another
    provider now), or not with that token (it was let go or revoked), or when what is reserved is
    too old: what may be under way is settled, nothing new is set going. What the payer pays on a
    page is never sent: it is looked for. A void that was begun is
    carried through.
    """
    if attempt.unknown:
        if attempt.next_look_up_at is None or now < attempt.next_look_up_at:
            return Nothing()
        return LookUp(attempt, LOOK_UP)
    if attempt.void_id is not None:
        return LookUp(attempt, LOOK_UP) if taken_before else SendVoid(attempt, attempt.void_id)
    if attempt.waits_for_payer:
        looks = now >= first_look_at(attempt)
        return LookUp(attempt, LOOK_UP) if looks else Nothing()
    unwanted = still_wanted(state, attempt) != attempt.amount or has_lapsed(attempt, now)
    if taken_before or unwanted or now >= attempt.key_expires_at:
        return LookUp(attempt, LOOK_UP)
    key = attempt.capture_id
    if key is not None:
        renew = is_to_be_renewed(attempt, now) and key not in not_renewed
        return SendRenewal(attempt, key) if renew else SendCapture(attempt, key)
    return SendCharge(attempt) if state.may_send(attempt) else LookUp(attempt, LOOK_UP)


def _vault(
    state: Subscription, request: OpenTokenRequest, now: datetime, taken_before: bool
) -> Step:
    """A token request: ask until the key's window ends; once offered, look when time is up."""
    if request.first_charge is not None:
        return _first_payment(state, request, now, taken_before)
    if request.provider_ref:
        return SeeToken(request) if now >= request.expires_at else Nothing()
    if now >= request.key_expires_at:
        facts = give_up_asking(state, request.request_id, now=now)
        return Record(facts, ItemKind.TOKEN.value)
    return AskToken(request)


def _first_payment(
    state: Subscription, request: OpenTokenRequest, now: datetime, taken_before: bool
) -> Step:
    """A request whose page takes a payment: one page, and the token once the payment is made.

    A page that may have been made is looked for as long as its payment has no outcome.
    """
    if request.provider_ref:
        return SeeToken(request) if token_shows(state, request) else Nothing()
    if awaited(state, request) is None:
        facts = give_up_page(state, request.request_id, now=now)
        return Record(facts, ItemKind.TOKEN.value)
    only_look = taken_before or not may_open(state, request, now)
    return AskToken(request, only_look=only_look)


def _resume(state: Subscription, now: datetime, zone_version: str) -> Step:
    """The end of a pause, on the day that was named."""
    facts = resume_as_scheduled(state, now=now, zone_version=zone_version)
    return Record(facts, ItemKind.RESUME.value) if facts else Nothing()


def _dun(state: Subscription, now: datetime, zone_version: str) -> Step:
    """The end of a grace or of a suspension; before anything is billed that it rules out."""
    facts = end_dunning(state, now=now, zone_version=zone_version)
    return Record(facts, ItemKind.DUNNING.value) if facts else Nothing()


def _move(state: Subscription, plan: Plan | None, now: datetime, zone_version: str) -> Step:
    """An announced move to another version, before a period is billed that it concerns."""
    facts = move_due(state, plan, now=now, zone_version=zone_version)
    return Record(facts, MOVE) if facts else Nothing()


def _cancel(state: Subscription, now: datetime) -> Step:
    """A planned end; whatever fell due before it has been billed, and tried, by now."""
    facts = cancel_as_scheduled(state, now=now)
    return Record(facts, ItemKind.CANCEL.value) if facts else Nothing()


def _bill(state: Subscription, now: datetime, zone_version: str) -> Step:
    """Issue the invoice that is due and attempt it, in one append; else collect what is open."""
    invoiced = issue_invoice(state, now=now, zone_version=zone_version)
    invoiced = invoiced or threshold_invoice(state, now=now)
    attempted = attempt_charge(evolve_all(state, invoiced), now=now)
    if invoiced or attempted:
        cause = ItemKind.INVOICE if invoiced else ItemKind.COLLECT
        return Record((*invoiced, *attempted), cause.value)
    return Nothing()
