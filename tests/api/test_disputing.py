"""Disputes and reversals over HTTP. 31.00 USD a month from 1 January 2025 in Oslo; it is 11
January, and January is paid."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from domain.dispute_ports import DisputeSeen
from domain.identity import stream_of
from domain.money import Money
from domain.recorded import Stamp
from domain.subscription.dispute_events import ChargeReversed, DisputeOutcome
from domain.subscription.disputing import dispute_seen
from infrastructure.bootstrap import System
from infrastructure.store.ledger import Append
from tests.api.billing import JAN_11, S1, facts_of, read, running, state_of, usd
from tests.api.conftest import Client
from tests.api.requests import post, problem
from tests.systems import project

WHY = {"reason": "settlement 12"}


def seen(system: System, outcome: DisputeOutcome | None = None, minor: int = 0) -> None:
    """The provider shows a dispute about January's charge."""
    state = state_of(system)
    shown = DisputeSeen(
        dispute_ref="PP-1",
        charge_ref=state.collected[0].provider_ref,
        amount=Money(3100, "USD"),
        reason="DUPLICATE_TRANSACTION",
        stage="INQUIRY",
        status="OPEN",
        outcome=outcome,
        provider_outcome="" if outcome is None else outcome.value,
        returned=Money(minor, "USD"),
        opened_at=JAN_11,
        at=JAN_11,
    )
    facts = dispute_seen(state, shown, evidence="callback", now=JAN_11)
    stream = stream_of("s-1")
    version = system.ledger.load([stream])[stream].version
    stamp = Stamp(actor="worker", cause="callback:1", command_id=uuid4())
    system.ledger.append([Append(stream, version, facts, stamp)], now=JAN_11)
    project(system)


def route(system: System) -> str:
    """Where a reversal of January's charge is said."""
    project(system)
    return f"/v1/attempts/{state_of(system).collected[0].attempt_id}/reversal"


def test_a_dispute_is_listed_and_shown(client: Client, system: System) -> None:
    """Open, then lost: in the list, at the subscription, the charge and the balance."""
    running(system)
    seen(system)
    (dispute,) = client.get("/v1/disputes", params={"open_only": True}).json()["items"]
    assert (dispute["dispute_ref"], dispute["outcome"]) == ("PP-1", None)
    assert [each["dispute_ref"] for each in read(client)["disputes"]] == ["PP-1"]
    assert any(each["kind"] == "dispute" for each in read(client)["agenda"])
    (charge,) = client.get("/v1/charges", params={"status": "disputed"}).json()["items"]
    assert charge["disputes"] == ["PP-1"]
    seen(system, DisputeOutcome.LOST, 3100)
    assert client.get("/v1/disputes", params={"open_only": True}).json()["items"] == []
    (dispute,) = client.get("/v1/disputes", params={"customer_id": "c-1"}).json()["items"]
    assert (dispute["outcome"], dispute["returned"]) == ("LOST", usd(3100))
    (charge,) = client.get("/v1/charges", params={"status": "reversed"}).json()["items"]
    assert charge["reversed"] == usd(3100)
    (balance,) = client.get("/v1/balances/c-1").json()["items"]
    assert (balance["reversed"], balance["open"], balance["paid"]) == (
        usd(3100),
        usd(3100),
        usd(3100),
    )


def test_a_refund_of_what_is_disputed_is_refused(client: Client, system: System) -> None:
    """F41: with its code."""
    running(system)
    seen(system)
    body = {"amount": usd(100), "grant": True, "reason": "sorry"}
    assert problem(post(client, f"{S1}/refunds", body)) == (409, "charge-disputed")


def test_a_person_says_what_was_taken_back(client: Client, system: System) -> None:
    """One key is one reversal; with the provider's id so is another key."""
    running(system)
    body = {"amount": usd(500), **WHY}
    first, again = (post(client, route(system), body, key="r") for _ in range(2))
    assert first.status_code == 201
    assert first.json() == again.json()
    assert len(facts_of(system, ChargeReversed)) == 1
    named = {**body, "provider_ref": "X-9"}
    assert [post(client, route(system), named).json()["changed"] for _ in range(2)] == [True, False]
    assert [each.amount.minor for each in facts_of(system, ChargeReversed)] == [500, 500]
    (invoice,) = read(client)["open_invoices"]
    assert (invoice["reversed"], invoice["ended"]) == (usd(1000), "reversed")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": usd(0), **WHY}, 422, "reversal-not-positive"),
        ({"amount": usd(3101), **WHY}, 409, "reversal-above-captured"),
        ({"amount": {"minor": 1, "currency": "NOK"}, **WHY}, 422, "currency-mixed"),
        ({"amount": usd(1), "reason": ""}, 422, "reason-malformed"),
        ({"amount": usd(1), "provider_ref": "é", **WHY}, 422, "provider-ref-malformed"),
        ({"amount": usd(1), "more": 1, **WHY}, 400, "request-malformed"),
        (WHY, 400, "request-malformed"),
    ],
)
def test_what_is_refused_writes_nothing(
    client: Client, system: System, body: dict[str, Any], status: int, code: str
) -> None:
    """F36, F41: with its code."""
    running(system)
    where, head = route(system), system.ledger.head()
    assert problem(post(client, where, body)) == (status, code)
    assert system.ledger.head() == head


def test_an_attempt_that_is_not_there(client: Client, system: System) -> None:
    """Nor one that brought nothing in."""
    running(system)
    project(system)
    body = {"amount": usd(1), **WHY}
    unknown = post(client, f"/v1/attempts/{uuid4()}/reversal", body)
    assert problem(unknown) == (404, "attempt-unknown")
