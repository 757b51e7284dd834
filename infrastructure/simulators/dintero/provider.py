"""What the simulated Dintero does with money, tokens and time. No HTTP in here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from infrastructure.simulators.book import Movement
from infrastructure.simulators.deliveries import Build
from infrastructure.simulators.dintero import bodies
from infrastructure.simulators.dintero.bodies import bad
from infrastructure.simulators.dintero.hooks import Hooks
from infrastructure.simulators.dintero.limits import AttemptLimits
from infrastructure.simulators.dintero.notices import Notices
from infrastructure.simulators.dintero.refusals import (
    DECLINES,
    MAGIC_AMOUNTS,
    Refused,
    issuer_error,
    named_error,
    operation_error,
)
from infrastructure.simulators.dintero.rendering import event_count, token_json, transaction_json
from infrastructure.simulators.dintero.tables import (
    Event,
    Tables,
    Token,
    Transaction,
    micros,
)
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.simulators.serving import Controls

STRICT = "strict-merchant-reference"
STRICT_AMOUNTS = "strict-session-amounts"
STRICT_SUCCESS = "strict-success-merchant-reference"
PART_REFUNDED = "PARTIALLY_CAPTURED_REFUNDED"
_NOT_AUTHORISED = frozenset({"", "INITIATED", "ON_HOLD", "FAILED", "DECLINED"})
_LINE = ("1",)
# Accepted, with an end that comes later.
_HELD = frozenset({Fault.PENDING, Fault.PENDING_FAILS})


class SimulatedDintero:
    """One account. legacy_errors: refusals in the form used until 2025-09.

    attempt_limits: cards that fail too often are refused. Every payer here has one of a few
        cards, so this is for those who try one payer alone.
    strict_amounts: sums must add up, whether a session's toggle asks for it or not.
    """

    def __init__(
        self,
        tables: Tables,
        controls: Controls,
        notices: Notices,
        *,
        legacy_errors: bool = False,
        attempt_limits: bool = False,
        strict_amounts: bool = False,
    ) -> None:
        self.tables = tables
        self.controls = controls
        self.notices = notices
        self.hooks = Hooks(tables.account_id, controls.deliveries)
        self.legacy = legacy_errors
        self.limits = AttemptLimits(legacy=legacy_errors) if attempt_limits else None
        self.strict_amounts = strict_amounts
        self._early: list[Build] = []

    # --- charging -----------------------------------------------------------------------------

    def pay(self, asked: bodies.Pay, toggles: Collection[str], fault: Fault | None) -> Transaction:
        """Create and pay a session. Raises: Refused, also for a success that comes late."""
        bodies.checked_pay(asked)
        if self.strict_amounts or STRICT_AMOUNTS in toggles:
            bodies.checked_sums(asked.session.order)
        self._check_reference(asked.session.order.merchant_reference, toggles)
        now = self.controls.clock.now()
        transaction = self._opened(asked, now)
        self.tables.add(transaction)
        if fault is Fault.LATE_SUCCESS:
            self.later(now, lambda at: self._settle(transaction, None, at))
            raise Refused(503, "Processor temporarily unavailable")
        self._settle(transaction, fault, now)
        return transaction

    def _check_reference(self, reference: str, toggles: Collection[str]) -> None:
        if not toggles:
            return
        paid = self.tables.paid_under(reference)
        used = paid or self.tables.asked_under(reference)
        if (STRICT in toggles and used) or (
            STRICT_SUCCESS in toggles and any(each.status not in _NOT_AUTHORISED for each in paid)
        ):
            raise bad("order.merchant_reference must be unique")

    def _opened(self, asked: bodies.Pay, now: datetime) -> Transaction:
        session, payment = asked.session, asked.payment
        ((kind, value),) = session.customer.tokens[payment.payment_product_type].items()
        token = self.tables.tokens.get(value) or self.tables.forgotten.get(value)
        if token is None or token.product != payment.payment_product_type or token.kind != kind:
            raise bad("the token is not known")
        if payment.operation == "recurring_purchase" and (
            token.product in bodies.RECURRENCE_PRODUCTS and kind != "recurrence_token"
        ):
            raise bad("a recurring_purchase needs a recurrence_token")
        customer_id = session.customer.customer_id or ""
        same = customer_id == token.customer_id
        lines = tuple(item.line_id for item in session.order.items)
        amounts = tuple(item.amount or 0 for item in session.order.items)
        return Transaction(
            number=len(self.tables.transactions) + 1,
            reference=session.order.merchant_reference,
            amount=session.order.amount,
            currency=_shared(session.order.currency),
            status="",
            customer_id=token.customer_id if same else customer_id,
            token=token,
            operation=_shared(payment.operation),
            created_at=micros(now),
            auto_capture=session.configuration.auto_capture,
            callback_url=_shared(session.url.callback_url),
            line_ids=_LINE if lines == _LINE else lines,
            line_amounts=() if amounts == (session.order.amount,) else amounts,
        )

    def paid_by_payer(self, transaction: Transaction, fault: Fault | None) -> None:
        """A payer pays in a session. fault: what the plan does to it."""
        self.tables.add(transaction)
        self._settle(transaction, fault, self.controls.clock.now())

    def _settle(self, transaction: Transaction, fault: Fault | None, at: datetime) -> None:
        """Authorise or refuse; capture where the session said so."""
        if not transaction.status:  # a late success begins to exist when it succeeds
            transaction.created_at = _instant(transaction, at)
        error = self._error_of(transaction, fault, micros(at))
        if error is not None:
            self._refuse(transaction, error, at)
            return
        if fault in _HELD and not transaction.auto_capture:
            transaction.status = "ON_HOLD"
            self.announce(transaction)
            self.later(at, lambda then: self._released(transaction, fault, then))
            return
        if self.limits is not None:
            self.limits.succeeded(transaction.token.card)
        transaction.authorized_at = _instant(transaction, at)
        transaction.status = "AUTHORIZED"
        if not transaction.auto_capture:
            self.book(Movement.AUTHORIZED, transaction, transaction.amount, at)
        elif fault in _HELD:
            self.later(at, lambda then: self._capture_late(transaction, fault, then))
        else:
            less = 1 if fault is Fault.WRONG_AMOUNT else 0
            self._capture(transaction, transaction.amount - less, at)
        self.announce(transaction)

    def _error_of(
        self, transaction: Transaction, fault: Fault | None, at: int
    ) -> Mapping[str, Any] | None:
        """Why an authorisation is refused, or None. at: microseconds since 1970."""
        card = transaction.token.card
        if transaction.token.value in self.tables.forgotten:
            return issuer_error(Fault.HARD_DECLINE, at, legacy=self.legacy)
        limited = self.limits.refusal(card, at) if self.limits is not None else None
        if limited is not None:
            return limited
        refusal = MAGIC_AMOUNTS.get(transaction.amount) or card.refusal
        error: Mapping[str, Any] | None = named_error(refusal) if refusal else None
        if fault is not None and fault in DECLINES:
            error = issuer_error(fault, at, legacy=self.legacy)
        if error is not None and self.limits is not None:
            self.limits.failed(card, error, at)
        return error

    def _refuse(self, transaction: Transaction, error: Mapping[str, Any], at: datetime) -> None:
        transaction.error = error
        transaction.status = "FAILED"
        self.book(Movement.DECLINED, transaction, transaction.amount, at)
        self.announce(transaction, error="authorization")

    def _released(self, transaction: Transaction, fault: Fault | None, at: datetime) -> None:
        """What was on hold is let through, or refused."""
        if fault is Fault.PENDING_FAILS:
            self._refuse(transaction, named_error("DECLINED"), at)
        else:
            self._settle(transaction, None, at)

    def captured(
        self,
        transaction: Transaction,
        amount: int,
        at: datetime,
        reference: str = "",
        correlation_id: str = "",
    ) -> None:
        """Take the money, and say so."""
        self._capture(transaction, amount, at, reference, correlation_id)
        self.announce(transaction, event="CAPTURE")

    def _capture_late(self, transaction: Transaction, fault: Fault | None, at: datetime) -> None:
        """The automatic capture; one by hand in the meantime stopped it."""
        if transaction.status != "AUTHORIZED" or transaction.events:
            return
        if fault is Fault.PENDING_FAILS:
            error, amount = operation_error("CAPTURE", legacy=self.legacy), transaction.amount
            failed = Event("CAPTURE", "AUTHORIZED", False, amount, micros(at), error=error)
            transaction.events += (failed,)
            self.announce(transaction, event="CAPTURE")
        else:
            self.captured(transaction, transaction.amount, at)

    def _capture(
        self,
        transaction: Transaction,
        amount: int,
        at: datetime,
        reference: str = "",
        correlation_id: str = "",
    ) -> None:
        total = transaction.total("CAPTURE") + amount
        status = "CAPTURED" if total == transaction.amount else "PARTIALLY_CAPTURED"
        if transaction.total("REFUND"):
            status = "PARTIALLY_REFUNDED" if status == "CAPTURED" else PART_REFUNDED
        instant = _instant(transaction, at)
        done = Event("CAPTURE", status, True, amount, instant, reference, correlation_id)
        transaction.events += (done,)
        transaction.status = status
        part = self.tables.transaction_id(transaction) if amount < transaction.amount else ""
        self.book(Movement.CAPTURED, transaction, amount, at, part_of=part)

    # --- what they share ----------------------------------------------------------------------

    async def deliver_early(self) -> None:
        """Deliver the callbacks that the plan lets overtake the answer."""
        while self._early:
            await self.controls.deliveries.send_now(self._early.pop(0))

    def end_token(self, token: Token) -> None:
        """A stored card is deleted; the account's webhook says so."""
        self.tables.forget(token)
        at = self.controls.clock.now()
        self.tell_of_token("checkout_token_delete", token, at)

    def tell_of_token(self, event: str, token: Token, at: datetime | None = None) -> None:
        """Tell the account's webhooks of a stored card, with what the plan does to it.

        at: when it was deleted.
        """
        if self.hooks.is_wished_for(event):
            fault = self.controls.faults.pick_callback(token.id)
            self.hooks.tell(event, {"token": token_json(self.tables, token, at)}, fault)

    def revoke(self, customer_id: str) -> int:
        """The payer ends what one of the merchant's customers agreed to; how many tokens."""
        ended = [each for each in self.tables.tokens.values() if each.customer_id == customer_id]
        for token in ended:
            self.end_token(token)
        return len(ended)

    def put(self, reference: str, build: Build | None) -> None:
        """Send a callback, with what the plan does to it."""
        if build is None:
            return
        fault = self.controls.faults.pick_callback(reference)
        if fault is CallbackFault.EARLY:
            self._early.append(build)
        else:
            self.controls.deliveries.put(build, fault)

    def announce(
        self, transaction: Transaction, *, error: str = "", event: str = "", reference: str = ""
    ) -> None:
        """Call the merchant. event: the operation that the latest event is of.

        reference: of a refund; the plan strikes its callback by it.
        """
        self.tell_hooks(transaction, error=error, event=event)
        if transaction.callback_url:
            place = str(event_count(transaction)) if event else ""
            build = self.notices.about(transaction, error=error, event=event, event_id=place)
            self.put(reference or transaction.reference, build)

    def tell_hooks(self, transaction: Transaction, *, error: str = "", event: str = "") -> None:
        """Tell the account's webhooks. event: the later operation, or "" of the authorisation."""
        if not self.hooks.subscriptions:
            return
        shown = transaction_json(self.tables, transaction)
        if not event:
            names = ("merchant_reference", "session_id")
            said = {name: shown[name] for name in names} | {"transaction_id": shown["id"]}
            authorization = said | ({"error": error} if error else {})
            self.hooks.tell("checkout_authorization", {"authorization": authorization})
        self.hooks.tell("checkout_transaction", {"transaction": shown})

    def later(self, now: datetime, action: Callable[[datetime], None]) -> None:
        """Do it when the plan's delay has passed."""
        self.controls.clock.at(now + timedelta(seconds=self.controls.faults.late_s), action)

    def book(
        self,
        movement: Movement,
        transaction: Transaction,
        amount: int,
        at: datetime,
        *,
        reference: str = "",
        part_of: str = "",
    ) -> None:
        """Write a line of the book. reference: of a refund, if it has one of its own."""
        self.controls.book.write(
            movement,
            reference=reference or transaction.reference,
            minor=amount,
            currency=transaction.currency,
            provider_id=self.tables.transaction_id(transaction),
            at=at,
            part_of=part_of,
        )


_SHARED: dict[str, str] = {}


def _shared(text: str) -> str:
    """One object for equal texts of which there are few."""
    if len(_SHARED) < 1_000:
        return _SHARED.setdefault(text, text)
    return _SHARED.get(text, text)


def _instant(transaction: Transaction, at: datetime) -> int:
    """Microseconds since 1970; the transaction's own number where it is the same, for memory."""
    instant = micros(at)
    return transaction.created_at if instant == transaction.created_at else instant
