"""What becomes of payments after they were made: parts, renewals, voids, refunds.

Few orders meet any of it, so it is kept beside them and not in each. Nothing here knows HTTP.
Sources: reference notes on PayPal, section 2.6; OpenAPI payments_payment_v2.
"""

from __future__ import annotations

from datetime import timedelta

import attrs

from infrastructure.simulators.paypal.records import Order

_MICROSECOND = timedelta(microseconds=1)
AUTHORIZATION_LIFE_US = timedelta(days=29) // _MICROSECOND
HONOUR_PERIOD_US = timedelta(days=3) // _MICROSECOND
REFUND_LIMIT_US = timedelta(days=180) // _MICROSECOND

COMPLETED, PENDING, FAILED = "COMPLETED", "PENDING", "FAILED"


@attrs.frozen(kw_only=True)
class Capture:
    """One capture as it is shown: of an order paid at once, or all or a part of an authorisation.

    minor: minor units, as stated. final: nothing more of the authorisation is captured.
    """

    order: Order
    capture_id: str
    minor: int
    invoice_id: str
    at_us: int
    final: bool = True


@attrs.frozen(kw_only=True)
class Renewal:
    """A reauthorisation: a new id for the same reservation. minor: what it reserves."""

    number: int
    order: Order
    minor: int
    at_us: int


@attrs.define(kw_only=True)
class Refund:
    """Money on its way back to the payer.

    asked, minor: in the request and as stated; they differ by a fault only.
    status: COMPLETED, PENDING or FAILED. ended_us: when it completed or failed, 0 before.
    """

    number: int
    capture_id: str
    order: Order
    asked: int
    minor: int
    invoice_id: str
    custom_id: str
    note: str
    status: str
    at_us: int
    ended_us: int = 0


@attrs.frozen(kw_only=True)
class RefundRequest:
    """What a refund asks for, checked. minor: minor units, or None for all that is left."""

    capture_id: str
    minor: int | None
    currency: str
    invoice_id: str
    custom_id: str
    note: str


class Aftermath:
    """Parts, renewals, voids and refunds of one account, by the order they belong to."""

    def __init__(self) -> None:
        self.parts: list[Capture] = []
        self.refunds: list[Refund] = []
        self.renewals: list[Renewal] = []
        self.refund_invoices: set[str] = set()
        self._parts_of: dict[int, list[Capture]] = {}
        self._refunds_of: dict[int, list[Refund]] = {}
        self._renewal_of: dict[int, Renewal] = {}
        self._voided_us: dict[int, int] = {}

    # --- captures in parts --------------------------------------------------------------------

    def parts_of(self, order: Order) -> list[Capture]:
        """The captures of an authorisation that was not taken in one piece, oldest first."""
        return self._parts_of.get(order.number, [])

    def add_part(self, part: Capture) -> int:
        """Keep a part; its number, from 1."""
        self.parts.append(part)
        self._parts_of.setdefault(part.order.number, []).append(part)
        return len(self.parts)

    def taken(self, order: Order) -> int:
        """Minor units captured in parts."""
        return sum(part.minor for part in self.parts_of(order))

    # --- renewals and voids -------------------------------------------------------------------

    def renewal_of(self, order: Order) -> Renewal | None:
        """The reauthorisation of an order, if there was one."""
        return self._renewal_of.get(order.number)

    def renew(self, order: Order, minor: int, at_us: int) -> Renewal:
        """A new authorisation in the place of the old one."""
        renewal = Renewal(number=len(self.renewals) + 1, order=order, minor=minor, at_us=at_us)
        self.renewals.append(renewal)
        self._renewal_of[order.number] = renewal
        return renewal

    def reserved(self, order: Order) -> int:
        """Minor units that may be captured in all."""
        renewal = self.renewal_of(order)
        return order.asked if renewal is None else renewal.minor

    def note_void(self, order: Order, at_us: int) -> None:
        """An authorisation was let go."""
        self._voided_us[order.number] = at_us

    def voided_us(self, order: Order) -> int:
        """When it was let go, 0 for never."""
        return self._voided_us.get(order.number, 0)

    # --- refunds ------------------------------------------------------------------------------

    def refunds_of(self, order: Order, capture_id: str = "") -> list[Refund]:
        """The refunds of an order, or of one of its captures, oldest first."""
        refunds = self._refunds_of.get(order.number, [])
        return [one for one in refunds if capture_id in ("", one.capture_id)]

    def given_back(self, order: Order, capture_id: str, *statuses: str) -> int:
        """Minor units of a capture's refunds in these statuses."""
        refunds = self.refunds_of(order, capture_id)
        return sum(one.minor for one in refunds if one.status in statuses)

    def add_refund(
        self, request: RefundRequest, capture: Capture, minor: int, stated: int, at_us: int
    ) -> Refund:
        """Keep a refund, pending at first."""
        refund = Refund(
            number=len(self.refunds) + 1,
            capture_id=capture.capture_id,
            order=capture.order,
            asked=minor,
            minor=stated,
            invoice_id=request.invoice_id,
            custom_id=request.custom_id,
            note=request.note,
            status=PENDING,
            at_us=at_us,
        )
        self.refunds.append(refund)
        self._refunds_of.setdefault(capture.order.number, []).append(refund)
        if refund.invoice_id:
            self.refund_invoices.add(refund.invoice_id)
        return refund

    def end(self, refund: Refund, status: str, at_us: int) -> None:
        """A refund completes or fails; what failed frees its invoice id."""
        refund.status = status
        refund.ended_us = at_us
        if status == FAILED:
            self.refund_invoices.discard(refund.invoice_id)
