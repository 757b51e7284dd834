"""Endings over HTTP: now, planned, taken back. January costs 1.00 USD a day."""

from __future__ import annotations

from typing import Any

import pytest

from domain.subscription.events import SubscriptionCancelled
from infrastructure.bootstrap import System
from tests.api.billing import (
    FEB_1,
    FEB_15,
    MAR_1,
    S1,
    at,
    facts_of,
    postpaid,
    read,
    running,
    totals,
    usd,
)
from tests.api.conftest import Client
from tests.api.requests import post, problem


@pytest.mark.parametrize(
    ("policy", "credit"), [("NONE", 0), ("BY_DAY", 2100), ("BY_SECOND", 2046), ("FULL", 3100)]
)
def test_cancelled_now_with_credit(
    client: Client, system: System, policy: str, credit: int
) -> None:
    """What is left of January by each rule; nothing is billed after it."""
    running(system)
    body = {"reason": "moved", "credit": policy}
    assert post(client, f"{S1}/cancellation", body).json()["changed"] is True
    at(system, MAR_1)
    assert (read(client)["status"], read(client)["credit"]) == ("CANCELLED", usd(credit))
    assert totals(system) == [3100]


def test_cancelled_at_period_end_and_taken_back(client: Client, system: System) -> None:
    """Planned for 1 February; taken back, February is billed."""
    running(system)
    body = {"reason": "moved", "at_period_end": True}
    for changed in (True, False):
        assert post(client, f"{S1}/cancellation", body).json()["changed"] is changed
    planned = read(client)
    assert (planned["status"], planned["cancellation"]["at"]) == ("ACTIVE", "2025-01-31T23:00:00Z")
    for changed in (True, False):
        answer = post(client, f"{S1}/reactivation", {"reason": "stays"})
        assert (answer.status_code, answer.json()["changed"]) == (201, changed)
    assert read(client)["cancellation"] is None
    at(system, FEB_1)
    assert totals(system) == [3100, 3100]


def test_cancelled_at_period_end(client: Client, system: System) -> None:
    """Nothing is billed for February, and it cannot be taken back any more."""
    running(system)
    post(client, f"{S1}/cancellation", {"reason": "moved", "at_period_end": True})
    at(system, FEB_15)
    assert (read(client)["status"], totals(system)) == ("CANCELLED", [3100])
    (ended,) = facts_of(system, SubscriptionCancelled)
    assert (ended.reason, ended.effective_at) == ("moved", FEB_1)
    answer = post(client, f"{S1}/reactivation", {"reason": "stays"})
    assert problem(answer) == (409, "subscription-ended")


def test_cancelled_at_an_instant(client: Client, system: System) -> None:
    """Invoices that fall due before it are issued, none after it."""
    running(system)
    body = {"reason": "moved", "at": "2025-02-10T00:00:00Z"}
    post(client, f"{S1}/cancellation", body)
    at(system, MAR_1)
    assert (read(client)["status"], totals(system)) == ("CANCELLED", [3100, 3100])


def test_postpaid_ends_with_the_invoice_of_the_running_period(
    client: Client, system: System
) -> None:
    """January is billed, and then it is complete."""
    running(system, postpaid())
    refused = post(client, f"{S1}/cancellation", {"reason": "x", "at": "2025-01-20T00:00:00Z"})
    assert problem(refused) == (409, "cancellation-at-period-end")
    post(client, f"{S1}/cancellation", {"reason": "moved", "at_period_end": True})
    assert read(client)["last_invoice"] == 1
    at(system, MAR_1)
    assert (read(client)["status"], totals(system)) == ("COMPLETED", [3100])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"at_period_end": True, "at": "2025-02-10T00:00:00Z"}, "cancellation-ambiguous"),
        ({"at_period_end": True, "credit": "FULL"}, "cancellation-ambiguous"),
        ({"at": "2025-01-11T12:00:00Z"}, "cancellation-in-the-past"),
        ({"at": "2025-02-10T00:00:00"}, "instant-without-offset"),
        ({"at": "9999-12-31T23:59:59Z"}, "instant-out-of-range"),
        ({"reason": ""}, "reason-malformed"),
    ],
)
def test_cancellation_says_one_thing(
    kept: Client, unmoved: None, body: dict[str, Any], code: str
) -> None:
    """Nothing is written."""
    answer = post(kept, f"{S1}/cancellation", {"reason": "moved", **body})
    assert problem(answer) == (422, code)
    assert (read(kept)["status"], read(kept)["cancellation"]) == ("ACTIVE", None)
