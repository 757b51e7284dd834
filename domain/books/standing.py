"""What the posting rules have to know of a subscription: folded from its facts, and no more.

Apart from `Subscription`, on purpose: the books do not lean on the state that decisions are made
from, so that each can be held against the other.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import attrs

from domain.books.recognition import Waiting, waiting
from domain.calendar import local_day
from domain.identity import on_demand
from domain.money import Money
from domain.subscription.dispute_events import ChargeReversed
from domain.subscription.events import (
    ChargeAttempted,
    ChargeFoundLate,
    ChargeSucceeded,
    CreditApplied,
    CreditGranted,
    DiscrepancyResolved,
    InvoiceIssued,
    InvoiceWrittenOff,
    LineKind,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionReinstated,
    SubscriptionResumed,
    SubscriptionStarted,
    TermsChanged,
)
from domain.subscription.refund_events import (
    RefundFailed,
    RefundFoundLate,
    RefundRequested,
    RefundSucceeded,
)


@attrs.define(kw_only=True)
class Standing:
    """One subscription as its books see it; changed in place by `take`.

    products: from which invoice on which plan is billed. open: what is left to pay, by invoice,
    minor units. attempts: at which provider's account, "provider/account". refunds: what those
    without outcome took of credit. granted: what is left of the credit that it was granted, minor
    units. overdrawn: what is missing of refunds that were found late, oldest first, minor units.
    """

    customer_id: str
    zone: str
    currency: str
    products: list[tuple[int, str]]
    issued: int = 0
    open: dict[int, int] = attrs.field(factory=dict)
    attempts: dict[UUID, str] = attrs.field(factory=dict)
    refunds: dict[UUID, Money] = attrs.field(factory=dict)
    granted: int = 0
    overdrawn: dict[UUID, Money] = attrs.field(factory=dict)
    waiting: tuple[Waiting, ...] = ()

    @classmethod
    def begun(cls, event: SubscriptionStarted) -> Standing:
        """Before anything was billed."""
        return cls(
            customer_id=event.customer_id,
            zone=event.zone,
            currency=event.currency,
            products=[(1, event.terms.plan)],
        )

    def product(self, invoice_number: int) -> str:
        """The plan that an invoice bills; beside the schedule, that of the next invoice."""
        number = self.issued + 1 if on_demand(invoice_number) else invoice_number
        return next((plan for since, plan in reversed(self.products) if since <= number))

    def day(self, instant: datetime) -> date:
        """The subscription's local day."""
        return local_day(instant, self.zone)

    def taken(self, invoice_number: int, received: Money) -> int:
        """How much of money received an invoice takes, minor units; the rest is credit."""
        if received.currency != self.currency:
            return 0
        return min(received.minor, self.open.get(invoice_number, 0))

    def covering(self, more: int = 0) -> int:
        """How much of granted credit, and of so much more, covers refunds that were found late."""
        missing = sum(
            each.minor for each in self.overdrawn.values() if each.currency == self.currency
        )
        return max(0, min(self.granted + more, missing))

    def take(self, event: SubscriptionEvent) -> None:
        """One more fact."""
        match event:
            case InvoiceIssued():
                self._issued(event)
            case ChargeAttempted():
                self.attempts[event.attempt_id] = f"{event.provider.value}/{event.account}"
            case ChargeSucceeded() | ChargeFoundLate():
                self._less(event.invoice_number, self.taken(event.invoice_number, event.amount))
            case CreditGranted():
                self._granted(event.amount.minor)
            case CreditApplied():
                self._less(event.invoice_number, event.amount.minor)
                self.granted -= event.amount.minor
            case InvoiceWrittenOff():
                self._less(event.invoice_number, event.amount.minor)
            case RefundRequested():
                self.refunds[event.refund_id] = event.amount
                self.granted -= event.amount.minor
            case RefundSucceeded():
                self._granted((self.refunds.pop(event.refund_id) - event.amount).minor)
            case RefundFailed():
                self._granted(self.refunds.pop(event.refund_id).minor)
            case ChargeReversed():
                number = event.invoice_number
                self.open[number] = self.open.get(number, 0) + event.amount.minor
            case RefundFoundLate():
                self.overdrawn[event.refund_id] = event.amount
                self._granted(0)
            case DiscrepancyResolved():
                # What nobody gives up is settled otherwise: credit to come is not for it.
                self.overdrawn.pop(event.attempt_id, None)
            case TermsChanged():
                self._changed(event)
            case SubscriptionPaused():
                day = event.unused_from or self.day(event.effective_at)
                self.waiting += waiting(event.lines, self.product(self.issued + 1), day)
            case SubscriptionResumed() | SubscriptionReinstated():
                day = self.day(event.effective_at)
                self.waiting += waiting(event.lines, self.product(self.issued + 1), day)

    def _issued(self, event: InvoiceIssued) -> None:
        if event.total.minor > 0:
            self.open[event.invoice_number] = event.total.minor
        if not on_demand(event.invoice_number):
            self.issued, self.waiting = event.invoice_number, ()

    def _less(self, invoice_number: int, minor: int) -> None:
        left = self.open.get(invoice_number, 0) - minor
        if left > 0:
            self.open[invoice_number] = left
        else:
            self.open.pop(invoice_number, None)

    def _granted(self, more: int) -> None:
        """More credit, which first covers what is missing of refunds, the oldest first."""
        used = self.covering(more)
        self.granted += more - used
        for refund_id, missing in list(self.overdrawn.items()):
            if missing.currency == self.currency:
                taken = min(used, missing.minor)
                used -= taken
                self.overdrawn[refund_id] = missing - Money(taken, missing.currency)

    def _changed(self, event: TermsChanged) -> None:
        day, before = self.day(event.effective_at), self.product(self.issued + 1)
        old = tuple(each for each in event.lines if each.kind is LineKind.UNUSED)
        new = tuple(each for each in event.lines if each.kind is LineKind.REST)
        self.waiting += waiting(old, before, day) + waiting(new, event.terms.plan, day)
        self.products.append((event.from_invoice, event.terms.plan))
