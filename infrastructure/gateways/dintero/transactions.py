"""A Dintero transaction, read with care, and what it means for a charge.

The status decides, never the HTTP code, and `amount` is never the captured amount: that is the
sum of the successful CAPTURE events. A status that we do not know is a doubt, since new ones
appear without a new version of the API. Source: reference notes on Dintero, sections 4, 6 and 7.

Charged at once (auto_capture), a transaction may still be AUTHORIZED when it is shown: Dintero
captures by itself for up to 48 hours. Until then no money has moved and none of our calls may
move it, so it is a doubt that look-ups or the CAPTURE callback resolve. Capturing ourselves
inside the same charge would be a second paying call that stands on no intention in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import attrs

from domain.money import LARGEST_MINOR, Money
from domain.plan import CaptureMode
from domain.ports import Authorized, Captured, Declined, NotFound, Unknown
from domain.refusals import Refused
from infrastructure.gateways.dintero.declines import EventError, declined, instant, read_error
from infrastructure.gateways.exchange import Reply

TransactionAnswer = Captured | Authorized | Declined | Unknown
A = TypeVar("A")

MONEY_MOVED = frozenset(
    {
        "CAPTURED",
        "PARTIALLY_CAPTURED",
        "PARTIALLY_CAPTURED_REFUNDED",
        "PARTIALLY_REFUNDED",
        "REFUNDED",
    }
)
REFUSED = frozenset({"FAILED", "DECLINED", "AUTHORIZATION_VOIDED"})
RESERVED = "AUTHORIZED"


class Unreadable(Exception):
    """An answer that is not a transaction as Dintero describes it."""


@attrs.frozen(kw_only=True)
class TransactionEvent:
    """One entry of `events[]`. amount: minor units, or None; at: UTC, or None.

    request_id: of the request that led to it. correlation_id: request id of the INITIATE_ event
    that it answers, or "".
    """

    id: str
    name: str
    success: bool
    amount: int | None
    at: datetime | None
    reference: str
    request_id: str
    correlation_id: str
    error: EventError


@attrs.frozen(kw_only=True)
class Transaction:
    """What we read of a transaction. amount: authorised minor units; seen_at: for missing times.

    auto_capture: as its session says where the answer includes that, else False.
    lines: id and minor units of each item, if all of them can be read, else none.
    """

    id: str
    session_id: str
    status: str
    reference: str
    amount: int
    currency: str
    events: tuple[TransactionEvent, ...]
    auto_capture: bool
    updated_at: datetime | None
    lines: tuple[tuple[str, int], ...] = ()

    def done(self, name: str) -> list[TransactionEvent]:
        """The successful events of one name, in Dintero's order."""
        return [each for each in self.events if each.name == name and each.success]

    def moved(self) -> Money:
        """What was captured: the sum of the successful CAPTURE events."""
        captures = self.done("CAPTURE")
        if any(each.amount is None for each in captures):
            raise Unreadable("a capture without an amount")
        return money(sum(each.amount or 0 for each in captures), self.currency)


def whole(value: object) -> int:
    """Minor units from JSON. Raises: Unreadable for anything but a whole number."""
    if isinstance(value, Decimal):
        # The range comes first: 1E+999999999 is short to write and long to convert.
        if value.is_finite() and -LARGEST_MINOR <= value <= LARGEST_MINOR and value == int(value):
            return int(value)
        raise Unreadable("an amount that is not a whole number in range")
    if type(value) is not int:
        raise Unreadable(f"an amount that is {type(value).__name__}")
    return value


def money(minor: int, currency: str) -> Money:
    """Money as the provider states it. Raises: Unreadable when we cannot keep it."""
    try:
        return Money(minor, currency)
    except Refused as refusal:
        raise Unreadable(f"money that we cannot read: {refusal}") from refusal


def text(value: object) -> str:
    """A string of the answer, or "" for anything else."""
    return value if isinstance(value, str) else ""


def table(value: object) -> dict[str, object]:
    """An object of the answer, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, object]]:
    """The objects of an array of the answer; anything else is left out."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def read_transaction(data: object) -> Transaction:
    """A transaction from decoded JSON. Raises: Unreadable."""
    raw = table(data)
    transaction_id, status = text(raw.get("id")), text(raw.get("status"))
    if not transaction_id or not status:
        raise Unreadable("an answer without a transaction's id and status")
    configuration = table(table(raw.get("session")).get("configuration"))
    return Transaction(
        id=transaction_id,
        session_id=text(raw.get("session_id")),
        status=status,
        reference=text(raw.get("merchant_reference")),
        amount=whole(raw.get("amount")),
        currency=text(raw.get("currency")),
        events=tuple(_event(each) for each in rows(raw.get("events"))),
        auto_capture=configuration.get("auto_capture") is True,
        updated_at=instant(raw.get("updated_at")) or instant(raw.get("created_at")),
        lines=_lines(rows(raw.get("items"))),
    )


def _lines(items: list[dict[str, object]]) -> tuple[tuple[str, int], ...]:
    try:
        found = tuple((text(each.get("line_id")), whole(each.get("amount"))) for each in items)
    except Unreadable:
        return ()
    return found if all(line_id for line_id, _ in found) else ()


def _event(raw: dict[str, object]) -> TransactionEvent:
    amount = raw.get("amount")
    return TransactionEvent(
        id=text(raw.get("id")),
        name=text(raw.get("event")),
        success=raw.get("success") is True,
        amount=None if amount is None else whole(amount),
        at=instant(raw.get("created_at")),
        reference=text(raw.get("event_reference")),
        request_id=text(raw.get("request_id")),
        correlation_id=text(raw.get("correlation_request_id")),
        error=read_error(raw.get("error")),
    )


def answer_to_charge(
    found: Transaction, capture: CaptureMode, seen_at: datetime
) -> TransactionAnswer:
    """What the answer to /sessions/pay means. seen_at: UTC, for a time that Dintero leaves out.

    A failure of type UNKNOWN is looked up before it is believed.
    Raises: Unreadable.
    """
    if found.status in REFUSED and _refusal(found).says_unknown:
        return Unknown(reason=f"{found.status}, reason unknown", provider_ref=found.id)
    if found.status == RESERVED and capture is CaptureMode.AT_ONCE:
        return Unknown(reason="authorised, capture pending", provider_ref=found.id)
    return standing(found, seen_at)


def standing(found: Transaction, seen_at: datetime) -> TransactionAnswer:
    """What a transaction says about a charge, whoever made it. Raises: Unreadable."""
    moved = found.moved()
    if found.status in MONEY_MOVED and moved.minor > 0:
        at = found.done("CAPTURE")[-1].at or found.updated_at or seen_at
        return Captured(amount=moved, provider_ref=found.id, at=at)
    if found.status in MONEY_MOVED or moved.minor != 0:
        return Unknown(reason=f"{found.status}, {moved} captured", provider_ref=found.id)
    if found.status in REFUSED:
        reason, refused_at = _refusal(found), _refused_at(found)
        return declined(reason, status=found.status, at=refused_at, provider_ref=found.id)
    if found.status == RESERVED and found.auto_capture:
        return Unknown(reason="authorised, capture pending", provider_ref=found.id)
    if found.status == RESERVED:
        reserved = found.done("AUTHORIZE")
        return Authorized(
            amount=money(found.amount, found.currency),
            authorization_ref=found.id,
            order_ref=found.session_id,
            expires_at=None,
            at=(reserved[-1].at if reserved else None) or found.updated_at or seen_at,
        )
    return Unknown(reason=f"status {found.status[:60]}", provider_ref=found.id)


def judged(reply: Reply, reference: str, judge: Callable[[Transaction], A]) -> A | Unknown:
    """Judge the transaction of an answer, if it can be read and is the one we asked about."""
    try:
        found = read_transaction(reply.data)
        if found.reference not in ("", reference):
            return Unknown(reason="the answer is about another reference")
        return judge(found)
    except Unreadable as problem:
        ref = text(table(reply.data).get("id"))
        return Unknown(reason=f"HTTP {reply.status}: {problem}", provider_ref=ref)


def together(answers: list[TransactionAnswer]) -> TransactionAnswer | NotFound:
    """One answer from all transactions that bear a reference; there should be one at most.

    If more than one took money, the sum is told, so that the rules see the discrepancy.
    """
    if not answers:
        return NotFound(finding="no transaction bears the reference")
    taken = [each for each in answers if isinstance(each, Captured)]
    try:
        total = sum((each.amount.minor for each in taken), 0)
        if taken and len({each.amount.currency for each in taken}) == 1:
            return attrs.evolve(taken[0], amount=money(total, taken[0].amount.currency))
    except Unreadable as problem:
        return Unknown(reason=str(problem))
    if taken:
        return Unknown(reason="several transactions took money, in several currencies")
    for kind in (Unknown, Authorized):
        for each in answers:
            if isinstance(each, kind):
                return each
    return answers[0]


def _refusal(found: Transaction) -> EventError:
    """The reason of a refusal: the last event that failed and says why."""
    for each in reversed(found.events):
        if not each.success and each.error != EventError():
            return each.error
    return EventError()


def _refused_at(found: Transaction) -> datetime | None:
    failed = [each.at for each in found.events if not each.success and each.at is not None]
    return failed[-1] if failed else found.updated_at
