"""What each customer owes, per currency: billed, credited, paid, written off, open, credit.

    open - credit - refunding == billed - credited - paid - written_off + refunded + reversed

at every position of the log. Minor units. `open` is what is left to pay: on invoices, and of
refunds that were found late, as far as no credit has covered them (`overdrawn`). `written_off`
is what was given up of it; money that comes for an invoice later is credit.
`credited` is all the credit that was ever granted, but for
overpayments: those were `paid` already, and stand in `credit` since they came.
`credit` is what the customer has in hand: credit that was granted and has paid no invoice yet, and
money that no open invoice explains: more than an invoice asked for, a charge found late on an
invoice that was paid, or money in another currency than the invoice (it is credit in the currency
that arrived, and the invoice stays open). Granted credit that pays an invoice lowers both `open`
and `credit`. `refunding` is credit that refunds took which have no outcome yet, `refunded` what
went back to the payer; what a refund did not give back is `credit` again. `reversed` is what a
provider took back of what was paid: so much is open again, and `paid` stays what was captured.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.copying import with_
from domain.identity import subscription_of
from domain.money import Money
from domain.recorded import Recorded
from domain.subscription.dispute_events import ChargeReversed
from domain.subscription.events import (
    ChargeFoundLate,
    ChargeSucceeded,
    CreditApplied,
    CreditGranted,
    CreditKind,
    DiscrepancyResolved,
    InvoiceIssued,
    InvoiceWrittenOff,
    Resolution,
)
from domain.subscription.refund_events import (
    RefundFailed,
    RefundFoundLate,
    RefundRequested,
    RefundSucceeded,
)
from projections.balance_rows import (
    Balance,
    GrantedLeft,
    Overdrawn,
    OwedInvoice,
    RefundUnderWay,
    balance_key,
)
from projections.table import Column, ColumnType, TableProjection

__all__ = ["BALANCES", "Balance", "OwedInvoice", "balance_key"]


def _money_of(event: Any) -> Money | None:
    match event:
        case InvoiceIssued(total=money):
            return money
        case ChargeSucceeded(amount=money) | ChargeFoundLate(amount=money):
            return money
        case CreditGranted(amount=money) | CreditApplied(amount=money):
            return money
        case InvoiceWrittenOff(amount=money):
            return money
        case RefundRequested(amount=money) | RefundSucceeded(amount=money):
            return money
        case RefundFailed(amount=money) | RefundFoundLate(amount=money):
            return money
        case DiscrepancyResolved(received=money) | ChargeReversed(amount=money):
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
    if isinstance(event, DiscrepancyResolved):
        return _looked_at(row, event)
    before = row or Balance(customer_id=event.customer_id, currency=money.currency)
    subscription_id = subscription_of(recorded.stream)
    match event:
        case InvoiceIssued():
            return _billed(before, subscription_id, event)
        case CreditGranted() if event.kind is CreditKind.OVERPAYMENT:
            # This money was booked when it came; from here on it is credit like any other.
            return _covered(_with_granted(before, subscription_id, money.minor), subscription_id)
        case CreditGranted():
            credited, credit = before.credited + money.minor, before.credit + money.minor
            granted = with_(before, credited=credited, credit=credit)
            return _covered(_with_granted(granted, subscription_id, money.minor), subscription_id)
        case CreditApplied():
            return _paid_by_credit(before, subscription_id, event.invoice_number, money.minor)
        case RefundRequested():
            taken = _with_granted(before, subscription_id, -money.minor)
            return _refund_asked_for(taken, str(event.refund_id), money.minor)
        case RefundSucceeded():
            return _refund_settled(before, subscription_id, str(event.refund_id), money.minor)
        case RefundFailed():
            return _refund_settled(before, subscription_id, str(event.refund_id), 0)
        case RefundFoundLate():
            return _refund_found_late(before, subscription_id, str(event.refund_id), money.minor)
        case ChargeReversed():
            return _reversed(before, subscription_id, event)
        case InvoiceWrittenOff():
            return _written_off(before, subscription_id, event.invoice_number, money.minor)
        case _:
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
    return with_(
        row,
        billed=row.billed + event.total.minor,
        open_invoices=_oldest_first((*row.open_invoices, invoice)),
    )


def _paid(row: Balance, subscription_id: str, number: int, received: int) -> Balance:
    """Money for an invoice: what it does not need, or cannot take, becomes credit."""
    invoice = _open_invoice(row, subscription_id, number)
    taken = 0 if invoice is None else min(received, invoice.open)
    row = with_(row, paid=row.paid + received, credit=row.credit + received - taken)
    if invoice is None:
        return row
    return _with_invoice(row, with_(invoice, paid=invoice.paid + taken))


def _paid_by_credit(row: Balance, subscription_id: str, number: int, applied: int) -> Balance:
    """Credit pays an invoice: as much less is open, and as much less is credit."""
    invoice = _open_invoice(row, subscription_id, number)
    if invoice is None:
        return row
    taken = min(applied, invoice.open)
    row = _with_granted(with_(row, credit=row.credit - taken), subscription_id, -taken)
    return _with_invoice(row, with_(invoice, credited=invoice.credited + taken))


def _written_off(row: Balance, subscription_id: str, number: int, given_up: int) -> Balance:
    """An invoice is given up, as far as it is open."""
    invoice = _open_invoice(row, subscription_id, number)
    if invoice is None:
        return row
    taken = min(given_up, invoice.open)
    row = with_(row, written_off=row.written_off + taken)
    return _with_invoice(row, with_(invoice, written_off=invoice.written_off + taken))


def _reversed(row: Balance, subscription_id: str, event: ChargeReversed) -> Balance:
    """So much is open again, and due at once where nothing of the invoice was open."""
    back = event.amount.minor
    row = with_(row, reversed=row.reversed + back)
    invoice = _open_invoice(row, subscription_id, event.invoice_number)
    if invoice is not None:
        return _with_invoice(row, with_(invoice, reversed=invoice.reversed + back))
    again = OwedInvoice(
        subscription_id=subscription_id,
        invoice_number=event.invoice_number,
        due_at=event.effective_at,
        total=0,
        paid=0,
        reversed=back,
    )
    return with_(row, open_invoices=_oldest_first((*row.open_invoices, again)))


def _refund_asked_for(row: Balance, refund_id: str, taken: int) -> Balance:
    """Credit that nothing else can use from here on."""
    refund = RefundUnderWay(refund_id=refund_id, minor=taken)
    under_way = sorted((*row.open_refunds, refund), key=lambda each: each.refund_id)
    return with_(row, credit=row.credit - taken, open_refunds=tuple(under_way))


def _refund_settled(row: Balance, subscription_id: str, refund_id: str, gone: int) -> Balance:
    """So much went back; the rest is credit again."""
    refund = next((each for each in row.open_refunds if each.refund_id == refund_id), None)
    if refund is None:
        return row
    under_way = tuple(each for each in row.open_refunds if each.refund_id != refund_id)
    row = with_(
        _with_granted(row, subscription_id, refund.minor - gone),
        credit=row.credit + refund.minor - gone,
        refunded=row.refunded + gone,
        open_refunds=under_way,
    )
    return _covered(row, subscription_id)


def _refund_found_late(row: Balance, subscription_id: str, refund_id: str, gone: int) -> Balance:
    """It has gone, and is owed as far as no credit covers it."""
    late = Overdrawn(refund_id=refund_id, subscription_id=subscription_id, minor=gone)
    overdrawn = sorted((*row.overdrawn, late), key=lambda each: each.subscription_id)
    row = with_(row, refunded=row.refunded + gone, overdrawn=tuple(overdrawn))
    return _covered(row, subscription_id)


def _covered(row: Balance, subscription_id: str) -> Balance:
    """Credit of a subscription covers what is missing of its refunds, the oldest first. Another's
    is left alone: rows must not depend on the order of two subscriptions."""
    left = _granted_left(row, subscription_id)
    overdrawn = []
    for each in row.overdrawn:
        mine = each.subscription_id == subscription_id and not each.dismissed
        taken = max(0, min(each.minor, left)) if mine else 0
        left -= taken
        if each.minor > taken:
            overdrawn.append(with_(each, minor=each.minor - taken))
    used = _granted_left(row, subscription_id) - left
    row = with_(row, credit=row.credit - used, overdrawn=tuple(overdrawn))
    return _with_granted(row, subscription_id, -used)


def _looked_at(row: Balance | None, event: DiscrepancyResolved) -> Balance | None:
    """Somebody has looked at a refund too many: what it left open is given up, or stays."""
    if row is None:
        return None
    key, given_up = str(event.attempt_id), 0
    overdrawn = []
    for each in row.overdrawn:
        if each.refund_id == key and event.resolution is Resolution.ACCEPTED:
            given_up += each.minor
        else:
            overdrawn.append(with_(each, dismissed=each.dismissed or each.refund_id == key))
    written_off = row.written_off + given_up
    return with_(row, written_off=written_off, overdrawn=tuple(overdrawn))


def _granted_left(row: Balance, subscription_id: str) -> int:
    return sum(each.minor for each in row.granted_left if each.subscription_id == subscription_id)


def _with_granted(row: Balance, subscription_id: str, change: int) -> Balance:
    """The row with so much more, or less, of granted credit left."""
    minor = _granted_left(row, subscription_id) + change
    left = [each for each in row.granted_left if each.subscription_id != subscription_id]
    if minor:
        left.append(GrantedLeft(subscription_id=subscription_id, minor=minor))
    left.sort(key=lambda each: each.subscription_id)
    return with_(row, granted_left=tuple(left))


def _open_invoice(row: Balance, subscription_id: str, number: int) -> OwedInvoice | None:
    wanted = (subscription_id, number)
    found = (
        each for each in row.open_invoices if (each.subscription_id, each.invoice_number) == wanted
    )
    return next(found, None)


def _with_invoice(row: Balance, invoice: OwedInvoice) -> Balance:
    """The row with an invoice as it is now, or without it once nothing of it is open."""
    wanted = (invoice.subscription_id, invoice.invoice_number)
    invoices = tuple(
        invoice if (each.subscription_id, each.invoice_number) == wanted else each
        for each in row.open_invoices
    )
    return with_(row, open_invoices=tuple(each for each in invoices if each.open != 0))


def _oldest_first(invoices: Iterable[OwedInvoice]) -> tuple[OwedInvoice, ...]:
    """One order, in whatever order subscriptions wrote: views and replays compare equal."""
    return tuple(
        sorted(invoices, key=lambda each: (each.due_at, each.subscription_id, each.invoice_number))
    )


BALANCES: TableProjection[Balance] = TableProjection(
    name="balances",
    version=6,
    row_type=Balance,
    keys_of=_keys,
    apply=_apply,
    columns={
        "customer_id": Column(ColumnType.TEXT, lambda row: row.customer_id, indexed=True),
        "currency": Column(ColumnType.TEXT, lambda row: row.currency),
        "billed": Column(ColumnType.INTEGER, lambda row: row.billed),
        "credited": Column(ColumnType.INTEGER, lambda row: row.credited),
        "paid": Column(ColumnType.INTEGER, lambda row: row.paid),
        "written_off": Column(ColumnType.INTEGER, lambda row: row.written_off),
        "refunded": Column(ColumnType.INTEGER, lambda row: row.refunded),
        "reversed": Column(ColumnType.INTEGER, lambda row: row.reversed),
        "refunding": Column(ColumnType.INTEGER, lambda row: row.refunding),
        "open": Column(ColumnType.INTEGER, lambda row: row.open),
        "credit": Column(ColumnType.INTEGER, lambda row: row.credit),
        "oldest_due_at": Column(ColumnType.INSTANT, lambda row: row.oldest_due_at),
    },
    by_family=True,
)
