"""Faults of the fault matrix, as far as the rules decide. A crash is facts that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise

import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import Captured
from domain.processes.agenda import ItemKind, agenda_of
from domain.processes.steps import LookUp, SendCharge
from domain.subscription.charging import ANSWER, CALLBACK, settle
from domain.subscription.ending import cancel
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDiscrepancyFound,
    ChargeSucceeded,
    Discrepancy,
    InvoiceIssued,
)
from domain.subscription.looking_up import looked_up
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    HOUR,
    KEY_WINDOW,
    MINUTE,
    NEXT_DUE,
    NOT_DONE,
    NOT_FOUND,
    PRICE,
    REPORT_DELAY,
    TIME_OUT,
    captured,
    declined,
    key,
    reserved,
    signed_up,
    terms,
)
from tests.vocabulary import Play, play

TWO_STEPS = terms(capture=CaptureMode.AFTER_AUTHORIZATION)
BILLED = ["InvoiceIssued", "ChargeAttempted"]


@pytest.fixture
def run() -> Iterator[Play]:
    """A subscription that is billed; whatever happens, each period is billed and paid once."""
    play_ = play(*signed_up())
    yield play_
    numbers = [each.invoice_number for each in play_.of(InvoiceIssued)]
    assert numbers == list(range(1, len(numbers) + 1))
    paid = [each.invoice_number for each in play_.of(ChargeSucceeded)]
    assert len(set(paid)) == len(paid)


def keys_sent(run: Play) -> list[object]:
    """The keys under which charges were sent, in order."""
    return [call.attempt.attempt_id for call in run.calls if isinstance(call, SendCharge)]


def test_F01_killed_before_the_intention(run: Play) -> None:
    """Nothing happened; the next run charges once."""
    assert run.at(DUE, lose_record=True) == []
    assert run.calls == []
    assert run.at(DUE + MINUTE, captured(), taken_before=True) == [*BILLED, "ChargeSucceeded"]
    assert run.sent == ["SendCharge"]


def test_F02_killed_before_the_call(run: Play) -> None:
    """The look-up finds nothing, so it is sent, under the same key."""
    run.at(DUE)
    run.calls.clear()  # it was written, and never went out
    assert run.at(DUE + HOUR, NOT_FOUND, captured(), taken_before=True) == ["ChargeSucceeded"]
    assert run.sent == ["LookUp", "SendCharge"]
    assert keys_sent(run) == [key()]


def test_F02_killed_again_and_again_before_the_call(run: Play) -> None:
    """Every taker looks first; all of them would send under one key."""
    run.at(DUE)
    for hours in (1, 2, 3):
        run.at(DUE + hours * HOUR, NOT_FOUND, taken_before=True)
    assert run.sent == ["SendCharge"] + ["LookUp", "SendCharge"] * 3
    assert set(keys_sent(run)) == {key()}


def test_F03_killed_after_the_provider_accepted(run: Play) -> None:
    """The look-up finds it: booked at the provider's time, and nothing is sent again."""
    run.at(DUE)
    assert run.at(DUE + HOUR, captured(at=DUE + MINUTE), taken_before=True) == ["ChargeSucceeded"]
    assert run.sent == ["SendCharge", "LookUp"]
    (paid,) = run.of(ChargeSucceeded)
    assert (paid.effective_at, paid.evidence) == (DUE + MINUTE, "look-up")


@pytest.mark.parametrize("taken_before", [True, False])
def test_F04_found_after_the_provider_forgot_the_key(run: Play, taken_before: bool) -> None:
    """Even where the record of the first taker is lost it is only looked up; then a doubt."""
    run.at(DUE)
    late = DUE + KEY_WINDOW
    assert run.at(late, NOT_FOUND, taken_before=taken_before) == ["ChargeOutcomeUnknown"]
    assert run.at(late + 5 * MINUTE, TIME_OUT) == ["ChargeLookedUp"]
    assert run.sent == ["SendCharge", "LookUp", "LookUp"]
    (item, _) = agenda_of(run.state)[::-1]
    assert item.kind is ItemKind.LOOK_UP


def test_F04_nobody_can_tell_so_a_person_decides(run: Play) -> None:
    """An inconclusive provider ends in an open unknown, on the agenda, for a person."""
    run.at(DUE)
    now = DUE + KEY_WINDOW
    run.at(now, TIME_OUT, taken_before=True)
    for wait in (5 * MINUTE, HOUR, *[DAY] * 7):
        now += wait
        run.at(now, TIME_OUT)
    look = next(item for item in agenda_of(run.state) if item.kind is ItemKind.LOOK_UP)
    assert (look.due_at, "person" in look.why) == (None, True)
    assert len(keys_sent(run)) == 1


def test_F06_time_out_and_the_charge_was_made(run: Play) -> None:
    """Unknown, not dunned, nothing else charged; the look-up resolves it."""
    assert run.at(DUE, TIME_OUT) == [*BILLED, "ChargeOutcomeUnknown"]
    assert run.at(DUE + 4 * MINUTE) == []
    assert run.at(DUE + 5 * MINUTE, captured()) == ["ChargeSucceeded"]
    assert run.sent == ["SendCharge", "LookUp"]


def test_F06_while_it_is_unknown_the_next_period_is_billed_and_not_charged(run: Play) -> None:
    """The books go on; the money waits for the doubt."""
    run.at(DUE, TIME_OUT)
    for at in (DUE + 5 * MINUTE, DUE + 2 * HOUR):
        run.at(at, TIME_OUT)
    assert run.at(NEXT_DUE, TIME_OUT) == ["ChargeLookedUp", "InvoiceIssued"]
    assert len(run.of(ChargeAttempted)) == 1
    collect = [item for item in agenda_of(run.state) if item.kind is ItemKind.COLLECT]
    assert [(item.key, item.due_at) for item in collect] == [("2", None)]
    facts = run.decide(settle, key(), captured(), evidence=CALLBACK, now=NEXT_DUE)
    assert len(facts) == 1
    assert run.at(NEXT_DUE, captured()) == ["ChargeAttempted", "ChargeSucceeded"]


def test_F07_time_out_and_the_charge_was_not_made(run: Play) -> None:
    """After the provider's own delay "not found" is believed: a new attempt, a new key."""
    run.at(DUE, TIME_OUT)
    assert run.at(DUE + 5 * MINUTE, NOT_FOUND) == ["ChargeLookedUp"]
    assert run.at(DUE + 2 * HOUR, NOT_FOUND) == ["ChargeLookedUp"]
    assert run.at(DUE + 2 * DAY, NOT_FOUND, captured()) == [
        "ChargeNotMade",
        "ChargeAttempted",
        "ChargeSucceeded",
    ]
    assert keys_sent(run) == [key(1, 1), key(1, 2)]
    assert [each.attempt_number for each in run.of(ChargeAttempted)] == [1, 2]


def test_F08_only_a_definite_no_may_be_repeated_freely(run: Play) -> None:
    """A 429 leaves the attempt as it is: the same one is sent later, under its key."""
    assert run.at(DUE, NOT_DONE) == BILLED
    assert run.at(DUE + MINUTE, NOT_DONE) == []
    assert run.at(DUE + 2 * MINUTE, captured()) == ["ChargeSucceeded"]
    assert keys_sent(run) == [key()] * 3


def test_F08_a_provider_that_refuses_for_hours_is_not_sent_to_after_the_window(run: Play) -> None:
    """Then the attempt is looked up, and a new one follows when it is known not to be made."""
    run.at(DUE, NOT_DONE)
    run.at(DUE + KEY_WINDOW, NOT_FOUND)
    assert run.sent == ["SendCharge", "LookUp"]
    assert run.at(DUE + DAY, NOT_FOUND, captured())[-2:] == ["ChargeAttempted", "ChargeSucceeded"]


@pytest.mark.parametrize(
    ("received", "kind", "left"),
    [
        (Money(29899, "NOK"), Discrepancy.AMOUNT, 1),
        (Money(30000, "NOK"), Discrepancy.AMOUNT, 0),
        (Money(29900, "USD"), Discrepancy.CURRENCY, 29900),
    ],
)
def test_F09_success_with_other_money(
    run: Play, received: Money, kind: Discrepancy, left: int
) -> None:
    """Booked as received, listed as a discrepancy, never "fixed" by another charge."""
    run.at(DUE, captured(received))
    assert run.of(ChargeSucceeded)[0].amount == received
    (found,) = run.of(ChargeDiscrepancyFound)
    assert (found.discrepancy, found.expected, found.received) == (kind, PRICE, received)
    assert sum(each.open.minor for each in run.state.open_invoices) == left
    assert run.at(DUE + 20 * DAY) == []
    if left:
        (item,) = [item for item in agenda_of(run.state) if item.kind is ItemKind.COLLECT]
        assert "person" in item.why


@pytest.mark.parametrize("answers", [(TIME_OUT,), (captured(),), ()])
def test_F11_a_callback_before_the_answer(run: Play, answers: tuple[Captured, ...]) -> None:
    """Accepted; the answer that comes later is a no-op, and the state is the same."""
    run.at(DUE)
    answer_first = play(*run.facts)
    run.decide(looked_up, key(), captured(), evidence=CALLBACK, now=DUE + MINUTE)
    for answer in answers:
        assert run.decide(settle, key(), answer, evidence=ANSWER, now=DUE + MINUTE) == ()
        answer_first.decide(settle, key(), answer, evidence=ANSWER, now=DUE + MINUTE)
    answer_first.decide(looked_up, key(), captured(), evidence=CALLBACK, now=DUE + MINUTE)
    assert run.state == answer_first.state
    assert len(run.of(ChargeSucceeded)) == 1


def test_F11_the_same_with_a_reservation() -> None:
    """A callback shows the reservation first: one capture follows, whatever comes later."""
    run = play(*signed_up(TWO_STEPS))
    run.at(DUE)
    run.decide(looked_up, key(), reserved(), evidence=CALLBACK, now=DUE + MINUTE)
    assert run.decide(settle, key(), reserved(), evidence=ANSWER, now=DUE + MINUTE) == ()
    assert run.at(DUE + MINUTE, captured()) == ["ChargeSucceeded"]
    assert run.sent == ["SendCharge", "SendCapture"]


def test_F21_cancelled_before_the_charge(run: Play) -> None:
    """No invoice and no attempt after an earlier-recorded cancellation."""
    run.decide(cancel, reason="moved", now=DUE - MINUTE)
    assert run.at(DUE + 90 * DAY) == []
    assert run.calls == []


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (captured(), ["ChargeSucceeded"]),
        (declined(), ["ChargeDeclined"]),
        (HARD, ["ChargeDeclined"]),
        (TIME_OUT, ["ChargeOutcomeUnknown"]),
    ],
)
def test_F21_cancelled_while_a_charge_is_under_way(
    run: Play, answer: Captured, facts: list[str]
) -> None:
    """What is under way is settled; nothing follows from it."""
    run.at(DUE)
    run.decide(cancel, reason="moved", now=DUE + MINUTE)
    made = run.decide(settle, key(), answer, evidence=ANSWER, now=DUE + MINUTE)
    assert [type(fact).__name__ for fact in made] == facts
    run.at(DUE + 90 * DAY, *([NOT_FOUND] if answer is TIME_OUT else []))
    assert keys_sent(run) == [key()]


def test_F21_cancelled_while_a_429_holds_the_charge_back(run: Play) -> None:
    """It is not sent any more: looked up, and closed when it is known not to be made."""
    run.at(DUE, NOT_DONE)
    run.decide(cancel, reason="moved", now=DUE + MINUTE)
    assert run.at(DUE + 2 * MINUTE, NOT_FOUND) == ["ChargeOutcomeUnknown"]
    assert run.at(DUE + REPORT_DELAY, NOT_FOUND) == ["ChargeNotMade"]
    assert run.at(DUE + 90 * DAY) == []
    assert run.sent == ["SendCharge", "LookUp", "LookUp"]


def test_F22_the_clock_jumps_back(run: Play) -> None:
    """Two hours back in the middle: nothing is billed twice."""
    run.at(DUE, captured())
    for now in (DUE - 2 * HOUR, DUE - MINUTE, DUE, DUE + MINUTE):
        assert run.at(now) == []
    run.at(NEXT_DUE, captured())
    assert run.at(NEXT_DUE - DAY) == []
    assert [each.invoice_number for each in run.of(InvoiceIssued)] == [1, 2]


def test_F22_the_clock_jumps_forward_and_back(run: Play) -> None:
    """What was billed too early is not billed again when its day comes."""
    run.at(NEXT_DUE + DAY, captured(), captured())
    for now in (DUE, DUE + DAY, NEXT_DUE, NEXT_DUE + DAY):
        assert run.at(now) == []


def test_F22_an_invoice_from_the_future_is_not_collected_before_its_day(run: Play) -> None:
    """Issued while the clock was a day ahead, and not attempted yet: it waits until it is due."""
    run.at(NEXT_DUE + DAY, TIME_OUT)
    run.decide(settle, key(), captured(), evidence=CALLBACK, now=DUE + HOUR)
    assert [each.number for each in run.state.open_invoices] == [2]
    assert run.at(NEXT_DUE - DAY) == []
    assert run.at(NEXT_DUE, captured()) == ["ChargeAttempted", "ChargeSucceeded"]


def test_F22_looks_do_not_multiply_when_the_clock_goes_back(run: Play) -> None:
    """A look that was planned stays planned at its instant."""
    run.at(DUE, TIME_OUT)
    assert run.at(DUE - 2 * HOUR) == []
    assert run.at(DUE + 5 * MINUTE, captured()) == ["ChargeSucceeded"]


@pytest.mark.parametrize(
    ("zone", "start", "days"),
    [
        # The 31st through short months and 29 February, over a change of clocks each way.
        ("Europe/Oslo", date(2024, 1, 31), [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]),
        ("America/Sao_Paulo", date(2018, 10, 31), [31, 30, 31, 31, 28, 31, 30]),
        ("Asia/Beirut", date(2023, 1, 26), [26, 26, 26, 26]),
    ],
)
def test_F24_one_charge_a_period_on_the_anchor_day(zone: str, start: date, days: list[int]) -> None:
    """A worker that comes every hour charges each period once, on its local day."""
    run = play(*signed_up(zone=zone, start=start))
    now = run.state.next_due_at
    assert now is not None
    now -= HOUR
    while len(run.of(ChargeSucceeded)) < len(days):
        due = run.state.next_due_at
        assert due is not None
        for minutes in (-60, -1, 0, 1, 60):
            now = due + minutes * MINUTE
            expected = minutes == 0
            assert bool(run.at(now, *([_full(now)] if expected else []))) is expected
    assert [each.due_on.day for each in run.of(InvoiceIssued)] == days
    periods = [each.period for each in run.of(InvoiceIssued)]
    assert all(one.end == two.start for one, two in pairwise(periods))


def _full(now: datetime) -> Captured:
    return captured(at=now)


def test_F24_every_unit_tiles_through_a_leap_year() -> None:
    """Days, weeks, months and years: no gap, no overlap."""
    for interval in (
        Interval(Unit.DAY, 9),
        Interval(Unit.WEEK, 3),
        Interval(Unit.MONTH, 2),
        Interval(Unit.YEAR),
    ):
        run = play(*signed_up(terms(interval=interval)))
        for _ in range(8):
            due = run.state.next_due_at
            assert due is not None
            run.at(due, captured(at=due))
        periods = [each.period for each in run.of(InvoiceIssued)]
        assert len(periods) == 8
        assert all(one.end == two.start for one, two in pairwise(periods))


def test_F25_a_new_tz_database_moves_no_announced_instant(run: Play) -> None:
    """The fact that announced it counts, not today's rules."""
    started_with_old_rules = play(*signed_up(first_due_at=DUE + HOUR))
    assert started_with_old_rules.at(DUE) == []
    started_with_old_rules.at(DUE + HOUR, captured())
    assert started_with_old_rules.of(InvoiceIssued)[0].effective_at == DUE + HOUR


def test_late_success_after_not_made(run: Play) -> None:
    """Paid twice by the provider's fault: both booked, the contradiction shown, nothing hidden."""
    run.at(DUE, TIME_OUT)
    run.at(DUE + DAY, NOT_FOUND, captured(ref="cap-2"))
    late = run.decide(looked_up, key(1, 1), captured(), evidence=CALLBACK, now=DUE + 2 * DAY)
    assert [type(fact).__name__ for fact in late] == ["ChargeFoundLate", "ChargeDiscrepancyFound"]
    assert run.decide(looked_up, key(1, 1), captured(), evidence=CALLBACK, now=DUE + 3 * DAY) == ()
    assert isinstance(run.calls[1], LookUp)


def test_late_success_of_a_declined_charge_ends_its_retries(run: Play) -> None:
    """The invoice is paid; the planned retry leads to nothing."""
    run.at(DUE, declined())
    run.decide(settle, key(), captured(), evidence=CALLBACK, now=DUE + DAY)
    assert run.state.open_invoices == ()
    assert run.at(DUE + 3 * DAY) == []
