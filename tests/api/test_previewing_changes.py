"""Previews of changes over HTTP: equal to what is billed afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from domain.calendar import Interval, Unit
from domain.subscription.events import CreditApplied, CreditGranted, InvoiceIssued
from infrastructure.bootstrap import System
from tests.api.billing import FEB_1, S1, at, facts_of, music, postpaid, running, taken, usd
from tests.api.conftest import Client
from tests.api.questions import AS_IF, PLAN, PRESENT, PREVIEWS, ask, stored
from tests.api.requests import post, problem


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


def test_change_builds_on_what_is_agreed_to_already(client: Client, system: System) -> None:
    """A second unit after a dearer price that no invoice has yet: both hold, as in the change."""
    running(system, postpaid())
    post(client, f"{S1}/changes", {"terms": {"price": usd(6200)}, "reason": "upgrade"})
    asked = {"subscription_id": "s-1", "terms": {"quantity": 2}}
    shown = post(client, f"{PREVIEWS}/change", asked).json()
    assert (shown["terms"]["price"], shown["terms"]["quantity"]) == (usd(6200), 2)
    # 31.00 - 21.00 + 42.00 for January so far, and 42.00 for the second unit.
    assert shown["to_pay"] == usd(9400)


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
