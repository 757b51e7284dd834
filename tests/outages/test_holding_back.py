"""What a worker holds back while an account is out of order, and what it hears from others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from domain.processes.next_step import next_step
from domain.processes.steps import Record
from domain.providers import Provider
from domain.subscription.events import ChargeAttempted, InvoiceIssued
from domain.subscription.vaulting import Elsewhere, ask_payer
from infrastructure.gateways.circuit import Circuit
from infrastructure.gateways.exchange import Call, NoAnswer, Reply
from infrastructure.gateways.guarded import GuardedGateway
from infrastructure.store.circuits import OpenCircuit
from infrastructure.store.inbox import Received
from infrastructure.store.ledger import Loaded
from infrastructure.workers.callback_worker import _is_foreign
from infrastructure.workers.outage_watch import OutageWatch
from infrastructure.workers.outages import account_of, hold_back_s, without_new
from tests.specimens import (
    DUE,
    SIGNED_UP,
    TIME_OUT,
    ZONE_VERSION,
    approval_offered,
    requested,
    signed_up,
    started,
)
from tests.vocabulary import Play, play

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
POST = Call(method="POST", path="/x", template="/x")


class Silent:
    """A provider that shows nothing."""

    async def complete_token(self, query: Any) -> None:
        return None


def guard(*, broken: bool) -> GuardedGateway:
    inner: Any = Silent()
    circuit = Circuit("paypal", "main", now=lambda: NOON)
    for _ in range(5 if broken else 0):
        circuit.saw(POST, NoAnswer(reason="HTTP 503", status=503))
    return GuardedGateway(inner, circuit, concurrency=4)


def billing_step() -> tuple[Play, Record]:
    run = play(*signed_up())
    step = next_step(run.state, now=DUE, taken_before=False, zone_version=ZONE_VERSION)
    assert isinstance(step, Record)
    return run, step


def test_what_is_due_is_billed_and_not_attempted() -> None:
    """The invoice is issued, it is owed; the attempt waits."""
    run, step = billing_step()
    assert account_of(run.state, step) == (("paypal", "main"), str(step.events[-1].attempt_id))
    guards = {("paypal", "main"): guard(broken=True)}
    assert asyncio.run(hold_back_s(guards, run.state, step)) is not None
    kept = without_new(step)
    assert [type(each) for each in kept.events] == [InvoiceIssued]
    assert [type(each) for each in step.events] == [InvoiceIssued, ChargeAttempted]


def test_nothing_is_held_back_where_all_is_well() -> None:
    """Nor for another account's outage."""
    run, step = billing_step()
    for guards in (
        {("paypal", "main"): guard(broken=False)},
        {("paypal", "second"): guard(broken=True), ("dintero", "main"): guard(broken=True)},
    ):
        assert asyncio.run(hold_back_s(guards, run.state, step)) is None


def test_a_request_is_not_given_up_while_nobody_can_answer() -> None:
    """Its key's window has ended; another key would not be answered either."""
    run = play(started(), requested())
    late = SIGNED_UP + timedelta(hours=3)
    step = next_step(run.state, now=late, taken_before=False, zone_version=ZONE_VERSION)
    assert isinstance(step, Record)
    guards = {("paypal", "main"): guard(broken=True)}
    assert asyncio.run(hold_back_s(guards, run.state, step)) is not None
    assert without_new(step).events == ()


def test_a_request_elsewhere_waits_for_that_account() -> None:
    """Not for the one that is charged now."""
    run = play(*signed_up())
    where = Elsewhere(Provider.DINTERO, "second")
    run.decide(ask_payer, backup=False, reason="moves", now=SIGNED_UP, where=where)
    late = SIGNED_UP + timedelta(hours=3)
    step = next_step(run.state, now=late, taken_before=False, zone_version=ZONE_VERSION)
    assert isinstance(step, Record)
    found = account_of(run.state, step)
    assert found is not None
    assert found[0] == ("dintero", "second")


# --- what processes tell each other -----------------------------------------------------------


@attrs.define
class Table:
    """Stands for the table of open circuits."""

    rows: dict[str, list[OpenCircuit]] = attrs.field(factory=dict)
    writes: int = 0

    def write(self, process: str, opened: list[OpenCircuit]) -> None:
        self.rows[process] = list(opened)
        self.writes += 1

    def read(self) -> list[OpenCircuit]:
        return [each for rows in self.rows.values() for each in rows]


def test_others_hear_of_it_once() -> None:
    """They probe before they send; an outage that they found over is not believed again."""
    table: Any = Table()
    ours, theirs = guard(broken=True), guard(broken=False)
    one = OutageWatch({("paypal", "main"): ours}, table, "host:1")
    other = OutageWatch({("paypal", "main"): theirs}, table, "host:2")

    async def rounds() -> None:
        await one.look()
        await other.look()
        assert theirs.circuit.outage is not None
        assert theirs.circuit.outage.next_probe_at == NOON, "a probe is due at once"
        theirs.circuit.saw(POST, Reply(status=200, data={}, headers={}))
        await other.look()
        assert theirs.circuit.outage is None
        assert table.rows["host:2"] == []
        writes = table.writes
        await other.look()
        assert table.writes == writes, "nothing changed, nothing is written"
        ours.circuit.saw(POST, Reply(status=200, data={}, headers={}))
        await one.look()
        assert table.read() == []

    asyncio.run(rounds())


def test_a_process_believes_the_one_that_had_its_name() -> None:
    """Started again in a container, it has the same name and number."""
    table: Any = Table()
    asyncio.run(OutageWatch({("paypal", "main"): guard(broken=True)}, table, "host:1").look())
    again = guard(broken=False)
    asyncio.run(OutageWatch({("paypal", "main"): again}, table, "host:1").look())
    assert again.circuit.outage is not None
    assert len(table.read()) == 1


# --- whose callback ---------------------------------------------------------------------------


def callback(account: str, **about: str) -> Received:
    return Received(
        id=1,
        provider="paypal",
        account=account,
        delivery_id="d",
        event_type="x",
        headers={},
        received_at=DUE,
        **{"reference": "", "token_request_ref": "", **about},
    )


def loaded(run: Play) -> Loaded[Any]:
    return Loaded(stream="subscription-s-1", state=run.state, version=len(run.facts))


def test_F15_a_callback_that_came_to_another_account_is_foreign() -> None:
    """One account's secret does not vouch for another's charges and tokens."""
    run = play(*signed_up())
    run.at(DUE, TIME_OUT)
    reference = run.of(ChargeAttempted)[0].reference
    assert not _is_foreign(loaded(run), callback("main", reference=reference), {})
    assert _is_foreign(loaded(run), callback("second", reference=reference), {})
    asked = play(started(), requested(), approval_offered())
    ref = approval_offered().provider_ref
    assert not _is_foreign(loaded(asked), callback("main", token_request_ref=ref), {})
    assert _is_foreign(loaded(asked), callback("second", token_request_ref=ref), {})
    assert not _is_foreign(loaded(asked), callback("second", reference="nobody-1-1-0123456789"), {})
