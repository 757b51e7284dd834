"""What holds in every history that the rules can make."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import product
from uuid import UUID

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.identity import ON_DEMAND
from domain.plan import Kind, Terms
from domain.previews import preview_change
from domain.pricing import lines_of
from domain.processes.agenda import ItemKind, agenda_of, next_due
from domain.processes.next_step import next_step
from domain.processes.reactions import REACTIONS
from domain.processes.steps import (
    LookUp,
    LookUpRefund,
    Nothing,
    SendCapture,
    SendCharge,
    SendRefund,
    SendRenewal,
    SendVoid,
)
from domain.recorded import Recorded
from domain.refusals import Refused
from domain.schedule import schedule_of
from domain.subscription.changing import Change, change_terms
from domain.subscription.dispute_events import ChargeReversed
from domain.subscription.events import (
    CancellationWithdrawn,
    CaptureAttempted,
    ChargeAttempted,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    CollectionPostponed,
    CreditApplied,
    CreditGranted,
    CreditKind,
    DiscrepancyResolved,
    InstalmentsSettled,
    InvoiceIssued,
    InvoiceLine,
    InvoiceWrittenOff,
    LineKind,
    SubscriptionCancelled,
    SubscriptionCompleted,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionReinstated,
    SubscriptionResumed,
    SubscriptionStarted,
    SubscriptionSuspended,
    TermsChanged,
    TokenVaulted,
    When,
)
from domain.subscription.folding import evolve
from domain.subscription.invoicing import closes, issue_invoice
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundFailed,
    RefundFoundLate,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.settling import settles
from domain.subscription.state import Status, Subscription
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from tests.histories import ZONE_VERSION, History, Mood, histories, show
from tests.wishes import other_terms

Log = list[Recorded[SubscriptionEvent]]
SOME = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
ENDS = (SubscriptionCancelled, SubscriptionCompleted)
SETTLING = (ChargeSucceeded, ChargeDeclined, ChargeNotMade, AuthorizationVoided)


def streams(history: History) -> dict[str, Log]:
    """The log, stream by stream."""
    found: dict[str, Log] = defaultdict(list)
    for recorded in history.log:
        found[recorded.stream].append(recorded)
    return found


@attrs.frozen
class Moment:
    """A stream after one more fact. whole: the append that brought the fact is complete."""

    before: Subscription | None
    recorded: Recorded[SubscriptionEvent]
    state: Subscription
    whole: bool


def moments(log: Log) -> Iterator[Moment]:
    """Every state that a stream went through."""
    state: Subscription | None = None
    for place, recorded in enumerate(log):
        after = evolve(state, recorded.event)
        last = place + 1 == len(log) or log[place + 1].command_id != recorded.command_id
        yield Moment(state, recorded, after, last)
        state = after


@SOME
@given(histories())
def test_F24_each_period_is_billed_once_and_they_tile(history: History) -> None:
    """Numbers count from 1; each period begins where the one before ends, or where a fact says that
    billing begins anew; invoices fall due when it was announced last."""
    show(history)
    for log in streams(history).values():
        follow_periods([each.event for each in log])


def follow_periods(facts: list[SubscriptionEvent]) -> None:
    """Walk through one stream, knowing which day is billed next, and when."""
    number, day, due, unused_from, asked_for = 0, None, None, None, 0
    for fact in facts:
        match fact:
            case SubscriptionStarted():
                day, due = fact.start, fact.first_due_at
            case InstalmentsSettled():
                event("settled early")
                due = None
            case InvoiceIssued() if fact.demand:
                event("asked for in between")
                asked_for += 1
                assert fact.invoice_number == ON_DEMAND + asked_for
                assert fact.next_due_at is None
                assert fact.total.minor == sum(line.amount.minor for line in fact.lines)
                # Of a day of an instalment of a minor unit, nothing may be left.
                assert fact.total.minor > (-1 if settles(fact) else 0)
            case InvoiceIssued() if closes(fact):
                event("closing invoice")
                number += 1
                assert fact.invoice_number == number
                if any(line.working.days for line in fact.lines):
                    assert fact.period.end == day
                assert fact.total.minor > 0
                due = fact.next_due_at
                assert due is None
            case InvoiceIssued():
                number += 1
                assert (fact.invoice_number, fact.period.start) == (number, day)
                assert fact.effective_at == due
                assert fact.period.start < fact.period.end
                assert fact.total.minor == sum(line.amount.minor for line in fact.lines) >= 0
                day, due = fact.period.end, fact.next_due_at
            case TermsChanged():
                begins = fact.schedule.period(fact.from_invoice).start
                if fact.from_invoice == number + 1 and begins != day:
                    event("another rhythm from now on")
                    # Days that were billed are given up, and given back where the rule says so.
                    assert fact.when is When.NOW
                    assert day is not None
                    assert begins < day
                    day = begins
                due = fact.next_due_at
            case SubscriptionPaused():
                unused_from = fact.unused_from
                due = due if fact.last_invoice > number else None
            case SubscriptionSuspended():
                unused_from = None
                due = due if fact.last_invoice > number else None
            case SubscriptionResumed() | SubscriptionReinstated():
                begins = fact.schedule.period(number + 1).start
                assert day is not None
                if begins < day:
                    event("resumed within days that were given back")
                    assert unused_from is not None
                    assert unused_from <= begins
                elif begins > day:
                    event("days that nobody bills")
                day, due = begins, fact.next_due_at
            case CancellationWithdrawn():
                due = fact.next_due_at
    event(f"periods of a subscription: {min(number, 4)}")


@SOME
@given(histories())
def test_instalments_are_billed_once_and_add_up(history: History) -> None:
    """By the schedule or by a settlement: no payment twice, after a settlement none at all, and
    whole payments at what was agreed to."""
    show(history)
    for log in streams(history).values():
        begun = log[0].event
        assert isinstance(begun, SubscriptionStarted)
        if begun.terms.kind is Kind.INSTALLMENT:
            follow_instalments(begun.terms, [each.event for each in log])


def follow_instalments(terms: Terms, facts: list[SubscriptionEvent]) -> None:
    """Walk through one plan, counting payments."""
    assert terms.cycles is not None
    trials = 0 if terms.trial is None else 1
    billed: list[InvoiceLine] = []
    settled = False
    for fact in facts:
        match fact:
            case InstalmentsSettled():
                event(f"settled, instalments left: {min(fact.last - fact.first + 1, 3)}")
                assert not settled
                settled = True
                number = max(0, len(billed) // len(terms.parts))
                assert (fact.first, fact.last) == (number + 1, terms.cycles)
            case InvoiceIssued():
                assert settled == bool(fact.demand)
                billed += [each for each in fact.lines if each.kind is LineKind.PERIOD]
    assert len(billed) <= terms.cycles * len(terms.parts)
    if not settled and len(billed) < terms.cycles * len(terms.parts):
        return
    event(f"all of it billed, settled early: {settled}")
    schedule = schedule_of(date(2024, 1, 1), terms)
    agreed = [
        line
        for number in range(1 + trials, terms.cycles + trials + 1)
        for line in lines_of(terms, number, schedule)
        if line.kind is LineKind.PERIOD
    ]
    assert [line.amount for line in billed] == [whole.amount for whole in agreed]


@SOME
@given(histories())
def test_nothing_is_billed_while_it_is_suspended(history: History) -> None:
    """But what was served before and is billed afterwards; and only what was tried often enough,
    or a person's decision, begins or ends a suspension."""
    show(history)
    for log in streams(history).values():
        last: int | None = None
        for moment in moments(log):
            fact, before = moment.recorded.event, moment.before
            match fact:
                case SubscriptionSuspended():
                    event(f"suspended before invoice {min(fact.last_invoice + 1, 3)}")
                    assert last is None
                    assert before is not None
                    unpaid = before.invoice(fact.invoice_number)
                    assert unpaid is not None
                    assert unpaid.ended == "retries-used-up"
                    last = fact.last_invoice
                case SubscriptionReinstated(invoice_number=paid):
                    event(f"reinstated, paid: {paid is not None}")
                    assert last is not None
                    assert before is not None
                    if paid is not None:
                        assert before.invoice(paid) is None
                        assert not any(each.used_up_at for each in before.open_invoices)
                    last = None
                case SubscriptionCancelled():
                    last = None
                case InvoiceIssued(invoice_number=number) if last is not None:
                    assert number <= last or closes(fact)
            suspended = moment.state.status is Status.SUSPENDED
            assert suspended == (last is not None)


@SOME
@given(histories())
def test_a_surplus_becomes_credit_once_and_only_when_it_is_accepted(history: History) -> None:
    """Nothing is resolved twice; no more becomes credit than came in."""
    show(history)
    for stream, log in streams(history).items():
        billed_in = history.states[stream.removeprefix("subscription-")].currency
        received, credited = 0, 0
        seen: set[object] = set()
        for recorded in log:
            match recorded.event:
                case ChargeSucceeded(amount=amount) | ChargeFoundLate(amount=amount):
                    received += amount.minor if amount.currency == billed_in else 0
                case DiscrepancyResolved(attempt_id=attempt, resolution=resolution):
                    event(f"resolved: {resolution.value}")
                    assert attempt not in seen
                    seen.add(attempt)
                case CreditGranted(kind=CreditKind.OVERPAYMENT, amount=amount):
                    event("overpayment")
                    credited += amount.minor
            assert credited <= received


@SOME
@given(histories())
def test_credit_pays_oldest_first_and_never_more_than_there_is(history: History) -> None:
    """No credit is below nothing, none is passed over, none pays more than is open; and none is
    left while something is missing of a refund that was found late."""
    show(history)
    for log in streams(history).values():
        left: dict[int, int] = {}
        asked: dict[UUID, RefundRequested] = {}
        missing: dict[UUID, int] = {}
        for moment in moments(log):
            fact = moment.recorded.event
            if isinstance(fact, CreditGranted):
                assert fact.credit_number == len(left) + 1
                assert fact.amount.minor > 0
                assert not fact.lines or fact.amount.minor == sum(
                    line.amount.minor for line in fact.lines
                )
                left[fact.credit_number] = fact.amount.minor
            elif isinstance(fact, RefundRequested):
                event("credit paid out")
                assert sum(each.amount.minor for each in fact.credits) == fact.amount.minor > 0
                for part in fact.credits:
                    assert part.credit_number == min(n for n, minor in left.items() if minor)
                    left[part.credit_number] -= part.amount.minor
                asked[fact.refund_id] = fact
            elif isinstance(fact, RefundFailed):
                event("credit came back")
                for part in asked[fact.refund_id].credits:
                    left[part.credit_number] += part.amount.minor
            elif isinstance(fact, RefundFoundLate):
                event("refund found late")
                if fact.amount.currency == moment.state.currency:
                    missing[fact.refund_id] = fact.amount.minor
            elif isinstance(fact, DiscrepancyResolved):
                missing.pop(fact.attempt_id, None)
            elif isinstance(fact, RefundSucceeded):
                rest = asked[fact.refund_id].amount.minor - fact.amount.minor
                for part in reversed(asked[fact.refund_id].credits):
                    again = min(rest, part.amount.minor)
                    left[part.credit_number] += again
                    rest -= again
                assert rest == 0
            elif isinstance(fact, CreditApplied):
                event("credit applied")
                before = moment.before
                assert before is not None
                invoice = before.invoice(fact.invoice_number)
                assert invoice is not None
                assert 0 < fact.amount.minor <= invoice.open.minor
                assert fact.credit_number == min(n for n, minor in left.items() if minor)
                left[fact.credit_number] -= fact.amount.minor
            for key, number in product(missing, sorted(left)):
                taken = min(missing[key], left[number])
                left[number] -= taken
                missing[key] -= taken
            unresolved = {
                each.refund_id: each.missing.minor
                for each in moment.state.unresolved_refunds
                if each.amount.currency == moment.state.currency
            }
            assert unresolved == missing
            assert not (any(missing.values()) and any(left.values()))
            assert all(minor >= 0 for minor in left.values())
            shown = {each.credit_number: each.left.minor for each in moment.state.credits}
            assert shown == {number: minor for number, minor in left.items() if minor}


@SOME
@given(histories(mood=Mood.REFUNDED))
def test_F41_no_charge_gives_back_more_than_it_brought_in(history: History) -> None:
    """Whatever is asked for, fails, is doubted or decided: per charge, what went back and what is
    on its way is at most what came, with what the provider took back of what was left; each refund
    has one key, one intention and one outcome. Only a refund that turns out to have been made may
    bring it above that: nothing more is asked for."""
    show(history)
    for log in streams(history).values():
        came: dict[UUID, int] = {}
        open_ones: dict[UUID, RefundRequested] = {}
        gone: dict[UUID, int] = defaultdict(int)
        keys: set[UUID] = set()
        failed: set[UUID] = set()
        late: dict[UUID, int] = defaultdict(int)
        for recorded in log:
            new_through: UUID | None = None
            match recorded.event:
                case ChargeSucceeded() | ChargeFoundLate():
                    came[recorded.event.attempt_id] = recorded.event.amount.minor
                case RefundRequested() as asked:
                    assert asked.refund_id not in keys
                    keys.add(asked.refund_id)
                    open_ones[asked.refund_id] = asked
                    new_through = asked.attempt_id
                case RefundSucceeded(refund_id=key, amount=amount):
                    assert amount.minor <= open_ones[key].amount.minor
                    gone[open_ones.pop(key).attempt_id] += amount.minor
                case RefundFailed(refund_id=key):
                    del open_ones[key]
                    failed.add(key)
                case RefundFoundLate(refund_id=key, attempt_id=charge, amount=amount):
                    failed.remove(key)
                    gone[charge] += amount.minor
                    late[charge] += amount.minor
                    event(f"found late, above what came: {gone[charge] > came[charge]}")
                case ChargeReversed(attempt_id=charge, amount=amount):
                    gone[charge] += amount.minor
            for charge, minor in came.items():
                waiting = sum(
                    each.amount.minor for each in open_ones.values() if each.attempt_id == charge
                )
                assert gone[charge] + waiting <= minor + late[charge]
                if charge == new_through:
                    assert gone[charge] + waiting <= minor
        sent = Counter(
            each.event.refund_id for each in log if isinstance(each.event, RefundAttempted)
        )
        assert set(sent.values()) <= {1}


@SOME
@given(histories(mood=Mood.REFUNDED))
def test_F04_a_refund_that_may_have_been_sent_is_never_sent_again(history: History) -> None:
    """Not after the key's window, not by a second taker, not after a doubt."""
    second = timedelta(seconds=1)
    for log in streams(history).values():
        for moment in moments(log):
            for refund in moment.state.refunds if moment.whole else ():
                end, tried = refund.key_expires_at, refund.attempted_at
                if end is None or tried is None:
                    continue
                others = {each.refund_id for each in moment.state.refunds} - {refund.refund_id}
                for now in (tried, end - second, end, end + timedelta(days=9)):
                    for taken in (False, True):
                        step = next_step(
                            moment.state,
                            now=now,
                            taken_before=False,
                            zone_version=ZONE_VERSION,
                            refunds_taken={refund.refund_id} if taken else (),
                            refunds_held=others,
                        )
                        if isinstance(step, SendRefund):
                            event("sends a refund")
                            assert not taken
                            assert not refund.unknown
                            assert now < end
                        elif isinstance(step, LookUpRefund):
                            event(f"looks at a refund, taken before: {taken}")


@SOME
@given(histories(), st.integers(0, 59))
def test_a_preview_is_what_is_billed(history: History, which: int) -> None:
    """The change that is previewed and the invoice shown with it come about exactly so."""
    for state in history.states.values():
        at = history.log[-1].recorded_at
        wanted = Change(
            terms=other_terms(state.terms, which),
            when=list(When)[which % 2],
            reason="asked for another plan",
        )
        try:
            shown = preview_change(state, wanted, now=at, zone_version=ZONE_VERSION)
        except Refused as refused:
            event(f"preview refused: {refused.code}")
            with pytest.raises(Refused, match=refused.code):
                change_terms(state, wanted, now=at, zone_version=ZONE_VERSION)
            continue
        facts = change_terms(state, wanted, now=at, zone_version=ZONE_VERSION)
        assert shown.facts == facts
        for fact in facts:
            state = evolve(state, fact)
        if shown.invoice is None:
            continue
        event("preview with an invoice")
        due = max(shown.invoice.effective_at, at)
        billed = issue_invoice(state, now=due, zone_version=ZONE_VERSION)
        for fact in billed:
            state = evolve(state, fact)
        assert shown.invoice in billed
        invoice = state.invoice(shown.invoice.invoice_number)
        assert shown.to_pay.minor == (0 if invoice is None else invoice.open.minor)


@SOME
@given(histories())
def test_each_invoice_is_paid_once_or_the_contradiction_is_shown(history: History) -> None:
    """A second payment, or another amount than asked, has its discrepancy fact."""
    show(history)
    for log in streams(history).values():
        paid: Counter[int] = Counter()
        shown: set[int] = set()
        asked: dict[object, object] = {}
        for recorded in log:
            match recorded.event:
                case ChargeAttempted(attempt_id=attempt, amount=amount):
                    asked[attempt] = amount
                case ChargeSucceeded(invoice_number=number, attempt_id=attempt, amount=amount):
                    paid[number] += 1
                    if amount != asked[attempt]:
                        event("another amount than asked")
                        paid[number] += 1  # then it has to be shown
                case ChargeFoundLate(invoice_number=number):
                    event("late money")
                    paid[number] += 2
                case ChargeDiscrepancyFound(invoice_number=number):
                    shown.add(number)
        assert {number for number, times in paid.items() if times > 1} <= shown


@SOME
@given(histories())
def test_one_attempt_is_open_at_a_time_and_settles_once(history: History) -> None:
    """Attempted, then settled, then the next; each under a key and a reference of its own."""
    show(history)
    keys: list[object] = []
    references: list[str] = []
    for log in streams(history).values():
        open_attempt: object = None
        for recorded in log:
            match recorded.event:
                case ChargeAttempted(attempt_id=attempt, reference=reference):
                    assert open_attempt is None
                    open_attempt = attempt
                    keys.append(attempt)
                    references.append(reference)
                case CaptureAttempted(attempt_id=attempt, capture_id=capture):
                    assert open_attempt == attempt
                    keys.append(capture)
                case ChargeSucceeded() | ChargeDeclined() | ChargeNotMade() | AuthorizationVoided():
                    assert open_attempt == recorded.event.attempt_id
                    open_attempt = None
    assert len(set(keys)) == len(keys)
    assert len(set(references)) == len(references)
    event(f"attempts: {min(len(references), 8)}")


@SOME
@given(histories())
def test_F21_after_the_end_nothing_new_is_set_going(history: History) -> None:
    """No invoice, no attempt, no capture, no token after a cancellation or the completion."""
    for log in streams(history).values():
        ended = False
        for recorded in log:
            if ended:
                event(f"after the end: {type(recorded.event).__name__}")
                assert not isinstance(
                    recorded.event,
                    InvoiceIssued | ChargeAttempted | CaptureAttempted | TokenVaulted,
                )
            ended = ended or isinstance(recorded.event, ENDS)


@SOME
@given(histories())
def test_F04_what_may_have_been_sent_is_never_sent_again(history: History) -> None:
    """Not after the key's window, not by a second taker, not after an unknown, not unwanted."""
    second = timedelta(seconds=1)
    for log in streams(history).values():
        for moment in moments(log):
            attempt = moment.state.open_attempt
            if attempt is None or not moment.whole:
                continue
            end = attempt.key_expires_at
            for now in (attempt.attempted_at, end - second, end, end + timedelta(days=9)):
                for taken in (False, True):
                    step = next_step(
                        moment.state, now=now, taken_before=taken, zone_version=ZONE_VERSION
                    )
                    if isinstance(step, SendCharge | SendCapture):
                        event(f"sends: {type(step).__name__}")
                        assert not taken
                        assert not attempt.unknown
                        assert now < end
                        assert moment.state.collects
                        assert isinstance(step, SendCapture) == (attempt.capture_id is not None)
                    elif isinstance(step, LookUp):
                        event(f"looks, unknown: {attempt.unknown}, taken before: {taken}")


@SOME
@given(histories(mood=Mood.LEFT))
def test_F21_a_reservation_is_captured_or_let_go_and_never_both(history: History) -> None:
    """After the intention to let go no capture is begun; one void has one key, and is sent by
    whoever knows that it was not sent, or has looked; only what is wanted no more is let go."""
    show(history)
    for log in streams(history).values():
        begun: dict[UUID, UUID] = {}
        for moment in moments(log):
            fact, before = moment.recorded.event, moment.before
            match fact:
                case VoidAttempted(attempt_id=attempt, void_id=key):
                    event(f"void begun, again: {attempt in begun}")
                    assert begun.setdefault(attempt, key) == key
                    assert before is not None
                    assert before.open_attempt is not None
                case CaptureAttempted(attempt_id=attempt, amount=amount):
                    assert attempt not in begun
                    assert before is not None
                    invoice = before.invoice(moment.state.open_attempt.invoice_number)  # type: ignore[union-attr]
                    assert invoice is not None
                    assert 0 < amount.minor <= invoice.open.minor
                case AuthorizationVoided(attempt_id=attempt, evidence=evidence):
                    event(f"voided by {evidence.partition(':')[0]}")
                    assert attempt in begun
            attempt_now = moment.state.open_attempt
            if not moment.whole or attempt_now is None or attempt_now.void_id is None:
                continue
            for taken in (False, True):
                for later in (timedelta(0), timedelta(days=50)):
                    now = moment.recorded.recorded_at + later
                    step = next_step(
                        moment.state, now=now, taken_before=taken, zone_version=ZONE_VERSION
                    )
                    assert not isinstance(step, SendCharge | SendCapture | SendRenewal)
                    if isinstance(step, SendVoid):
                        assert not taken
                        assert not attempt_now.unknown


@SOME
@given(histories())
def test_no_card_is_tried_more_often_than_it_may_be(history: History) -> None:
    """Over all subscriptions of a card: two attempts that did not succeed in 30 days (the small
    budgets of these histories), as was known when the next one was made."""
    cards: dict[object, dict[UUID, datetime]] = defaultdict(dict)
    card_of: dict[UUID, object] = {}
    counted: set[UUID] = set()
    for recorded in history.log:
        match fact := recorded.event:
            case ChargeAttempted():
                card = (fact.provider, fact.customer_id)
                begins = fact.effective_at - timedelta(days=30)
                used = sum(at > begins and key in counted for key, at in cards[card].items())
                event(f"used of two: {used}")
                assert used < 2
                cards[card][fact.attempt_id], card_of[fact.attempt_id] = fact.effective_at, card
                counted.add(fact.attempt_id)
            case ChargeSucceeded() | ChargeFoundLate() | ChargeNotMade() | AuthorizationVoided():
                counted.discard(fact.attempt_id)
            case ChargeDeclined() | ChargeOutcomeUnknown():
                counted.add(fact.attempt_id)
            case CollectionPostponed():
                event("put off")
    event(f"subscriptions: {len(history.wishes)}, cards tried: {len(cards)}")


@SOME
@given(histories())
def test_the_backup_is_tried_once_and_only_where_it_may_be(history: History) -> None:
    """Never first, never twice for one invoice and cycle, never where the terms say no."""
    for log in streams(history).values():
        tried: set[int] = set()
        for moment in moments(log):
            fact, before = moment.recorded.event, moment.before
            if isinstance(fact, TokenVaulted):
                tried.clear()
            elif isinstance(fact, ChargeNotMade | AuthorizationVoided):
                tried.discard(fact.invoice_number)
            elif isinstance(fact, ChargeAttempted) and before is not None:
                backup = before.backup
                if backup is None or backup.token_ref != fact.token_ref:
                    continue
                event("tried on the backup")
                invoice = before.invoice(fact.invoice_number)
                assert before.terms.backup
                assert backup.usable
                assert fact.invoice_number not in tried
                assert before.token is not None
                assert not before.token.usable or (invoice and invoice.first_failed)
                tried.add(fact.invoice_number)


@SOME
@given(histories())
def test_replay_from_anywhere_is_replay_from_zero(history: History) -> None:
    """A snapshot at any place and the facts after it give the same state."""
    for stream, log in streams(history).items():
        states = [moment.state for moment in moments(log)]
        for place in range(0, len(log), 5):
            state = states[place]
            for recorded in log[place + 1 :]:
                state = evolve(state, recorded.event)
            assert state == states[-1]
        assert states[-1] == history.states[stream.removeprefix("subscription-")]


def owed(log: Log) -> dict[int, int]:
    """What is left to pay on each invoice, minor units, added up from the facts alone."""
    left: dict[int, int] = {}
    currency: dict[int, str] = {}
    for recorded in log:
        match recorded.event:
            case InvoiceWrittenOff(invoice_number=number, amount=amount):
                assert 0 < amount.minor == left[number]
                left[number] = 0
            case InvoiceIssued(invoice_number=number, total=total):
                left[number], currency[number] = total.minor, total.currency
            case (
                ChargeSucceeded(invoice_number=number, amount=amount)
                | ChargeFoundLate(invoice_number=number, amount=amount)
            ) if amount.currency == currency[number]:
                left[number] -= amount.minor
            case CreditApplied(invoice_number=number, amount=amount):
                left[number] -= amount.minor
            case ChargeReversed(invoice_number=number, amount=amount):
                # Money that nothing was open for is the customer's credit; it lowers no later debt.
                left[number] = max(0, left[number]) + amount.minor
    return {number: rest for number, rest in left.items() if rest > 0}


@SOME
@given(histories())
def test_nothing_owed_is_forgotten(history: History) -> None:
    """At every moment each open invoice is on the agenda: due, or with a reason why not."""
    show(history)
    for log in streams(history).values():
        for place, moment in enumerate(moments(log), start=1):
            state, items = moment.state, agenda_of(moment.state)
            left = owed(log[:place])
            assert {each.number: each.open.minor for each in state.open_invoices} == left
            seen = {int(item.key) for item in items if item.kind is ItemKind.COLLECT}
            kinds = (ItemKind.CHARGE, ItemKind.VOID, ItemKind.LOOK_UP)
            charging = [item for item in items if item.kind in kinds]
            assert len(charging) == (state.open_attempt is not None)
            if state.open_attempt is not None:
                assert charging[0].key == str(state.open_attempt.attempt_id)
                seen.add(state.open_attempt.invoice_number)
            assert set(left) <= seen
            assert all(item.why for item in items)
            for item in items:
                event(f"agenda: {item.kind.value}, due: {item.due_at is not None}")


@SOME
@given(histories())
def test_the_agenda_is_what_the_worker_does(history: History) -> None:
    """Something is due now exactly when there is a step to take."""
    for log in streams(history).values():
        for moment in moments(log):
            if not moment.whole:
                continue
            now = moment.recorded.recorded_at
            due = next_due(agenda_of(moment.state))
            step = next_step(moment.state, now=now, taken_before=False, zone_version=ZONE_VERSION)
            assert (due is not None and due <= now) == (not isinstance(step, Nothing))
            if due is not None and due > now:
                at_due = next_step(
                    moment.state, now=due, taken_before=False, zone_version=ZONE_VERSION
                )
                assert not isinstance(at_due, Nothing)
            event(f"next: {type(step).__name__}")


@SOME
@given(histories())
def test_the_table_of_reactions_is_true(history: History) -> None:
    """A fact changes only agenda items of the kinds that the table names for it."""
    for log in streams(history).values():
        for moment in moments(log):
            before = set() if moment.before is None else set(agenda_of(moment.before))
            changed = {item.kind for item in before ^ set(agenda_of(moment.state))}
            assert changed <= REACTIONS[type(moment.recorded.event)]


def test_the_table_of_reactions_is_complete() -> None:
    """Every fact has its row."""
    assert set(REACTIONS) == set(SubscriptionEvent.__args__)
