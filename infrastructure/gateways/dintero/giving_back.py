"""Refunds, voids, and the end of a token: what is asked of Dintero, and what it answers.

A refund has no key at Dintero: two requests give back twice. That it is asked for once is the
caller's to see to. As a second guard the transaction is read before the request goes out: a
refund that already bears the reference is told, not repeated. Where it cannot be read, the
caller's word counts.
"""

from __future__ import annotations

from datetime import datetime

from domain.ports import NotDone, NotFound, TokenGone, TokenHeld, Unknown
from domain.refund_ports import (
    RefundAnswer,
    RefundDenied,
    RefundLookUpAnswer,
    RefundOrder,
    RefundQuery,
    VoidAnswer,
    VoidDenied,
    VoidOrder,
)
from domain.subscription.events import Instrument
from infrastructure.gateways.dintero import requests
from infrastructure.gateways.dintero.calls import (
    DinteroCalls,
    accepted,
    accepted_request,
    refusal,
    without_reply,
)
from infrastructure.gateways.dintero.traces import RefundStanding, refund_standing, void_standing
from infrastructure.gateways.dintero.transactions import (
    Transaction,
    Unreadable,
    judged,
    read_transaction,
    table,
    text,
)
from infrastructure.gateways.dintero.webhooks import ENDED
from infrastructure.gateways.exchange import Exchange, NotSent, Reply

# --- refunds ----------------------------------------------------------------------------------


async def refund(calls: DinteroCalls, order: RefundOrder, now: datetime) -> RefundAnswer:
    """Give back. order.amount: minor units of the charge's currency; Dintero takes an int32.

    now: UTC, for a time that Dintero leaves out.
    """
    if not order.charge_ref:
        return RefundDenied(code="CHARGE_UNKNOWN", message="Dintero's id of the charge is missing")
    if not 0 < order.amount.minor <= requests.LARGEST_AMOUNT:
        return RefundDenied(code="AMOUNT_OUT_OF_RANGE", message=f"{order.amount} is no int32 > 0")
    against = await _against_refund(calls, order, now)
    if not isinstance(against, tuple):
        return against
    body = requests.refund_body(order, against)
    exchange = await calls.refund(order.charge_ref, body, order.reference)
    if not isinstance(exchange, Reply):
        return without_reply(exchange)
    if exchange.status != 200 and exchange.status < 400:
        return Unknown(reason=accepted(exchange), provider_ref=accepted_request(exchange))
    shown = exchange if exchange.status == 200 else await calls.transaction(order.charge_ref)
    refused = refusal(exchange)
    if isinstance(shown, Reply) and shown.status == 200:
        answer = judged(shown, order.charge_reference, lambda found: _standing(found, order, now))
        if not isinstance(answer, NotFound):
            return answer
    elif not _is_missing(shown):
        return Unknown(reason=f"HTTP {exchange.status}, and the transaction is not shown")
    if refused is None:
        return Unknown(reason=f"HTTP {exchange.status}, and no refund shows")
    return RefundDenied(code=refused[0], message=refused[1])


async def _against_refund(
    calls: DinteroCalls, order: RefundOrder, now: datetime
) -> RefundAnswer | requests.Lines:
    """What speaks against sending a refund; else the charge's lines, as far as we can see them."""
    shown = await calls.transaction(order.charge_ref)
    if isinstance(shown, NotSent):
        return NotDone(reason=shown.reason, retry_after_s=shown.retry_after_s)
    if not isinstance(shown, Reply) or shown.status != 200:
        return ()
    try:
        found = read_transaction(shown.data)
        standing = _standing(found, order, now)
    except Unreadable:
        return ()
    if not isinstance(standing, NotFound):
        return standing
    # The request names no currency: the amount would be taken in the charge's own.
    if found.currency != order.amount.currency:
        words = f"the charge is in {found.currency[:10]}, not in {order.amount.currency}"
        return RefundDenied(code="CURRENCY_DIFFERS", message=words)
    if found.reference not in ("", order.charge_reference):
        return RefundDenied(code="CHARGE_DIFFERS", message="the transaction is another charge's")
    return found.lines


def _is_missing(shown: Exchange) -> bool:
    return isinstance(shown, Reply) and shown.status == 404


def _standing(found: Transaction, order: RefundOrder, now: datetime) -> RefundStanding:
    return refund_standing(found, order.reference, seen_at=now, confirmed=False)


async def look_up_refund(calls: DinteroCalls, query: RefundQuery) -> RefundLookUpAnswer:
    """What became of a refund, by the events of the charge's transaction. Only reads."""
    if not query.charge_ref:
        return Unknown(reason="Dintero's id of the charge is missing")
    shown = await calls.transaction(query.charge_ref)
    if not isinstance(shown, Reply):
        return without_reply(shown, query.provider_ref)
    if shown.status != 200:
        reason = f"HTTP {shown.status} for the transaction"
        return Unknown(reason=reason, provider_ref=query.provider_ref)
    return judged(
        shown,
        query.charge_reference,
        lambda found: refund_standing(
            found,
            query.reference,
            request_id=query.provider_ref,
            asked_at=query.attempted_at,
            seen_at=query.now,
            confirmed=True,
        ),
    )


# --- voids ------------------------------------------------------------------------------------


async def void(calls: DinteroCalls, order: VoidOrder, now: datetime) -> VoidAnswer:
    """Let go of a reservation. Repeated, it is refused, and the transaction tells of the first."""
    ref = order.authorization_ref
    if not ref:
        return VoidDenied(code="CHARGE_UNKNOWN", message="Dintero's id of the charge is missing")
    exchange = await calls.void(ref, order.reference)
    if not isinstance(exchange, Reply):
        return without_reply(exchange, ref)
    if exchange.status != 200 and exchange.status < 400:
        return Unknown(reason=accepted(exchange), provider_ref=ref)
    refused = refusal(exchange)
    shown = exchange if exchange.status == 200 else await calls.transaction(ref)
    if refused is not None and _is_missing(shown):
        return VoidDenied(code=refused[0], message=refused[1])
    if not isinstance(shown, Reply) or shown.status != 200:
        reason = f"HTTP {exchange.status}, and the transaction is not shown"
        return Unknown(reason=reason, provider_ref=ref)
    answer = judged(shown, order.reference, lambda found: void_standing(found, now))
    if answer is not None:
        return answer
    if refused is None:
        return Unknown(reason=f"HTTP {exchange.status}, and no void shows", provider_ref=ref)
    return VoidDenied(code=refused[0], message=refused[1])


# --- tokens -----------------------------------------------------------------------------------


async def delete_token(
    calls: DinteroCalls, instrument: Instrument
) -> TokenGone | Unknown | NotDone:
    """Make Dintero forget a card, by the id that its token has and that cannot be charged.

    A token that Dintero does not show (404) is gone. Whether cards of other acquirers than its
    own are listed at all is not documented.
    """
    token_id = instrument.provider_token_id
    if not token_id:
        return NotDone(reason="no id of the token is known; delete it in Dintero's own pages")
    exchange = await calls.delete_token(token_id, requests.delete_token_body())
    if not isinstance(exchange, Reply):
        return without_reply(exchange)
    if exchange.status in (204, 404, 410):
        return TokenGone()
    refused = refusal(exchange)
    if refused is not None:
        return NotDone(reason=f"HTTP {exchange.status}: {refused[0]}, {refused[1]}")
    shown = table(exchange.data)
    named = text(shown.get("id")) in ("", token_id)
    ended = text(shown.get("status")) == "DELETED" or text(shown.get("deleted_at")) != ""
    if exchange.status == 200 and named and ended:
        return TokenGone()
    return Unknown(reason=f"HTTP {exchange.status}, and the token does not show as deleted")


async def look_up_token(
    calls: DinteroCalls, instrument: Instrument
) -> TokenGone | TokenHeld | Unknown | NotDone:
    """See how a card stands of which a signed notice said that it has ended. Only reads.

    One that is not shown (404) is gone then: it is no proof by itself, for not every acquirer's
    cards are shown, but it does not speak against the notice. One that is shown is held, unless
    its status says that it is never charged again.
    """
    token_id = instrument.provider_token_id
    if not token_id:
        return NotDone(reason="no id of the token is known")
    shown = await calls.token(token_id)
    if not isinstance(shown, Reply):
        return without_reply(shown)
    if shown.status in (404, 410):
        return TokenGone()
    if shown.status != 200:
        return Unknown(reason=f"HTTP {shown.status} for the token")
    if text(table(shown.data).get("id")) not in ("", token_id):
        return Unknown(reason="another token was shown")
    return TokenGone() if text(table(shown.data).get("status")) in ENDED else TokenHeld()


async def token_has_ended(calls: DinteroCalls, instrument: Instrument) -> bool:
    """Whether Dintero shows a token as one that is never charged again. Only reads.

    False is no proof that it lives: not every acquirer's cards are shown.
    """
    if not instrument.provider_token_id:
        return False
    shown = await calls.token(instrument.provider_token_id)
    if not isinstance(shown, Reply) or shown.status != 200:
        return False
    return text(table(shown.data).get("status")) in ENDED
