"""What happens when X, table four: which lines each fact posts.

fact                    debit                          credit
InvoiceIssued           receivable                     deferred by line, VAT by line
CreditGranted           deferred and VAT by line;      credit
                        without lines: goodwill
  OVERPAYMENT           nothing: it is credit since the money came
CreditApplied           credit                         receivable
ChargeSucceeded         clearing                       receivable, as far as the invoice is open;
                                                       credit, the rest
ChargeFoundLate         as ChargeSucceeded
InvoiceWrittenOff       bad debt                       receivable
RefundRequested         credit                         refunding
RefundSucceeded         refunding                      clearing; credit, what did not go back
RefundFailed            refunding                      credit
RefundFoundLate         receivable                     clearing
ChargeReversed          receivable                     clearing
DiscrepancyResolved     bad debt: what is missing of   receivable
  ACCEPTED              a refund that was found late
more credit, whichever  credit                         receivable: what is missing of refunds that
                                                       were found late

Deferred revenue is earned day by day; see recognition.py. Facts that name an amount and post
nothing are in NO_MONEY_MOVES, each with the reason. What settlements post: posting_settlements.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from domain.books.accounts import Account, Line, Posting, Role, posted
from domain.books.posting_settlements import SETTLED
from domain.books.recognition import given_back, net_of, recognised, revenue_of
from domain.books.standing import Standing
from domain.money import Money
from domain.subscription.dispute_events import ChargeReversed, DisputeClosed, DisputeOpened
from domain.subscription.events import (
    AmountSet,
    BalanceReported,
    CaptureAttempted,
    ChargeAttempted,
    ChargeAuthorized,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeSucceeded,
    CreditApplied,
    CreditGranted,
    CreditKind,
    DiscountGranted,
    DiscrepancyResolved,
    InstalmentsSettled,
    InvoiceIssued,
    InvoiceWrittenOff,
    Resolution,
    SubscriptionPaused,
    SubscriptionReinstated,
    SubscriptionResumed,
    SubscriptionStarted,
    TermsChanged,
    UsageCorrected,
    UsageReported,
)
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundFailed,
    RefundFoundLate,
    RefundRequested,
    RefundSucceeded,
)

Rule = Callable[[Standing, Any], Posting]
NOTHING = Posting()


def posting_of(standing: Any, event: object) -> Posting:
    """What a fact posts. standing: of its stream, before it. Raises: Unbalanced."""
    rule = POSTING.get(type(event)) or SETTLED.get(type(event))
    return NOTHING if rule is None else rule(standing, event)


def _debit(role: Role, of: str, money: Money) -> Line:
    return Line(Account(role, of), money.minor, money.currency)


def _credit(role: Role, of: str, money: Money) -> Line:
    return Line(Account(role, of), -money.minor, money.currency)


def _invoice(standing: Standing, event: InvoiceIssued) -> Posting:
    recognitions = recognised(
        event.lines,
        product=standing.product(event.invoice_number),
        period=event.period,
        day=standing.day(event.effective_at),
        carried=standing.waiting,
    )
    lines = [_debit(Role.RECEIVABLE, event.customer_id, event.total)]
    for line, earned in zip(event.lines, recognitions, strict=True):
        net = Money(earned.minor, earned.currency)
        lines.append(_credit(Role.DEFERRED, earned.revenue, net))
        if line.tax is not None:
            lines.append(_credit(Role.VAT, line.tax.rate.code, line.tax.tax))
    return posted(lines, recognitions)


def _granted(standing: Standing, event: CreditGranted) -> Posting:
    covered = _covered(standing, event.customer_id, event.amount.minor)
    if event.kind is CreditKind.OVERPAYMENT:
        return posted(covered)
    # What is given back was billed with the latest invoice of the schedule.
    product = standing.product(max(standing.issued, 1))
    lines = [_credit(Role.CREDIT, event.customer_id, event.amount), *covered]
    if not event.lines:
        return posted([*lines, _debit(Role.GOODWILL, f"{product}|untaxed", event.amount)])
    for line in event.lines:
        net = Money(net_of(line), line.amount.currency)
        lines.append(_debit(Role.DEFERRED, revenue_of(product, line), net))
        if line.tax is not None:
            lines.append(_debit(Role.VAT, line.tax.rate.code, line.tax.tax))
    day = standing.day(event.effective_at)
    return posted(lines, given_back(event.lines, product=product, day=day))


def _applied(_: Standing, event: CreditApplied) -> Posting:
    return posted(
        (
            _debit(Role.CREDIT, event.customer_id, event.amount),
            _credit(Role.RECEIVABLE, event.customer_id, event.amount),
        )
    )


def _received(standing: Standing, event: ChargeSucceeded | ChargeFoundLate) -> Posting:
    taken = Money(standing.taken(event.invoice_number, event.amount), event.amount.currency)
    return posted(
        (
            _debit(Role.CLEARING, standing.attempts[event.attempt_id], event.amount),
            _credit(Role.RECEIVABLE, event.customer_id, taken),
            _credit(Role.CREDIT, event.customer_id, event.amount - taken),
        )
    )


def _written_off(_: Standing, event: InvoiceWrittenOff) -> Posting:
    return posted(
        (
            _debit(Role.BAD_DEBT, event.customer_id, event.amount),
            _credit(Role.RECEIVABLE, event.customer_id, event.amount),
        )
    )


def _refund_asked(_: Standing, event: RefundRequested) -> Posting:
    return posted(
        (
            _debit(Role.CREDIT, event.customer_id, event.amount),
            _credit(Role.REFUNDING, event.customer_id, event.amount),
        )
    )


def _refunded(standing: Standing, event: RefundSucceeded) -> Posting:
    asked = standing.refunds[event.refund_id]
    return posted(
        (
            _debit(Role.REFUNDING, event.customer_id, asked),
            _credit(Role.CLEARING, standing.attempts[event.attempt_id], event.amount),
            _credit(Role.CREDIT, event.customer_id, asked - event.amount),
            *_covered(standing, event.customer_id, (asked - event.amount).minor),
        )
    )


def _refund_failed(standing: Standing, event: RefundFailed) -> Posting:
    asked = standing.refunds[event.refund_id]
    return posted(
        (
            _debit(Role.REFUNDING, event.customer_id, asked),
            _credit(Role.CREDIT, event.customer_id, asked),
            *_covered(standing, event.customer_id, asked.minor),
        )
    )


def _refund_found_late(standing: Standing, event: RefundFoundLate) -> Posting:
    after = attrs.evolve(standing, overdrawn={**standing.overdrawn, event.refund_id: event.amount})
    return posted(
        (
            _debit(Role.RECEIVABLE, event.customer_id, event.amount),
            _credit(Role.CLEARING, standing.attempts[event.attempt_id], event.amount),
            *_covered(after, event.customer_id, 0),
        )
    )


def _taken_back(standing: Standing, event: ChargeReversed) -> Posting:
    return posted(
        (
            _debit(Role.RECEIVABLE, event.customer_id, event.amount),
            _credit(Role.CLEARING, standing.attempts[event.attempt_id], event.amount),
        )
    )


def _looked_at(standing: Standing, event: DiscrepancyResolved) -> Posting:
    missing = standing.overdrawn.get(event.attempt_id)
    if missing is None or event.resolution is Resolution.DISMISSED:
        return NOTHING
    return posted(
        (
            _debit(Role.BAD_DEBT, event.customer_id, missing),
            _credit(Role.RECEIVABLE, event.customer_id, missing),
        )
    )


def _covered(standing: Standing, customer_id: str, more: int) -> tuple[Line, ...]:
    """What more credit covers of refunds that were found late."""
    money = Money(standing.covering(more), standing.currency)
    return _debit(Role.CREDIT, customer_id, money), _credit(Role.RECEIVABLE, customer_id, money)


POSTING: Mapping[type, Rule] = {
    InvoiceIssued: _invoice,
    CreditGranted: _granted,
    CreditApplied: _applied,
    ChargeSucceeded: _received,
    ChargeFoundLate: _received,
    InvoiceWrittenOff: _written_off,
    RefundRequested: _refund_asked,
    RefundSucceeded: _refunded,
    RefundFailed: _refund_failed,
    RefundFoundLate: _refund_found_late,
    ChargeReversed: _taken_back,
    DiscrepancyResolved: _looked_at,
}

NO_MONEY_MOVES: Mapping[type, str] = {
    AmountSet: "agreed to; its invoice posts",
    InstalmentsSettled: "its invoice stands beside it and posts",
    BalanceReported: "what the customer has left with the merchant's own service",
    UsageReported: "billed later; its invoice posts",
    UsageCorrected: "billed later, or credited beside it",
    ChargeAttempted: "asked for",
    ChargeAuthorized: "reserved",
    CaptureAttempted: "asked for",
    ChargeDiscrepancyFound: "posted by the charge that it is about",
    TermsChanged: "agreed to; invoices and credits post",
    SubscriptionStarted: "agreed to; invoices post",
    SubscriptionPaused: "billed later, or credited beside it",
    SubscriptionResumed: "billed later",
    SubscriptionReinstated: "billed later",
    DiscountGranted: "a line of the invoices that it reduces",
    RefundAttempted: "asked for",
    DisputeOpened: "contested; what is taken back posts",
    DisputeClosed: "what was taken back for it stands beside it and posts",
}
