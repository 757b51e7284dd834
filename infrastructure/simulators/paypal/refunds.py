"""Refunds over HTTP: make one, read one.

Sources: reference notes on PayPal, sections 2.6 and 3; OpenAPI payments_payment_v2.
"""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal import ending
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.keyed import KeyedCall, carried_out
from infrastructure.simulators.paypal.payments import Refund, RefundRequest
from infrastructure.simulators.paypal.provider import PROVIDER, json_answer, payload
from infrastructure.simulators.paypal.resources import refund_json
from infrastructure.simulators.paypal.state import Account
from infrastructure.simulators.paypal.validation import minor_units, object_at


async def refund_capture(request: web.Request) -> web.StreamResponse:
    """POST /v2/payments/captures/{id}/refund, in full or in part."""
    provider = request.app[PROVIDER]
    account = provider.account
    body = await payload(request)
    provider.check_schema("refund", body)
    capture = account.captured(request.match_info["id"])
    asked = _asked(capture.capture_id, body)
    minimal = request.headers.get("Prefer", "return=minimal") != "return=representation"

    def act(fault: Fault | None, at: datetime) -> int:
        return ending.refund(account, asked, fault, at).number

    def show(number: int, status: int) -> web.Response:
        refund = account.aftermath.refunds[number - 1]
        shown = refund_json(account, refund, provider.base_url(request), minimal=minimal)
        return json_answer(shown, status)

    def matches(number: int) -> bool:
        known = account.aftermath.refunds[number - 1]
        same_amount = asked.minor in (None, known.asked)
        return same_amount and known.invoice_id == asked.invoice_id

    async def tell(number: int) -> None:
        await provider.webhooks.about_new_refund(account.aftermath.refunds[number - 1])

    return await carried_out(
        request,
        KeyedCall(
            operation="refund",
            reference=asked.invoice_id or capture.invoice_id,
            keys=account.refund_keys,
            scope=capture.capture_id,
            act=act,
            show=show,
            tell=tell,
            tell_late=lambda number: provider.webhooks.about_refund(
                account.aftermath.refunds[number - 1]
            ),
            matches=matches,
        ),
    )


def _asked(capture_id: str, body: object) -> RefundRequest:
    """What is asked for. Raises: PayPalError(400 or 422)."""
    request = object_at(body)
    minor, currency = None, ""
    if request.get("amount") is not None:
        minor, currency = minor_units(request["amount"], "/amount")
    return RefundRequest(
        capture_id=capture_id,
        minor=minor,
        currency=currency,
        invoice_id=str(request.get("invoice_id") or ""),
        custom_id=str(request.get("custom_id") or ""),
        note=str(request.get("note_to_payer") or ""),
    )


async def get_refund(request: web.Request) -> web.StreamResponse:
    """GET /v2/payments/refunds/{id}"""
    provider = request.app[PROVIDER]
    refund = _refund(provider.account, request.match_info["id"])
    return json_answer(refund_json(provider.account, refund, provider.base_url(request)))


def _refund(account: Account, refund_id: str) -> Refund:
    number = account.ids.number("RF", refund_id)
    if not number or number > len(account.aftermath.refunds):
        raise PayPalError(404, "INVALID_RESOURCE_ID")
    return account.aftermath.refunds[number - 1]
