"""How payments end: captured from a reservation, let go, renewed, given back.

Nothing here knows HTTP. What refuses raises PayPalError, as the API would answer.
Sources: reference notes on PayPal, section 2.6; OpenAPI payments_payment_v2 and the issue codes
of its refunds, voids and reauthorisations.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.payments import (
    COMPLETED,
    FAILED,
    HONOUR_PERIOD_US,
    PENDING,
    REFUND_LIMIT_US,
    Capture,
    Refund,
    RefundRequest,
    Renewal,
)
from infrastructure.simulators.paypal.records import Line, Order, State, micros
from infrastructure.simulators.paypal.state import Account

_REFUSED_REFUNDS = {
    Fault.SOFT_DECLINE: "REFUND_FAILED_INSUFFICIENT_FUNDS",
    Fault.HARD_DECLINE: "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
    Fault.PAYER_ACTION: "TRANSACTION_DISPUTED",
}


@attrs.frozen(kw_only=True)
class CaptureRequest:
    """What a capture asks for, checked. minor: minor units, or None for all that is reserved."""

    minor: int | None
    currency: str
    invoice_id: str
    final: bool


def capture(account: Account, order: Order, request: CaptureRequest, at: datetime) -> Capture:
    """Take what is reserved, or a part of it. Raises: PayPalError(422)."""
    aftermath = account.aftermath
    if order.state is State.AUTHORIZATION_CAPTURED:
        raise PayPalError(422, "AUTHORIZATION_ALREADY_CAPTURED")
    if order.state is State.AUTHORIZATION_VOIDED:
        raise PayPalError(422, "AUTHORIZATION_VOIDED")
    if account.has_expired(order, at):
        raise PayPalError(422, "AUTHORIZATION_EXPIRED")
    if request.minor is not None and request.currency != order.currency:
        raise PayPalError(422, "AUTH_CAPTURE_CURRENCY_MISMATCH", field="/amount/currency_code")
    parts = aftermath.parts_of(order)
    if request.invoice_id and request.invoice_id in {part.invoice_id for part in parts}:
        raise PayPalError(422, "DUPLICATE_INVOICE_ID", field="/invoice_id")
    reserved, taken = aftermath.reserved(order), aftermath.taken(order)
    minor = reserved if request.minor is None else request.minor
    if taken + minor > reserved:
        raise PayPalError(422, "MAX_CAPTURE_AMOUNT_EXCEEDED", field="/amount/value")
    is_last = request.final or taken + minor == reserved
    order.captured_us = micros(at)
    order.state = State.AUTHORIZATION_CAPTURED if is_last else State.AUTHORIZATION_PARTLY_CAPTURED
    invoice_id = request.invoice_id or order.invoice_id
    if minor == order.asked and request.final and invoice_id == order.invoice_id:
        account.journal.add(order.captured_us, order.number, Line.CAPTURE)
        (whole,) = account.captures(order)
        _book_capture(account, whole, at)
        return whole
    part = Capture(
        order=order,
        capture_id=account.ids.of("CP", len(aftermath.parts) + 1),
        minor=minor,
        invoice_id=invoice_id,
        at_us=order.captured_us,
        final=request.final,
    )
    account.journal.add(part.at_us, aftermath.add_part(part), Line.PART)
    _book_capture(account, part, at, part_of=account.ids.of("AU", order.number))
    return part


def _book_capture(account: Account, taken: Capture, at: datetime, part_of: str = "") -> None:
    account.controls.book.write(
        Movement.CAPTURED,
        reference=taken.order.invoice_id,
        minor=taken.minor,
        currency=taken.order.currency,
        provider_id=taken.capture_id,
        at=at,
        part_of=part_of,
    )


def void(account: Account, order: Order, at: datetime, *, is_renewal: bool = False) -> None:
    """Let go of what is reserved and not captured. Raises: PayPalError(422)."""
    if is_renewal:
        raise PayPalError(422, "CANNOT_BE_VOIDED")  # PayPal wants the parent's id
    if order.state is State.AUTHORIZATION_CAPTURED:
        raise PayPalError(422, "PREVIOUSLY_CAPTURED")
    if order.state is State.AUTHORIZATION_VOIDED or account.has_expired(order, at):
        raise PayPalError(422, "PREVIOUSLY_VOIDED")
    order.state = State.AUTHORIZATION_VOIDED
    account.aftermath.note_void(order, micros(at))
    misstated = order.asked - order.stated  # by a fault
    account.controls.book.write(
        Movement.VOIDED,
        reference=order.invoice_id,
        minor=account.aftermath.reserved(order) - account.aftermath.taken(order) - misstated,
        currency=order.currency,
        provider_id=account.ids.of("AU", order.number),
        at=at,
    )


def renew(
    account: Account, order: Order, minor: int | None, currency: str, at: datetime
) -> Renewal:
    """A new honour period under a new id: once, from day 4 to 29. Raises: PayPalError(422)."""
    if order.state in (State.AUTHORIZATION_CAPTURED, State.AUTHORIZATION_PARTLY_CAPTURED):
        raise PayPalError(422, "AUTHORIZATION_ALREADY_CAPTURED")
    if order.state is State.AUTHORIZATION_VOIDED or account.has_expired(order, at):
        raise PayPalError(422, "AUTHORIZATION_VOIDED")
    already = account.aftermath.renewal_of(order) is not None
    if already or micros(at) < order.at_us + HONOUR_PERIOD_US:
        raise PayPalError(422, "REAUTHORIZATION_TOO_SOON")
    if minor is not None and currency != order.currency:
        raise PayPalError(422, "AUTH_CURRENCY_MISMATCH", field="/amount/currency_code")
    if minor is not None and minor > order.asked:
        raise PayPalError(422, "AUTHORIZATION_AMOUNT_EXCEEDED", field="/amount/value")
    renewal = account.aftermath.renew(order, minor or order.asked, micros(at))
    account.journal.add(renewal.at_us, renewal.number, Line.RENEWAL)
    return renewal


def refund(account: Account, request: RefundRequest, fault: Fault | None, at: datetime) -> Refund:
    """Give back a capture, or a part of it. Raises: PayPalError(404 or 422)."""
    aftermath, taken = account.aftermath, account.captured(request.capture_id)
    order = taken.order
    if order.state is State.CAPTURE_PENDING:
        raise PayPalError(422, "PENDING_CAPTURE")
    if order.state is State.CAPTURE_DECLINED:
        raise PayPalError(422, "REFUND_NOT_ALLOWED")
    if micros(at) > taken.at_us + REFUND_LIMIT_US:
        raise PayPalError(422, "REFUND_TIME_LIMIT_EXCEEDED")
    if request.minor is not None and request.currency != order.currency:
        raise PayPalError(422, "REFUND_CAPTURE_CURRENCY_MISMATCH", field="/amount/currency_code")
    reversed_minor = account.contested.reversed(taken.capture_id)
    given = aftermath.given_back(order, taken.capture_id, COMPLETED)
    if given + reversed_minor >= taken.minor:
        raise PayPalError(422, "CAPTURE_FULLY_REFUNDED")
    given = aftermath.given_back(order, taken.capture_id, COMPLETED, PENDING)
    left = taken.minor - given - reversed_minor
    minor = left if request.minor is None else request.minor
    if not 0 < minor <= left:
        raise PayPalError(422, "REFUND_AMOUNT_EXCEEDED", field="/amount/value")
    if minor < left and account.contested.open_about(taken.capture_id) is not None:
        raise PayPalError(422, "TRANSACTION_DISPUTED")
    if request.invoice_id in aftermath.refund_invoices:
        raise PayPalError(422, "DUPLICATE_INVOICE_ID", field="/invoice_id")
    if fault in _REFUSED_REFUNDS:
        raise PayPalError(422, _REFUSED_REFUNDS[fault])
    stated = minor - (fault is Fault.WRONG_AMOUNT and minor > 1)
    made = aftermath.add_refund(request, taken, minor, stated, micros(at))
    account.journal.add(made.at_us, made.number, Line.REFUND)
    if fault is Fault.FAILED_THEN_MADE:
        _end(account, made, FAILED, at)
    if fault in (Fault.PENDING, Fault.PENDING_FAILS, Fault.FAILED_THEN_MADE):
        status = FAILED if fault is Fault.PENDING_FAILS else COMPLETED
        later = at + timedelta(seconds=account.controls.faults.late_s)
        account.controls.clock.at(later, lambda moment: _end_later(account, made, status, moment))
    else:
        _end(account, made, COMPLETED, at)
    return made


def _end_later(account: Account, made: Refund, status: str, at: datetime) -> None:
    _end(account, made, status, at)
    account.on_refund_ended(made)


def _end(account: Account, made: Refund, status: str, at: datetime) -> None:
    account.aftermath.end(made, status, micros(at))
    if status != COMPLETED:
        return
    account.controls.book.write(
        Movement.REFUNDED,
        reference=made.invoice_id or made.order.invoice_id,
        minor=made.minor,
        currency=made.order.currency,
        provider_id=account.ids.of("RF", made.number),
        at=at,
    )
    taken = account.captured(made.capture_id)
    given = account.aftermath.given_back(made.order, made.capture_id, COMPLETED)
    if given + account.contested.reversed(made.capture_id) >= taken.minor:
        account.contested.close_by_refund(made.capture_id, given, micros(at))
