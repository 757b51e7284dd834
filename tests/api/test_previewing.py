"""Previews over HTTP: pure, strict, and with the whole working."""

from __future__ import annotations

from typing import Any

import pytest

from domain.subscription.events import InvoiceIssued, TermsChanged
from infrastructure.bootstrap import System
from tests.api.billing import facts_of, read, running, usd
from tests.api.conftest import Client
from tests.api.questions import BODIES, JANUARY, PLAN, PREVIEWS, ask, stored
from tests.api.requests import MUSIC, post, problem


def test_schedule_shows_clamped_days_and_lines(kept: Client, unmoved: None) -> None:
    """The 31st of three months in Oslo, and what each invoice comes to."""
    shown = ask(kept, "schedule", terms={**PLAN, "quantity": 2, "setup_fee": usd(500)})["items"]
    assert [(each["due_on"], each["due_at"], each["days"]) for each in shown] == [
        ("2025-01-31", "2025-01-30T23:00:00Z", 28),
        ("2025-02-28", "2025-02-27T23:00:00Z", 31),
        ("2025-03-31", "2025-03-30T22:00:00Z", 30),
    ]
    assert [each["total"] for each in shown] == [usd(6700), usd(6200), usd(6200)]
    assert [line["kind"] for line in shown[0]["lines"]] == ["PERIOD", "SETUP_FEE"]
    assert shown[0]["period"] == {"start": "2025-01-31", "end": "2025-02-28"}


def test_schedule_of_a_subscription_is_what_it_is_billed(client: Client, system: System) -> None:
    """The same periods and instants, once it is started."""
    shown = ask(client, "schedule", start="2025-01-01", count=1)["items"]
    running(system)
    (invoice,) = facts_of(system, InvoiceIssued)
    billed = stored(invoice)[1]
    assert (shown[0]["period"], shown[0]["due_at"]) == (billed["period"], billed["effective_at"])
    assert shown[0]["total"] == billed["total"]


@pytest.mark.parametrize(
    ("changes", "rest", "used"),
    [
        ({}, 2100, 1000),
        ({"quantity": 3}, 6300, 3000),
        # 20 days and 11 hours of 31 days.
        ({"policy": "BY_SECOND"}, 2046, 1054),
        ({"policy": "NONE"}, 0, 3100),
        ({"policy": "FULL"}, 3100, 0),
        # 10.00 x 21/31 is 6.774...
        ({"price": usd(1000)}, 677, 323),
        ({"price": {"minor": 1, "currency": "JPY"}}, 1, 0),
    ],
)
def test_proration_adds_up(
    kept: Client, unmoved: None, changes: dict[str, Any], rest: int, used: int
) -> None:
    """What is left and what is used are the whole, whatever the rule."""
    shown = ask(kept, "proration", **changes)
    assert (shown["rest"]["amount"]["minor"], shown["used"]["minor"]) == (rest, used)
    assert shown["whole"]["minor"] == rest + used


def test_retries_follow_the_schedule(kept: Client, unmoved: None) -> None:
    """3, 5 and 7 days after each decline; never before the provider's advice; none for a no."""
    days = [each["at"][:10] for each in ask(kept, "retries")["retries"]]
    assert days == ["2025-02-03", "2025-02-08", "2025-02-15"]
    late = ask(kept, "retries", retry_days=[1, 1], retry_not_before="2025-02-10T00:00:00Z")
    assert [each["at"][:10] for each in late["retries"]] == ["2025-02-10", "2025-02-11"]
    for decline in ("HARD", "PAYER_ACTION", "MERCHANT"):
        shown = ask(kept, "retries", decline=decline)
        assert shown["retries"] == []
        assert shown["end"]


@pytest.mark.parametrize(
    ("what", "changes", "code"),
    [
        ("schedule", {"count": 0}, "count-out-of-range"),
        ("schedule", {"count": 1201}, "count-out-of-range"),
        ("schedule", {"start": "9999-12-31"}, "start-out-of-range"),
        ("schedule", {"zone": "Mars/Olympus"}, "zone-unknown"),
        ("schedule", {"terms": {**PLAN, "price": usd(0)}}, "price-not-positive"),
        ("proration", {"price": usd(0)}, "price-not-positive"),
        ("proration", {"quantity": 0}, "quantity-malformed"),
        ("proration", {"quantity": 10**9}, "quantity-malformed"),
        ("proration", {"price": usd(10**15), "quantity": 2}, "money-too-large"),
        ("proration", {"period": {**JANUARY, "end": "2025-01-01"}}, "period-empty"),
        ("proration", {"at": "2025-01-31T23:00:00Z"}, "not-in-period"),
        ("proration", {"at": "0001-01-01T00:00:00Z"}, "instant-out-of-range"),
        ("proration", {"zone": "Mars/Olympus"}, "zone-unknown"),
        ("retries", {"retry_days": [0]}, "retry-policy-malformed"),
        ("retries", {"retry_days": [1] * 13}, "retry-policy-malformed"),
        ("retries", {"at": "2025-01-31T12:00:00"}, "instant-without-offset"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_F36_question_without_an_answer_is_422(
    kept: Client, unmoved: None, what: str, changes: dict[str, Any], code: str
) -> None:
    """With the code of the rule that it breaks."""
    answer = kept.post(f"{PREVIEWS}/{what}", json={**BODIES[what], **changes})
    assert problem(answer) == (422, code)


@pytest.mark.parametrize("what", BODIES)
def test_questions_are_strict(kept: Client, unmoved: None, what: str) -> None:
    """Unknown fields and other types are 400; nothing is guessed."""
    path, body = f"{PREVIEWS}/{what}", BODIES[what]
    for bad in ({**body, "colour": "red"}, {**body, "at": 7, "start": 7}, {}, []):
        assert problem(kept.post(path, json=bad)) == (400, "request-malformed")


def test_everything_that_was_seen_is_as_before(client: Client, system: System) -> None:
    """A preview of each kind, and neither the log nor the keys have moved."""
    post(client, "/v1/subscriptions", MUSIC)
    running_at = system.ledger.head()
    for what in BODIES:
        ask(client, what)
    assert system.ledger.head() == running_at
    assert facts_of(system, TermsChanged) == []
    assert read(client)["status"] == "PENDING"
