"""From any amount to the facts that made it: which line, which working, who, and what a provider
said. Pure: it reads recorded facts and adds them up; `holds` says whether they come to the amount
that the fold of the same facts shows.

    explain_invoice   what is left to pay of an invoice
    explain_charge    what a provider took for an attempt, and took back
    explain_refund    what went back by a refund, from the credit that it took
    explain_balance   what a customer owes in a currency, over all subscriptions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import attrs

from domain.identity import subscription_of
from domain.money import Money, total
from domain.recorded import Recorded
from domain.refusals import Refused
from domain.subscription.dispute_events import ChargeReversed, DisputeEvent, DisputeOpened
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeDeclined,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    CreditApplied,
    CreditGranted,
    CreditKind,
    DiscrepancyResolved,
    InvoiceIssued,
    InvoiceLine,
    InvoiceWrittenOff,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve_all
from domain.subscription.refund_events import RefundFoundLate, RefundRequested, RefundSucceeded
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from projections.balances import BALANCES, Balance, balance_key
from projections.explaining_disputes import words_of_dispute_step, words_of_reversal
from projections.explaining_lines import reports_of, source_of, words_of
from projections.explaining_refunds import is_refund, words_of_refund_step

Fact = Recorded[SubscriptionEvent]


@attrs.frozen(kw_only=True)
class Step:
    """One fact's part in an amount.

    amount: what it adds, negative for what it takes off; None for what moved no money.
    lines: with the working that the amount came from, or empty.
    because: the position of an earlier fact that explains this one, or None.
    counted: positions of the reports, and of their corrections, that a line of usage counts.
    evidence: a provider's id and how we know, or "".
    """

    amount: Money | None
    words: str
    lines: tuple[InvoiceLine, ...] = ()
    because: int | None = None
    counted: tuple[int, ...] = ()
    evidence: str = ""
    position: int
    effective_at: datetime
    recorded_at: datetime
    actor: str
    cause: str


@attrs.frozen(kw_only=True)
class Explanation:
    """An amount and the facts behind it, in the log's order.

    amount: what the fold of the facts shows. holds: whether the steps add up to it.
    """

    what: str
    amount: Money
    steps: tuple[Step, ...]
    holds: bool


def explain_invoice(log: Sequence[Fact], invoice_number: int) -> Explanation:
    """What is left to pay of an invoice, from the facts of its subscription.

    Refused: "invoice-unknown".
    """
    issued = [
        each.event
        for each in log
        if isinstance(each.event, InvoiceIssued) and each.event.invoice_number == invoice_number
    ]
    if not issued:
        raise Refused("invoice-unknown", f"invoice {invoice_number} was not issued")
    steps = tuple(_steps_of_invoice(log, invoice_number))
    invoice = evolve_all(None, (each.event for each in log)).invoice(invoice_number)
    currency = issued[0].total.currency
    left = Money(0, currency) if invoice is None else invoice.open
    return Explanation(
        what=f"left to pay of invoice {invoice_number} of {issued_in(log)}",
        amount=left,
        steps=steps,
        holds=left.minor == _added_up(steps, currency),
    )


def _added_up(steps: Sequence[Step], currency: str) -> int:
    """What the steps leave to pay, minor units. More money than was asked for leaves nothing to
    pay; the rest is the customer's credit, and what is taken back later is owed in full."""
    left = 0
    for each in steps:
        if each.amount is not None and each.amount.currency == currency:
            left += each.amount.minor
            if each.position != steps[0].position:
                left = max(0, left)
    return max(0, left)


def explain_charge(log: Sequence[Fact], named: str) -> Explanation:
    """What a provider took for one attempt. named: its reference or its id.

    Refused: "charge-unknown".
    """
    attempt = next((each.event for each in log if _is_attempt(each.event, named)), None)
    if not isinstance(attempt, ChargeAttempted):
        raise Refused("charge-unknown", f"no attempt is called {named[:100]!r}")
    number = attempt.invoice_number
    before = next(place for place, each in enumerate(log) if each.event == attempt)
    asked_for = explain_invoice(log[:before], number)
    steps = tuple(_outcomes(log, attempt))
    received = [each.amount for each in steps if each.amount is not None]
    currency = received[0].currency if received else attempt.amount.currency
    return Explanation(
        what=(
            f"taken under {attempt.reference}, which asked for {attempt.amount}: what was left of "
            f"invoice {number}"
        ),
        amount=total(received, currency),
        steps=steps,
        holds=asked_for.holds and asked_for.amount == attempt.amount,
    )


def explain_refund(log: Sequence[Fact], named: str) -> Explanation:
    """What went back by one refund: the credit that it took, and what the provider said.

    named: its reference or its id. Refused: "refund-unknown".
    """
    asked = next((each.event for each in log if is_refund(each.event, named)), None)
    if not isinstance(asked, RefundRequested):
        raise Refused("refund-unknown", f"no refund is called {named[:100]!r}")
    taken = {part.credit_number: part.amount for part in asked.credits}
    steps = []
    gone, late = Money(0, asked.amount.currency), False
    for recorded in log:
        event = recorded.event
        if isinstance(event, CreditGranted) and event.credit_number in taken:
            words = (
                f"{taken[event.credit_number]} taken of credit {event.credit_number} of "
                f"{event.amount}: {event.reason}"
            )
            steps.append(_step(recorded, None, words, lines=event.lines))
        elif isinstance(event, DiscrepancyResolved) and event.attempt_id == asked.refund_id:
            words = f"{event.resolution.value.lower()} by a person: {event.reason}"
            steps.append(_step(recorded, None, words))
        elif getattr(event, "refund_id", None) == asked.refund_id:
            if isinstance(event, RefundSucceeded | RefundFoundLate):
                gone, late = event.amount, isinstance(event, RefundFoundLate)
            amount, words, evidence = words_of_refund_step(event)
            steps.append(_step(recorded, amount, words, evidence=evidence))
    return Explanation(
        what=(
            f"gone back under {asked.reference}, through the charge of invoice "
            f"{asked.invoice_number}"
        ),
        amount=gone,
        steps=tuple(steps),
        holds=total(taken.values(), asked.amount.currency) == asked.amount
        and (late or gone.minor <= asked.amount.minor),
    )


def explain_balance(log: Iterable[Fact], customer_id: str, currency: str) -> Explanation:
    """What a customer owes in one currency; below zero: what the customer has too much.

    log: the facts of all subscriptions of the customer, in any order of streams.
    """
    row: Balance | None = None
    key = balance_key(customer_id, currency)
    steps = []
    for recorded in log:
        before = row
        if key in BALANCES.keys_of(recorded):
            row = BALANCES.apply(row, key, recorded)
        step = _step_of_balance(recorded) or _given_up(recorded, before, row)
        if step is not None and step.amount is not None and step.amount.currency == currency:
            steps.append(step)
    # Credit that a refund has taken is owed until the money has gone.
    owed = 0 if row is None else row.open - row.credit - row.refunding
    balance = Money(owed, currency)
    return Explanation(
        what=f"balance of {customer_id} in {currency}",
        amount=balance,
        steps=tuple(steps),
        holds=balance == total(_amounts_in(steps, currency), currency),
    )


def _given_up(recorded: Fact, before: Balance | None, row: Balance | None) -> Step | None:
    """What was written off of a refund too many; the resolution itself does not say how much."""
    event = recorded.event
    if before is None or row is None or not isinstance(event, DiscrepancyResolved):
        return None
    minor = row.written_off - before.written_off
    words = f"given up of what no credit covered: {event.reason}"
    return _step(recorded, Money(-minor, row.currency), words) if minor else None


def issued_in(log: Sequence[Fact]) -> str:
    """The subscription that these facts belong to."""
    return subscription_of(log[0].stream) if log else ""


def _steps_of_invoice(log: Sequence[Fact], number: int) -> Iterator[Step]:
    credits = {
        each.event.credit_number: each for each in log if isinstance(each.event, CreditGranted)
    }
    for recorded in log:
        event = recorded.event
        if getattr(event, "invoice_number", None) != number:
            continue
        match event:
            case InvoiceIssued():
                for line in event.lines:
                    because = source_of(log, recorded.position, line, event.demand)
                    counted = () if because else reports_of(log, recorded.position, event, line)
                    words = words_of(line, counted)
                    made = _step(recorded, line.amount, words, lines=(line,), because=because)
                    yield attrs.evolve(made, counted=counted)
            case CreditApplied(credit_number=credit):
                granted = credits[credit]
                assert isinstance(granted.event, CreditGranted)
                yield _step(
                    recorded,
                    -event.amount,
                    f"paid from credit {credit}: {granted.event.reason}",
                    lines=granted.event.lines,
                    because=granted.position,
                )
            case InvoiceWrittenOff(amount=amount, reason=reason):
                yield _step(recorded, -amount, f"written off: {reason}")
            case ChargeReversed(amount=amount):
                yield _step(recorded, amount, words_of_reversal(event), evidence=event.evidence)
            case DiscrepancyResolved():
                words = f"{event.received}: {event.resolution.value.lower()} ({event.reason})"
                yield _step(recorded, None, words)
            case _:
                step = _money(recorded)
                if step is not None:
                    yield _taken_off(step)


def _is_attempt(event: SubscriptionEvent, named: str) -> bool:
    return isinstance(event, ChargeAttempted) and named in (event.reference, str(event.attempt_id))


def _outcomes(log: Sequence[Fact], attempt: ChargeAttempted) -> Iterator[Step]:
    refs = {
        each.event.dispute_ref
        for each in log
        if isinstance(each.event, DisputeOpened) and each.event.attempt_id == attempt.attempt_id
    }
    for recorded in log:
        event = recorded.event
        if isinstance(event, DisputeEvent):
            # A dispute's later facts name it alone.
            if _attempt_of(event) == attempt.attempt_id or event.dispute_ref in refs:
                amount, words = words_of_dispute_step(event)
                yield _step(recorded, amount, words, evidence=event.evidence)
        elif _attempt_of(event) == attempt.attempt_id:
            step = _money(recorded)
            if isinstance(event, CaptureAttempted) and event.amount != attempt.amount:
                step = _step(recorded, None, f"{event.amount} of it captured: all that is open")
            if step is not None:
                yield step


def _attempt_of(event: SubscriptionEvent) -> UUID | None:
    found: UUID | None = getattr(event, "attempt_id", None)
    return found


def _step_of_balance(recorded: Fact) -> Step | None:
    event = recorded.event
    whose = subscription_of(recorded.stream)
    match event:
        case InvoiceIssued():
            words = f"invoice {event.invoice_number} of {whose}"
            return _step(recorded, event.total, words, lines=event.lines)
        case CreditGranted() if event.kind is CreditKind.OVERPAYMENT:
            # The money was taken off when it came; from here on it can pay invoices.
            words = f"credit {event.credit_number} of {whose}, {event.amount} paid too much"
            return _step(recorded, None, words)
        case InvoiceWrittenOff(invoice_number=number, reason=reason):
            words = f"written off of invoice {number} of {whose}: {reason}"
            return _step(recorded, -event.amount, words)
        case CreditGranted():
            words = f"credit {event.credit_number} of {whose}: {event.reason}"
            return _step(recorded, -event.amount, words, lines=event.lines)
        case ChargeReversed():
            words = f"{words_of_reversal(event)} of {whose}"
            return _step(recorded, event.amount, words, evidence=event.evidence)
        case RefundSucceeded(invoice_number=number):
            words = f"gone back of what paid invoice {number} of {whose}"
            known = f"{event.provider_ref} ({event.evidence})"
            return _step(recorded, event.amount, words, evidence=known)
        case RefundFoundLate(invoice_number=number):
            words = f"gone back after all of what paid invoice {number} of {whose}"
            known = f"{event.provider_ref} ({event.evidence})"
            return _step(recorded, event.amount, words, evidence=known)
        case ChargeSucceeded() | ChargeFoundLate():
            step = _money(recorded)
            assert step is not None
            return attrs.evolve(_taken_off(step), words=f"{step.words} of {whose}")
        case _:
            return None


def _taken_off(step: Step) -> Step:
    return step if step.amount is None else attrs.evolve(step, amount=-step.amount)


def _amounts_in(steps: Iterable[Step], currency: str) -> Iterator[Money]:
    for each in steps:
        if each.amount is not None and each.amount.currency == currency:
            yield each.amount


def _money(recorded: Fact) -> Step | None:
    """What a charge's outcome says about money, or None for any other fact."""
    event = recorded.event
    match event:
        case ChargeSucceeded(invoice_number=number, amount=amount):
            known = f"{event.provider_ref} ({event.evidence})"
            return _step(recorded, amount, f"paid for invoice {number}", evidence=known)
        case ChargeFoundLate(invoice_number=number, amount=amount):
            known = f"{event.provider_ref} ({event.evidence})"
            return _step(recorded, amount, f"found late for invoice {number}", evidence=known)
        case ChargeDeclined(decline=decline, code=code):
            words = f"declined: {code} ({decline.value.lower()})"
            return _step(recorded, None, words, evidence=event.provider_ref)
        case ChargeNotMade():
            return _step(recorded, None, "not made", evidence=event.evidence)
        case VoidAttempted(reason=reason):
            return _step(recorded, None, f"to be let go: {reason}")
        case AuthorizationVoided():
            return _step(recorded, None, "reserved, and let go", evidence=event.evidence)
        case ChargeOutcomeUnknown(reason=reason):
            return _step(recorded, None, f"outcome unknown: {reason}", evidence=event.provider_ref)
        case _:
            return None


def _step(
    recorded: Fact,
    amount: Money | None,
    words: str,
    *,
    lines: tuple[InvoiceLine, ...] = (),
    because: int | None = None,
    evidence: str = "",
) -> Step:
    return Step(
        amount=amount,
        words=words,
        lines=lines,
        because=because,
        evidence=evidence,
        position=recorded.position,
        effective_at=recorded.effective_at,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        cause=recorded.cause,
    )
