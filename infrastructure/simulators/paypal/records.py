"""What the simulator remembers, kept small: 250,000 orders must fit into 300 MB.

An order is one slotted object; ids are computed from its number and back, so there is no index by
id; JSON is built when it is asked for. Keys are forgotten when PayPal would forget them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from typing import Generic, TypeVar

import attrs

_PACIFIC = timezone(timedelta(hours=-7))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SPACE = 36**8
_STEP = 1_103_515_245_937 % _SPACE | 1  # odd and no multiple of 3: every number has its own id
_BACK = pow(_STEP, -1, _SPACE)
_ID_LENGTH = 17

V = TypeVar("V")


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant(at_us: int) -> datetime:
    """The UTC instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at_us)


def rfc3339(at_us: int) -> str:
    """As PayPal writes times: whole seconds and Z, or microseconds where there are any."""
    return instant(at_us).isoformat().replace("+00:00", "Z")


def pacific(at_us: int) -> str:
    """As PayPal writes the times of refunds: with an offset, e.g. -07:00."""
    return instant(at_us).astimezone(_PACIFIC).isoformat()


def pacific_by_name(at_us: int) -> str:
    """As PayPal writes the times of vault events: milliseconds and the zone's name, no offset."""
    local = instant(at_us).astimezone(_PACIFIC).replace(tzinfo=None)
    return local.isoformat(timespec="milliseconds") + "PDT"


class Ids:
    """Ids of 17 characters, each computed from a kind and a number, and back."""

    def __init__(self, tag: str) -> None:
        self._tag = tag

    def of(self, kind: str, number: int) -> str:
        """kind: two letters, e.g. "OR"."""
        value = number * _STEP % _SPACE
        text = ""
        for _ in range(8):
            value, digit = divmod(value, 36)
            text += _DIGITS[digit]
        return f"{text}{self._tag}{kind}{_checksum(text)}"

    def number(self, kind: str, text: str) -> int | None:
        """The number behind an id of that kind, or None for any other text."""
        if len(text) != _ID_LENGTH or not text.isalnum() or text != text.upper():
            return None
        digits = text[:8]
        if text[8:] != f"{self._tag}{kind}{_checksum(digits)}":
            return None
        value = 0
        for character in reversed(digits):
            value = value * 36 + _DIGITS.index(character)
        return value * _BACK % _SPACE


def _checksum(text: str) -> str:
    value = sum(place * ord(character) for place, character in enumerate(text, start=3))
    return _DIGITS[value % 36] + _DIGITS[value // 36 % 36] + _DIGITS[value // 7 % 36]


class State(IntEnum):
    """Where an order stands."""

    CAPTURED = 1
    CAPTURE_PENDING = 2
    CAPTURE_DECLINED = 3
    AUTHORIZED = 4
    AUTHORIZATION_CAPTURED = 5
    AUTHORIZATION_VOIDED = 6
    PAYER_ACTION_REQUIRED = 7
    AUTHORIZATION_PARTLY_CAPTURED = 8


class Line(IntEnum):
    """What a line of the journal is about, and so whose number it holds."""

    CAPTURE = 0  # an order's only capture: the order's number
    AUTHORIZATION = 1  # the order's number
    PART = 2  # one of several captures: its own number
    REFUND = 3  # its own number
    RENEWAL = 4  # its own number
    REVERSAL = 5  # its own number
    TRANSFER = 6  # its own number


class Order:
    """One order and its only payment.

    asked, stated: minor units in the request and in our answers; they differ by a fault only.
    at_us: when it was made; captured_us: when the money was taken, 0 before.
    """

    __slots__ = (
        "asked",
        "at_us",
        "captured_us",
        "currency",
        "custom_id",
        "invoice_id",
        "number",
        "soft_descriptor",
        "state",
        "stated",
        "token",
        "usage_pattern",
    )

    def __init__(
        self,
        *,
        number: int,
        invoice_id: str,
        custom_id: str,
        token: str,
        usage_pattern: str,
        soft_descriptor: str,
        asked: int,
        stated: int,
        currency: str,
        state: State,
        at_us: int,
    ) -> None:
        self.number = number
        self.invoice_id = invoice_id
        self.custom_id = custom_id
        self.token = token
        self.usage_pattern = usage_pattern
        self.soft_descriptor = soft_descriptor
        self.asked = asked
        self.stated = stated
        self.currency = currency
        self.state = state
        self.at_us = at_us
        self.captured_us = at_us if state is State.CAPTURED else 0


@attrs.define(kw_only=True)
class SetupToken:
    """A request for a token. status: as the API spells it. payment_token: once exchanged.

    vaults_on_approval: the payer's approval makes the payment token, nobody has to ask for it.
    shown: the heading of the payer's page.
    """

    token_id: str
    customer_id: str
    merchant_customer_id: str
    usage_pattern: str
    return_url: str
    cancel_url: str
    made_us: int
    vaults_on_approval: bool = False
    shown: str = ""
    status: str = "PAYER_ACTION_REQUIRED"
    payment_token: str = ""


@attrs.define(kw_only=True)
class PaymentToken:
    """A token that may be charged, until the payer cancels the agreement."""

    token_id: str
    customer_id: str
    merchant_customer_id: str
    usage_pattern: str
    made_us: int = 0
    is_cancelled: bool = False


class Keys(Generic[V]):
    """Idempotency keys of one endpoint, forgotten after a window of the simulator's time."""

    def __init__(self, window: timedelta) -> None:
        self._window_us = window // timedelta(microseconds=1)
        self._values: dict[str, V] = {}
        self._ends: deque[tuple[int, str]] = deque()

    def get(self, key: str, now_us: int) -> V | None:
        """What was kept under a key, while PayPal would remember it."""
        while self._ends and self._ends[0][0] <= now_us:
            self._values.pop(self._ends.popleft()[1], None)
        return self._values.get(key)

    def keep(self, key: str, value: V, now_us: int) -> None:
        """Remember, or say anew what is remembered."""
        if key not in self._values:
            self._ends.append((now_us + self._window_us, key))
        self._values[key] = value

    def forget(self, key: str) -> None:
        """Forget at once; only a fault does that."""
        self._values.pop(key, None)

    def __len__(self) -> int:
        return len(self._values)


class Journal:
    """Payments in the order of their time: what the transaction search shows."""

    def __init__(self) -> None:
        self._times = array("q")
        self._lines = array("q")
        self._in_order = True

    def add(self, at_us: int, number: int, line: Line) -> None:
        """A payment began. number: of what the line is about."""
        if self._times and at_us < self._times[-1]:
            self._in_order = False  # the clock was set back: searches go through all of it
        self._times.append(at_us)
        self._lines.append(number * len(Line) + line)

    def between(self, start_us: int, end_us: int) -> list[tuple[int, int, Line]]:
        """(at_us, number, line) of payments in [start, end], oldest first."""
        if self._in_order:
            low, high = bisect_left(self._times, start_us), bisect_right(self._times, end_us)
            return [self._line(place) for place in range(low, high)]
        return sorted(self._scan(start_us, end_us))

    def _scan(self, start_us: int, end_us: int) -> Iterator[tuple[int, int, Line]]:
        for place, at_us in enumerate(self._times):
            if start_us <= at_us <= end_us:
                yield self._line(place)

    def _line(self, place: int) -> tuple[int, int, Line]:
        number, line = divmod(self._lines[place], len(Line))
        return self._times[place], number, Line(line)
