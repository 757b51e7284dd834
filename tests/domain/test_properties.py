"""What holds in every history that the rules can make."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import attrs
from hypothesis import HealthCheck, event, given, settings

from domain.processes.agenda import ItemKind, agenda_of, next_due
from domain.processes.next_step import next_step
from domain.processes.reactions import REACTIONS
from domain.processes.steps import LookUp, Nothing, SendCapture, SendCharge
from domain.recorded import Recorded
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeSucceeded,
    InvoiceIssued,
    SubscriptionCancelled,
    SubscriptionCompleted,
    SubscriptionEvent,
    TokenVaulted,
)
from domain.subscription.folding import evolve
from domain.subscription.state import Status, Subscription
from tests.histories import ZONE_VERSION, History, histories, show

Log = list[Recorded[SubscriptionEvent]]
SOME = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
ENDS = (SubscriptionCancelled, SubscriptionCompleted)
SETTLING = (ChargeSucceeded, ChargeDeclined, ChargeNotMade)


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
    """Numbers count from 1, each period ends where the next begins, due instants go up."""
    show(history)
    for log in streams(history).values():
        issued = [each.event for each in log if isinstance(each.event, InvoiceIssued)]
        assert [each.invoice_number for each in issued] == list(range(1, len(issued) + 1))
        for one, two in pairwise(issued):
            assert one.period.end == two.period.start
            assert one.next_due_at == two.effective_at
            assert one.effective_at < two.effective_at
        for each in issued:
            assert each.period.start < each.period.end
            assert each.total.minor == sum(line.amount.minor for line in each.lines)
        event(f"periods of a subscription: {min(len(issued), 4)}")


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
                case ChargeSucceeded() | ChargeDeclined() | ChargeNotMade():
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
                        assert moment.state.status is Status.ACTIVE
                        assert isinstance(step, SendCapture) == (attempt.capture_id is not None)
                    elif isinstance(step, LookUp):
                        event(f"looks, unknown: {attempt.unknown}, taken before: {taken}")


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
            case InvoiceIssued(invoice_number=number, total=total):
                left[number], currency[number] = total.minor, total.currency
            case (
                ChargeSucceeded(invoice_number=number, amount=amount)
                | ChargeFoundLate(invoice_number=number, amount=amount)
            ) if amount.currency == currency[number]:
                left[number] -= amount.minor
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
            charging = [item for item in items if item.kind in (ItemKind.CHARGE, ItemKind.LOOK_UP)]
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
