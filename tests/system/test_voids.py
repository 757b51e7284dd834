"""Reservations at both simulators over HTTP: captured, in part, renewed, or let go; never both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.providers import Provider
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeAuthorized,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    SubscriptionCancelled,
)
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from infrastructure.rehearsal.oracle import Comparison, compare
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.workers.crash_points import AFTER_ANSWER, AFTER_OUTCOME
from tests.specimens import terms
from tests.system.machine import Billing
from tests.system.puppets import REACHED
from tests.system.reservations import pay_by_credit
from tests.system.troubles import VOID_FAULTS

PRICE = Money(1000, "USD")
RESERVED = CaptureMode.AFTER_AUTHORIZATION
EVERYBODY = 4
LOOKS = (timedelta(minutes=6), timedelta(hours=2), timedelta(days=1, hours=1))


@pytest.fixture
def billing(machine: type[Billing]) -> Iterator[Billing]:
    """10.00 USD a month, reserved first, two customers at each provider; nothing is billed yet."""
    made = machine()
    try:
        agreed = terms(price=PRICE, capture=RESERVED)
        for provider in (*Provider, *Provider):
            made.enter(provider, agreed, days=1, zone="UTC")
        made.let_all_approve()
        made.world.forward(timedelta(days=1))
        made.world.project()
        yield made
    finally:
        made.teardown()


def facts(billing: Billing, kind: type) -> list[Any]:
    """All facts of a kind."""
    log = billing.world.system.ledger.read_log(0, 100_000)
    return [each.event for each in log if isinstance(each.event, kind)]


def compared_with_theirs(billing: Billing) -> Comparison:
    """Our facts against both books, over HTTP; the simulators' loop goes round meanwhile."""
    ledger, urls = billing.world.system.ledger, billing.world.simulators.urls
    return billing.world.run(asyncio.to_thread(compare, ledger, urls))


def misbehave(billing: Billing, operation: str, *faults: Fault | CallbackFault) -> None:
    """What the next requests of an operation meet, at both providers."""
    for puppet in billing.world.simulators.faults.values():
        puppet.coming[operation].extend(faults)


def reserve_in_doubt(billing: Billing) -> None:
    """Everybody's money is reserved, and no answer says so; no callback either."""
    misbehave(billing, "charge", *[Fault.LOST_ANSWER] * EVERYBODY)
    misbehave(billing, "callback", *[CallbackFault.LOST] * EVERYBODY)
    billing.world.work(1000)
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["callback"].clear()
    assert len(facts(billing, ChargeOutcomeUnknown)) == EVERYBODY


def everybody_leaves(billing: Billing) -> None:
    """Cancelled, while the money is reserved."""
    for name in billing.names:
        billing.commands.cancel(name, reason="left")
    billing.world.project()


def look(billing: Billing, *, callbacks: bool = False) -> None:
    """The first looks are due. PayPal shows what it reserved hours later, in its report."""
    for span in LOOKS:
        billing.world.forward(span)
        billing.world.project()
        billing.world.work(1000)
        if callbacks:
            billing.world.deliver()
            billing.world.work_callbacks(1000)
        billing.world.project()


def all_let_go(billing: Billing) -> None:
    """Nothing was taken, everything is let go, once, and both books say so."""
    billing.world.come_to_rest()
    assert billing.world.simulators.captured() == {}
    names = {each.reference for each in facts(billing, ChargeAttempted)}
    assert billing.world.simulators.voided() == dict.fromkeys(names, PRICE.minor)
    assert len(facts(billing, AuthorizationVoided)) == EVERYBODY
    assert len({each.void_id for each in facts(billing, VoidAttempted)}) == EVERYBODY
    assert compared_with_theirs(billing).equal


def test_F21_what_is_reserved_when_the_customer_leaves_is_let_go(billing: Billing) -> None:
    """At both providers, in the turn in which it shows."""
    reserve_in_doubt(billing)
    everybody_leaves(billing)
    look(billing)
    assert len(facts(billing, AuthorizationVoided)) == EVERYBODY
    assert {each.evidence for each in facts(billing, AuthorizationVoided)} == {"answer"}
    assert facts(billing, CaptureAttempted) == []
    all_let_go(billing)


@pytest.mark.parametrize("fault", VOID_FAULTS, ids=lambda each: each.value)
def test_F06_F07_F08_each_fault_of_a_void_ends_in_one_void(billing: Billing, fault: Fault) -> None:
    """Lost answers, late successes, errors on either side, HTML, 429."""
    met = REACHED[f"void met {fault.value}"]
    reserve_in_doubt(billing)
    everybody_leaves(billing)
    misbehave(billing, "void", *[fault] * EVERYBODY)
    look(billing)
    assert REACHED[f"void met {fault.value}"] > met
    all_let_go(billing)


@pytest.mark.parametrize(
    "death", [(AFTER_ANSWER, 1), (AFTER_OUTCOME, 1), (AFTER_ANSWER, 2), (AFTER_OUTCOME, 2)]
)
def test_F02_F03_a_worker_that_dies_on_the_way_leaves_one_void(
    billing: Billing, death: tuple[str, int]
) -> None:
    """After the look, after the intention, after the void's answer, after its outcome."""
    reserve_in_doubt(billing)
    everybody_leaves(billing)
    die_of_it(billing, death)
    assert REACHED[f"died {death[0]}"] > 0
    all_let_go(billing)


def die_of_it(billing: Billing, death: tuple[str, int]) -> None:
    """Each worker dies on the way, once the reservations show."""
    for span in LOOKS:
        billing.world.forward(span)
        billing.world.project()
        for _ in range(EVERYBODY):
            billing.world.work(1, death=death)
        billing.world.project()


def test_F03_answer_of_the_void_lost_with_its_worker(billing: Billing) -> None:
    """Let go, the answer lost, and who would have noted the doubt died: found by the next look."""
    reserve_in_doubt(billing)
    everybody_leaves(billing)
    misbehave(billing, "void", *[Fault.LOST_ANSWER] * EVERYBODY)
    die_of_it(billing, (AFTER_ANSWER, 2))
    assert len(billing.world.simulators.voided()) == EVERYBODY
    all_let_go(billing)
    ways = {each.evidence.partition(":")[0] for each in facts(billing, AuthorizationVoided)}
    assert ways <= {"look-up", "callback"}


def test_F10_F11_callbacks_tell_of_it_once(billing: Billing) -> None:
    """Doubled and early; the answer was lost, too."""
    reserve_in_doubt(billing)
    everybody_leaves(billing)
    misbehave(billing, "void", *[Fault.LOST_ANSWER] * EVERYBODY)
    misbehave(billing, "callback", CallbackFault.DUPLICATE, CallbackFault.EARLY)
    look(billing, callbacks=True)
    told = [each.evidence for each in facts(billing, AuthorizationVoided)]
    assert told == ["callback: AUTHORIZATION_VOIDED"] * len(told)
    assert told
    all_let_go(billing)


def test_of_what_is_reserved_the_open_part_is_captured(billing: Billing) -> None:
    """4.00 of credit came for the invoice while the reservation was in doubt: 6.00 are taken, and
    the rest is not left reserved."""
    reserve_in_doubt(billing)
    for name in billing.names:
        pay_by_credit(billing, name, Money(400, "USD"))
    look(billing)
    billing.world.come_to_rest()
    assert [each.amount.minor for each in facts(billing, CaptureAttempted)] == [600] * EVERYBODY
    assert [each.amount.minor for each in facts(billing, ChargeSucceeded)] == [600] * EVERYBODY
    assert sorted(billing.world.simulators.captured().values()) == [600] * EVERYBODY
    assert all(state.open_invoices == () for state in billing.states())
    assert compared_with_theirs(billing).equal


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.ERROR_BEFORE, Fault.LATE_SUCCESS])
def test_F06_F07_part_whose_answer_is_lost_is_captured_once(billing: Billing, fault: Fault) -> None:
    """Found by its look-up, or captured anew; for the part."""
    reserve_in_doubt(billing)
    for name in billing.names:
        pay_by_credit(billing, name, Money(400, "USD"))
    misbehave(billing, "capture", *[fault] * EVERYBODY)
    look(billing)
    billing.world.come_to_rest()
    assert [each.amount.minor for each in facts(billing, ChargeSucceeded)] == [600] * EVERYBODY
    assert sorted(billing.world.simulators.captured().values()) == [600] * EVERYBODY
    assert compared_with_theirs(billing).equal


def test_what_credit_paid_meanwhile_is_let_go(billing: Billing) -> None:
    """All of it: nothing is captured, nobody has to leave for that."""
    reserve_in_doubt(billing)
    for name in billing.names:
        pay_by_credit(billing, name, PRICE)
    look(billing)
    assert facts(billing, SubscriptionCancelled) == []
    all_let_go(billing)


def wait_with_the_capture(billing: Billing, span: timedelta) -> None:
    """Reserved; the captures are not carried out, and nobody works for a while."""
    misbehave(billing, "capture", *[Fault.RATE_LIMITED] * EVERYBODY)
    billing.world.work(1000)
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["capture"].clear()
    assert len(facts(billing, ChargeAuthorized)) == EVERYBODY
    billing.world.forward(span)
    billing.world.project()


@pytest.mark.parametrize("fault", [None, *VOID_FAULTS], ids=str)
def test_PayPal_renews_before_a_late_capture(billing: Billing, fault: Fault | None) -> None:
    """Four days later: once, whatever is lost on the way, and captured once under the new id."""
    wait_with_the_capture(billing, timedelta(days=4))
    if fault is not None:
        misbehave(billing, "reauthorize", *[fault] * 2)
    billing.world.work(1000)
    billing.world.come_to_rest()
    by_attempt: dict[object, list[str]] = {}
    for each in facts(billing, ChargeAuthorized):
        by_attempt.setdefault(each.attempt_id, []).append(each.authorization_ref)
    renewed = [refs for refs in by_attempt.values() if len(refs) > 1]
    assert [len(set(refs)) for refs in renewed] == [2, 2]
    assert len(facts(billing, ChargeSucceeded)) == EVERYBODY
    assert sorted(billing.world.simulators.captured().values()) == [1000] * EVERYBODY
    assert compared_with_theirs(billing).equal


def test_PayPal_does_not_renew_and_what_is_reserved_is_captured(billing: Billing) -> None:
    """The processor says no to the renewal."""
    wait_with_the_capture(billing, timedelta(days=4))
    misbehave(billing, "reauthorize", *[Fault.SOFT_DECLINE] * 2)
    billing.world.work(1000)
    billing.world.come_to_rest()
    assert len(facts(billing, ChargeAuthorized)) == EVERYBODY
    assert sorted(billing.world.simulators.captured().values()) == [1000] * EVERYBODY


@pytest.mark.parametrize("death", [(AFTER_ANSWER, 1), (AFTER_OUTCOME, 1), (AFTER_ANSWER, 2)])
def test_F03_a_worker_that_dies_of_a_renewal_leaves_one_capture(
    billing: Billing, death: tuple[str, int]
) -> None:
    """After its answer, after its outcome, after the capture's answer."""
    wait_with_the_capture(billing, timedelta(days=4))
    for _ in range(EVERYBODY):
        billing.world.work(1, death=death)
    billing.world.come_to_rest()
    assert sorted(billing.world.simulators.captured().values()) == [1000] * EVERYBODY
    assert compared_with_theirs(billing).equal


def test_a_renewed_reservation_is_let_go_once(billing: Billing) -> None:
    """Renewed, its capture not carried out, and the customer leaves."""
    wait_with_the_capture(billing, timedelta(days=4))
    misbehave(billing, "capture", *[Fault.RATE_LIMITED] * EVERYBODY)
    billing.world.work(1000)
    everybody_leaves(billing)
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["capture"].clear()
    billing.world.come_to_rest()
    paid = len(facts(billing, ChargeSucceeded))
    assert len(facts(billing, AuthorizationVoided)) == EVERYBODY - paid
    assert len(billing.world.simulators.voided()) == EVERYBODY - paid
    assert len(billing.world.simulators.captured()) == paid
    assert paid < EVERYBODY


def test_too_old_it_is_charged_anew(billing: Billing) -> None:
    """A month later the reservation has ended: nothing was made of it, and a new attempt is."""
    wait_with_the_capture(billing, timedelta(days=30))
    billing.world.work(1000)
    billing.world.come_to_rest()
    ended = [each.evidence for each in facts(billing, ChargeNotMade)]
    assert ended == ["look-up: reserved only, and too old to be captured"] * len(ended)
    assert len(ended) == 2
    paid = [(each.attempt_id, each.invoice_number) for each in facts(billing, ChargeSucceeded)]
    assert len(paid) == len(set(paid))
    assert {number for _, number in paid} >= {1}
    assert compared_with_theirs(billing).equal
