"""The first payment on the page that makes the token, against the simulated Dintero over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.providers import Provider
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    TokenRefused,
    TokenVaulted,
)
from domain.subscription.starting import FirstPayment
from domain.subscription.state import Status, Subscription
from infrastructure.rehearsal.oracle import compare
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.workers.crash_points import AFTER_ANSWER
from tests.specimens import terms
from tests.system.machine import Billing
from tests.system.test_tokens import facts, hear

PLAN = terms(price=Money(1000, "USD"))
RESERVED = terms(price=Money(1000, "USD"), capture=CaptureMode.AFTER_AUTHORIZATION)
BOTH = pytest.mark.parametrize("plan", [PLAN, RESERVED], ids=["at once", "reserved"])


@pytest.fixture
def newcomer(billing: Billing) -> Billing:
    """A customer of Dintero's is to pay on the page; nobody was asked yet."""
    return billing


def begun(billing: Billing, plan: Any = PLAN, *faults: Fault) -> None:
    """Somebody signs up to pay on the page, and a worker works."""
    billing.world.simulators.faults["dintero"].coming["charge"].extend(faults)
    billing.enter(Provider.DINTERO, plan, days=0, zone="UTC", on_page=True)
    worked(billing)


def worked(billing: Billing, minutes: int = 0) -> None:
    """Later, a worker works what is due by then."""
    billing.world.forward(timedelta(minutes=minutes))
    billing.world.project()
    billing.world.end_leases()
    billing.world.work(1000)
    billing.world.project()


def of(billing: Billing) -> Subscription:
    """The newcomer's subscription."""
    return billing.states()[-1]


def press(billing: Billing, *, approve: bool = True, save: bool = True) -> None:
    """The payer uses the page."""
    request = of(billing).token_request
    assert request is not None
    assert request.approve_url
    billing.world.answer_page(
        request.approve_url, request.provider, approve=approve, returns=False, save=save
    )


def made(billing: Billing, kind: type[Any]) -> list[Any]:
    """The newcomer's facts of a kind."""
    log = billing.world.system.ledger.read_log(0, 100_000)
    stream = f"subscription-{of(billing).subscription_id}"
    return [each.event for each in log if each.stream == stream and isinstance(each.event, kind)]


def equal(billing: Billing) -> bool:
    """Whether our books and the simulators' say the same."""
    world = billing.world
    urls = world.simulators.urls
    found = world.run(asyncio.to_thread(compare, world.system.ledger, urls))
    return bool(found.equal)


def test_it_is_a_choice(newcomer: Billing) -> None:
    """What was wished for is what stands on the ledger."""
    begun(newcomer)
    (attempt,) = made(newcomer, ChargeAttempted)
    request = of(newcomer).token_request
    assert request is not None
    assert (attempt.token_ref, request.first_charge) == ("", attempt.attempt_id)
    assert FirstPayment.IN_SESSION.value == "in-session"
    assert len(facts(newcomer, ChargeAttempted)) == 5


@BOTH
def test_paid_saved_and_charged_again(newcomer: Billing, plan: Any) -> None:
    """The callback tells of both; the second period is charged with the token."""
    begun(newcomer, plan)
    press(newcomer)
    hear(newcomer)
    worked(newcomer)
    assert of(newcomer).status is Status.ACTIVE
    assert of(newcomer).open_invoices == ()
    assert len(made(newcomer, ChargeSucceeded)) == len(made(newcomer, TokenVaulted)) == 1
    newcomer.world.forward(timedelta(days=32))
    newcomer.world.come_to_rest()
    first, second = made(newcomer, ChargeAttempted)
    (token,) = made(newcomer, TokenVaulted)
    assert (first.token_ref, second.token_ref) == ("", token.token_ref)
    assert equal(newcomer)
    newcomer.check()


@BOTH
@pytest.mark.parametrize("fault", list(CallbackFault))
def test_whatever_becomes_of_the_callback(
    newcomer: Billing, plan: Any, fault: CallbackFault
) -> None:
    """Once, often, early, late, forged, or never: the money is booked once, with its token."""
    newcomer.world.simulators.faults["dintero"].coming["callback"].extend([fault] * 2)
    begun(newcomer, plan)
    press(newcomer)
    hear(newcomer)
    worked(newcomer, 6)
    hear(newcomer)
    worked(newcomer)
    assert len(made(newcomer, ChargeSucceeded)) == len(made(newcomer, TokenVaulted)) == 1
    assert equal(newcomer)
    newcomer.check()


def test_paid_and_no_card_saved(newcomer: Billing) -> None:
    """Booked, and the subscription needs a token; a person sees it, and asks anew."""
    begun(newcomer)
    press(newcomer, save=False)
    hear(newcomer)
    worked(newcomer)
    (refused,) = made(newcomer, TokenRefused)
    assert refused.code == "card-not-saved"
    assert of(newcomer).status is Status.ACTIVE
    name = of(newcomer).subscription_id
    row = newcomer.world.system.views.get("due_dates", name).row
    assert row.needs_person
    newcomer.world.forward(timedelta(days=32))
    worked(newcomer)
    assert len(of(newcomer).open_invoices) == 1
    newcomer.commands.request_token(name, reason="by phone", first_payment=FirstPayment.IN_SESSION)
    worked(newcomer)
    press(newcomer)
    hear(newcomer)
    worked(newcomer)
    assert of(newcomer).open_invoices == ()
    assert of(newcomer).token is not None
    assert equal(newcomer)
    newcomer.check()


def test_turned_back_and_asked_again(newcomer: Billing) -> None:
    """Declined, nothing owed twice; the invoice is paid by the next page."""
    begun(newcomer)
    press(newcomer, approve=False)
    hear(newcomer)
    worked(newcomer)
    (declined,) = made(newcomer, ChargeDeclined)
    assert declined.code == "CANCELLED"
    assert of(newcomer).status is Status.PENDING
    newcomer.commands.request_token(
        of(newcomer).subscription_id, reason="again", first_payment=FirstPayment.IN_SESSION
    )
    worked(newcomer)
    press(newcomer)
    hear(newcomer)
    worked(newcomer)
    assert [each.attempt_number for each in made(newcomer, ChargeAttempted)] == [1, 2]
    assert of(newcomer).open_invoices == ()
    assert equal(newcomer)
    newcomer.check()


@pytest.mark.parametrize(
    "fault",
    [Fault.LOST_ANSWER, Fault.ERROR_AFTER, Fault.LATE_SUCCESS, Fault.TIME_OUT_BEFORE],
)
def test_F06_the_answer_to_the_page_was_lost(newcomer: Billing, fault: Fault) -> None:
    """In doubt; one session at the provider at a time, and the payer pays once."""
    newcomer.world.simulators.faults["dintero"].late_s = 60
    begun(newcomer, PLAN, fault)
    assert len(made(newcomer, ChargeOutcomeUnknown)) == 1
    for minutes in (2, 6, 60, 10):
        request = of(newcomer).token_request
        if request is not None and request.approve_url:
            break
        worked(newcomer, minutes)
    press(newcomer)
    hear(newcomer)
    worked(newcomer)
    made_anew = fault is Fault.TIME_OUT_BEFORE
    assert len(made(newcomer, ChargeAttempted)) == 1 + made_anew
    assert len(made(newcomer, ChargeNotMade)) == made_anew
    assert len(made(newcomer, ChargeSucceeded)) == 1
    assert equal(newcomer)
    newcomer.check()


def test_a_worker_dies_with_the_answer_in_its_hand(newcomer: Billing) -> None:
    """Its page is looked for and offered; there is one."""
    newcomer.enter(Provider.DINTERO, PLAN, days=0, zone="UTC", on_page=True)
    newcomer.world.project()
    newcomer.world.work(1, death=(AFTER_ANSWER, 1))
    assert of(newcomer).token_request.provider_ref == ""  # type: ignore[union-attr]
    worked(newcomer)
    press(newcomer)
    hear(newcomer)
    worked(newcomer)
    assert len(made(newcomer, ChargeAttempted)) == len(made(newcomer, ChargeSucceeded)) == 1
    assert equal(newcomer)
    newcomer.check()


def test_another_amount_and_a_late_success(newcomer: Billing) -> None:
    """Booked as they came, and shown."""
    begun(newcomer, PLAN, Fault.WRONG_AMOUNT)
    press(newcomer)
    hear(newcomer)
    (paid,) = made(newcomer, ChargeSucceeded)
    assert paid.amount == Money(999, "USD")
    assert of(newcomer).unresolved
    assert equal(newcomer)
    newcomer.check()


def test_a_page_that_nobody_used(newcomer: Billing) -> None:
    """After its end the charge was not made; the invoice stays open, and nobody is charged."""
    begun(newcomer)
    for hours in (1, 24, 24, 24, 24):
        worked(newcomer, 60 * hours)
    assert len(made(newcomer, ChargeNotMade)) == 1
    assert of(newcomer).token_request is None
    assert of(newcomer).status is Status.PENDING
    assert len(of(newcomer).open_invoices) == 1
    assert made(newcomer, ChargeFoundLate) == []
    newcomer.check()


def test_cancelled_while_the_page_is_open(newcomer: Billing) -> None:
    """What the payer pays there all the same is booked, or let go where it was only reserved."""
    checks: list[Callable[[], bool]] = []
    for plan in (PLAN, RESERVED):
        begun(newcomer, plan)
        page = of(newcomer).token_request
        assert page is not None
        newcomer.commands.cancel(of(newcomer).subscription_id, reason="left")
        newcomer.world.answer_page(page.approve_url, page.provider, approve=True, returns=False)
        hear(newcomer)
        worked(newcomer, 6)
        checks.append(lambda: equal(newcomer))
    newcomer.world.come_to_rest()
    assert all(check() for check in checks)
    assert len(made(newcomer, ChargeSucceeded)) == 0
    newcomer.check()
