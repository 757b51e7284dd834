"""The rows of the balances; what they mean, and their equation: balances.py."""

from __future__ import annotations

from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class OwedInvoice:
    """An invoice with something left to pay. due_at: UTC.

    total, paid, credited, written_off, reversed: minor units; what charges paid of it, what credit
        paid, what was given up, and what a provider took back.
    An invoice that was closed when that happened is open by what was taken back alone: its total is
    0 here, and it is due since then.
    """

    subscription_id: str
    invoice_number: int
    due_at: datetime
    total: int
    paid: int
    credited: int = 0
    written_off: int = 0
    reversed: int = 0

    @property
    def open(self) -> int:
        """What is left to pay, minor units."""
        return self.total - self.credited - self.paid - self.written_off + self.reversed


@attrs.frozen(kw_only=True)
class RefundUnderWay:
    """A refund that has no outcome yet. minor: what it took of credit, minor units."""

    refund_id: str
    minor: int


@attrs.frozen(kw_only=True)
class GrantedLeft:
    """What is left of the credit that one subscription was granted, minor units; not zero."""

    subscription_id: str
    minor: int


@attrs.frozen(kw_only=True)
class Overdrawn:
    """A refund that was found late. minor: what of it no credit has covered, minor units.

    dismissed: a person vouches that it was settled otherwise; credit to come is not for it.
    """

    refund_id: str
    subscription_id: str
    minor: int
    dismissed: bool = False


@attrs.frozen(kw_only=True)
class Balance:
    """One customer in one currency; all of the customer's subscriptions share the row.

    billed, credited, paid, written_off, credit, refunded, reversed: minor units. The log's position
    stands beside the row in the store; it is not part of the row, so that the row depends on each
    subscription's order alone.
    open_invoices: oldest first. open_refunds: by their ids. granted_left: by subscription; what of
        `credit` a refund that is found late may take. overdrawn: by subscription, oldest first.
    """

    customer_id: str
    currency: str
    billed: int = 0
    credited: int = 0
    paid: int = 0
    written_off: int = 0
    credit: int = 0
    refunded: int = 0
    reversed: int = 0
    open_invoices: tuple[OwedInvoice, ...] = ()
    open_refunds: tuple[RefundUnderWay, ...] = ()
    granted_left: tuple[GrantedLeft, ...] = ()
    overdrawn: tuple[Overdrawn, ...] = ()

    @property
    def open(self) -> int:
        """What is left to pay: on all invoices, and of refunds no credit covers; minor units."""
        owed_back = sum(refund.minor for refund in self.overdrawn)
        return sum(invoice.open for invoice in self.open_invoices) + owed_back

    @property
    def refunding(self) -> int:
        """Credit that refunds took which have no outcome yet, minor units."""
        return sum(refund.minor for refund in self.open_refunds)

    @property
    def oldest_due_at(self) -> datetime | None:
        """When the oldest open invoice fell due, UTC; None when nothing is open."""
        return self.open_invoices[0].due_at if self.open_invoices else None

    @property
    def holds(self) -> bool:
        """The equation that stands at the head of the module."""
        settled = self.credited + self.paid + self.written_off - self.refunded - self.reversed
        return self.open - self.credit - self.refunding == self.billed - settled

    def overdue(self, as_of: datetime) -> int:
        """What is left to pay on invoices that fell due before `as_of` (UTC), minor units."""
        return sum(invoice.open for invoice in self.open_invoices if invoice.due_at < as_of)


def balance_key(customer_id: str, currency: str) -> str:
    """The row's key: "customer|CUR".

    Unambiguous: neither a customer id (identity.checked_id) nor a currency holds a bar.
    """
    return f"{customer_id}|{currency}"
