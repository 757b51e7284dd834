"""What became of an attempt: read what we have an id of, else search PayPal's report.

Nothing here can make a charge: every call is a GET.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.ports import (
    Authorized,
    Captured,
    ChargeAnswer,
    ChargeQuery,
    Declined,
    LookUpAnswer,
    NotFound,
    Unknown,
)
from domain.subscription.events import DeclineClass
from infrastructure.gateways.exchange import Call, Exchange, NoAnswer, NotSent, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal import orders
from infrastructure.gateways.paypal.reports import (
    ReportRow,
    TransactionReports,
    finding,
    look_back,
)
from infrastructure.gateways.paypal.wire import mapping, not_done, text_of, unknown

# Statuses of an authorisation of which something was captured.
_TAKEN = frozenset({"CAPTURED", "PARTIALLY_CAPTURED"})


class LookUps:
    """Reads orders, captures, authorisations and the transaction report of one account."""

    def __init__(
        self, http: ProviderHttp, reports: TransactionReports, now: Callable[[], datetime]
    ) -> None:
        self._http = http
        self._now = now
        self._reports = reports

    async def find(self, query: ChargeQuery) -> LookUpAnswer:
        """By the ids we know, the most exact first; then by reference in the report."""
        # A look that showed the authorisation or the order told its id: those are asked for below.
        told = query.provider_ref
        known = told in (query.authorization_ref, query.order_ref)
        return (
            await self._by_provider_ref("" if known else told, query)
            or await self._authorization(query.authorization_ref, query.order_ref, query)
            or await self._order(query.order_ref, query)
            or await self._by_report(query)
        )

    async def reference_of(self, capture_id: str) -> str:
        """The reference of the charge that a capture belongs to; "" if it cannot be read."""
        answer = await self._get("/v2/payments/captures/", capture_id)
        if not isinstance(answer, Reply) or answer.status >= 400:
            return ""
        return orders.charge_of_part(text_of(mapping(answer.data).get("invoice_id")))

    async def _by_provider_ref(self, provider_ref: str, query: ChargeQuery) -> LookUpAnswer | None:
        """An id that came with an unknown outcome: of a capture, an authorisation or an order."""
        if not provider_ref:
            return None
        return (
            await self._capture(provider_ref)
            or await self._authorization(provider_ref, "", query)
            or await self._order(provider_ref, query)
        )

    async def _capture(self, capture_id: str) -> LookUpAnswer | None:
        answer = await self._get("/v2/payments/captures/", capture_id)
        return _read(answer, lambda reply: orders.capture_of(mapping(reply.data), self._now()))

    async def _order(self, order_id: str, query: ChargeQuery) -> LookUpAnswer | None:
        if not order_id:
            return None
        answer = await self._get("/v2/checkout/orders/", order_id)
        return _read(answer, lambda reply: _of_order(reply, query, self._now()))

    async def _authorization(
        self, authorization_id: str, order_id: str, query: ChargeQuery
    ) -> LookUpAnswer | None:
        """An authorisation; where it was captured, the capture, which its order names.

        A voided one may have been captured in part before.
        """
        if not authorization_id:
            return None
        answer = await self._get("/v2/payments/authorizations/", authorization_id)
        if not isinstance(answer, Reply) or answer.status >= 400:
            return _read(answer, lambda _: Unknown(reason="unreachable"))
        authorization = mapping(answer.data)
        order_id = order_id or orders.order_id_of(authorization)
        status = authorization.get("status")
        standing = orders.authorization_of(authorization, order_id, self._now())
        may_be_taken = _TAKEN if query.capture_id is None else {*_TAKEN, "VOIDED"}
        if status not in may_be_taken:
            return standing
        shown = await self._order(order_id, query)
        if shown is not None and not isinstance(shown, Authorized):
            return shown
        # The capture that was asked about does not show; another one may have been made.
        others_only = status == "PARTIALLY_CAPTURED" and query.capture_id is not None
        if status == "VOIDED" or (others_only and shown is not None):
            return standing
        return Unknown(reason="captured, but its order does not show the capture")

    async def _by_report(self, query: ChargeQuery) -> LookUpAnswer:
        return await look_back(
            lambda since, until: self._in_window(since, until, query),
            attempted_at=query.attempted_at,
            since=query.since,
            now=query.now,
        )

    async def _in_window(
        self, since: datetime, until: datetime, query: ChargeQuery
    ) -> LookUpAnswer:
        window = await self._reports.window(since, until)
        if isinstance(window, NotSent):
            return not_done(window)
        if isinstance(window, NoAnswer):
            return unknown(window)
        rows = window.rows.get(query.reference, ()) or window.rows.get(str(query.attempt_id), ())
        # Money that left us under the same invoice (a refund) is not the charge.
        charges = [row for row in rows if row.amount is None or row.amount.minor > 0]
        if not charges:
            return NotFound(finding=finding(window))
        return await self._of_row(max(charges, key=_weight), query)

    async def _of_row(self, row: ReportRow, query: ChargeQuery) -> LookUpAnswer:
        """The exact resource behind a row if it can be read, else what the row says."""
        if row.is_authorization:
            exact = await self._authorization(row.transaction_id, "", query)
        else:
            exact = await self._capture(row.transaction_id)
        if isinstance(exact, Captured | Authorized | Declined):
            return exact
        if row.status in ("S", "V") and not row.is_authorization and row.amount and row.at:
            return Captured(amount=row.amount, provider_ref=row.transaction_id, at=row.at)
        if row.status == "D":
            return Declined(
                decline=DeclineClass.SOFT,
                code="TRANSACTION_DENIED",
                message="denied, by the transaction report",
                provider_ref=row.transaction_id,
                at=row.at,
            )
        return Unknown(
            reason=f"report shows status {row.status or 'none'}", provider_ref=row.transaction_id
        )

    async def _get(self, path: str, resource_id: str) -> Exchange:
        if not resource_id.isalnum():  # never let an id become part of another path
            return NoAnswer(reason="not an id of PayPal's")
        return await self._http.send(
            Call(method="GET", path=path + resource_id, template=path + "{id}")
        )


def _read(answer: Exchange, meaning: Callable[[Reply], ChargeAnswer]) -> LookUpAnswer | None:
    """What a read resource means; None where there is no such resource."""
    if isinstance(answer, NotSent):
        return not_done(answer)
    if isinstance(answer, NoAnswer):
        return unknown(answer)
    if answer.status == 404:
        return None
    if answer.status >= 400:
        return Unknown(reason=f"HTTP {answer.status} to a look-up")
    return meaning(answer)


def _weight(row: ReportRow) -> tuple[bool, int]:
    """Of several rows under one reference: a capture before an authorisation, success first."""
    return (not row.is_authorization, "DPVS".find(row.status))


def _of_order(reply: Reply, query: ChargeQuery, now: datetime) -> ChargeAnswer:
    """Asked about a capture, that one if the order shows it; else what the order says in all."""
    if query.capture_id is None:
        return orders.order_answer(reply, now)
    part = orders.part_reference(query.reference, query.capture_id)
    return orders.order_answer(reply, now, part, query.reference)
