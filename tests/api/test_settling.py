"""Instalments settled early over HTTP; three of 31.00 USD from 1 January 2025 in Oslo.

It is 11 January: the first is billed and paid.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from domain.plan import Kind, Terms
from domain.subscription.events import InstalmentsSettled, InvoiceIssued, SubscriptionCompleted
from infrastructure.bootstrap import System
from tests.api.billing import (
    FEB_1,
    S1,
    at,
    facts_of,
    music,
    read,
    running,
    taken,
    totals,
    work,
)
from tests.api.conftest import Client
from tests.api.questions import PREVIEWS, stored
from tests.api.requests import post, problem

SETTLEMENT, BODY = f"{S1}/settlement", {"reason": "sold the car"}
ASK: dict[str, Any] = {"subscription_id": "s-1", "reason": "sold the car"}


def in_three(**changes: Any) -> Terms:
    """Three payments."""
    return music(kind=Kind.INSTALLMENT, cycles=3, **changes)


def test_all_that_is_left_is_billed_once_and_charged(client: Client, system: System) -> None:
    """The answer is kept under its key; another key finds it settled; paid, it is complete."""
    running(system, in_three())
    first = post(client, SETTLEMENT, BODY, key="k")
    assert (first.status_code, first.json()["changed"]) == (201, True)
    again = post(client, SETTLEMENT, BODY, key="k")
    assert (again.status_code, again.json()["position"]) == (201, first.json()["position"])
    assert problem(post(client, SETTLEMENT, BODY, key="other")) == (409, "already-settled")
    other = post(client, SETTLEMENT, {"reason": "another"}, key="k")
    assert problem(other) == (422, "idempotency-key-reused")
    assert read(client)["next_due_at"] is None
    work(system)
    assert (totals(system), taken(system)) == ([3100, 6200], [3100, 6200])
    assert len(facts_of(system, SubscriptionCompleted)) == 1
    assert problem(post(client, SETTLEMENT, BODY, key="late")) == (409, "subscription-ended")
    at(system, FEB_1)
    assert totals(system) == [3100, 6200]


def test_many_at_once_are_one(client: Client, system: System) -> None:
    """Twelve callers, each with a key of its own: one is carried out."""
    running(system, in_three())
    with ThreadPoolExecutor(max_workers=12) as pool:
        jobs = [pool.submit(post, client, SETTLEMENT, BODY, key=f"k-{n}") for n in range(12)]
        answers = [job.result() for job in jobs]
    assert sorted(each.status_code for each in answers) == [201, *[409] * 11]
    assert len(facts_of(system, InstalmentsSettled)) == 1
    work(system)
    assert taken(system) == [3100, 6200]


def test_state_decides_what_may_be_settled(client: Client, system: System) -> None:
    """Nobody's, what has no last payment, what is paused; no key; a body that says too much."""
    running(system)
    nobody = "/v1/subscriptions/nobody/settlement"
    head = system.ledger.head()
    assert problem(post(client, nobody, BODY)) == (404, "subscription-unknown")
    assert problem(post(client, SETTLEMENT, BODY)) == (409, "not-instalments")
    assert problem(client.post(SETTLEMENT, json=BODY)) == (400, "idempotency-key-missing")
    assert problem(post(client, SETTLEMENT, {"reason": ""})) == (422, "reason-malformed")
    assert problem(post(client, SETTLEMENT, {})) == (400, "request-malformed")
    much = {**BODY, "rebate": 1}
    assert problem(post(client, SETTLEMENT, much)) == (400, "request-malformed")
    assert problem(post(client, f"{PREVIEWS}/settlement", ASK)) == (409, "not-instalments")
    assert system.ledger.head() == head


def test_what_is_paused_or_all_billed_is_not_settled(client: Client, system: System) -> None:
    """Resumed, it can be."""
    running(system, in_three())
    post(client, f"{S1}/pause", {"reason": "away"})
    assert problem(post(client, SETTLEMENT, BODY)) == (409, "subscription-not-active")
    post(client, f"{S1}/resumption", {"reason": "back"})
    assert post(client, SETTLEMENT, BODY).status_code == 201


def test_a_settlement_is_billed_as_it_was_shown(client: Client, system: System) -> None:
    """The facts, the invoice line by line, the credit that pays it, and the charge."""
    running(system, in_three())
    post(client, f"{S1}/credits", {"amount": {"minor": 500, "currency": "USD"}, "reason": "sorry"})
    head = system.ledger.head()
    shown = post(client, f"{PREVIEWS}/settlement", ASK).json()
    assert (shown["position"], system.ledger.head()) == (head, head)
    assert (shown["first"], shown["last"]) == (2, 3)
    assert post(client, SETTLEMENT, BODY).json()["changed"] is True
    written = [
        each for each in system.ledger.read_stream("subscription-s-1") if each.position > head
    ]
    assert [stored(each.event) for each in written] == [
        (each["name"], each["fact"]) for each in shown["facts"]
    ]
    assert stored(facts_of(system, InvoiceIssued)[-1]) == ("invoice-issued.v1", shown["invoice"])
    work(system)
    assert (shown["applied"]["minor"], shown["to_pay"]["minor"]) == (500, 5700)
    assert taken(system) == [3100, 5700]


def test_a_preview_of_a_later_day_bills_what_is_due_first(client: Client, system: System) -> None:
    """On 1 February the second instalment is an invoice of its own."""
    running(system, in_three())
    body = {**ASK, "at": FEB_1.isoformat()}
    shown = post(client, f"{PREVIEWS}/settlement", body).json()
    assert [each["name"] for each in shown["facts"]] == [
        "invoice-issued.v1",
        "instalments-settled.v1",
        "invoice-issued.v1",
    ]
    assert (shown["first"], shown["last"], shown["to_pay"]["minor"]) == (3, 3, 3100)
    bare = post(client, f"{PREVIEWS}/settlement", {**ASK, "at": "2025-02-01T00:00:00"})
    assert problem(bare) == (422, "instant-without-offset")
