"""What holds of disputes and reversals in every history that the rules can make."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from hypothesis import HealthCheck, event, given, settings

from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeClosed,
    DisputeOpened,
    DisputeOutcome,
)
from domain.subscription.events import (
    ChargeAttempted,
    ChargeFoundLate,
    ChargeSucceeded,
    CollectionResumed,
    CreditApplied,
    InvoiceIssued,
    InvoiceWrittenOff,
)
from domain.subscription.folding import evolve
from domain.subscription.refund_events import RefundFailed, RefundRequested, RefundSucceeded
from domain.subscription.state import Subscription
from tests.histories import History, Mood, histories, show

SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


@SOME
@given(histories(mood=Mood.DISPUTED))
def test_F41_no_charge_loses_more_than_it_brought_in_by_our_doing(history: History) -> None:
    """Refunded, being refunded and taken back: where the provider takes no more than is left, all
    three together are at most what came, at every moment."""
    show(history)
    came: dict[UUID, int] = {}
    gone: dict[UUID, int] = defaultdict(int)
    asked: dict[UUID, RefundRequested] = {}
    for recorded in history.log:
        match recorded.event:
            case ChargeSucceeded() | ChargeFoundLate() as paid:
                came[paid.attempt_id] = paid.amount.minor
            case RefundRequested() as request:
                asked[request.refund_id] = request
                gone[request.attempt_id] += request.amount.minor
            case RefundFailed(refund_id=key):
                gone[asked[key].attempt_id] -= asked[key].amount.minor
            case RefundSucceeded(refund_id=key, amount=amount):
                gone[asked[key].attempt_id] += amount.minor - asked[key].amount.minor
            case ChargeReversed(attempt_id=charge, amount=amount):
                event("taken back")
                assert amount.minor > 0
                gone[charge] += amount.minor
        # A refund that had failed and was found late after all is not in the sum.
        assert all(minor <= came[charge] for charge, minor in gone.items())


@SOME
@given(histories(mood=Mood.DISPUTED))
def test_nothing_is_collected_by_itself_while_a_charge_is_disputed(history: History) -> None:
    """An attempt needs a person's word since the latest dispute was opened; what was taken back
    needs one since it was."""
    show(history)
    disputes: dict[str, set[str]] = defaultdict(set)
    wanted: dict[str, set[int]] = defaultdict(set)
    taken: dict[str, set[int]] = defaultdict(set)
    for recorded in history.log:
        match recorded.event:
            case DisputeOpened(dispute_ref=ref):
                disputes[recorded.stream].add(ref)
                wanted[recorded.stream].clear()
            case DisputeClosed(dispute_ref=ref):
                disputes[recorded.stream].remove(ref)
            case CollectionResumed(invoice_number=number):
                wanted[recorded.stream].add(number)
                taken[recorded.stream].discard(number)
            case ChargeReversed(invoice_number=number):
                taken[recorded.stream].add(number)
            case ChargeAttempted(invoice_number=number):
                if disputes[recorded.stream]:
                    event("collected at a person's word")
                    assert number in wanted[recorded.stream]
                assert number not in taken[recorded.stream]


@SOME
@given(histories(mood=Mood.DISPUTED))
def test_what_is_open_adds_up(history: History) -> None:
    """An invoice is open by what it came to, less what paid it, more what was taken back of that;
    a dispute ends once, and costs something only where it was lost."""
    show(history)
    states: dict[str, Subscription] = {}
    totals: dict[tuple[str, int], int] = {}
    off: dict[tuple[str, int], int] = defaultdict(int)
    for recorded in history.log:
        fact, stream = recorded.event, recorded.stream
        before = states.get(stream)
        states[stream] = after = evolve(before, fact)
        match fact:
            case InvoiceIssued(invoice_number=number, total=total):
                totals[stream, number] = total.minor
            case CreditApplied(invoice_number=number, amount=amount):
                off[stream, number] += amount.minor
            case InvoiceWrittenOff(invoice_number=number, amount=amount):
                off[stream, number] += amount.minor
            case ChargeReversed(invoice_number=number, amount=amount):
                off[stream, number] -= amount.minor
            case ChargeSucceeded() | ChargeFoundLate():
                number = fact.invoice_number
                invoice = None if before is None else before.invoice(number)
                if invoice is not None and fact.amount.currency == invoice.total.currency:
                    off[stream, number] += min(fact.amount.minor, invoice.open.minor)
            case DisputeClosed(outcome=outcome, amount=amount):
                event(f"dispute {outcome.value.lower()}")
                assert amount.minor == 0 or outcome is DisputeOutcome.LOST
        shown = {each.number: each.open.minor for each in after.open_invoices}
        named = {number for each, number in totals if each == stream}
        left = {number: totals[stream, number] - off[stream, number] for number in named}
        assert shown == {number: minor for number, minor in left.items() if minor > 0}
