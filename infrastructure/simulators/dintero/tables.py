"""What the simulated Dintero remembers: cards, tokens, checkout sessions, transactions.

A transaction is kept small (some 400 bytes): what every one has in common is made up again when
it is shown. Ids are numbers in disguise: <account>.t<hex> for a transaction, .p<hex> for the
session that paid it, .c<hex> for a checkout session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import attrs

from infrastructure.simulators.faults import Fault

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ID = re.compile(r"[PT]\d{8}\.([tpc])([0-9a-f]{12})")


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - EPOCH) // _MICROSECOND


def iso(at: int) -> str:
    """Microseconds since 1970 as Dintero writes a time."""
    return (EPOCH + at * _MICROSECOND).isoformat(timespec="microseconds").replace("+00:00", "Z")


@attrs.frozen
class Card:
    """A card of the sandbox. refusal: what its authorisation fails with, or ""."""

    number: str
    brand: str
    expiry: str = "12/2031"
    refusal: str = ""

    @property
    def masked_pan(self) -> str:
        """First six and last four digits."""
        return f"{self.number[:6]}XXXXXX{self.number[-4:]}"


# Source: Dintero's public sandbox data (Swedbank Pay; Dintero PSP for the refused one).
CARDS: dict[str, Card] = {
    card.number: card
    for card in (
        Card("4925000000000004", "Visa"),
        Card("5413066399580167", "Mastercard"),
        Card("4100000000000076", "Visa", refusal="ADDITIONAL_VERIFICATION_REQUIRED"),
    )
}
FIRST_CARD = "4925000000000004"


@attrs.frozen(kw_only=True)
class Token:
    """A stored card. id: shown always, cannot be charged; value: shown on request, can be."""

    id: str
    value: str
    kind: str
    product: str
    card: Card
    customer_id: str


class Event(NamedTuple):
    """One change of a transaction after its authorisation. at: microseconds since 1970."""

    name: str
    status: str
    success: bool
    amount: int
    at: int
    reference: str = ""
    correlation_id: str = ""
    error: Mapping[str, Any] | None = None


@attrs.define(kw_only=True, weakref_slot=False, eq=False)
class Transaction:
    """One payment, or one token-only transaction.

    number: from 1. status: "" while it does not exist yet (a late success).
    checkout: number of the checkout session that made it; 0: a session of /sessions/pay.
    line_amounts: minor units of each line; none where there is one line over the whole.
    error: of the refused authorisation. authorized_at: 0 while it is not.
    """

    number: int
    reference: str
    amount: int
    currency: str
    status: str
    customer_id: str
    token: Token
    operation: str
    created_at: int
    auto_capture: bool
    callback_url: str
    authorized_at: int = 0
    line_ids: tuple[str, ...] = ()
    line_amounts: tuple[int, ...] = ()
    error: Mapping[str, Any] | None = None
    events: tuple[Event, ...] = ()
    checkout: int = 0

    def lines(self) -> list[tuple[str, int]]:
        """Id and minor units of each line."""
        return list(zip(self.line_ids, self.line_amounts or (self.amount,), strict=False))

    def total(self, name: str) -> int:
        """Minor units of the successful events of one name."""
        return sum(each.amount for each in self.events if each.name == name and each.success)


@attrs.define(kw_only=True, weakref_slot=False, eq=False)
class Checkout:
    """A session that asks a payer for a card. transaction: its number, 0 while there is none.

    amount: what is paid there, 0: nothing. box: how "save this card" stands at first, "": no box.
    fault: what the plan does to the payment.
    """

    number: int
    reference: str
    currency: str
    customer_id: str
    product: str
    token_types: tuple[str, ...]
    return_url: str
    callback_url: str
    created_at: int
    expires_at: int
    metadata: Mapping[str, Any]
    events: list[tuple[str, int]] = attrs.field(factory=list)
    cancelled_at: int = 0
    transaction: int = 0
    amount: int = 0
    auto_capture: bool = False
    line_ids: tuple[str, ...] = ()
    line_amounts: tuple[int, ...] = ()
    box: str = ""
    fault: Fault | None = None


class Tables:
    """Everything by id and by merchant reference."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.transactions: list[Transaction] = []
        self.checkouts: list[Checkout] = []
        self.tokens: dict[str, Token] = {}  # by value
        self.forgotten: dict[str, Token] = {}  # deleted ones
        self._paid: dict[str, int | tuple[int, ...]] = {}
        self._asked: dict[str, list[int]] = {}

    def add(self, transaction: Transaction) -> None:
        """Keep a transaction, which bears the next number."""
        self.transactions.append(transaction)
        if transaction.checkout == 0:
            known = self._paid.get(transaction.reference)
            number = transaction.number
            if known is None:
                self._paid[transaction.reference] = number
            else:
                before = known if isinstance(known, tuple) else (known,)
                self._paid[transaction.reference] = (*before, number)

    def add_checkout(self, checkout: Checkout) -> None:
        """Keep a checkout session, which bears the next number."""
        self.checkouts.append(checkout)
        self._asked.setdefault(checkout.reference, []).append(checkout.number)

    def paid_under(self, reference: str) -> list[Transaction]:
        """Transactions of /sessions/pay under a reference, those to come included."""
        known = self._paid.get(reference, ())
        numbers = known if isinstance(known, tuple) else (known,)
        return [self.transactions[number - 1] for number in numbers]

    def asked_under(self, reference: str) -> list[Checkout]:
        """Checkout sessions under a reference."""
        return [self.checkouts[number - 1] for number in self._asked.get(reference, ())]

    def token(self, token_id: str) -> Token | None:
        """The token of that id, unless it was deleted."""
        return next((each for each in self.tokens.values() if each.id == token_id), None)

    def forget(self, token: Token) -> None:
        """Delete a token."""
        self.forgotten[token.value] = self.tokens.pop(token.value)

    def transaction(self, transaction_id: str) -> Transaction | None:
        """The transaction of that id, if it exists already."""
        number = self._number(transaction_id, "t")
        if 1 <= number <= len(self.transactions) and self.transactions[number - 1].status:
            return self.transactions[number - 1]
        return None

    def paid_by(self, session_id: str) -> Transaction | None:
        """The transaction of a session of /sessions/pay, also one to come."""
        number = self._number(session_id, "p")
        if 1 <= number <= len(self.transactions):
            found = self.transactions[number - 1]
            return found if found.checkout == 0 else None
        return None

    def checkout(self, session_id: str) -> Checkout | None:
        """The checkout session of that id."""
        number = self._number(session_id, "c")
        return self.checkouts[number - 1] if 1 <= number <= len(self.checkouts) else None

    def transaction_id(self, transaction: Transaction) -> str:
        """Its id."""
        return f"{self.account_id}.t{transaction.number:012x}"

    def session_id(self, transaction: Transaction) -> str:
        """The id of the session that made it."""
        if transaction.checkout:
            return self.checkout_id(self.checkouts[transaction.checkout - 1])
        return f"{self.account_id}.p{transaction.number:012x}"

    def checkout_id(self, checkout: Checkout) -> str:
        """Its id."""
        return f"{self.account_id}.c{checkout.number:012x}"

    def _number(self, identifier: str, kind: str) -> int:
        match = _ID.fullmatch(identifier)
        if match is None or match[1] != kind or not identifier.startswith(self.account_id):
            return 0
        return int(match[2], 16)
