"""What the state machine does by plan with money that is reserved, and not captured yet."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid5

from domain.identity import stream_of
from domain.money import Money
from domain.plan import CaptureMode, Kind
from domain.recorded import Stamp
from domain.subscription.events import CreditApplied
from domain.subscription.state import Status, Subscription
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.store.ledger import Append, Appended
from tests.specimens import NAMESPACE
from tests.system.machine import Billing
from tests.system.puppets import REACHED


def have_reservations(billing: Billing) -> None:
    """Of customers who are charged when they ask, by reservation: one of three waits for days
    for the capture; nobody knows of the others' money, and they leave, but one, of whom credit
    pays a part. The first voids and renewals are lost on the way there, or back."""
    puppets = billing.world.simulators.faults.values()
    asking = [s for s in billing.states() if reserves_on_demand(s)]
    for place, state in enumerate(asking):
        patient = place % 3 == 0
        for puppet in puppets:
            puppet.coming["capture" if patient else "charge"].append(
                Fault.RATE_LIMITED if patient else Fault.LOST_ANSWER
            )
            puppet.coming["callback"].append(CallbackFault.LOST)
        billing.wish_something(billing.names.index(state.subscription_id), "demand")
        billing.world.project()
        billing.world.work(100)
        for puppet in puppets:
            for operation in ("capture", "charge", "callback"):
                puppet.coming[operation].clear()
        if place == 1:
            pay_by_credit(billing, state.subscription_id, Money(200, "USD"))
        elif not patient:
            billing.wish_something(billing.names.index(state.subscription_id), "leave")
    for puppet in puppets:
        puppet.coming["void"].extend([Fault.LOST_ANSWER, Fault.ERROR_BEFORE])
        puppet.coming["reauthorize"].extend([Fault.LOST_ANSWER, Fault.ERROR_BEFORE])
    for span in (timedelta(days=4), timedelta(hours=1), timedelta(days=1, hours=2)):
        for wait in (span, *[timedelta(minutes=6)] * 2):
            billing.world.forward(wait)
            billing.world.project()
            billing.world.work(1000)
            billing.check()
        billing.world.deliver()
        billing.world.work_callbacks(1000)
        billing.check()
    for puppet in puppets:
        puppet.coming["void"].clear()
        puppet.coming["reauthorize"].clear()


def pay_by_credit(billing: Billing, name: str, amount: Money) -> None:
    """Credit comes for the oldest open invoice, of which nothing was captured yet."""
    system, now = billing.world.system, billing.world.clock.now
    billing.commands.grant_credit(name, amount, reason="sorry")
    state, _ = billing.commands.find(name)
    stream = stream_of(name)
    paid = CreditApplied(
        customer_id=state.customer_id,
        credit_number=state.credits[0].credit_number,
        invoice_number=state.open_invoices[0].number,
        amount=amount,
        effective_at=now,
    )
    version = system.ledger.load([stream])[stream].version
    stamp = Stamp(actor="machine", cause="command:credit", command_id=uuid5(NAMESPACE, name))
    (done,) = system.ledger.append([Append(stream, version, (paid,), stamp)], now=now)
    assert isinstance(done, Appended)
    REACHED["credit pays a part"] += 1


def reserves_on_demand(state: Subscription) -> bool:
    """Whether it is charged when somebody asks, and its money is reserved first."""
    agreed = state.terms
    on_demand = agreed.kind is Kind.UNSCHEDULED and state.status is Status.ACTIVE
    return on_demand and agreed.capture is CaptureMode.AFTER_AUTHORIZATION
