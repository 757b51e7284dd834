"""Disputes against the simulator over HTTP: one dispute, one reversal, whatever callbacks do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.providers import Provider
from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeOpened,
)
from domain.subscription.events import ChargeSucceeded
from infrastructure.rehearsal.oracle import Comparison, compare
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.workers.crash_points import AFTER_ANSWER, AFTER_OUTCOME, CALLBACK_TAKEN
from tests.specimens import terms
from tests.system.machine import Billing

PRICE = Money(1000, "USD")


@pytest.fixture
def billing(machine: type[Billing]) -> Iterator[Billing]:
    """Two customers of PayPal, 10.00 USD a month; the first month is paid."""
    made = machine()
    try:
        agreed = terms(price=PRICE, capture=CaptureMode.AT_ONCE)
        made.open_with_customers([(Provider.PAYPAL, agreed)] * 2)
        made.world.work(1000)
        made.world.come_to_rest()
        yield made
    finally:
        made.teardown()


def control(billing: Billing, path: str, **body: Any) -> dict[str, Any]:
    """A control endpoint of the PayPal simulator."""

    async def post() -> dict[str, Any]:
        url = billing.world.simulators.urls["paypal"]
        async with httpx.AsyncClient(base_url=url, verify=False) as http:
            answer = await http.post(path, json=body)
            assert answer.status_code < 300, answer.text
            return dict(answer.json())

    return billing.world.run(post())


def facts(billing: Billing, kind: type) -> list[Any]:
    """All facts of a kind."""
    log = billing.world.system.ledger.read_log(0, 100_000)
    return [each.event for each in log if isinstance(each.event, kind)]


def first_charge(billing: Billing) -> str:
    """PayPal's id of the first charge."""
    ref: str = facts(billing, ChargeSucceeded)[0].provider_ref
    return ref


def heard(billing: Billing, **named: Any) -> None:
    """What PayPal says arrives, and is worked."""
    billing.world.deliver()
    billing.world.project()
    billing.world.work_callbacks(100, **named)
    billing.world.project()


def settled(billing: Billing) -> None:
    """All callbacks are worked, however often it takes."""
    for _ in range(4):
        billing.world.end_leases()
        heard(billing)


def compared(billing: Billing) -> Comparison:
    """Our facts against the simulators' books."""
    ledger, urls = billing.world.system.ledger, billing.world.simulators.urls
    return billing.world.run(asyncio.to_thread(compare, ledger, urls))


def lose(billing: Billing, **body: Any) -> str:
    """A dispute about the first charge, from its opening to its loss; its id."""
    shown = control(billing, "/_disputes", capture_id=first_charge(billing), **body)
    ref = str(shown["dispute_id"])
    heard(billing)
    control(billing, f"/_disputes/{ref}", stage="CHARGEBACK", status="UNDER_REVIEW")
    heard(billing)
    control(billing, f"/_disputes/{ref}", outcome="RESOLVED_BUYER_FAVOUR")
    return ref


def test_from_the_opening_to_the_loss(billing: Billing) -> None:
    """Each step is a fact; 10.00 are owed again, and our books are theirs."""
    lose(billing)
    settled(billing)
    kinds = (DisputeOpened, DisputeAdvanced, DisputeClosed, ChargeReversed)
    assert [len(facts(billing, each)) for each in kinds] == [1, 1, 1, 1]
    (invoice,) = (each for state in billing.states() for each in state.open_invoices)
    assert (invoice.open, invoice.ended) == (PRICE, "reversed")
    found = compared(billing)
    assert found.equal
    assert found.reversals == {"USD": (1, 1000)}
    billing.check()


@pytest.mark.parametrize(
    "fault", [CallbackFault.DUPLICATE, CallbackFault.LATE, CallbackFault.FORGED, None]
)
def test_F10_F11_callbacks_in_any_way(billing: Billing, fault: CallbackFault | None) -> None:
    """Doubled, late, forged beside the true one; all of them at the end: one dispute, one
    reversal."""
    puppet = billing.world.simulators.faults["paypal"]
    if fault is not None:
        puppet.coming["callback"].extend([fault] * 4)
    shown = control(billing, "/_disputes", capture_id=first_charge(billing))
    control(billing, f"/_disputes/{shown['dispute_id']}", outcome="RESOLVED_BUYER_FAVOUR")
    billing.world.forward(timedelta(minutes=10))
    settled(billing)
    billing.world.come_to_rest()
    assert len(facts(billing, DisputeOpened)) == 1
    assert len(facts(billing, DisputeClosed)) == 1
    assert [each.amount for each in facts(billing, ChargeReversed)] == [PRICE]
    assert compared(billing).equal


@pytest.mark.parametrize("point", [CALLBACK_TAKEN, AFTER_ANSWER, AFTER_OUTCOME])
def test_a_worker_that_dies_on_the_way(billing: Billing, point: str) -> None:
    """Somebody else takes the callback again: one dispute, one reversal."""
    lose(billing)
    heard(billing, death=(point, 1))
    settled(billing)
    assert [each.amount for each in facts(billing, ChargeReversed)] == [PRICE]
    assert len(facts(billing, DisputeClosed)) == 1
    assert compared(billing).equal


def test_a_look_that_is_not_answered_is_made_again(billing: Billing) -> None:
    """No look is planned for a dispute: the callback waits until PayPal answers."""
    shown = control(billing, "/_disputes", capture_id=first_charge(billing))
    ref = shown["dispute_id"]
    gateway = billing.world.gateways["paypal", "main"]
    inner, answers = gateway.inner, [0]

    class Away:
        """Answers nothing at first."""

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

        async def look_up_dispute(self, dispute_ref: str) -> Any:
            from domain.ports import Unknown

            answers[0] += 1
            if answers[0] == 1:
                return Unknown(reason="HTTP 503")
            return await inner.look_up_dispute(dispute_ref)

    gateway.inner = Away()  # type: ignore[assignment]
    heard(billing)
    assert facts(billing, DisputeOpened) == []
    settled(billing)
    assert [each.dispute_ref for each in facts(billing, DisputeOpened)] == [ref]


def test_billing_goes_on_and_is_collected_once_it_is_won(billing: Billing) -> None:
    """The next month is billed, and waits; won, it is charged by itself."""
    shown = control(billing, "/_disputes", capture_id=first_charge(billing))
    heard(billing)
    billing.world.forward(timedelta(days=32))
    billing.world.come_to_rest()
    disputed = next(state for state in billing.states() if state.open_disputes)
    waiting = [each.number for each in disputed.open_invoices]
    assert 2 in waiting
    assert all(each.attempts == 0 for each in disputed.open_invoices)
    control(billing, f"/_disputes/{shown['dispute_id']}", outcome="RESOLVED_SELLER_FAVOUR")
    settled(billing)
    billing.world.come_to_rest()
    assert all(not state.open_invoices for state in billing.states())
    assert compared(billing).equal


def test_F12_F16_what_belongs_to_no_charge_of_ours(billing: Billing) -> None:
    """It waits for the capture's fact; after ten minutes a person looks. Nothing is booked."""
    inbox, now = billing.world.system.inbox, billing.world.clock()
    named = {
        "provider": "paypal",
        "account": "main",
        "reference": "",
        "token_request_ref": "",
        "headers": {},
        "body": b"{}",
        "received_at": now,
    }
    inbox.store(
        delivery_id="W-1",
        event_type="CUSTOMER.DISPUTE.CREATED",
        dispute_ref="PP-9",
        charge_ref="UNKNOWN9",
        **named,  # type: ignore[arg-type]
    )
    # A reversal that does not say how much, of a charge of ours.
    inbox.store(
        delivery_id="W-2",
        event_type="PAYMENT.CAPTURE.REVERSED",
        charge_ref=first_charge(billing),
        **named,  # type: ignore[arg-type]
    )
    settled(billing)
    assert (inbox.pending(), inbox.quarantined(now)) == (2, [])
    billing.world.forward(timedelta(minutes=11))
    settled(billing)
    assert inbox.pending() == 0
    assert sorted(each.received.delivery_id for each in inbox.quarantined(now)) == ["W-1", "W-2"]
    assert facts(billing, DisputeOpened) == facts(billing, ChargeReversed) == []


def test_another_account_cannot_vouch_for_it(billing: Billing) -> None:
    """A reversal that came to Dintero's door about a charge of PayPal's is set aside."""
    from domain.ports import Reversal

    inbox, now = billing.world.system.inbox, billing.world.clock()
    ref = first_charge(billing)
    inbox.store(
        provider="dintero",
        account="main",
        delivery_id="W-3",
        event_type="PAYMENT.CAPTURE.REVERSED",
        reference="",
        token_request_ref="",
        headers={},
        body=b"{}",
        received_at=now,
        charge_ref=ref,
        reversal=Reversal(charge_ref=ref, amount=PRICE, provider_ref="R1", at=now),
    )
    settled(billing)
    (aside,) = inbox.quarantined(now)
    assert (aside.received.delivery_id, aside.reason) == ("W-3", "about another account's business")
    assert facts(billing, ChargeReversed) == []


def test_F41_a_refund_on_its_way_closes_it(billing: Billing) -> None:
    """All of it is sent back, the answer is lost, the payer disputes, PayPal closes: one refund, no
    reversal."""
    name = billing.names[0]
    billing.commands.refund(name, PRICE, grant=True, reason="sorry")
    billing.world.project()
    puppet = billing.world.simulators.faults["paypal"]
    puppet.coming["refund"].extend([Fault.LATE_SUCCESS])
    (state,) = (each for each in billing.states() if each.subscription_id == name)
    control(billing, "/_disputes", capture_id=state.collected[0].provider_ref)
    billing.world.work(100)
    billing.world.forward(timedelta(minutes=5))
    settled(billing)
    billing.world.come_to_rest()
    assert facts(billing, ChargeReversed) == []
    assert [each.outcome.value for each in facts(billing, DisputeClosed)] == ["LOST"]
    found = compared(billing)
    assert found.equal
    assert found.refunds == {"USD": (1, 1000)}
    billing.check()
