"""Refunds: what is sent, what their states mean, and where one is found again.

A refund is given back once PayPal shows it COMPLETED; PENDING (an e-cheque of ours) may still fail.
A refusal that speaks of the state of the charge ("nothing is left", "invoice id was used") may be
the work of an earlier sending of the same refund, whose key PayPal forgot. So it is a denial only
once PayPal shows no refund of ours: `Refunds.refund` reads before it says no.
Sources: reference notes on PayPal, sections 2.6, 3 and 4; OpenAPI payments_payment_v2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from domain.ports import NotFound, Unknown
from domain.refund_ports import (
    RefundAnswer,
    RefundDenied,
    Refunded,
    RefundLookUpAnswer,
    RefundOrder,
    RefundQuery,
)
from domain.refusals import Refused
from infrastructure.gateways.exchange import Exchange, NoAnswer, NotSent, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal import declines
from infrastructure.gateways.paypal.calls import CAPTURES, ORDERS, REFUNDS, is_id, post, read
from infrastructure.gateways.paypal.orders import order_id_of
from infrastructure.gateways.paypal.reports import (
    ReportRow,
    TransactionReports,
    finding,
    look_back,
)
from infrastructure.gateways.paypal.wire import (
    amount_json,
    amount_of,
    items,
    mapping,
    not_done,
    text_of,
    time_of,
    unknown,
)

_NOTE_LENGTH = 255
# Statuses of a capture of which nothing was given back.
_UNTOUCHED = frozenset({"COMPLETED", "PENDING", "DECLINED", "FAILED"})
_GIVEN_BACK = frozenset({"PARTIALLY_REFUNDED", "REFUNDED"})
# Of several refunds under one reference, what happened counts before what did not.
_WEIGHT = ("FAILED", "CANCELLED", "PENDING", "COMPLETED")


def refund_json(order: RefundOrder) -> dict[str, Any]:
    """The body of POST /v2/payments/captures/{id}/refund. The amount is always named: without one
    PayPal gives back all that is left. Raises: Refused("money-needs-decimals")."""
    body = {
        "amount": amount_json(order.amount),
        "invoice_id": order.reference,
        "custom_id": str(order.refund_id),
    }
    note = _note(order.reason)
    return {**body, "note_to_payer": note} if note else body


def _note(reason: str) -> str:
    """One line of printable characters, as PayPal takes it."""
    plain = "".join(character if character.isprintable() else " " for character in reason)
    return " ".join(plain.split())[:_NOTE_LENGTH].rstrip()


def refund_of(refund: Mapping[str, Any], reference: str, now: datetime) -> RefundAnswer:
    """One refund resource; `now` stands in for a time that PayPal does not state.

    Its time is when it came to its end: of the two that PayPal states the later one.
    """
    refund_id, status = text_of(refund.get("id")), text_of(refund.get("status"))
    invoice_id = refund.get("invoice_id")
    if invoice_id is not None and invoice_id != reference:
        return Unknown(reason="the answer is about another refund")
    times = (time_of(refund.get("create_time")), time_of(refund.get("update_time")))
    at = max((time for time in times if time is not None), default=None)
    if status == "COMPLETED":
        amount = amount_of(refund.get("amount"))
        if amount is None or amount.minor <= 0 or not refund_id:
            reason = "refund COMPLETED without amount or id"
            return Unknown(reason=reason, provider_ref=refund_id)
        return Refunded(amount=amount, provider_ref=refund_id, at=at or now)
    why = text_of(mapping(refund.get("status_details")).get("reason"))[:100]
    if status in ("FAILED", "CANCELLED"):
        code = f"REFUND_{status}"
        words = declines.WORDS_OF[code] + (f" ({why})" if why else "")
        return RefundDenied(code=code, message=words, provider_ref=refund_id, at=at)
    told = f"refund {status[:40].lower() or 'without a status'} {why}".strip()
    return Unknown(reason=told, provider_ref=refund_id)


class Refunds:
    """Makes refunds of one account, and finds them again."""

    def __init__(
        self, http: ProviderHttp, reports: TransactionReports, now: Callable[[], datetime]
    ) -> None:
        self._http = http
        self._reports = reports
        self._now = now

    async def refund(self, order: RefundOrder) -> RefundAnswer:
        """One POST under the refund's id as the key; then, at most, reads."""
        if not is_id(order.charge_ref):
            return RefundDenied(code="INVALID_RESOURCE_ID", message="not an id of PayPal's")
        try:
            body = refund_json(order)
        except Refused as refused:
            return RefundDenied(code="DECIMALS_NOT_SUPPORTED", message=refused.reason[:200])
        answer = await post(
            self._http,
            f"{CAPTURES}{order.charge_ref}/refund",
            f"{CAPTURES}{{id}}/refund",
            body,
            str(order.refund_id),
        )
        if isinstance(answer, NotSent):
            return not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        if answer.status < 400:
            return refund_of(mapping(answer.data), order.reference, self._now())
        return await self._refused(order, answer)

    async def find(self, query: RefundQuery) -> RefundLookUpAnswer:
        """By its id, then among the refunds of its charge, then in the report. Only GETs."""
        if is_id(query.provider_ref):
            answer = await read(self._http, REFUNDS, query.provider_ref)
            found = self._read(answer, query.reference)
            if found is not None:
                return found
        beside = await self._of_charge(query.charge_ref, query.reference, str(query.refund_id))
        return beside if beside is not None else await self._by_report(query)

    async def _refused(self, order: RefundOrder, reply: Reply) -> RefundAnswer:
        refusal = declines.refusal_of(reply.data)
        denial = declines.denied(reply.status, refusal)
        if declines.speaks_of_state(refusal):
            found = await self._of_charge(order.charge_ref, order.reference, str(order.refund_id))
            if isinstance(found, Refunded | RefundDenied | Unknown):
                return found
            if not isinstance(found, NotFound):
                reason = f"HTTP {reply.status}: {refusal.code}, and its refunds were not to be had"
                return Unknown(reason=reason)
        if isinstance(denial, Unknown):
            return denial
        return RefundDenied(code=denial.code, message=denial.message)

    async def _of_charge(
        self, capture_id: str, reference: str, custom_id: str
    ) -> RefundLookUpAnswer | None:
        """What the order of a capture shows of a refund; None where it is not conclusive."""
        if not is_id(capture_id):
            return None
        answer = await read(self._http, CAPTURES, capture_id)
        if not isinstance(answer, Reply):
            return not_done(answer) if isinstance(answer, NotSent) else unknown(answer)
        if answer.status == 404:
            return None
        status = text_of(mapping(answer.data).get("status"))
        if answer.status >= 400 or status not in _UNTOUCHED | _GIVEN_BACK:
            return Unknown(reason=f"HTTP {answer.status}, the charge cannot be read")
        order_id = order_id_of(mapping(answer.data))
        if not is_id(order_id):
            return None
        answer = await read(self._http, f"{ORDERS}/", order_id)
        if not isinstance(answer, Reply):
            return not_done(answer) if isinstance(answer, NotSent) else unknown(answer)
        if answer.status == 404:
            return None
        units = items(mapping(answer.data).get("purchase_units"))
        if answer.status >= 400 or not units:
            return Unknown(reason=f"HTTP {answer.status}, the charge's order cannot be read")
        shown = [
            one for unit in units for one in items(mapping(unit.get("payments")).get("refunds"))
        ]
        ours = [
            one
            for one in shown
            if one.get("invoice_id") == reference or one.get("custom_id") == custom_id
        ]
        if ours:
            return refund_of(max(ours, key=_weight), reference, self._now())
        if status in _GIVEN_BACK and not shown:
            return None  # given back, it says, and the order does not say as what
        return NotFound(finding=f"not among the {len(shown)} refunds of the charge's order")

    async def _by_report(self, query: RefundQuery) -> RefundLookUpAnswer:
        return await look_back(
            lambda since, until: self._in_window(since, until, query),
            attempted_at=query.attempted_at,
            since=query.since,
            now=query.now,
        )

    async def _in_window(
        self, since: datetime, until: datetime, query: RefundQuery
    ) -> RefundLookUpAnswer:
        window = await self._reports.window(since, until)
        if isinstance(window, NotSent):
            return not_done(window)
        if isinstance(window, NoAnswer):
            return unknown(window)
        rows = window.rows.get(query.reference, ()) or window.rows.get(str(query.refund_id), ())
        # Only money that left us is a refund.
        refunds = [row for row in rows if row.amount is None or row.amount.minor < 0]
        if not refunds:
            return NotFound(finding=finding(window))
        row = max(refunds, key=lambda row: "DPVS".find(row.status))
        return await self._of_row(row, query.reference)

    async def _of_row(self, row: ReportRow, reference: str) -> RefundLookUpAnswer:
        """The refund behind a row if it can be read, else what the row says."""
        if is_id(row.transaction_id):
            answer = await read(self._http, REFUNDS, row.transaction_id)
            exact = self._read(answer, reference)
            if isinstance(exact, Refunded | RefundDenied):
                return exact
        if row.status == "S" and row.amount and row.at and row.transaction_id:
            return Refunded(amount=-row.amount, provider_ref=row.transaction_id, at=row.at)
        told = f"report shows a refund with status {row.status[:1] or 'none'}"
        return Unknown(reason=told, provider_ref=row.transaction_id)

    def _read(self, answer: Exchange, reference: str) -> RefundLookUpAnswer | None:
        """What a refund that was read means; None where there is no such thing."""
        if isinstance(answer, NotSent):
            return not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        if answer.status == 404:
            return None
        if answer.status >= 400:
            return Unknown(reason=f"HTTP {answer.status} to a look-up")
        return refund_of(mapping(answer.data), reference, self._now())


def _weight(refund: Mapping[str, Any]) -> int:
    status = refund.get("status")
    return _WEIGHT.index(status) if status in _WEIGHT else _WEIGHT.index("PENDING")
