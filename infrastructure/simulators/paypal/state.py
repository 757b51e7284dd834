"""The simulated account: orders, tokens, keys, and what happens to them.

Nothing here knows HTTP. Methods that refuse raise PayPalError, as the API would answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from sys import intern

import attrs

from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal.contested import Contested
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.payments import (
    AUTHORIZATION_LIFE_US,
    Aftermath,
    Capture,
    Refund,
    Renewal,
)
from infrastructure.simulators.paypal.records import (
    Ids,
    Journal,
    Keys,
    Line,
    Order,
    State,
    micros,
)
from infrastructure.simulators.paypal.sweeping import Sweeps
from infrastructure.simulators.paypal.wallets import Wallets
from infrastructure.simulators.serving import Controls

ORDER_KEYS = timedelta(hours=6)
VAULT_KEYS = timedelta(hours=3)
PAYMENT_KEYS = timedelta(days=45)

# A refusal kept under a key: the issue, in the place of an order's number.
Kept = int | str
IN_PROGRESS = "PREVIOUS_REQUEST_IN_PROGRESS"

_REFUSALS = {
    Fault.SOFT_DECLINE: "INSTRUMENT_DECLINED",
    Fault.HARD_DECLINE: "AGREEMENT_ALREADY_CANCELLED",
    Fault.PAYER_ACTION: "PAYER_ACTION_REQUIRED",
}


@attrs.frozen(kw_only=True)
class Purchase:
    """What an order asks for, checked. minor: minor units."""

    is_capture: bool
    invoice_id: str
    custom_id: str
    minor: int
    currency: str
    token: str
    usage_pattern: str
    soft_descriptor: str = ""


class Account(Wallets):
    """One merchant account and everything in it."""

    def __init__(self, options: PayPalOptions, controls: Controls) -> None:
        self.options = options
        self.controls = controls
        super().__init__(Ids(options.tag))
        self.orders: list[Order] = []
        self.journal = Journal()
        self.paid_invoices: set[str] = set()
        self.order_keys: Keys[Kept] = Keys(ORDER_KEYS)
        self.vault_keys: Keys[str] = Keys(VAULT_KEYS)
        self.capture_keys: Keys[Kept] = Keys(PAYMENT_KEYS)
        self.refund_keys: Keys[Kept] = Keys(PAYMENT_KEYS)
        self.void_keys: Keys[Kept] = Keys(PAYMENT_KEYS)
        self.renewal_keys: Keys[Kept] = Keys(PAYMENT_KEYS)
        self.aftermath = Aftermath()
        self.contested = Contested()
        self.sweeps = Sweeps(options.fee_permille)
        # Told when a pending capture came through, and when a pending refund came to its end.
        self.on_completed: Callable[[Order], None] = lambda _: None
        self.on_refund_ended: Callable[[Refund], None] = lambda _: None

    def now_us(self) -> int:
        """Microseconds since 1970, by the simulator's clock."""
        return micros(self.controls.clock.now())

    # --- charging -----------------------------------------------------------------------------

    def order(self, order_id: str) -> Order:
        """Raises: PayPalError(404)."""
        return self._order_behind("OR", order_id)

    def authorized_order(self, authorization_id: str) -> Order:
        """The order of an authorisation or of its renewal. Raises: PayPalError(404)."""
        renewal = self.renewal(authorization_id)
        if renewal is not None:
            return renewal.order
        order = self._order_behind("AU", authorization_id)
        if order.state not in _WITH_AUTHORIZATION:
            raise PayPalError(404, "INVALID_RESOURCE_ID")
        return order

    def renewal(self, authorization_id: str) -> Renewal | None:
        """The renewal that an authorisation's id is of, or None."""
        number = self.ids.number("RA", authorization_id)
        renewals = self.aftermath.renewals
        return renewals[number - 1] if number and number <= len(renewals) else None

    def captures(self, order: Order) -> list[Capture]:
        """The captures of an order, oldest first."""
        parts = self.aftermath.parts_of(order)
        if parts or order.state not in _WITH_CAPTURE:
            return parts
        whole = Capture(
            order=order,
            capture_id=self.ids.of("CA", order.number),
            minor=order.stated,
            invoice_id=order.invoice_id,
            at_us=order.captured_us or order.at_us,
        )
        return [whole]

    def captured(self, capture_id: str) -> Capture:
        """The capture of that id. Raises: PayPalError(404)."""
        number = self.ids.number("CP", capture_id)
        if number and number <= len(self.aftermath.parts):
            return self.aftermath.parts[number - 1]
        for capture in self.captures(self._order_behind("CA", capture_id)):
            if capture.capture_id == capture_id:
                return capture
        raise PayPalError(404, "INVALID_RESOURCE_ID")

    def _order_behind(self, kind: str, text: str) -> Order:
        number = self.ids.number(kind, text)
        if number is None or not 1 <= number <= len(self.orders):
            raise PayPalError(404, "INVALID_RESOURCE_ID")
        return self.orders[number - 1]

    def purchase(self, purchase: Purchase, fault: Fault | None, at: datetime) -> Order:
        """Carry out an order: capture or authorise, or refuse.

        Raises: PayPalError(422) with the issue of a decline or of a bad token or invoice.
        """
        token = self.payment_tokens.get(purchase.token)
        if token is None:
            raise PayPalError(422, "INVALID_VAULT_ID", field="/payment_source/paypal/vault_id")
        if purchase.invoice_id and purchase.invoice_id in self.paid_invoices:
            raise PayPalError(422, "DUPLICATE_INVOICE_ID", field="/purchase_units/0/invoice_id")
        if fault is Fault.HARD_DECLINE:
            token.is_cancelled = True
        if token.is_cancelled:
            self._book(Movement.DECLINED, purchase.invoice_id, purchase.minor, purchase, "", at)
            raise PayPalError(422, _REFUSALS[Fault.HARD_DECLINE])
        if fault is Fault.PAYER_ACTION or (fault is Fault.SOFT_DECLINE and _is_error(purchase)):
            self._book(Movement.DECLINED, purchase.invoice_id, purchase.minor, purchase, "", at)
            raise PayPalError(422, _REFUSALS[fault])
        return self._carried_out(purchase, fault, at)

    def _carried_out(self, purchase: Purchase, fault: Fault | None, at: datetime) -> Order:
        state = State.CAPTURED if purchase.is_capture else State.AUTHORIZED
        if purchase.is_capture and fault is Fault.PENDING:
            state = State.CAPTURE_PENDING
        if fault is Fault.SOFT_DECLINE:
            state = State.CAPTURE_DECLINED
        number = len(self.orders) + 1
        order = Order(
            number=number,
            invoice_id=purchase.invoice_id,
            custom_id=purchase.custom_id,
            # One string each in memory, however many orders hold it.
            token=intern(purchase.token),
            usage_pattern=intern(purchase.usage_pattern),
            soft_descriptor=intern(purchase.soft_descriptor),
            asked=purchase.minor,
            stated=purchase.minor - (fault is Fault.WRONG_AMOUNT and purchase.minor > 1),
            currency=intern(purchase.currency),
            state=state,
            at_us=micros(at),
        )
        self.orders.append(order)
        line = Line.AUTHORIZATION if state is State.AUTHORIZED else Line.CAPTURE
        self.journal.add(order.at_us, number, line)
        if state is not State.CAPTURE_DECLINED:
            self.paid_invoices.add(purchase.invoice_id)
        if state is State.CAPTURE_PENDING:
            later = at + timedelta(seconds=self.controls.faults.late_s)
            self.controls.clock.at(later, lambda moment: self._complete(order, moment))
        else:
            self._book_order(order, at)
        return order

    def _complete(self, order: Order, at: datetime) -> None:
        """A pending capture comes through."""
        order.state = State.CAPTURED
        order.captured_us = micros(at)
        self._book_order(order, at)
        self.on_completed(order)

    def has_expired(self, order: Order, at: datetime) -> bool:
        """An authorisation lives 29 days, renewed or not; PayPal then shows it as voided."""
        is_open = order.state in (State.AUTHORIZED, State.AUTHORIZATION_PARTLY_CAPTURED)
        return is_open and micros(at) > order.at_us + AUTHORIZATION_LIFE_US

    def _book_order(self, order: Order, at: datetime) -> None:
        movement, kind = _BOOKED[order.state]
        self.controls.book.write(
            movement,
            reference=order.invoice_id,
            minor=order.stated,
            currency=order.currency,
            provider_id=self.ids.of(kind, order.number),
            at=at,
        )

    def _book(
        self, movement: Movement, reference: str, minor: int, of: Purchase, by: str, at: datetime
    ) -> None:
        self.controls.book.write(
            movement, reference=reference, minor=minor, currency=of.currency, provider_id=by, at=at
        )


_WITH_AUTHORIZATION = (
    State.AUTHORIZED,
    State.AUTHORIZATION_PARTLY_CAPTURED,
    State.AUTHORIZATION_CAPTURED,
    State.AUTHORIZATION_VOIDED,
)
_WITH_CAPTURE = (
    State.CAPTURED,
    State.CAPTURE_PENDING,
    State.CAPTURE_DECLINED,
    State.AUTHORIZATION_CAPTURED,
)
_BOOKED = {
    State.CAPTURED: (Movement.CAPTURED, "CA"),
    State.CAPTURE_DECLINED: (Movement.DECLINED, "CA"),
    State.AUTHORIZED: (Movement.AUTHORIZED, "AU"),
}


def _is_error(purchase: Purchase) -> bool:
    """Half of the soft declines are errors, half are orders with a declined capture.

    PayPal does both, and a client that only knows one of them is wrong.
    """
    return not purchase.is_capture or sum(purchase.invoice_id.encode()) % 2 == 0
