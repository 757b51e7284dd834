"""What each customer owes, per currency: billed, paid, open, credit. Minor units throughout.

    open - credit == billed - paid        at every position of the log

`open` is what is left to pay on invoices; `credit` is money that no open invoice explains: more
than an invoice asked for, a charge found late on an invoice that was paid, or money in another
currency than the invoice (it is credit in the currency that arrived, and the invoice stays open).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from domain.identity import subscription_of
from domain.money import Money
from domain.recorded import Recorded
from domain.subscription.events import ChargeFoundLate, ChargeSucceeded, InvoiceIssued
from projections.table import Column, ColumnType, TableProjection


@attrs.frozen(kw_only=True)
class OwedInvoice:
    """An invoice with something left to pay. due_at: UTC. total, paid: minor units."""

    subscription_id: str
    invoice_number: int
    due_at: datetime
    total: int
    paid: int

    @property
    def open(self) -> int:
        """What is left to pay, minor units."""
        return self.total - self.paid


@attrs.frozen(kw_only=True)
class Balance:
    """One customer in one currency; all of the customer's subscriptions share the row.

    billed, paid, credit: minor units. The log's position stands beside the row in the store; it
    is not part of the row, so that the row depends on each subscription's order alone.
    open_invoices: oldest first.
    """

    customer_id: str
    currency: str
    billed: int = 0
    paid: int = 0
    credit: int = 0
    open_invoices: tuple[OwedInvoice, ...] = ()

    @property
    def open(self) -> int:
        """What is left to pay on all invoices, minor units."""
        return sum(invoice.open for invoice in self.open_invoices)

    @property
    def oldest_due_at(self) -> datetime | None:
        """When the oldest open invoice fell due, UTC; None when nothing is open."""
        return self.open_invoices[0].due_at if self.open_invoices else None

    @property
    def holds(self) -> bool:
        """The equation: open - credit == billed - paid."""
        return self.open - self.credit == self.billed - self.paid

    def overdue(self, as_of: datetime) -> int:
        """What is left to pay on invoices that fell due before `as_of` (UTC), minor units."""
        return sum(invoice.open for invoice in self.open_invoices if invoice.due_at < as_of)


def balance_key(customer_id: str, currency: str) -> str:
    """The row's key: "customer|CUR".

    Unambiguous: neither a customer id (identity.checked_id) nor a currency holds a bar.
    """
    return f"{customer_id}|{currency}"


def _money_of(event: Any) -> Money | None:
    match event:
        case InvoiceIssued(total=money) | ChargeSucceeded(amount=money):
            return money
        case ChargeFoundLate(amount=money):
            return money
        case _:
            return None


def _keys(recorded: Recorded[Any]) -> tuple[str, ...]:
    money = _money_of(recorded.event)
    return () if money is None else (balance_key(recorded.event.customer_id, money.currency),)


def _apply(row: Balance | None, _: str, recorded: Recorded[Any]) -> Balance | None:
    """One customer's balance in one currency after one more fact."""
    event = recorded.event
    money = _money_of(event)
    if money is None:
        return row
    before = row or Balance(customer_id=event.customer_id, currency=money.currency)
    subscription_id = subscription_of(recorded.stream)
    if isinstance(event, InvoiceIssued):
        return _billed(before, subscription_id, event)
    return _paid(before, subscription_id, event.invoice_number, money.minor)


def _billed(row: Balance, subscription_id: str, event: InvoiceIssued) -> Balance:
    if event.total.minor <= 0:
        return row
    invoice = OwedInvoice(
        subscription_id=subscription_id,
        invoice_number=event.invoice_number,
        due_at=event.effective_at,
        total=event.total.minor,
        paid=0,
    )
    return attrs.evolve(
        row,
        billed=row.billed + event.total.minor,
        open_invoices=_oldest_first((*row.open_invoices, invoice)),
    )


def _paid(row: Balance, subscription_id: str, number: int, received: int) -> Balance:
    """Money for an invoice: what it does not need, or cannot take, becomes credit."""
    paid = row.paid + received
    wanted = (subscription_id, number)
    invoices, left = [], received
    for invoice in row.open_invoices:
        if (invoice.subscription_id, invoice.invoice_number) == wanted:
            taken = min(left, invoice.open)
            left -= taken
            if taken == invoice.open:
                continue
            invoices.append(attrs.evolve(invoice, paid=invoice.paid + taken))
        else:
            invoices.append(invoice)
    return attrs.evolve(row, paid=paid, credit=row.credit + left, open_invoices=tuple(invoices))


def _oldest_first(invoices: Iterable[OwedInvoice]) -> tuple[OwedInvoice, ...]:
    """One order, in whatever order subscriptions wrote: views and replays compare equal."""
    return tuple(
        sorted(invoices, key=lambda each: (each.due_at, each.subscription_id, each.invoice_number))
    )


BALANCES: TableProjection[Balance] = TableProjection(
    name="balances",
    version=1,
    row_type=Balance,
    keys_of=_keys,
    apply=_apply,
    columns={
        "customer_id": Column(ColumnType.TEXT, lambda row: row.customer_id, indexed=True),
        "currency": Column(ColumnType.TEXT, lambda row: row.currency),
        "billed": Column(ColumnType.INTEGER, lambda row: row.billed),
        "paid": Column(ColumnType.INTEGER, lambda row: row.paid),
        "open": Column(ColumnType.INTEGER, lambda row: row.open),
        "credit": Column(ColumnType.INTEGER, lambda row: row.credit),
        "oldest_due_at": Column(ColumnType.INSTANT, lambda row: row.oldest_due_at),
    },
)
