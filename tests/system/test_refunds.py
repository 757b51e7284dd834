"""Refunds against both simulators over HTTP: each goes back once, whatever is lost on the way."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.money import Money
from domain.plan import CaptureMode, Proration
from domain.providers import Provider
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from infrastructure.rehearsal.oracle import Comparison, compare
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.simulators.paypal.webhooks import signer
from infrastructure.workers.crash_points import AFTER_ANSWER, AFTER_INTENT, AFTER_OUTCOME
from tests.conftest import Server
from tests.specimens import terms
from tests.system.machine import Billing
from tests.system.puppets import DEATHS, REACHED

BACK = Money(250, "USD")
# What leaves the money where it was.
NOT_GONE = {Fault.SOFT_DECLINE, Fault.HARD_DECLINE, Fault.PAYER_ACTION, Fault.PENDING_FAILS}


@pytest.fixture
def billing(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Billing]:
    """10.00 USD a month, at both providers and by both captures; the first month is paid."""
    for module in ("advance", "agenda_worker", "callback_worker"):
        monkeypatch.setattr(f"infrastructure.workers.{module}.reached", DEATHS.reached)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.pem"
        root.write_bytes(signer().root_pem)
        Billing.server, Billing.root_file = server, str(root)
        made = Billing()
        try:
            plans = [terms(price=Money(1000, "USD"), capture=each) for each in CaptureMode]
            made.open_with_customers([(p, each) for each in plans for p in Provider])
            made.world.work(1000)
            made.world.come_to_rest()
            yield made
        finally:
            made.teardown()


def ask_everybody(billing: Billing) -> None:
    """2.50 of goodwill each."""
    for name in billing.names:
        billing.commands.refund(name, BACK, grant=True, reason="outage")
    billing.world.project()


def facts(billing: Billing, kind: type) -> list[object]:
    """All facts of a kind."""
    log = billing.world.system.ledger.read_log(0, 100_000)
    return [each.event for each in log if isinstance(each.event, kind)]


def compared_with_theirs(billing: Billing) -> Comparison:
    """Our facts against both books, over HTTP; the simulators' loop goes round meanwhile."""
    ledger, urls = billing.world.system.ledger, billing.world.simulators.urls
    return billing.world.run(asyncio.to_thread(compare, ledger, urls))


def gone(billing: Billing) -> list[int]:
    """What both simulators have given back, refund by refund; none of them twice."""
    return sorted(billing.world.simulators.refunded().values())


def test_asked_for_sent_and_gone(billing: Billing) -> None:
    """Two refunds of each charge, and our books are theirs."""
    for _ in range(2):
        ask_everybody(billing)
        billing.world.work(1000)
        billing.world.come_to_rest()
    assert gone(billing) == [250] * 8
    assert len(facts(billing, RefundSucceeded)) == 8
    compared = compared_with_theirs(billing)
    assert compared.equal
    assert compared.refunds == {"USD": (8, 2000)}


@pytest.mark.parametrize("fault", list(Fault), ids=lambda each: each.value)
def test_F06_F07_F08_F09_each_fault_leaves_one_refund_or_none(
    billing: Billing, fault: Fault
) -> None:
    """Lost answers, late successes, errors on either side, HTML, refusals, other amounts: in the
    end what both books hold is the same, or a person is told."""
    met = REACHED[f"refund met {fault.value}"]
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["refund"].extend([fault] * 2)
    ask_everybody(billing)
    billing.world.work(1000)
    billing.world.come_to_rest()
    assert REACHED[f"refund met {fault.value}"] > met
    assert len(facts(billing, RefundAttempted)) == 4
    settled = len(facts(billing, RefundSucceeded)) + len(facts(billing, RefundFailed))
    awaiting = [each for state in billing.states() for each in state.refunds]
    assert settled + len(awaiting) == 4
    if fault is Fault.WRONG_AMOUNT:
        assert [each.awaits_person for each in awaiting] == [True] * 4
        assert gone(billing) == [249] * 4
        for state in billing.states():
            (refund,) = state.refunds
            billing.commands.decide_refund(
                state.subscription_id,
                refund.refund_id,
                made=Money(249, "USD"),
                provider_ref="seen",
                reason="the provider's page",
            )
    else:
        assert not awaiting
        assert len(gone(billing)) == len(facts(billing, RefundSucceeded))
    if fault in NOT_GONE:
        assert len(facts(billing, RefundFailed)) > 0
    billing.check()


@pytest.mark.parametrize("point", [AFTER_INTENT, AFTER_ANSWER, AFTER_OUTCOME])
def test_F02_F03_a_worker_that_dies_on_the_way_leaves_one_refund(
    billing: Billing, point: str
) -> None:
    """After the intention, after the answer, after the outcome: found, not repeated."""
    ask_everybody(billing)
    for _ in range(4):
        billing.world.work(1, death=(point, 1))
    billing.world.end_leases()
    billing.world.come_to_rest()
    compared = compared_with_theirs(billing)
    assert compared.equal
    made, failed = facts(billing, RefundSucceeded), facts(billing, RefundFailed)
    assert len(made) + len(failed) == 4
    assert len(gone(billing)) == len(made)
    if point != AFTER_INTENT:
        assert gone(billing) == [250] * 4


def test_F10_F11_callbacks_tell_of_it_once(billing: Billing) -> None:
    """Doubled, early, late and lost; the answer was lost, too."""
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["refund"].extend([Fault.LOST_ANSWER] * 2)
        puppet.coming["callback"].extend([CallbackFault.DUPLICATE, CallbackFault.EARLY])
    ask_everybody(billing)
    billing.world.work(1000)
    assert len(facts(billing, RefundOutcomeUnknown)) == 4
    billing.world.project()
    billing.world.deliver()
    billing.world.work_callbacks(1000)
    evidence = {each.evidence for each in facts(billing, RefundSucceeded)}  # type: ignore[attr-defined]
    assert evidence == {"callback"}
    assert gone(billing) == [250] * 4


def test_cancelled_with_a_refund(billing: Billing) -> None:
    """The unused part goes back after the end."""
    for name in billing.names:
        billing.commands.cancel(name, reason="left", credit=Proration.BY_DAY, refund=True)
    asked = {each.amount.minor for each in facts(billing, RefundRequested)}  # type: ignore[attr-defined]
    billing.world.forward(timedelta(days=40))
    billing.world.project()
    billing.world.work(1000)
    assert len(asked) == 1
    assert gone(billing) == list(asked) * 4
