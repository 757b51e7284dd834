"""F11 to F25: order, cancellation, clocks and calendars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise

import pytest

from domain.calendar import Interval, Unit
from domain.plan import CaptureMode
from domain.ports import Captured, ChargeAnswer, Unknown
from domain.processes.steps import LookUp, SendCharge
from domain.subscription.charging import ANSWER, CALLBACK, settle
from domain.subscription.ending import cancel
from domain.subscription.events import (
    ChargeSucceeded,
    InvoiceIssued,
)
from domain.subscription.looking_up import looked_up
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    HOUR,
    MINUTE,
    NEXT_DUE,
    NOT_DONE,
    NOT_FOUND,
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
    run: Play, answer: ChargeAnswer, facts: list[str]
) -> None:
    """What is under way is settled; nothing follows from it."""
    run.at(DUE)
    run.decide(cancel, reason="moved", now=DUE + MINUTE)
    made = run.decide(settle, key(), answer, evidence=ANSWER, now=DUE + MINUTE)
    assert [type(fact).__name__ for fact in made] == facts
    run.at(DUE + 90 * DAY, *([NOT_FOUND] if isinstance(answer, Unknown) else []))
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
