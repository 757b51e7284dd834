"""Refunds against both simulators over HTTP: each goes back once, whatever is lost on the way."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.money import Money
from domain.plan import Proration
from domain.subscription.events import Resolution
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundFailed,
    RefundFoundLate,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from infrastructure.audit import audit_books
from infrastructure.rehearsal.oracle import Comparison, compare
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.workers.crash_points import AFTER_ANSWER, AFTER_INTENT, AFTER_OUTCOME
from tests.system.machine import Billing
from tests.system.puppets import REACHED

BACK = Money(250, "USD")
# What leaves the money where it was, for a while at least.
NOT_GONE = {
    Fault.FAILED_THEN_MADE,
    Fault.SOFT_DECLINE,
    Fault.HARD_DECLINE,
    Fault.PAYER_ACTION,
    Fault.PENDING_FAILS,
}


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
        made = len(facts(billing, RefundSucceeded)) + len(facts(billing, RefundFoundLate))
        assert len(gone(billing)) == made
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


def struck(billing: Billing, fault: Fault, late_s: float) -> None:
    """Each of the four refunds meets it."""
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["refund"].extend([fault] * 2)
        puppet.late_s = late_s


def found(billing: Billing, span: timedelta) -> None:
    """So much later the providers' callbacks are worked."""
    billing.world.forward(span)
    billing.world.deliver()
    billing.world.work_callbacks(1000)
    billing.world.project()


def codes(billing: Billing) -> set[str]:
    """What the product's own audit finds."""
    system = billing.world.system
    report = audit_books(system.books.connect, system.books.schema, system.ledger)
    assert not report.differences
    return {each.code for each in report.facts.findings}


def test_F06_what_failed_and_was_made_after_all_is_found_by_its_callback(billing: Billing) -> None:
    """Both providers say that it failed, and make it an hour later: the 2.50 that had become credit
    again have gone, and our books are theirs."""
    struck(billing, Fault.FAILED_THEN_MADE, 3600)
    ask_everybody(billing)
    billing.world.work(1000)
    assert len(facts(billing, RefundFailed)) == 4
    assert gone(billing) == []
    found(billing, timedelta(minutes=61))
    assert gone(billing) == [250] * 4
    late = facts(billing, RefundFoundLate)
    assert [(each.amount, each.evidence) for each in late] == [(BACK, "callback")] * 4  # type: ignore[attr-defined]
    assert all(not state.credits for state in billing.states())
    assert all(state.unresolved_refunds for state in billing.states())
    assert compared_with_theirs(billing).equal
    assert codes(billing) == set()


def test_F07_what_was_not_made_and_was_made_after_all_is_found_by_its_callback(
    billing: Billing,
) -> None:
    """A 503, nothing to be seen for a day; carried out after two. Dintero shows that it was begun,
    so there it stays a doubt."""
    struck(billing, Fault.LATE_SUCCESS, 48 * 3600)
    ask_everybody(billing)
    billing.world.work(1000)
    for span in (timedelta(minutes=6), timedelta(hours=1), timedelta(hours=25)):
        billing.world.forward(span)
        billing.world.project()
        billing.world.work(1000)
    codes_of_failures = [each.code for each in facts(billing, RefundFailed)]  # type: ignore[attr-defined]
    assert codes_of_failures == ["NOT-MADE"] * 2
    found(billing, timedelta(hours=24))
    assert gone(billing) == [250] * 4
    assert len(facts(billing, RefundFoundLate)) == 2
    assert len(facts(billing, RefundSucceeded)) == 2
    assert compared_with_theirs(billing).equal


def test_F41_a_second_refund_made_meanwhile_is_listed_until_a_person_has_looked(
    billing: Billing,
) -> None:
    """10.00 of 10.00 went back twice: the audit says so, nothing is hidden, nothing is below zero;
    somebody gives the 10.00 up."""
    struck(billing, Fault.FAILED_THEN_MADE, 3600)
    for _ in range(2):
        for name in billing.names:
            billing.commands.refund(name, Money(1000, "USD"), grant=True, reason="outage")
        billing.world.project()
        billing.world.work(1000)
    found(billing, timedelta(minutes=61))
    assert gone(billing) == [1000] * 8
    assert codes(billing) == {"refund-not-covered", "refunded-above-captured"}
    view = billing.world.system.views
    rows = view.select("balances", {}, limit=10).rows.values()
    assert [(row.open, row.credit, row.refunded) for row in rows] == [(1000, 0, 2000)] * 4
    for state in billing.states():
        (late,) = state.unresolved_refunds
        billing.commands.resolve_discrepancy(
            state.subscription_id, late.refund_id, Resolution.ACCEPTED, reason="goodwill"
        )
    billing.world.project()
    assert codes(billing) == set()
    rows = view.select("balances", {}, limit=10).rows.values()
    assert [(row.open, row.written_off) for row in rows] == [(0, 1000)] * 4


def test_F13_a_callback_about_a_refund_that_failed_for_good_changes_nothing(
    billing: Billing,
) -> None:
    """It makes us look, and there is nothing to see."""
    struck(billing, Fault.PENDING_FAILS, 60)
    ask_everybody(billing)
    billing.world.work(1000)
    found(billing, timedelta(minutes=2))
    billing.world.forward(timedelta(minutes=6))
    billing.world.project()
    billing.world.work(1000)
    assert len(facts(billing, RefundFailed)) == 4
    found(billing, timedelta(minutes=6))
    assert facts(billing, RefundFoundLate) == []
    assert codes(billing) == set()
