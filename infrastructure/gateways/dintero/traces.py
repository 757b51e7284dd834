"""What a transaction's events say about one capture, one refund or a void of ours.

A capture or refund bears our reference on its events. One that was only accepted (202) shows as
an INITIATE_ event until a result answers to that event's request id. Dintero names no other id of
a refund, so the request id of whoever began it is what we call it by, from the 202 to its end.
Source: reference notes on Dintero, sections 4 and 7.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import attrs

from domain.money import Money
from domain.ports import Authorized, Captured, NotFound, Unknown
from domain.refund_ports import RefundDenied, Refunded, VoidDenied, Voided
from infrastructure.gateways.dintero.declines import EventError, declined, worded
from infrastructure.gateways.dintero.transactions import (
    MONEY_MOVED,
    RESERVED,
    Transaction,
    TransactionAnswer,
    TransactionEvent,
    Unreadable,
    money,
    standing,
)

RefundStanding = Refunded | RefundDenied | Unknown | NotFound
VoidStanding = Voided | VoidDenied | Unknown | None

GIVEN_BACK = frozenset({"REFUNDED", "PARTIALLY_REFUNDED", "PARTIALLY_CAPTURED_REFUNDED"})
VOIDED = "AUTHORIZATION_VOIDED"
# How far Dintero's clock and ours may be apart.
_CLOCKS_APART = timedelta(minutes=10)


@attrs.frozen(kw_only=True)
class Traces:
    """The events of one operation. waiting: accepted, and no result yet."""

    done: tuple[TransactionEvent, ...]
    failed: tuple[TransactionEvent, ...]
    waiting: tuple[TransactionEvent, ...]


def traces(found: Transaction, name: str, reference: str, request_id: str = "") -> Traces:
    """What there is of one operation, by our reference or by the request that began it.

    name: CAPTURE or REFUND. request_id: as a 202 named it, or "".
    """
    started = [each for each in found.events if each.name == f"INITIATE_{name}"]
    begun = {each.request_id for each in started if each.reference == reference}
    begun = (begun | {request_id}) - {""}
    results = [each for each in found.events if each.name == name]

    def is_ours(event: TransactionEvent) -> bool:
        return bool(
            event.reference == reference or {event.request_id, event.correlation_id} & begun
        )

    ours = tuple(each for each in results if is_ours(each))
    refused = tuple(each for each in started if is_ours(each) and not each.success)
    waiting = (each for each in unanswered(found, name) if is_ours(each))
    return Traces(
        done=tuple(each for each in ours if each.success),
        failed=tuple(each for each in ours if not each.success) + refused,
        waiting=tuple(waiting),
    )


def unanswered(found: Transaction, name: str) -> list[TransactionEvent]:
    """What was accepted and has no result yet. name: CAPTURE, REFUND or VOID.

    Dintero promises the request id on the results of captures and refunds, not of voids: there,
    and where the id is missing, a later result without an id is taken for the answer.
    """
    answered = {each.correlation_id for each in found.events if each.name == name} - {""}
    waiting: list[TransactionEvent] = []
    for each in found.events:
        if each.name == f"INITIATE_{name}" and each.success and each.request_id not in answered:
            waiting.append(each)
        elif each.name == name and not each.correlation_id:
            waiting = [begun for begun in waiting if begun.request_id and name != "VOID"]
    return waiting


# --- captures ---------------------------------------------------------------------------------


def capture_standing(found: Transaction, capture_id: UUID, seen_at: datetime) -> TransactionAnswer:
    """What a transaction says about our capture of it, found by its capture reference.

    Other captures of ours bear such an id, too, and are told when they are asked about. Without
    any of those, money that others captured is told as it is.
    Authorized: no capture of ours shows, and there is something left to capture.
    Raises: Unreadable.
    """
    ours, captured = traces(found, "CAPTURE", str(capture_id)), found.done("CAPTURE")
    by_others = () if any(_is_key(each.reference) for each in captured) else tuple(captured)
    if ours.waiting:
        return Unknown(reason="capture accepted, not carried out yet", provider_ref=found.id)
    if taken := ours.done or by_others:
        amount = _sum(taken, found.currency)
        if found.status not in MONEY_MOVED or amount.minor <= 0:
            return Unknown(reason=f"{found.status[:60]}, {amount} captured", provider_ref=found.id)
        at = taken[-1].at or found.updated_at or seen_at
        return Captured(amount=amount, provider_ref=found.id, at=at)
    if ours.failed:
        last = ours.failed[-1]
        return declined(last.error, status="CAPTURE_FAILED", at=last.at, provider_ref=found.id)
    if unanswered(found, "CAPTURE"):
        return Unknown(reason="a capture is accepted, not carried out yet", provider_ref=found.id)
    return _between_parts(found, seen_at) if captured else standing(found, seen_at)


def _between_parts(found: Transaction, seen_at: datetime) -> TransactionAnswer:
    """Parts were captured, none of them ours: is there anything left? A void lets go of it."""
    moved = found.moved()
    if found.status not in MONEY_MOVED:
        return Unknown(reason=f"{found.status[:60]}, {moved} captured", provider_ref=found.id)
    left = found.amount - moved.minor
    if left <= 0 or found.done("VOID"):
        error = EventError(types=("INVALID_AMOUNT",), message="nothing is left to capture")
        return declined(error, status=found.status, at=None, provider_ref=found.id)
    return Authorized(
        amount=money(left, found.currency),
        authorization_ref=found.id,
        order_ref=found.session_id,
        expires_at=None,
        at=found.updated_at or seen_at,
    )


def _is_key(reference: str) -> bool:
    """Whether a capture's reference is a key of ours."""
    try:
        return str(UUID(reference)) == reference
    except ValueError:
        return False


# --- refunds ----------------------------------------------------------------------------------


def refund_standing(
    found: Transaction,
    reference: str,
    *,
    request_id: str = "",
    asked_at: datetime | None = None,
    seen_at: datetime,
    confirmed: bool,
) -> RefundStanding:
    """What a transaction says about one refund of ours.

    request_id: the refund's id if we know it. asked_at: UTC instant of the intention; a refund
    without any reference since then may be ours. seen_at: UTC, for a time that Dintero leaves out.
    confirmed: a failure for a reason that Dintero does not know is believed.
    Refunded tells the sum, should there be more than one. Raises: Unreadable.
    """
    ours = traces(found, "REFUND", reference, request_id)
    if ours.waiting:
        waiting = ours.waiting[-1]
        return Unknown(reason="refund accepted, not carried out yet", provider_ref=_id_of(waiting))
    if ours.done:
        first, last = ours.done[0], ours.done[-1]
        if found.status not in GIVEN_BACK:
            return Unknown(reason=f"{found.status[:60]}, but refunded", provider_ref=_id_of(first))
        amount = _sum(ours.done, found.currency)
        if amount.minor <= 0:
            return Unknown(reason=f"{amount} refunded", provider_ref=_id_of(first))
        at = last.at or found.updated_at or seen_at
        return Refunded(amount=amount, provider_ref=_id_of(first) or found.id, at=at)
    if ours.failed:
        failed = ours.failed[-1]
        if failed.error.says_unknown and not confirmed:
            return Unknown(reason="failed, reason unknown", provider_ref=_id_of(failed))
        code, words = worded(failed.error, "REFUND_FAILED")
        return RefundDenied(
            code=code, message=words, provider_ref=_id_of(failed), at=failed.at or found.updated_at
        )
    if request_id:
        # It was accepted under this id once; a transaction without it is not the whole story.
        return Unknown(reason="the accepted refund does not show", provider_ref=request_id)
    if asked_at is not None and _nameless(found, asked_at - _CLOCKS_APART):
        return Unknown(reason="a refund without a reference may be this one")
    return NotFound(finding=f"no refund bears the reference; {found.status[:60]}")


def _nameless(found: Transaction, since: datetime) -> list[TransactionEvent]:
    """Refunds, done or on their way, that nobody named; one without a time counts as late."""
    events = found.events
    named = {each.request_id for each in events if each.name == "INITIATE_REFUND" if each.reference}
    given = [each for each in found.done("REFUND") if each.correlation_id not in named - {""}]
    given += unanswered(found, "REFUND")
    return [each for each in given if not each.reference and (each.at is None or each.at >= since)]


def _id_of(event: TransactionEvent) -> str:
    """The request that began a refund; it stays the same from the 202 to the end."""
    return event.correlation_id or event.request_id or event.id


def _sum(events: tuple[TransactionEvent, ...] | list[TransactionEvent], currency: str) -> Money:
    if any(each.amount is None for each in events):
        raise Unreadable("an event without its amount")
    return money(sum(each.amount or 0 for each in events), currency)


# --- voids ------------------------------------------------------------------------------------


def void_standing(found: Transaction, seen_at: datetime) -> VoidStanding:
    """What a transaction says about its reservation. None: it stands, and no void has failed.

    A void has no reference, so whoever made it, it counts. Captured money is never called
    voided, even where the rest was let go of. Raises: Unreadable.
    """
    if unanswered(found, "VOID"):
        return Unknown(reason="void accepted, not carried out yet", provider_ref=found.id)
    moved = found.moved()
    if found.status in MONEY_MOVED and moved.minor > 0:
        return VoidDenied(code=found.status, message=f"{moved} was captured", captured=True)
    if found.status == VOIDED and moved.minor == 0:
        voids = found.done("VOID")
        return Voided(at=(voids[-1].at if voids else None) or found.updated_at or seen_at)
    if found.status != RESERVED or moved.minor != 0:
        return Unknown(reason=f"{found.status[:60]}, {moved} captured", provider_ref=found.id)
    tried = [each for each in found.events if each.name == "VOID"]
    if not tried:
        return None
    if tried[-1].success or tried[-1].error.says_unknown:
        return Unknown(reason="AUTHORIZED, though a void shows", provider_ref=found.id)
    code, words = worded(tried[-1].error, "VOID_FAILED")
    return VoidDenied(code=code, message=words)
