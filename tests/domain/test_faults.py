"""F01 to F09 of the fault matrix, by the rules alone. A crash is facts that are missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.processes.agenda import ItemKind, agenda_of
from domain.processes.steps import SendCharge
from domain.subscription.charging import CALLBACK, settle
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDiscrepancyFound,
    ChargeSucceeded,
    Discrepancy,
    InvoiceIssued,
)
from tests.specimens import (
    DAY,
    DUE,
    HOUR,
    KEY_WINDOW,
    MINUTE,
    NEXT_DUE,
    NOT_DONE,
    NOT_FOUND,
    PRICE,
    TIME_OUT,
    captured,
    key,
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
