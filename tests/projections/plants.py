"""The faults that are planted in sound logs: what, the code that must name it, the forger."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs

from domain.money import rounded
from domain.providers import Provider
from domain.subscription import events as e
from tests.projections.forging import (
    DAY,
    NOBODY,
    Forger,
    Log,
    another_charge,
    both_dearer,
    changed,
    cut_short,
    doubled,
    dropped,
    envelope,
    followed,
    foreign,
    more,
    moved_stream,
    recorded_long_ago,
    repeated_after,
)


def first_line(event: e.InvoiceIssued, **changes: Any) -> tuple[e.InvoiceLine, ...]:
    return (attrs.evolve(event.lines[0], **changes), *event.lines[1:])


def a_third(event: e.InvoiceIssued) -> tuple[e.InvoiceLine, ...]:
    """The first line a third of the price, rounded, while its working claims no rounding."""
    line = event.lines[0]
    third = rounded(Fraction(line.amount.minor, 3), line.amount.currency)
    return first_line(event, amount=third, working=attrs.evolve(line.working, denominator=3))


def dearer(event: e.InvoiceIssued) -> tuple[e.InvoiceLine, ...]:
    """The first line a minor unit dearer, its working with it."""
    line = event.lines[0]
    working = attrs.evolve(line.working, unit_price=more(line.working.unit_price))
    return first_line(event, amount=more(line.amount), working=working)


def paid_for(event: e.InvoiceIssued) -> bool:
    return event.total.minor > 0


def soft(event: e.ChargeDeclined) -> bool:
    return event.decline is e.DeclineClass.SOFT


def by_the_answer(event: e.ChargeSucceeded) -> bool:
    return event.evidence == "answer"


def cancelled(event: Any) -> e.SubscriptionEvent:
    return e.SubscriptionCancelled(reason="forged", effective_at=event.effective_at)


def completed(event: Any) -> e.SubscriptionEvent:
    return e.SubscriptionCompleted(effective_at=event.effective_at)


def collection_ended(event: Any) -> e.SubscriptionEvent:
    return e.CollectionEnded(
        attempt_id=NOBODY,
        invoice_number=event.invoice_number,
        reason="forged",
        effective_at=event.effective_at,
    )


def retried_later(event: Any) -> e.SubscriptionEvent:
    return e.RetryScheduled(
        attempt_id=NOBODY,
        invoice_number=event.invoice_number,
        retry_number=1,
        retry_at=event.effective_at + 9000 * DAY,
        effective_at=event.effective_at,
    )


def a_discrepancy(event: Any) -> e.SubscriptionEvent:
    return e.ChargeDiscrepancyFound(
        attempt_id=event.attempt_id,
        customer_id=event.customer_id,
        invoice_number=event.invoice_number,
        discrepancy=e.Discrepancy.AMOUNT,
        expected=event.amount,
        received=event.amount,
        effective_at=event.effective_at,
    )


AGES = 9999 * DAY
PLANTS: list[tuple[str, str, Forger]] = [
    # the log
    ("a fact is taken out", "position-gap", dropped(e.TokenVaulted, renumber=False)),
    ("a fact stands there twice", "position-gap", doubled(e.InvoiceIssued, renumber=False)),
    ("a version is skipped", "version-gap", envelope(version=lambda r: r.version + 1)),
    ("a version comes twice", "version-gap", envelope(version=lambda r: r.version - 1)),
    ("recorded time", "recorded-time-back", envelope(recorded_at=lambda r: r.recorded_at - AGES)),
    ("another event id", "event-id-wrong", envelope(event_id=lambda r: NOBODY)),
    ("another command", "event-id-wrong", envelope(command_id=lambda r: NOBODY)),
    ("the end is missing", "log-too-short", cut_short),
    # beginning and ending
    ("no start", "stream-not-begun", dropped(e.SubscriptionStarted)),
    ("started again", "started-twice", doubled(e.SubscriptionStarted)),
    ("another stream's start", "stream-misnamed", moved_stream),
    ("first due day moved", "started-out-of-step",
     changed(e.SubscriptionStarted, first_due_at=lambda event: event.first_due_at + 3 * DAY)),
    ("cancelled twice", "ended-twice", doubled(e.SubscriptionCancelled)),
    ("completed too early", "completion-too-early", followed(e.InvoiceIssued, completed)),
    ("completion taken out", "completion-missing", dropped(e.SubscriptionCompleted)),
    ("another customer billed", "customer-mixed",
     changed(e.InvoiceIssued, customer_id=lambda _: "someone")),
    ("another customer charged", "customer-mixed",
     changed(e.ChargeAttempted, customer_id=lambda _: "someone")),
    ("another customer paid", "customer-mixed",
     changed(e.ChargeSucceeded, customer_id=lambda _: "someone")),
    ("another customer's discrepancy", "customer-mixed",
     changed(e.ChargeDiscrepancyFound, customer_id=lambda _: "someone")),
    ("another currency", "currency-mixed",
     changed(e.InvoiceIssued, lines=lambda event: first_line(
         event, amount=foreign(event.lines[0].amount)))),
    # vaulting
    ("a request's number", "token-request-wrong", changed(e.TokenRequested, number=lambda _: 7)),
    ("a request's id", "token-request-wrong",
     changed(e.TokenRequested, request_id=lambda _: NOBODY)),
    ("requested twice", "token-request-doubled", doubled(e.TokenRequested)),
    ("a token from nowhere", "token-request-not-open", doubled(e.TokenVaulted)),
    ("a token replaces another", "token-replaces-wrong",
     changed(e.TokenVaulted, replaces=lambda _: "token-x")),
    ("requested after the end", "token-request-after-end",
     repeated_after(e.SubscriptionCancelled, e.TokenRequested)),
    # invoicing
    ("an invoice's number", "invoice-number-wrong",
     changed(e.InvoiceIssued, invoice_number=lambda event: event.invoice_number + 5)),
    ("an invoice taken out", "invoice-number-wrong",
     lambda log: _two_invoices(log) and dropped(e.InvoiceIssued)(log)),
    ("an invoice issued twice", "invoice-doubled", doubled(e.InvoiceIssued)),
    ("an invoice after the end", "invoice-after-end",
     repeated_after(e.SubscriptionCancelled, e.InvoiceIssued)),
    ("an invoice too early", "invoice-too-early", recorded_long_ago),
    ("a due instant moved", "due-instant-moved",
     changed(e.InvoiceIssued, effective_at=lambda event: event.effective_at - DAY)),
    ("a due day moved", "due-day-wrong",
     changed(e.InvoiceIssued, due_on=lambda event: event.due_on + DAY)),
    ("a period begins later", "period-not-tiled",
     changed(e.InvoiceIssued, period=lambda event: attrs.evolve(
         event.period, start=event.period.start + DAY))),
    ("a period shifted", "period-off-schedule",
     changed(e.InvoiceIssued, period=lambda event: attrs.evolve(
         event.period, start=event.period.start + DAY, end=event.period.end + DAY))),
    ("a period ends later", "period-off-schedule",
     changed(e.InvoiceIssued, period=lambda event: attrs.evolve(
         event.period, end=event.period.end + DAY))),
    ("the next due instant moved", "next-due-off-schedule",
     changed(e.InvoiceIssued, when=lambda event: event.next_due_at is not None,
             next_due_at=lambda event: event.next_due_at + 3 * DAY)),
    ("no next invoice announced", "next-due-off-schedule",
     changed(e.InvoiceIssued, when=lambda event: event.next_due_at is not None,
             next_due_at=lambda _: None)),
    ("a total changed", "total-wrong",
     changed(e.InvoiceIssued, total=lambda event: more(event.total))),
    ("a line and the total changed", "line-wrong",
     changed(e.InvoiceIssued, total=lambda event: more(event.total),
             lines=lambda event: first_line(event, amount=more(event.lines[0].amount)))),
    ("a fraction that nobody rounded", "line-wrong",
     changed(e.InvoiceIssued, when=lambda event: event.lines[0].amount.minor % 3 != 0,
             lines=a_third)),
    ("a price changed, all with it", "price-not-agreed",
     changed(e.InvoiceIssued, when=lambda event: event.lines[0].kind is e.LineKind.PERIOD,
             total=lambda event: more(event.total), lines=dearer)),
    # charging
    ("the attempted invoice taken out", "attempt-without-invoice",
     dropped(e.InvoiceIssued, when=paid_for)),
    ("attempted twice", "attempt-doubled", doubled(e.ChargeAttempted)),
    ("an outcome taken out", "attempt-doubled",
     lambda log: _another_attempt_after_a_decline(log) and dropped(e.ChargeDeclined)(log)),
    ("an attempt's number", "attempt-number-wrong",
     changed(e.ChargeAttempted, attempt_number=lambda event: event.attempt_number + 1)),
    ("an attempt's key", "attempt-key-wrong",
     changed(e.ChargeAttempted, attempt_id=lambda _: NOBODY)),
    ("an attempt's reference", "attempt-key-wrong",
     changed(e.ChargeAttempted, reference=lambda event: event.reference + "0")),
    ("more is asked than is open", "attempt-amount-wrong",
     changed(e.ChargeAttempted, amount=lambda event: more(event.amount))),
    ("asked in another currency", "attempt-amount-wrong",
     changed(e.ChargeAttempted, amount=lambda event: foreign(event.amount))),
    ("attempted after the end", "attempt-after-end",
     repeated_after(e.SubscriptionCancelled, e.ChargeAttempted)),
    ("attempted before the retry", "attempt-too-early",
     lambda log: _attempted_at_once(log) and followed(
         e.InvoiceIssued, retried_later, when=paid_for)(log)),
    ("attempted after collection ended", "attempt-after-collection-ended",
     lambda log: _attempted_at_once(log) and followed(
         e.InvoiceIssued, collection_ended, when=paid_for)(log)),
    ("through another account", "attempt-elsewhere",
     changed(e.ChargeAttempted, account=lambda _: "other")),
    ("through another provider", "attempt-elsewhere",
     changed(e.ChargeAttempted, provider=lambda event: next(
         each for each in Provider if each is not event.provider))),
    ("on another token", "token-unusable",
     changed(e.ChargeAttempted, token_ref=lambda _: "token-x")),
    ("on a token that was refused", "token-unusable",
     lambda log: _charged_again_after_a_soft_decline(log) and changed(
         e.ChargeDeclined, when=soft, decline=lambda _: e.DeclineClass.HARD)(log)),
    ("reserved after the outcome", "attempt-not-open",
     repeated_after(e.ChargeSucceeded, e.ChargeAuthorized)),
    ("paid twice", "settled-without-attempt", doubled(e.ChargeSucceeded)),
    ("declined twice", "settled-without-attempt", doubled(e.ChargeDeclined)),
    ("the attempt taken out", "settled-without-attempt", dropped(e.ChargeAttempted)),
    ("paid to another invoice", "invoice-mixed",
     changed(e.ChargeSucceeded, invoice_number=lambda event: event.invoice_number + 1)),
    ("a capture's amount", "capture-wrong",
     changed(e.CaptureAttempted, amount=lambda event: more(event.amount))),
    ("a capture's key", "capture-wrong",
     changed(e.CaptureAttempted, capture_id=lambda _: NOBODY)),
    ("a look's number", "look-number-wrong",
     changed(e.ChargeLookedUp, look_number=lambda event: event.look_number + 1)),
    ("a whole charge added", "period-charged-twice", another_charge),
    ("asked for more, and got it", "paid-above-total", both_dearer),
    ("late money without a failure", "late-without-failure",
     changed(e.ChargeFoundLate, attempt_id=lambda _: NOBODY)),
    ("received less", "discrepancy-missing",
     changed(e.ChargeSucceeded, when=by_the_answer, amount=lambda event: more(event.amount))),
    ("a discrepancy taken out", "discrepancy-missing", dropped(e.ChargeDiscrepancyFound)),
    ("a discrepancy changed", "discrepancy-wrong",
     changed(e.ChargeDiscrepancyFound, received=lambda event: more(event.received))),
    ("a discrepancy made up", "discrepancy-unfounded",
     followed(e.ChargeAttempted, a_discrepancy)),
    ("a retry's number", "retry-wrong",
     changed(e.RetryScheduled, retry_number=lambda event: event.retry_number + 1)),
    ("a retry after another attempt", "retry-wrong",
     changed(e.RetryScheduled, attempt_id=lambda _: NOBODY)),
    ("collection of no invoice ended", "collection-end-wrong",
     changed(e.CollectionEnded, invoice_number=lambda _: 999)),
    ("collection ended after another attempt", "collection-end-wrong",
     changed(e.CollectionEnded, attempt_id=lambda _: NOBODY)),
]  # fmt: skip


def _two_invoices(log: Log) -> bool:
    """Whether the first invoice's stream has another one after it."""
    issued = [r.stream for r in log if isinstance(r.event, e.InvoiceIssued)]
    return bool(issued) and issued.count(issued[0]) > 1


def _attempted_at_once(log: Log) -> bool:
    """Whether the first invoice with something to pay is collected in the same append."""
    for recorded, following in pairwise(log):
        if isinstance(recorded.event, e.InvoiceIssued) and paid_for(recorded.event):
            return (
                isinstance(following.event, e.ChargeAttempted)
                and following.stream == recorded.stream
                and following.event.invoice_number == recorded.event.invoice_number
            )
    return False


def _charged_again_after_a_soft_decline(log: Log) -> bool:
    """Whether the token of the first soft decline was charged again."""
    declined = next(
        (r for r in log if isinstance(r.event, e.ChargeDeclined) and soft(r.event)), None
    )
    if declined is None:
        return False
    attempts = [r for r in log if isinstance(r.event, e.ChargeAttempted)]
    asked = next(r.event for r in attempts if r.event.attempt_id == declined.event.attempt_id)
    return any(
        r.stream == declined.stream
        and r.position > declined.position
        and r.event.token_ref == asked.token_ref
        for r in attempts
    )


def _another_attempt_after_a_decline(log: Log) -> bool:
    declined = next((r for r in log if isinstance(r.event, e.ChargeDeclined)), None)
    return declined is not None and any(
        isinstance(r.event, e.ChargeAttempted)
        and r.stream == declined.stream
        and r.version > declined.version
        for r in log
    )
