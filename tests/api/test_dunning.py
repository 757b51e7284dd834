"""Dunning and discrepancies over HTTP. 31.00 USD a month from 1 January 2025 in Oslo; no retries,
a grace of ten days after a decline on 11 January."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.plan import DunningEnd, RetryPolicy
from domain.subscription.events import (
    ChargeAttempted,
    CreditGranted,
    DiscrepancyResolved,
    InvoiceWrittenOff,
    SubscriptionReinstated,
)
from infrastructure.bootstrap import System
from tests.api.billing import (
    FEB_1,
    JAN_1,
    JAN_11,
    S1,
    at,
    facts_of,
    music,
    read,
    state_of,
    totals,
    usd,
    work,
)
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem
from tests.replies import Reply
from tests.specimens import signed_up
from tests.systems import project, write

WHY = {"reason": "talked on the phone"}
OVER = JAN_11 + timedelta(days=10)


def answered(system: System, reply: Reply, end: DunningEnd = DunningEnd.LEAVE_OPEN) -> None:
    """The first charge, on 11 January, was answered so."""
    agreed = music(retry=RetryPolicy((), end, 10))
    write(system, signed_up(agreed, start=JAN_1))
    at(system, JAN_11, reply)


def attempt_of(system: System) -> str:
    return str(facts_of(system, ChargeAttempted)[0].attempt_id)


def test_suspended_and_reinstated(client: Client, system: System) -> None:
    """Nothing is billed on 1 February; a person lets it go on, and it is billed from then on."""
    answered(system, Reply.SOFT, DunningEnd.SUSPEND)
    at(system, OVER)
    shown = read(client)
    assert (shown["status"], shown["next_due_at"]) == ("SUSPENDED", None)
    assert shown["suspension"]["invoice_number"] == 1
    at(system, FEB_1)
    assert totals(system) == [3100]
    assert post(client, f"{S1}/reinstatement", WHY).json()["changed"] is True
    assert post(client, f"{S1}/reinstatement", WHY).json()["changed"] is False
    work(system)
    assert totals(system) == [3100, 3100]
    (back,) = facts_of(system, SubscriptionReinstated)
    assert (back.reason, back.invoice_number) == (WHY["reason"], None)


def test_collected_again_and_paid(client: Client, system: System) -> None:
    """The payment ends the suspension."""
    answered(system, Reply.SOFT, DunningEnd.SUSPEND)
    at(system, OVER)
    path = f"{S1}/invoices/1/collection"
    assert [post(client, path, WHY).json()["changed"] for _ in range(2)] == [True, False]
    work(system)
    assert (read(client)["status"], read(client)["open_invoices"]) == ("ACTIVE", [])


def test_written_off(client: Client, system: System) -> None:
    """It is no longer owed, and the balance says why."""
    answered(system, Reply.SOFT)
    path = f"{S1}/invoices/1/write-off"
    assert post(client, path, WHY).status_code == 201
    assert [each.amount.minor for each in facts_of(system, InvoiceWrittenOff)] == [3100]
    project(system)
    (balance,) = client.get("/v1/balances/c-1").json()["items"]
    assert (balance["written_off"], balance["open"]) == (usd(3100), usd(0))
    assert problem(post(client, path, WHY)) == (409, "invoice-not-open")


def test_discrepancy_accepted(client: Client, system: System) -> None:
    """1.00 too much: it is shown until somebody accepts it, then it is credit."""
    answered(system, Reply.MORE)
    (found,) = read(client)["discrepancies"]
    assert (found["received"], found["surplus"]) == (usd(3200), usd(100))
    path = f"{S1}/discrepancies/{found['attempt_id']}/resolution"
    body = {"resolution": "ACCEPTED", **WHY}
    assert [post(client, path, body).json()["changed"] for _ in range(2)] == [True, False]
    assert (read(client)["discrepancies"], read(client)["credit"]) == ([], usd(100))
    assert [each.amount.minor for each in facts_of(system, CreditGranted)] == [100]
    other = {"resolution": "DISMISSED", **WHY}
    assert problem(post(client, path, other)) == (409, "discrepancy-resolved")


def test_discrepancy_of_another_currency(client: Client, system: System) -> None:
    """It cannot be accepted; dismissed, the whole is collected."""
    answered(system, Reply.OTHER_CURRENCY)
    path = f"{S1}/discrepancies/{attempt_of(system)}/resolution"
    refused = post(client, path, {"resolution": "ACCEPTED", **WHY})
    assert problem(refused) == (422, "currency-mixed")
    assert post(client, path, {"resolution": "DISMISSED", **WHY}).status_code == 201
    assert facts_of(system, DiscrepancyResolved)
    work(system)
    assert state_of(system).open_invoices == ()


def test_what_is_in_dispute_is_neither_collected_nor_given_up(
    client: Client, system: System
) -> None:
    """Look at the charge first."""
    answered(system, Reply.LESS)
    for route in ("collection", "write-off"):
        answer = post(client, f"{S1}/invoices/1/{route}", WHY)
        assert problem(answer) == (409, "discrepancy-unresolved")


PATHS: dict[str, dict[str, Any]] = {
    "invoices/1/collection": WHY,
    "invoices/1/write-off": WHY,
    "reinstatement": WHY,
    f"discrepancies/{uuid4()}/resolution": {"resolution": "ACCEPTED", **WHY},
}


@pytest.mark.parametrize("path", PATHS, ids=[each.split("/")[0] for each in PATHS])
def test_every_route_is_strict(client: Client, system: System, path: str) -> None:
    """A key, known fields, a reason, and a subscription that there is; nothing is written."""
    answered(system, Reply.SOFT)
    head, body = system.ledger.head(), PATHS[path]
    assert problem(client.post(f"{S1}/{path}", json=body)) == (400, "idempotency-key-missing")
    assert problem(post(client, f"{S1}/{path}", {**body, "x": 1})) == (400, "request-malformed")
    assert problem(post(client, f"{S1}/{path}", {**body, "reason": ""})) == (
        422,
        "reason-malformed",
    )
    nobody = post(client, f"/v1/subscriptions/nobody/{path}", body)
    assert problem(nobody) == (404, "subscription-unknown")
    assert system.ledger.head() == head


def test_an_attempt_that_was_as_asked_for_has_no_discrepancy(
    client: Client, system: System
) -> None:
    """Nor has one that there is not."""
    answered(system, Reply.YES)
    for attempt in (attempt_of(system), uuid4()):
        path = f"{S1}/discrepancies/{attempt}/resolution"
        answer = post(client, path, {"resolution": "DISMISSED", **WHY})
        assert problem(answer) == (404, "discrepancy-unknown")


def test_the_end_of_dunning_is_agreed_to_and_changed(client: Client, system: System) -> None:
    """What is not named stays, inside the policy, too."""
    asked = {**MUSIC, "dunning": "SUSPEND", "grace_days": 14, "retry_days": [2]}
    assert post(client, "/v1/subscriptions", asked).status_code == 201
    policy = {"wait_days": [2], "end": "SUSPEND", "grace_days": 14}
    assert read(client)["terms"]["retry"] == policy
    bad = post(client, "/v1/subscriptions", {**asked, "subscription_id": "s-2", "grace_days": 366})
    assert problem(bad) == (422, "grace-malformed")


def test_one_field_of_the_policy_is_changed(client: Client, system: System) -> None:
    """The waits stay when the end is changed."""
    answered(system, Reply.YES, DunningEnd.SUSPEND)
    body = {"terms": {"dunning": "CANCEL"}, "reason": "new terms", "when": "PERIOD_END"}
    assert post(client, f"{S1}/changes", body).status_code == 201
    assert read(client)["terms"]["retry"] == {"wait_days": [], "end": "CANCEL", "grace_days": 10}


def test_preview_of_the_end(client: Client) -> None:
    """Declined on 11 January, again on the 14th; 10 days later it is cancelled."""
    asked = {"at": "2025-01-11T12:00:00Z", "retry_days": [3], "dunning": "CANCEL", "grace_days": 10}
    shown = client.post("/v1/previews/retries", json=asked).json()
    assert shown["end_at"] == "2025-01-24T12:00:00Z"
    assert "cancelled" in shown["end"]
