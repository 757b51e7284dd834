"""Refunds over HTTP. 31.00 USD a month from 1 January 2025 in Oslo; it is 11 January, and January
is paid."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from domain.subscription.events import CreditGranted, InvoiceIssued
from domain.subscription.refund_events import RefundRequested, RefundSucceeded
from infrastructure.bootstrap import System
from tests.api.billing import (
    FEB_1,
    JAN_1,
    JAN_11,
    S1,
    at,
    facts_of,
    find_late,
    music,
    read,
    running,
    state_of,
    taken,
    usd,
    work,
)
from tests.api.conftest import Client
from tests.api.questions import ask, stored
from tests.api.requests import post, problem
from tests.replies import Reply
from tests.specimens import signed_up
from tests.systems import project, write

WHY = {"reason": "outage"}
REFUNDS = f"{S1}/refunds"
GRANTED = {"amount": usd(1000), "grant": True, **WHY}


def listed(client: Client, system: System, **asked: str) -> list[dict[str, Any]]:
    """The refunds as the API lists them."""
    project(system)
    items: list[dict[str, Any]] = client.get("/v1/refunds", params=asked).json()["items"]
    return items


def test_goodwill_goes_back(client: Client, system: System) -> None:
    """Asked for, sent, gone; shown in the list, the balance and the charge."""
    running(system)
    assert post(client, REFUNDS, GRANTED).json()["changed"] is True
    (waiting,) = read(client)["refunds"]
    assert (waiting["amount"], waiting["attempted_at"]) == (usd(1000), None)
    assert [each["status"] for each in listed(client, system)] == ["requested"]
    (balance,) = client.get("/v1/balances/c-1").json()["items"]
    assert (balance["refunding"], balance["refunded"]) == (usd(1000), usd(0))
    work(system)
    (refund,) = listed(client, system, subscription_id="s-1", status="succeeded")
    assert (refund["given_back"], refund["reason"]) == (usd(1000), "outage")
    (balance,) = client.get("/v1/balances/c-1").json()["items"]
    assert (balance["refunding"], balance["refunded"]) == (usd(0), usd(1000))
    (charge,) = client.get("/v1/charges").json()["items"]
    assert (charge["received"], charge["refunded"]) == (usd(3100), usd(1000))
    assert listed(client, system, customer_id="c-2") == []


def test_one_key_is_one_refund(client: Client, system: System) -> None:
    """The same key gets the same answer; another key is another refund."""
    running(system)
    first, again = (post(client, REFUNDS, GRANTED, key="r") for _ in range(2))
    assert first.json() == again.json()
    assert len(facts_of(system, RefundRequested)) == 1
    other = post(client, REFUNDS, {**GRANTED, "amount": usd(999)}, key="r")
    assert problem(other) == (422, "idempotency-key-reused")
    assert post(client, REFUNDS, GRANTED).status_code == 201
    assert len(facts_of(system, RefundRequested)) == 2


def test_all_credit_goes_back_through_a_named_charge(client: Client, system: System) -> None:
    """5.00 of credit."""
    running(system)
    post(client, f"{S1}/credits", {"amount": usd(500), "reason": "sorry"})
    attempt = str(state_of(system).collected[0].attempt_id)
    assert post(client, REFUNDS, {"attempt_id": attempt, **WHY}).status_code == 201
    assert [each.amount.minor for each in facts_of(system, RefundRequested)] == [500]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (WHY, 409, "nothing-to-refund"),
        ({"amount": usd(1), **WHY}, 409, "credit-too-small"),
        ({"amount": usd(3101), "grant": True, **WHY}, 409, "refund-too-large"),
        ({"amount": usd(0), "grant": True, **WHY}, 422, "refund-not-positive"),
        ({"amount": {"minor": 1, "currency": "NOK"}, **WHY}, 422, "currency-mixed"),
        ({**GRANTED, "reason": ""}, 422, "reason-malformed"),
        ({**GRANTED, "attempt_id": str(uuid4())}, 409, "charge-not-refundable"),
        ({**GRANTED, "attempt_id": "x"}, 400, "request-malformed"),
        ({**GRANTED, "more": 1}, 400, "request-malformed"),
        ({"amount": {"minor": 1.5, "currency": "USD"}, **WHY}, 400, "request-malformed"),
    ],
)
def test_what_is_refused_writes_nothing(
    client: Client, system: System, body: dict[str, Any], status: int, code: str
) -> None:
    """F36, F41: with its code."""
    running(system)
    head = system.ledger.head()
    assert problem(post(client, REFUNDS, body)) == (status, code)
    assert system.ledger.head() == head


def test_an_open_invoice_comes_first(client: Client, system: System) -> None:
    """February is declined: nothing goes back of January."""
    running(system)
    at(system, FEB_1, Reply.SOFT)
    assert problem(post(client, REFUNDS, GRANTED)) == (409, "invoice-open")


def test_no_key_and_nobody(client: Client, system: System) -> None:
    """As every POST."""
    running(system)
    assert problem(client.post(REFUNDS, json=GRANTED)) == (400, "idempotency-key-missing")
    nobody = post(client, "/v1/subscriptions/nobody/refunds", GRANTED)
    assert problem(nobody) == (404, "subscription-unknown")


def test_a_person_settles_a_doubt(client: Client, system: System) -> None:
    """4.00 of 10.00 went back, as the statement says; the rest is credit again."""
    running(system)
    post(client, REFUNDS, GRANTED)
    (refund,) = listed(client, system)
    path = f"/v1/refunds/{refund['refund_id']}/decision"
    body = {"made": usd(400), "provider_ref": "R-7", "reason": "statement"}
    assert problem(post(client, path, body)) == (409, "refund-not-unknown")
    work(system, Reply.LESS)
    (refund,) = listed(client, system, status="needs-person")
    assert "9.00 USD went back" in refund["finding"]
    unknown = f"/v1/refunds/{uuid4()}/decision"
    assert problem(post(client, unknown, body)) == (404, "refund-unknown")
    bare = {**body, "provider_ref": ""}
    assert problem(post(client, path, bare)) == (422, "provider-ref-malformed")
    above = {**body, "made": usd(1001)}
    assert problem(post(client, path, above)) == (422, "refund-above-asked")
    assert post(client, path, body).json()["changed"] is True
    assert [each.amount.minor for each in facts_of(system, RefundSucceeded)] == [400]
    assert read(client)["credit"] == usd(600)


def test_a_cancellation_refunds_what_is_unused(client: Client, system: System) -> None:
    """21 of 31 days of 31.00: 21.00, by the agreed rule; only where it ends now."""
    running(system)
    later = {"reason": "moved", "refund": True, "at_period_end": True}
    assert problem(post(client, f"{S1}/cancellation", later)) == (422, "cancellation-ambiguous")
    post(client, f"{S1}/cancellation", {"reason": "moved", "refund": True})
    work(system)
    assert [each.amount.minor for each in facts_of(system, RefundSucceeded)] == [2100]
    assert (read(client)["status"], read(client)["credit"]) == ("CANCELLED", usd(0))


def test_a_change_refunds_instead_of_netting(client: Client, system: System) -> None:
    """To half the price from now on: 21.00 back, and 10.50 more on the next invoice."""
    running(system)
    body = {"terms": {"price": usd(1550)}, "reason": "less", "refund": True}
    assert post(client, f"{S1}/changes", body).status_code == 201
    assert [each.amount.minor for each in facts_of(system, RefundRequested)] == [2100]
    assert read(client)["credit"] == usd(0)


@pytest.mark.parametrize(("price", "back"), [(1550, 2100), (6200, 2100), (3100, 0)])
def test_a_change_is_previewed_with_what_it_refunds(
    client: Client, system: System, price: int, back: int
) -> None:
    """The preview writes nothing, the change writes what it showed, and the next invoice is the
    one that it showed; without `refund` the same credit pays that."""
    running(system)
    asked = {"terms": {"price": usd(price)}, "refund": True}
    head = system.ledger.head()
    shown = post(client, "/v1/previews/change", {**asked, "subscription_id": "s-1"}).json()
    netted = {**asked, "subscription_id": "s-1", "refund": False}
    without = post(client, "/v1/previews/change", netted).json()
    assert (shown["refunded"], without["refunded"]) == (usd(back), usd(0))
    assert shown["credited"] == without["credited"] == usd(back)
    assert shown["to_pay"]["minor"] == without["to_pay"]["minor"] + back
    assert system.ledger.head() == head
    assert post(client, f"{S1}/changes", {**asked, "reason": "preview"}).status_code == 201
    written = [
        each for each in system.ledger.read_stream("subscription-s-1") if each.position > head
    ]
    assert [stored(each.event) for each in written] == [
        (each["name"], each["fact"]) for each in shown["facts"]
    ]
    if not back:
        return
    assert shown["facts"][-1]["name"] == "refund-requested.v1"
    work(system)
    at(system, FEB_1)
    assert stored(facts_of(system, InvoiceIssued)[-1]) == ("invoice-issued.v1", shown["invoice"])
    assert sum(taken(system)) - 3100 == shown["to_pay"]["minor"]


def test_a_change_of_none_refunds_nothing(client: Client) -> None:
    """Nothing came in, of what never was: it stays credit."""
    shown = ask(client, "change", refund=True)
    assert (shown["refunded"], shown["credited"]) == (usd(0), usd(2100))


def test_a_surplus_is_paid_back_after_the_end(client: Client, system: System) -> None:
    """1.00 too much, and the subscription is over."""
    write(system, signed_up(music(), start=JAN_1))
    at(system, JAN_11, Reply.MORE)
    post(client, f"{S1}/cancellation", {"reason": "moved"})
    (found,) = read(client)["discrepancies"]
    path = f"{S1}/discrepancies/{found['attempt_id']}/resolution"
    body = {"resolution": "ACCEPTED", **WHY}
    assert problem(post(client, path, body)) == (409, "subscription-ended")
    assert post(client, path, {**body, "refund": True}).status_code == 201
    work(system)
    assert [each.amount.minor for each in facts_of(system, CreditGranted)] == [100]
    assert [each.amount.minor for each in facts_of(system, RefundSucceeded)] == [100]


def test_a_refund_that_was_made_after_all(client: Client, system: System) -> None:
    """It had failed, and its credit went by another one: listed, decided on, given up."""
    running(system)
    for reply in (Reply.HARD, Reply.YES):
        post(client, REFUNDS, GRANTED)
        work(system, reply)
    find_late(system)
    (refund,) = listed(client, system, status="found-late")
    assert (refund["given_back"], refund["code"]) == (usd(1000), "REFUND_NOT_ALLOWED")
    (late,) = read(client)["late_refunds"]
    assert (late["refund_id"], late["missing"]) == (refund["refund_id"], usd(1000))
    (balance,) = client.get("/v1/balances/c-1").json()["items"]
    assert (balance["open"], balance["overdue"], balance["refunded"]) == (
        usd(1000),
        usd(0),
        usd(2000),
    )
    assert problem(post(client, REFUNDS, GRANTED)) == (409, "discrepancy-unresolved")
    path = f"{S1}/discrepancies/{refund['refund_id']}/resolution"
    body = {"resolution": "ACCEPTED", "reason": "let it go"}
    refused = problem(post(client, path, {**body, "refund": True}))
    assert refused == (422, "resolution-refunds-nothing")
    assert post(client, path, body).json()["changed"] is True
    assert post(client, path, body).json()["changed"] is False
    assert problem(post(client, path, {**body, "resolution": "DISMISSED"})) == (
        409,
        "discrepancy-resolved",
    )
    (refund,) = listed(client, system, status="found-late")
    assert refund["resolution"] == "ACCEPTED"
    assert read(client)["late_refunds"] == []
    (balance,) = client.get("/v1/balances/c-1").json()["items"]
    assert (balance["open"], balance["written_off"]) == (usd(0), usd(1000))
