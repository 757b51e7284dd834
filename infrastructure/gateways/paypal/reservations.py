"""Reservations: let go, and renewed.

A void is told by what PayPal shows: an authorisation that is VOIDED, by this request, an earlier
one or its age. A renewed reservation is let go by its parent's id.
Sources: reference notes on PayPal, section 2.6; OpenAPI payments_payment_v2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from domain.ports import Authorized, CaptureOrder, ChargeAnswer, Declined, Unknown
from domain.refund_ports import VoidAnswer, VoidDenied, Voided, VoidOrder
from domain.refusals import Refused
from domain.subscription.events import DeclineClass
from infrastructure.gateways.exchange import Exchange, NoAnswer, NotSent, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal import declines, orders
from infrastructure.gateways.paypal.calls import AUTHORIZATIONS, ORDERS, is_id, post, read
from infrastructure.gateways.paypal.wire import (
    amount_json,
    items,
    mapping,
    not_done,
    text_of,
    time_of,
    unknown,
)

# Statuses of an authorisation that reserves nothing and took nothing.
_NOTHING_RESERVED = frozenset({"VOIDED", "DENIED"})
# Issues that say the same of it.
_SAY_NOTHING_RESERVED = frozenset(
    {"PREVIOUSLY_VOIDED", "AUTHORIZATION_VOIDED", "AUTHORIZATION_EXPIRED", "AUTHORIZATION_DENIED"}
)
_IS_A_RENEWAL = "CANNOT_BE_VOIDED"
_SAY_CAPTURED = frozenset({"PREVIOUSLY_CAPTURED", "AUTHORIZATION_ALREADY_CAPTURED"})


def renewal_key(capture_id: UUID) -> str:
    """The key under which a reservation is renewed before it is captured under `capture_id`."""
    return str(uuid5(capture_id, "reauthorize"))


class Reservations:
    """Lets go and renews the authorisations of one account."""

    def __init__(self, http: ProviderHttp, now: Callable[[], datetime]) -> None:
        self._http = http
        self._now = now

    async def void(self, order: VoidOrder) -> VoidAnswer:
        """Let an authorisation go; of a renewed one the parent, which PayPal asks for by name."""
        answer = await self._void(order.authorization_ref, str(order.void_id))
        if not isinstance(answer, VoidDenied) or answer.code != _IS_A_RENEWAL:
            return answer
        parent = await self._parent(order.authorization_ref)
        if not parent:
            return Unknown(reason="a renewed reservation whose parent was not to be had")
        return await self._void(parent, str(uuid5(order.void_id, "parent")))

    async def renew(self, order: CaptureOrder) -> ChargeAnswer:
        """A new authorisation for the same money, from day 4 to 29, once."""
        ref = order.authorization_ref
        if not is_id(ref):
            return _refused_renewal("INVALID_RESOURCE_ID", "not an id of PayPal's")
        try:
            body = {"amount": amount_json(order.amount)}
        except Refused as refused:
            return _refused_renewal("DECIMALS_NOT_SUPPORTED", refused.reason[:200])
        path, template = f"{AUTHORIZATIONS}{ref}/reauthorize", f"{AUTHORIZATIONS}{{id}}/reauthorize"
        answer = await post(self._http, path, template, body, renewal_key(order.capture_id))
        if isinstance(answer, NotSent):
            return not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        if answer.status < 400:
            return _renewed(orders.authorization_of(mapping(answer.data), "", self._now()), ref)
        refusal = declines.refusal_of(answer.data)
        if not declines.speaks_of_state(refusal):
            return declines.judged(answer.status, refusal)
        return await self._renewed_before(order, answer.status, refusal)

    async def _void(self, authorization_id: str, key: str) -> VoidAnswer:
        if not is_id(authorization_id):
            return VoidDenied(code="INVALID_RESOURCE_ID", message="not an id of PayPal's")
        path = f"{AUTHORIZATIONS}{authorization_id}/void"
        answer = await post(self._http, path, f"{AUTHORIZATIONS}{{id}}/void", None, key)
        if isinstance(answer, NotSent):
            return not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        if answer.status == 204:
            return Voided(at=self._now().astimezone(UTC))
        if answer.status < 400:
            return self._standing(mapping(answer.data))
        refusal = declines.refusal_of(answer.data)
        if set(refusal.issues) & _SAY_NOTHING_RESERVED:
            shown = await read(self._http, AUTHORIZATIONS, authorization_id)
            if isinstance(shown, Reply) and shown.status < 400:
                return self._standing(mapping(shown.data))
            return Unknown(reason=f"HTTP {answer.status}: {refusal.code}, and it cannot be read")
        denial = declines.denied(answer.status, refusal)
        if isinstance(denial, Unknown):
            return denial
        captured = denial.code in _SAY_CAPTURED
        return VoidDenied(code=denial.code, message=denial.message, captured=captured)

    def _standing(self, authorization: Mapping[str, Any]) -> VoidAnswer:
        status = text_of(authorization.get("status"))
        if status in _NOTHING_RESERVED:
            at = time_of(authorization.get("update_time"))
            return Voided(at=at or self._now().astimezone(UTC))
        return Unknown(reason=f"authorisation {status[:40].lower() or 'unreadable'}")

    async def _parent(self, renewal_id: str) -> str:
        """The authorisation that a renewal was made of, by their order; "" if it does not show."""
        shown = await self._authorizations_beside(renewal_id)
        others = [text_of(one.get("id")) for one in shown or ()]
        others = [one for one in others if one != renewal_id and is_id(one)]
        return others[0] if others else ""

    async def _renewed_before(
        self, order: CaptureOrder, status: int, refusal: declines.Refusal
    ) -> ChargeAnswer:
        """A refusal that speaks of the state: an earlier sending may have renewed it already."""
        beside = await self._authorizations_beside(order.authorization_ref)
        if beside is None:
            return Unknown(reason=f"HTTP {status}: {refusal.code}, and its order was not to be had")
        for one in reversed(beside):
            if one.get("id") == order.authorization_ref:
                break
            answer = orders.authorization_of(one, "", self._now())
            if isinstance(answer, Authorized):
                return answer
        denial = declines.denied(status, refusal)
        if isinstance(denial, Unknown):
            return denial
        return _refused_renewal(denial.code, denial.message)

    async def _authorizations_beside(self, authorization_id: str) -> list[Mapping[str, Any]] | None:
        """All authorisations of the same order, oldest first; None if they were not to be had."""
        answer = await read(self._http, AUTHORIZATIONS, authorization_id)
        answer = await read(self._http, f"{ORDERS}/", orders.order_id_of(_readable(answer)))
        units = items(_readable(answer).get("purchase_units"))
        if not units:
            return None
        return [
            one
            for unit in units
            for one in items(mapping(unit.get("payments")).get("authorizations"))
        ]


def _readable(answer: Exchange) -> Mapping[str, Any]:
    return mapping(answer.data) if isinstance(answer, Reply) and answer.status < 400 else {}


def _renewed(answer: ChargeAnswer, old: str) -> ChargeAnswer:
    if isinstance(answer, Authorized) and answer.authorization_ref == old:
        return Unknown(reason="renewed, and no new authorisation shows")
    return answer


def _refused_renewal(code: str, message: str) -> Declined:
    """No money is at stake: what was reserved stays as it is."""
    return Declined(decline=DeclineClass.SOFT, code=code, message=message)
