"""The agenda of one subscription: every open item, when it is due, and why some are not.

It is a pure function of the subscription's state, so whatever the facts add up to is what is on
the agenda: an item is put there and taken off by facts alone, and a rebuild finds them all again.
People read it as "what falls due when"; workers take their work from it.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import attrs

from domain.identity import token_request_id
from domain.plan import DunningEnd
from domain.subscription.backing import method_for
from domain.subscription.disputes import Dispute
from domain.subscription.dunning import grace_over_at, waits_for_pause
from domain.subscription.events import THRESHOLD_REACHED
from domain.subscription.in_session import first_look_at, token_shows
from domain.subscription.owed import Attempt, OpenInvoice
from domain.subscription.refunds import OpenRefund
from domain.subscription.served import Suspension
from domain.subscription.state import Status, Subscription
from domain.subscription.threshold import reached
from domain.subscription.vaulted import OpenTokenRequest, Token


class ItemKind(Enum):
    """What can be open.

    TOKEN: ask the provider for a page where the payer approves; without a due instant while the
        token cannot be charged and nobody has asked for another.
    APPROVAL: the payer has the page; when its time is over, see what became of it.
    INVOICE: issue the invoice of the next period.
    CHARGE: an attempt is on the ledger and has no outcome.
    VOID: what an attempt reserved is wanted no more, and is to be let go.
    LOOK_UP: an attempt's outcome is unknown; ask the provider.
    COLLECT: an invoice is open; attempt to collect it.
    DUNNING: retries are used up, and what the plan says follows; or a suspension ends.
    RESUME: a pause ends.
    CANCEL: a scheduled cancellation takes place.
    RELOAD: a balance is too low, and the caps leave no room for a reload.
    REFUND: a refund was asked for, or is on its way, and has no outcome.
    LOOK_UP_REFUND: a refund's outcome is unknown; ask the provider.
    DISPUTE: a charge is disputed; a person has to look.
    DELETE_TOKEN: a token was let go; have the provider forget it.
    """

    TOKEN = "token"  # noqa: S105
    APPROVAL = "approval"
    INVOICE = "invoice"
    CHARGE = "charge"
    VOID = "void"
    LOOK_UP = "look-up"
    COLLECT = "collect"
    DUNNING = "dunning"
    RESUME = "resume"
    CANCEL = "cancel"
    RELOAD = "reload"
    REFUND = "refund"
    LOOK_UP_REFUND = "look-up-refund"
    DISPUTE = "dispute"
    DELETE_TOKEN = "delete-token"  # noqa: S105


@attrs.frozen(kw_only=True)
class Item:
    """One open item.

    key: tells items of one kind apart: an invoice number, an attempt id, a request id;
        a word where there is one at most.
    due_at: UTC; None while something else has to happen first.
    why: what is awaited, for a person.
    """

    kind: ItemKind
    key: str
    due_at: datetime | None
    why: str


def agenda_of(state: Subscription) -> tuple[Item, ...]:
    """Every open item of a subscription."""
    return (
        *_vaulting(state),
        *_invoicing(state),
        *_charging(state),
        *_collecting(state),
        *_dunning(state),
        *_changing(state),
        *_beside(state),
        *(_refund(state, each) for each in state.refunds),
        *(_dispute(each) for each in state.open_disputes),
        *(_deletion(state, each) for each in state.tokens if each.let_go_at is not None),
    )


def next_due(items: tuple[Item, ...]) -> datetime | None:
    """When the first of these items is due; None when all of them wait for something."""
    return min((item.due_at for item in items if item.due_at is not None), default=None)


def account_needed(state: Subscription, item: Item) -> tuple[str, str] | None:
    """The provider and the account that have to answer for an item to be worked off; None where
    no provider is asked, or where something else has to happen first."""
    if item.due_at is None:
        return None
    asked: OpenTokenRequest | Attempt | Token | OpenRefund | None = None
    match item.kind:
        case ItemKind.TOKEN | ItemKind.APPROVAL:
            asked = state.token_request
        case ItemKind.CHARGE | ItemKind.VOID | ItemKind.LOOK_UP:
            asked = state.open_attempt
        case ItemKind.COLLECT:
            invoice = state.invoice(int(item.key))
            asked = None if invoice is None else method_for(state, invoice)
        case ItemKind.DELETE_TOKEN:
            asked = state.held(item.key)
        case ItemKind.REFUND | ItemKind.LOOK_UP_REFUND:
            named = (each for each in state.refunds if str(each.refund_id) == item.key)
            asked = next(named, None)
        case _:
            return None
    return None if asked is None else (asked.provider.value, asked.account)


def _vaulting(state: Subscription) -> tuple[Item, ...]:
    request = state.token_request
    if request is None:
        return (_token_to_ask_for(state),) if state.lacks_token else ()
    due: datetime | None
    if request.first_charge is not None and request.provider_ref:
        kind, due, why = ItemKind.APPROVAL, None, "the payer has the page, and pays there"
        if token_shows(state, request):
            due, why = request.requested_at, "what the payer paid is settled; see the token"
    elif not request.provider_ref:
        kind, due, why = ItemKind.TOKEN, request.requested_at, "ask for an approval page"
    else:
        kind, due, why = ItemKind.APPROVAL, request.expires_at, "the payer has the approval page"
    return (Item(kind=kind, key=str(request.request_id), due_at=due, why=why),)


def _token_to_ask_for(state: Subscription) -> Item:
    """The request that nobody has made yet; its key is the one that it will have."""
    key = token_request_id(state.namespace, state.token_requests + 1)
    why = "the token cannot be charged; a new approval has to be asked for"
    if state.token is None:
        why = "paid, and no card was saved; an approval has to be asked for"
    return Item(kind=ItemKind.TOKEN, key=str(key), due_at=None, why=why)


def _invoicing(state: Subscription) -> tuple[Item, ...]:
    if state.next_due_at is None or not state.bills or state.ends_before_next:
        return ()
    key = str(state.invoices_issued + 1)
    if state.status is Status.PENDING:
        why = "waits for the first token"
        return (Item(kind=ItemKind.INVOICE, key=key, due_at=None, why=why),)
    if state.parked:
        why = "parked: too many lines on one day; a person has to look"
        return (Item(kind=ItemKind.INVOICE, key=key, due_at=None, why=why),)
    why = "bill the next period"
    return (Item(kind=ItemKind.INVOICE, key=key, due_at=state.next_due_at, why=why),)


def _charging(state: Subscription) -> tuple[Item, ...]:
    attempt = state.open_attempt
    if attempt is None:
        return ()
    key = str(attempt.attempt_id)
    if attempt.void_id is not None and not attempt.unknown:
        why = "reserved, and wanted no more; let it go"
        return (Item(kind=ItemKind.VOID, key=key, due_at=attempt.voided_at, why=why),)
    if attempt.waits_for_payer and not attempt.unknown:
        due, why = first_look_at(attempt), "the payer pays it with the approval"
        return (Item(kind=ItemKind.CHARGE, key=key, due_at=due, why=why),)
    if not attempt.unknown:
        why = "attempted; no outcome yet"
        return (Item(kind=ItemKind.CHARGE, key=key, due_at=attempt.attempted_at, why=why),)
    if attempt.next_look_up_at is None:
        why = "outcome unknown; a person has to decide"
    else:
        why = f"outcome unknown; look {attempt.looks + 1} at the provider"
    return (Item(kind=ItemKind.LOOK_UP, key=key, due_at=attempt.next_look_up_at, why=why),)


def _collecting(state: Subscription) -> tuple[Item, ...]:
    return tuple(
        _collect(state, invoice)
        for invoice in state.open_invoices
        if state.open_attempt is None or state.open_attempt.invoice_number != invoice.number
    )


def _collect(state: Subscription, invoice: OpenInvoice) -> Item:
    due: datetime | None = None
    if not state.collects:
        why = f"{state.status.value.lower()}; what is owed stays owed"
    elif invoice.ended:
        why = f"not collected by itself: {invoice.ended}; a person has to look"
    elif state.held_back(invoice):
        why = f"disputed: {state.open_disputes[0].reason}; a person has to look"
    elif state.open_attempt is not None:
        why = "waits for the outcome of another charge"
    elif (method := method_for(state, invoice)) is None:
        why = "waits for a new token"
    else:
        due = invoice.collect_at
        why = _why_then(invoice)
        if method != state.token:
            why = f"{why}, by the backup method"
    return Item(kind=ItemKind.COLLECT, key=str(invoice.number), due_at=due, why=why)


def _why_then(invoice: OpenInvoice) -> str:
    if invoice.postponed:
        return f"postponed: the card's budget {invoice.postponed} is used up"
    retried = invoice.retry_at is not None and invoice.retries
    return f"retry {invoice.retries}" if retried else "collect"


_ENDS = {
    DunningEnd.SUSPEND: "suspended then",
    DunningEnd.CANCEL: "cancelled then",
    DunningEnd.WRITE_OFF: "written off then",
}


def _dunning(state: Subscription) -> tuple[Item, ...]:
    items: list[Item] = []
    for invoice in state.open_invoices:
        due = grace_over_at(state, invoice)
        if due is None:
            continue
        why = f"{invoice.ended}; {_ENDS[state.terms.retry.end]}"
        if waits_for_pause(state):
            due, why = None, f"{invoice.ended}; suspended once the pause is over"
        items.append(
            Item(kind=ItemKind.DUNNING, key=f"invoice {invoice.number}", due_at=due, why=why)
        )
    if state.suspension is not None:
        items.append(_suspension(state.suspension, state.lifted_by))
    return tuple(items)


def _suspension(suspension: Suspension, lifted_by: int | None) -> Item:
    """When it ends: at once when it was paid. Due from its beginning, which is surely past; a
    provider's time of the payment might not be."""
    due: datetime | None = None
    why = f"invoice {suspension.invoice_number} was not paid; nothing is billed"
    if lifted_by is not None:
        due, why = suspension.since, f"invoice {lifted_by} is paid; reinstate it"
    return Item(kind=ItemKind.DUNNING, key="suspension", due_at=due, why=why)


def _changing(state: Subscription) -> tuple[Item, ...]:
    items: list[Item] = []
    pause, planned = state.pause, state.cancellation
    if pause is not None:
        why = "paused until it is resumed" if pause.until is None else "the pause ends"
        items.append(Item(kind=ItemKind.RESUME, key="pause", due_at=pause.until, why=why))
    if planned is not None and planned.at is not None:
        why = f"cancelled then: {planned.reason}"
        items.append(Item(kind=ItemKind.CANCEL, key="end", due_at=planned.at, why=why))
    return tuple(items)


def _beside(state: Subscription) -> tuple[Item, ...]:
    """What is billed beside the schedule."""
    items: list[Item] = []
    if reached(state):
        due, why = max(each.at for each in state.usage), "usage comes to the agreed threshold"
        items.append(Item(kind=ItemKind.INVOICE, key=THRESHOLD_REACHED, due_at=due, why=why))
    crossing = state.reloading
    if crossing is not None and crossing.below and not crossing.reloaded and state.bills:
        why = (
            f"a balance of {crossing.balance} is too low; reloads are used up, until a later report"
        )
        items.append(Item(kind=ItemKind.RELOAD, key=crossing.report_id, due_at=None, why=why))
    return tuple(items)


def _dispute(dispute: Dispute) -> Item:
    """The provider and the payer act next, or a person; its end is told by the provider."""
    stage = " ".join(each for each in (dispute.stage, dispute.status) if each)
    why = f"{dispute.amount} disputed: {dispute.reason}, {stage}; a person has to look"
    return Item(kind=ItemKind.DISPUTE, key=dispute.dispute_ref, due_at=None, why=why)


def _refund(state: Subscription, refund: OpenRefund) -> Item:
    """A refund is an item of its own: it waits for no charge, and no charge waits for it."""
    key, kind = str(refund.refund_id), ItemKind.REFUND
    due: datetime | None = refund.attempted_at or refund.requested_at
    why = f"send {refund.amount} back"
    if state.refund_held(refund):
        due, why = None, f"{refund.amount} not sent while the charge is disputed"
    elif refund.awaits_person:
        kind, due = ItemKind.LOOK_UP_REFUND, None
        why = f"outcome unknown: {refund.finding}; a person has to decide"
    elif refund.unknown:
        kind, due = ItemKind.LOOK_UP_REFUND, refund.next_look_up_at
        why = f"outcome unknown; look {refund.looks + 1} at the provider"
    elif refund.attempted_at is not None:
        why = f"{refund.amount} attempted; no outcome yet"
    return Item(kind=kind, key=key, due_at=due, why=why)


def tokens_to_delete(state: Subscription) -> tuple[Token, ...]:
    """The tokens that were let go, and of whose money nothing is under way at the provider: no
    charge, capture or void is open, and no refund was begun that has no outcome."""
    needed = set() if state.open_attempt is None else {state.open_attempt.token_ref}
    begun = {each.attempt_id for each in state.refunds if each.attempted_at is not None}
    needed |= {each.token_ref for each in state.collected if each.attempt_id in begun}
    return tuple(
        each for each in state.tokens if each.let_go_at is not None and each.token_ref not in needed
    )


def _deletion(state: Subscription, token: Token) -> Item:
    due, why = token.let_go_at, f"have the provider forget it: {token.let_go}"
    if token not in tokens_to_delete(state):
        due, why = None, "deleted once what is open of its charges has an outcome"
    return Item(kind=ItemKind.DELETE_TOKEN, key=token.token_ref, due_at=due, why=why)
