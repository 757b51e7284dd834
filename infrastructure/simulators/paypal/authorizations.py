"""Authorisations over HTTP: read, captured, renewed, let go.

Sources: reference notes on PayPal, sections 2.6 and 3; OpenAPI payments_payment_v2.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal import ending
from infrastructure.simulators.paypal.ending import CaptureRequest
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.keyed import KeyedCall, carried_out
from infrastructure.simulators.paypal.payments import Capture
from infrastructure.simulators.paypal.provider import PROVIDER, Provider, json_answer, payload
from infrastructure.simulators.paypal.records import Order
from infrastructure.simulators.paypal.resources import (
    authorization_json,
    capture_json,
    renewal_json,
)
from infrastructure.simulators.paypal.validation import minor_units

_REFUSED_CAPTURES = {
    Fault.SOFT_DECLINE: "TRANSACTION_REFUSED",
    Fault.HARD_DECLINE: "PAYER_CANNOT_PAY",
}
_WHOLE = 0  # in the place of a part's number


async def get_authorization(request: web.Request) -> web.StreamResponse:
    """GET /v2/payments/authorizations/{id}"""
    provider, authorization_id = request.app[PROVIDER], request.match_info["id"]
    order = provider.account.authorized_order(authorization_id)
    return json_answer(_shown(provider, request, order, authorization_id))


async def capture_authorization(request: web.Request) -> web.StreamResponse:
    """POST /v2/payments/authorizations/{id}/capture, in full or in part."""
    provider = request.app[PROVIDER]
    account = provider.account
    body = await payload(request)
    provider.check_schema("capture", body)
    order = account.authorized_order(request.match_info["id"])
    minor, currency = _amount(body)
    asked = CaptureRequest(
        minor=minor,
        currency=currency,
        invoice_id=_text(body, "invoice_id"),
        final=_field(body, "final_capture") is True,
    )

    def act(fault: Fault | None, at: datetime) -> int:
        if fault in _REFUSED_CAPTURES:
            raise PayPalError(422, _REFUSED_CAPTURES[fault])
        captured = ending.capture(account, order, asked, at)
        return account.ids.number("CP", captured.capture_id) or _WHOLE

    def made(number: int) -> Capture:
        return account.aftermath.parts[number - 1] if number else account.captures(order)[0]

    def matches(number: int) -> bool:
        return asked.minor in (None, made(number).minor + order.asked - order.stated)

    async def tell(number: int) -> None:
        await provider.webhooks.about_new_capture(made(number))

    return await carried_out(
        request,
        KeyedCall(
            operation="capture",
            reference=order.invoice_id,
            keys=account.capture_keys,
            scope=str(order.number),
            act=act,
            show=lambda number, status: json_answer(
                capture_json(account, made(number), provider.base_url(request)), status
            ),
            tell=tell,
            tell_late=lambda number: provider.webhooks.about_capture(made(number)),
            matches=matches,
        ),
    )


async def void_authorization(request: web.Request) -> web.StreamResponse:
    """POST /v2/payments/authorizations/{id}/void: 204, or 200 with the authorisation."""
    provider, authorization_id = request.app[PROVIDER], request.match_info["id"]
    account = provider.account
    order = account.authorized_order(authorization_id)
    is_renewal = account.renewal(authorization_id) is not None

    def act(_: Fault | None, at: datetime) -> int:
        ending.void(account, order, at, is_renewal=is_renewal)
        return order.number

    def show(_: int, __: int) -> web.Response:
        if request.headers.get("Prefer") != "return=representation":
            return web.Response(status=204)
        return json_answer(_shown(provider, request, order, authorization_id))

    async def tell(_: int) -> None:
        await provider.webhooks.about_new_void(order)

    return await carried_out(
        request,
        KeyedCall(
            operation="void",
            reference=order.invoice_id,
            keys=account.void_keys,
            scope=authorization_id,
            act=act,
            show=show,
            tell=tell,
            tell_late=lambda _: provider.webhooks.about_order(order),
        ),
    )


async def reauthorize(request: web.Request) -> web.StreamResponse:
    """POST /v2/payments/authorizations/{id}/reauthorize"""
    provider, authorization_id = request.app[PROVIDER], request.match_info["id"]
    account = provider.account
    body = await payload(request)
    provider.check_schema("reauthorize", body)
    order = account.authorized_order(authorization_id)
    minor, currency = _amount(body)

    def act(fault: Fault | None, at: datetime) -> int:
        if account.renewal(authorization_id) is not None:
            raise PayPalError(422, "REAUTHORIZATION_NOT_SUPPORTED")
        if fault in (Fault.SOFT_DECLINE, Fault.HARD_DECLINE):
            raise PayPalError(422, "REAUTHORIZATION_DECLINED_BY_PROCESSOR")
        return ending.renew(account, order, minor, currency, at).number

    def show(number: int, status: int) -> web.Response:
        renewal = account.aftermath.renewals[number - 1]
        return json_answer(renewal_json(account, renewal, provider.base_url(request)), status)

    async def tell(_: int) -> None:
        """PayPal names no event of a reauthorisation."""

    return await carried_out(
        request,
        KeyedCall(
            operation="reauthorize",
            reference=order.invoice_id,
            keys=account.renewal_keys,
            scope=authorization_id,
            act=act,
            show=show,
            tell=tell,
            tell_late=lambda _: None,
        ),
    )


def _shown(
    provider: Provider, request: web.Request, order: Order, authorization_id: str
) -> dict[str, Any]:
    renewal = provider.account.renewal(authorization_id)
    base_url = provider.base_url(request)
    if renewal is not None:
        return renewal_json(provider.account, renewal, base_url)
    return authorization_json(provider.account, order, base_url)


def _amount(body: object) -> tuple[int | None, str]:
    """The amount asked for in minor units, None where there is none. Raises: PayPalError."""
    asked = _field(body, "amount")
    return (None, "") if asked is None else minor_units(asked, "/amount")


def _text(body: object, name: str) -> str:
    return str(_field(body, name) or "")


def _field(body: object, name: str) -> object:
    return body.get(name) if isinstance(body, dict) else None
