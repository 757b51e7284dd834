"""Providers that do not answer for hours or days: what is due waits, and is charged once after."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from domain.providers import RULES, Provider
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    ChargeOutcomeUnknown,
    InvoiceIssued,
)
from infrastructure.commands.due import read_due
from infrastructure.gateways.circuit import CircuitPolicy
from infrastructure.simulators.faults import Fault, FaultPlan
from tests.system.customers import customers
from tests.system.house import House
from tests.system.lines import lines
from tests.system.recovery import recovered
from tests.waiting import until

MANY = 24
# As in the house's settings: what one worker has under way at a time.
IN_FLIGHT = 8


@pytest.mark.parametrize(("hours", "parts"), [(2, 2), (8, 4), (72, 4)])
def test_F06_F07_all_that_is_due_waits_for_the_provider(
    home: House, hours: int, parts: int
) -> None:
    """Invoices are issued, nothing is declined, most is not even attempted, and all is listed.
    Afterwards each is charged once, by itself: an attempt of before under its key, as long as the
    provider knows the key; else a look shows that it was not made, and another one is."""
    home.move_in(customers(MANY))
    home.crowd = 0
    with lines(home) as laid:
        for line in laid.values():
            line.cut()
        with home.helper():
            home.forward(hours=12)
            home.play(days=0)
            for _ in range(parts):
                home.forward(hours=hours / parts)
                home.play(days=0)
            until(lambda: len(home.system.circuits.read()) == 2, "both circuits in the table")
            shown = read_due(home.system, home.now, waiting=True)
        assert len(home.facts(InvoiceIssued)) == MANY
        assert home.facts(ChargeDeclined) + home.facts(ChargeOutcomeUnknown) == []
        early = {each.reference for each in home.facts(ChargeAttempted)}
        assert 0 < len(early) < MANY
        assert {each.subscription_id for each in shown.lines} == {f"s-{n}" for n in range(MANY)}
        assert all("out of order" in each.why for each in shown.lines if each.due_at)
        for line in laid.values():
            line.mend()
        with home.helper():
            home.play(days=0.5)
            until(lambda: not home.system.circuits.read(), "no circuit in the table")
    attempts = home.facts(ChargeAttempted)
    tries = Counter(each.customer_id for each in attempts)
    window = {each: RULES[each].charge_key_window for each in Provider}
    afresh = {
        each.customer_id
        for each in attempts
        if each.reference in early and timedelta(hours=hours) > window[each.provider]
    }
    assert tries == Counter({f"c-{n}": 2 if f"c-{n}" in afresh else 1 for n in range(MANY)})
    recovered(home, charges=MANY)


def test_F08_looks_are_answered_and_payments_are_not(home: House) -> None:
    """What is under way when an account's circuit opens is attempted, and then one at each trial:
    few attempts, however many are due. Each doubt is settled once by a look."""
    many, trials = 40, 5
    few = len(home.controls) * (CircuitPolicy().outages + trials) + IN_FLIGHT

    class NoPayments(FaultPlan):
        def pick(self, operation: str, reference: str) -> Fault | None:
            return Fault.ERROR_BEFORE if operation == "charge" else None

    home.move_in(customers(many))
    home.crowd = 0
    for controls in home.controls.values():
        controls.faults = NoPayments()
    with lines(home), home.helper():
        home.forward(hours=12)
        for _ in range(trials):
            home.forward(minutes=20)
            home.play(days=0)
        assert len(home.facts(InvoiceIssued)) == many
        assert len(home.facts(ChargeAttempted)) <= few < many
        assert 0 < len(home.facts(ChargeOutcomeUnknown)) <= few
        for controls in home.controls.values():
            controls.faults = FaultPlan.none()
        home.play(days=2)
    recovered(home, charges=many)
