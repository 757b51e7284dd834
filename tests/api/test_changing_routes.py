"""What all routes that change a running subscription have in common."""

from __future__ import annotations

import pytest

from domain.subscription.events import TermsChanged
from infrastructure.bootstrap import System
from tests.api.billing import (
    JAN_11,
    ROUTES,
    S1,
    facts_of,
    read,
    running,
    usd,
)
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem

# What each route says of a subscription that has ended.
ENDED = {
    "changes": "subscription-not-active",
    "pause": "subscription-not-active",
    "resumption": "subscription-ended",
    "credits": "subscription-ended",
    "discounts": "subscription-ended",
    "reactivation": "subscription-ended",
    "reinstatement": "subscription-ended",
}


@pytest.mark.parametrize("route", ROUTES)
def test_F37_every_route_wants_its_key(client: Client, system: System, route: str) -> None:
    """Without a key, and with one that stands for another request."""
    running(system)
    bare = client.post(f"{S1}/{route}", json=ROUTES[route])
    assert problem(bare) == (400, "idempotency-key-missing")
    first = post(client, f"{S1}/{route}", ROUTES[route], key="k")
    head = system.ledger.head()
    again = post(client, f"{S1}/{route}", ROUTES[route], key="k")
    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = post(client, f"{S1}/{route}", {**ROUTES[route], "reason": "other"}, key="k")
    assert problem(other) == (422, "idempotency-key-reused")
    assert system.ledger.head() == head


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_strict(kept: Client, unmoved: None, route: str) -> None:
    """Unknown fields, other types, bad reasons and unknown subscriptions."""
    path, body = f"{S1}/{route}", ROUTES[route]
    assert problem(post(kept, path, {**body, "colour": "red"})) == (400, "request-malformed")
    assert problem(post(kept, path, {**body, "reason": 1})) == (400, "request-malformed")
    assert problem(post(kept, path, {**body, "reason": "a\u202eb"})) == (422, "reason-malformed")
    unknown = post(kept, f"/v1/subscriptions/nobody/{route}", body)
    assert problem(unknown) == (404, "subscription-unknown")


@pytest.mark.parametrize("route", ["changes", "pause"])
def test_not_before_there_is_a_token(client: Client, route: str) -> None:
    """Nothing is billed yet, so nothing is changed or paused."""
    post(client, "/v1/subscriptions", MUSIC)
    answer = post(client, f"{S1}/{route}", ROUTES[route])
    assert problem(answer) == (409, "subscription-not-active")


@pytest.mark.parametrize("route", ["changes", "pause"])
def test_not_while_it_is_going_to_end(client: Client, system: System, route: str) -> None:
    """Take the end back first."""
    running(system)
    post(client, f"{S1}/cancellation", {"reason": "moved", "at_period_end": True})
    answer = post(client, f"{S1}/{route}", ROUTES[route])
    assert problem(answer) == (409, "cancellation-scheduled")


def test_not_after_the_end(client: Client, system: System) -> None:
    """What has ended stays as it is."""
    running(system)
    post(client, f"{S1}/cancellation", {"reason": "moved"})
    codes = {route: problem(post(client, f"{S1}/{route}", ROUTES[route])) for route in ENDED}
    assert codes == {route: (409, code) for route, code in ENDED.items()}


def test_facts_name_who_and_why(client: Client, system: System) -> None:
    """The caller, the command, and the reason in words."""
    running(system)
    for route in ("changes", "credits", "pause", "resumption"):
        post(client, f"{S1}/{route}", ROUTES[route])
    facts = [each for each in system.ledger.read_stream("subscription-s-1") if "api" in each.actor]
    assert {each.actor for each in facts} == {"api:local"}
    assert [each.cause.removeprefix("command:") for each in facts] == [
        "change",
        "change",
        "credit",
        "pause",
        "resume",
    ]
    (changed,) = facts_of(system, TermsChanged)
    assert (changed.reason, changed.effective_at) == ("upgrade", JAN_11)


def test_start_with_quantity_and_proration(client: Client) -> None:
    """They are part of the agreement: another quantity is another agreement."""
    body = {**MUSIC, "quantity": 3, "proration": "BY_SECOND"}
    post(client, "/v1/subscriptions", body)
    found = read(client)
    assert (found["terms"]["quantity"], found["terms"]["proration"]) == (3, "BY_SECOND")
    assert found["amount"] == usd(3 * 2985)
    other = post(client, "/v1/subscriptions", {**body, "quantity": 2})
    assert problem(other) == (409, "subscription-exists")
    bad = post(client, "/v1/subscriptions", {**MUSIC, "subscription_id": "s-2", "quantity": 0})
    assert problem(bad) == (422, "quantity-malformed")
