"""Previews over HTTP: pure, with the whole working, and equal to what is billed afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.calendar import Interval, Unit
from domain.subscription.events import CreditApplied, CreditGranted, InvoiceIssued, TermsChanged
from infrastructure.bootstrap import System
from infrastructure.store.codec import Codec
from tests.api.billing import (
    FEB_1,
    S1,
    at,
    facts_of,
    music,
    postpaid,
    read,
    running,
    taken,
    usd,
)
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem

PREVIEWS = "/v1/previews"
PLAN: dict[str, Any] = {"price": usd(3100), "interval": {"unit": "MONTH"}}
PRESENT = {"start": "2025-01-01", "zone": "Europe/Oslo", "terms": PLAN}
AS_IF = {"present": PRESENT, "terms": {"price": usd(6200)}, "at": "2025-01-11T12:00:00Z"}
SCHEDULE = {"start": "2025-01-31", "zone": "Europe/Oslo", "terms": PLAN, "count": 3}
JANUARY = {"start": "2025-01-01", "end": "2025-02-01"}
PRORATION = {
    "price": usd(3100),
    "period": JANUARY,
    "at": "2025-01-11T12:00:00Z",
    "zone": "Europe/Oslo",
}
RETRIES = {"at": "2025-01-31T12:00:00Z"}
BODIES: dict[str, dict[str, Any]] = {
    "schedule": SCHEDULE,
    "change": AS_IF,
    "proration": PRORATION,
    "retries": RETRIES,
}


def ask(client: Client, what: str, **changes: Any) -> dict[str, Any]:
    """The answer to a preview, which has no key and must be given."""
    answer = client.post(f"{PREVIEWS}/{what}", json={**BODIES[what], **changes})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


# --- what is shown is what is billed ----------------------------------------------------------


@pytest.mark.parametrize("timing", ["PREPAID", "POSTPAID"])
@pytest.mark.parametrize(
    "asked",
    [
        {"terms": {"price": usd(6200)}},
        {"terms": {"price": usd(1999), "quantity": 3}, "proration": "BY_SECOND"},
        {"terms": {"quantity": 2}, "when": "PERIOD_END"},
        {"terms": {"price": usd(100)}, "proration": "FULL"},
    ],
    ids=["dearer", "by the second", "period end", "cheaper"],
)
def test_change_is_billed_as_it_was_shown(
    client: Client, system: System, timing: str, asked: dict[str, Any]
) -> None:
    """The facts, the next invoice line by line, the credit that pays it, and the charge."""
    running(system, music() if timing == "PREPAID" else postpaid())
    head = system.ledger.head()
    shown = post(client, f"{PREVIEWS}/change", {**asked, "subscription_id": "s-1"}).json()
    assert (shown["position"], system.ledger.head()) == (head, head)
    assert post(client, f"{S1}/changes", {**asked, "reason": "preview"}).json()["changed"] is True
    written = [
        each for each in system.ledger.read_stream("subscription-s-1") if each.position > head
    ]
    assert [stored(each.event) for each in written] == [
        (each["name"], each["fact"]) for each in shown["facts"]
    ]
    assert shown["facts"][-1]["name"] == "terms-changed.v1"
    at(system, FEB_1)
    invoice = facts_of(system, InvoiceIssued)[-1]
    assert stored(invoice) == ("invoice-issued.v1", shown["invoice"])
    granted = sum(each.amount.minor for each in facts_of(system, CreditGranted))
    applied = sum(each.amount.minor for each in facts_of(system, CreditApplied))
    assert (granted, applied) == (shown["credited"]["minor"], shown["applied"]["minor"])
    paid_before = 3100 if timing == "PREPAID" else 0
    assert sum(taken(system)) - paid_before == shown["to_pay"]["minor"]


def stored(fact: object) -> tuple[str, Any]:
    """A fact's stored name and fields, as they are stored."""
    name, body = Codec().encode(fact)
    return name, json.loads(body)


def test_change_of_none_equals_the_change_of_one(client: Client, system: System) -> None:
    """A subscription that never was is billed like the one that is, but for its names."""
    running(system, music(description="Subscription"))
    of_none = ask(client, "change")
    of_one = ask(client, "change", present=None, at=None, subscription_id="s-1")
    for answer in (of_none, of_one):
        facts = [each["fact"] for each in answer["facts"]]
        for named in (answer["invoice"], *facts):
            named.pop("customer_id")
        for terms in (answer["terms"], facts[-1]["terms"]):
            terms.pop("plan")
        answer.pop("position")
    assert of_none == of_one


def test_change_says_what_it_costs(client: Client) -> None:
    """21 of January's 31 days: 21.00 back, 42.00 more; February at 62.00."""
    shown = ask(client, "change")
    assert (shown["credited"], shown["applied"], shown["to_pay"]) == (
        usd(2100),
        usd(2100),
        usd(8300),
    )
    assert (shown["from_invoice"], shown["changed"], shown["position"]) == (2, True, None)
    (unused,) = shown["credit_lines"]
    assert unused["working"] == {
        "quantity": 1,
        "unit_price": usd(3100),
        "numerator": 21,
        "denominator": 31,
        "days": 21,
        "policy": "BY_DAY",
        "rounding": "none",
    }
    assert [line["amount"] for line in shown["invoice"]["lines"]] == [usd(6200), usd(4200)]
    assert shown["invoice"]["total"] == usd(10400)


def test_change_later_bills_what_is_due_by_then(client: Client, system: System) -> None:
    """On 15 February the second invoice is among the facts, and 14 of 28 days are settled."""
    running(system)
    later = {"at": "2025-02-15T12:00:00Z", "present": None, "subscription_id": "s-1"}
    shown = ask(client, "change", **later)
    assert [each["name"] for each in shown["facts"]] == [
        "invoice-issued.v1",
        "credit-granted.v1",
        "terms-changed.v1",
    ]
    assert shown["credited"] == usd(1550)


def test_change_to_the_same_is_none(client: Client) -> None:
    """The next invoice is shown as it comes anyway."""
    shown = ask(client, "change", terms={"price": usd(3100)})
    assert (shown["changed"], shown["facts"], shown["from_invoice"]) == (False, [], None)
    assert shown["to_pay"] == usd(3100)


def test_change_is_refused_for_what_the_change_would_be(kept: Client, unmoved: None) -> None:
    """The same codes, and as little is written."""
    for body, answer in (
        ({"terms": {"quantity": 0}}, (422, "quantity-malformed")),
        ({"terms": {"price": {"minor": 1, "currency": "EUR"}}}, (409, "currency-fixed")),
        ({"terms": {}, "subscription_id": "nobody"}, (404, "subscription-unknown")),
    ):
        asked = {"subscription_id": "s-1", **body}
        assert problem(post(kept, f"{PREVIEWS}/change", asked)) == answer


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subscription_id": "s-1"}, "preview-ambiguous"),
        ({"present": None}, "preview-ambiguous"),
        ({"at": None}, "moment-missing"),
        ({"at": "2025-01-11T12:00:00"}, "instant-without-offset"),
        ({"at": "9999-12-31T23:59:59Z"}, "instant-out-of-range"),
        ({"present": {**PRESENT, "start": "0001-01-01"}}, "start-out-of-range"),
        ({"present": {**PRESENT, "zone": "Mars/Olympus"}}, "zone-unknown"),
        (
            {
                "present": {
                    **PRESENT,
                    "start": "1970-01-01",
                    "terms": {**PLAN, "interval": {"unit": "DAY"}},
                }
            },
            "preview-too-long",
        ),
        ({"present": {**PRESENT, "terms": {**PLAN, "quantity": 0}}}, "quantity-malformed"),
        (
            {"present": {**PRESENT, "terms": {**PLAN, "interval": {"unit": "DAY", "count": 0}}}},
            "interval-out-of-range",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_F36_change_that_cannot_be_computed(
    kept: Client, unmoved: None, changes: dict[str, Any], code: str
) -> None:
    """Refused by name, and soon: half a century of days is not billed for an answer."""
    answer = kept.post(f"{PREVIEWS}/change", json={**AS_IF, **changes})
    assert problem(answer) == (422, code)


def test_change_in_a_far_year_is_too_long(client: Client, system: System) -> None:
    """A weekly subscription of the books is not billed for a thousand years either."""
    running(system, music(interval=Interval(Unit.WEEK)))
    asked = {"subscription_id": "s-1", "terms": {}, "at": "2990-01-01T00:00:00Z"}
    answer = post(client, f"{PREVIEWS}/change", asked)
    assert problem(answer) == (422, "preview-too-long")


# --- schedule, proration, retries -------------------------------------------------------------


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
