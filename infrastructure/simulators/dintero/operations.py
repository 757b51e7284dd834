"""Captures, refunds and voids of the simulated Dintero: checked, carried out, or only accepted.

Each function returns "" when the operation has ended, well or not, and the request id of what was
only accepted; the event that ends it answers to that id. Refusals that are HTTP errors are raised.
Dintero documents no codes for them, so there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from infrastructure.simulators.book import Movement
from infrastructure.simulators.dintero import bodies
from infrastructure.simulators.dintero.bodies import bad
from infrastructure.simulators.dintero.provider import PART_REFUNDED, SimulatedDintero
from infrastructure.simulators.dintero.refusals import (
    DECLINES,
    Refused,
    issuer_error,
    operation_error,
)
from infrastructure.simulators.dintero.rendering import event_count, request_id
from infrastructure.simulators.dintero.tables import Event, Transaction, micros
from infrastructure.simulators.faults import Fault

# Cards guarantee an authorisation for about a week; this simulator holds them to it.
AUTHORIZATION_LIFE = timedelta(days=7)
# Not documented by Dintero; long after it acquirers take no refund of a card payment.
REFUND_LIFE = timedelta(days=365)
CAPTURABLE = frozenset({"AUTHORIZED", "PARTIALLY_CAPTURED", PART_REFUNDED})
REFUNDABLE = frozenset({"CAPTURED", "PARTIALLY_CAPTURED", PART_REFUNDED, "PARTIALLY_REFUNDED"})
# After a part was captured, only these let go of the rest; others have final_capture.
VOIDS_THE_REST = "payex."
Carry = Callable[[int, datetime, str], None]


def capture(
    dintero: SimulatedDintero,
    transaction: Transaction,
    asked: bodies.Capture,
    fault: Fault | None,
) -> str:
    """Capture in whole or in part. Raises: Refused."""
    left = _left(transaction)
    if transaction.status not in CAPTURABLE or not 0 < asked.amount <= left:
        raise bad(f"{asked.amount} cannot be captured: {transaction.status}, {left} left")
    _check_lines(dintero, transaction, asked.amount, asked.items)
    now = dintero.controls.clock.now()
    if micros(now) >= transaction.authorized_at + _micros(AUTHORIZATION_LIFE):
        return _failed(dintero, transaction, "CAPTURE", asked.amount, asked.capture_reference, now)

    def carry(amount: int, at: datetime, correlation_id: str) -> None:
        dintero.captured(transaction, amount, at, asked.capture_reference, correlation_id)
        if asked.final_capture and _acquired_by_dintero(transaction) and _left(transaction):
            _voided(dintero, transaction, at, "")

    reference = asked.capture_reference
    return _carried_out(dintero, transaction, "CAPTURE", asked.amount, reference, fault, carry)


def refund(
    dintero: SimulatedDintero,
    transaction: Transaction,
    asked: bodies.Refund,
    fault: Fault | None,
) -> str:
    """Give back in whole or in part. Raises: Refused."""
    waiting = sum(event.amount for _, event in _waiting(transaction, "REFUND"))
    left = transaction.total("CAPTURE") - transaction.total("REFUND") - waiting
    if transaction.status not in REFUNDABLE or not 0 < asked.amount <= left:
        raise bad(f"{asked.amount} cannot be refunded: {transaction.status}, {left} left")
    _check_lines(dintero, transaction, asked.amount, asked.items)
    now, reference = dintero.controls.clock.now(), asked.refund_reference
    if micros(now) >= transaction.authorized_at + _micros(REFUND_LIFE):
        return _failed(dintero, transaction, "REFUND", asked.amount, reference, now)

    def carry(amount: int, at: datetime, correlation_id: str) -> None:
        _refunded(dintero, transaction, amount, at, reference, correlation_id)

    return _carried_out(dintero, transaction, "REFUND", asked.amount, reference, fault, carry)


def void(dintero: SimulatedDintero, transaction: Transaction, fault: Fault | None) -> str:
    """Let go of what is reserved and not captured. Raises: Refused."""
    if _waiting(transaction, "VOID") or _waiting(transaction, "CAPTURE"):
        raise Refused(409, "Conflict: another operation is being carried out")
    rest = transaction.token.product.startswith(VOIDS_THE_REST)
    allowed = CAPTURABLE if rest else frozenset({"AUTHORIZED"})
    left = _left(transaction)
    if transaction.status not in allowed or not left:
        raise bad(f"{transaction.status} cannot be voided")

    def carry(_: int, at: datetime, correlation_id: str) -> None:
        _voided(dintero, transaction, at, correlation_id)

    return _carried_out(dintero, transaction, "VOID", left, "", fault, carry)


# --- what they share --------------------------------------------------------------------------


def _carried_out(
    dintero: SimulatedDintero,
    transaction: Transaction,
    name: str,
    amount: int,
    reference: str,
    fault: Fault | None,
    carry: Carry,
) -> str:
    """Carry an operation out, with what the plan does to it. Raises: Refused."""
    now = dintero.controls.clock.now()
    if fault in DECLINES and fault is not None:
        return _failed(dintero, transaction, name, amount, reference, now, fault)
    if fault is Fault.FAILED_THEN_MADE and name == "REFUND":
        dintero.later(now, lambda at: carry(amount, at, ""))
        return _failed(dintero, transaction, name, amount, reference, now)
    if fault not in (Fault.PENDING, Fault.PENDING_FAILS, Fault.LATE_SUCCESS):
        less = 1 if fault is Fault.WRONG_AMOUNT and name != "VOID" else 0
        carry(amount - less, now, "")
        return ""
    started = Event(f"INITIATE_{name}", transaction.status, True, amount, micros(now), reference)
    correlation = request_id(transaction.number, event_count(transaction) + 1)
    transaction.events += (started,)

    def end(at: datetime) -> None:
        if fault is Fault.PENDING_FAILS:
            _failed(dintero, transaction, name, amount, reference, at, correlation=correlation)
        else:
            carry(amount, at, correlation)

    dintero.later(now, end)
    if fault is Fault.LATE_SUCCESS:
        raise Refused(503, "Processor temporarily unavailable")
    return correlation


def _failed(
    dintero: SimulatedDintero,
    transaction: Transaction,
    name: str,
    amount: int,
    reference: str,
    at: datetime,
    fault: Fault | None = None,
    correlation: str = "",
) -> str:
    """An operation that the acquirer refused: HTTP 200, and an event without success."""
    instant, legacy = micros(at), dintero.legacy
    if fault is not None:
        error = issuer_error(fault, instant, legacy=legacy)
    else:
        error = operation_error(name, legacy=legacy)
    failed = Event(name, transaction.status, False, amount, instant, reference, correlation, error)
    transaction.events += (failed,)
    return ""


def _refunded(
    dintero: SimulatedDintero,
    transaction: Transaction,
    amount: int,
    at: datetime,
    reference: str,
    correlation_id: str,
) -> None:
    taken = transaction.total("CAPTURE")
    status = "PARTIALLY_REFUNDED"
    if transaction.total("REFUND") + amount == taken:
        status = "REFUNDED"
    if _left(transaction):
        status = PART_REFUNDED  # there is more to capture
    given = Event("REFUND", status, True, amount, micros(at), reference, correlation_id)
    transaction.events += (given,)
    transaction.status = status
    dintero.book(Movement.REFUNDED, transaction, amount, at, reference=reference)
    dintero.announce(transaction, event="REFUND", reference=reference)


def _voided(
    dintero: SimulatedDintero, transaction: Transaction, at: datetime, correlation_id: str
) -> None:
    """Let go of the rest. What was captured stays, and so does the status that tells of it."""
    left = _left(transaction)
    status = transaction.status if transaction.total("CAPTURE") else "AUTHORIZATION_VOIDED"
    event = Event("VOID", status, True, left, micros(at), correlation_id=correlation_id)
    transaction.events += (event,)
    transaction.status = status
    dintero.book(Movement.VOIDED, transaction, left, at)
    dintero.announce(transaction, event="VOID")


def _left(transaction: Transaction) -> int:
    """Minor units that are reserved, and neither captured, let go of, nor about to be captured."""
    waiting = sum(event.amount for _, event in _waiting(transaction, "CAPTURE"))
    gone = transaction.total("CAPTURE") + transaction.total("VOID")
    return transaction.amount - gone - waiting


def _waiting(transaction: Transaction, name: str) -> list[tuple[str, Event]]:
    """What was accepted and has not ended: request id and INITIATE_ event."""
    events = transaction.events
    answered = {each.correlation_id for each in events}
    first = event_count(transaction) - len(events) + 1
    named = ((request_id(transaction.number, n), each) for n, each in enumerate(events, first))
    return [
        (asked, each)
        for asked, each in named
        if each.name == f"INITIATE_{name}" and asked not in answered
    ]


def _check_lines(
    dintero: SimulatedDintero, transaction: Transaction, amount: int, items: list[bodies.Item]
) -> None:
    if any(item.line_id not in transaction.line_ids for item in items):
        raise bad("items name a line_id that the transaction does not have")
    if dintero.strict_amounts:
        bodies.checked_parts(amount, items)


def _acquired_by_dintero(transaction: Transaction) -> bool:
    return transaction.token.product.startswith("dintero_psp.")


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
