"""Changes of terms over HTTP, and what is billed after them. January costs 1.00 USD a day."""

from __future__ import annotations

from typing import Any

import pytest

from domain.subscription.events import CreditGranted
from infrastructure.bootstrap import System
from tests.api.billing import (
    DEARER,
    FEB_1,
    FEB_15,
    MAR_1,
    S1,
    at,
    facts_of,
    music,
    postpaid,
    read,
    running,
    state_of,
    taken,
    totals,
    usd,
)
from tests.api.conftest import Client
from tests.api.requests import post, problem
from tests.specimens import instalments


def test_dearer_plan_is_billed_from_today(client: Client, system: System) -> None:
    """21 days of 31.00 become 21.00 of credit; the rest at 62.00 is 42.00 on the next invoice."""
    running(system)
    answer = post(client, f"{S1}/changes", DEARER)
    assert (answer.status_code, answer.json()["changed"]) == (201, True)
    now = read(client)
    assert (now["amount"], now["credit"]) == (usd(6200), usd(2100))
    assert [line["amount"] for line in now["lines_to_come"]] == [usd(4200)]
    at(system, FEB_1)
    assert totals(system) == [3100, 6200 + 4200]
    assert taken(system) == [3100, 6200 + 4200 - 2100]
    assert read(client)["credits"] == []


def test_change_at_period_end_leaves_the_period_alone(client: Client, system: System) -> None:
    """No credit, no line: the next invoice is at the new price, three units of it."""
    running(system)
    body = {"terms": {"quantity": 3}, "when": "PERIOD_END", "reason": "more seats"}
    assert post(client, f"{S1}/changes", body).json()["changed"] is True
    assert read(client)["credits"] == []
    at(system, FEB_1)
    assert totals(system) == taken(system) == [3100, 9300]


def test_quantity_goes_down_and_the_credit_pays_the_next_invoices(
    client: Client, system: System
) -> None:
    """From 5 units to 1: 105.00 back, 21.00 for the rest; 84.00 less in February and March."""
    running(system, music(quantity=5))
    post(client, f"{S1}/changes", {"terms": {"quantity": 1}, "reason": "fewer seats"})
    at(system, FEB_1)
    assert totals(system) == [15500, 3100 + 2100]
    assert read(client)["credit"] == usd(10500 - 5200)
    at(system, MAR_1)
    assert totals(system) == [15500, 5200, 3100]
    assert taken(system) == [15500]
    assert read(client)["credit"] == usd(10500 - 5200 - 3100)


@pytest.mark.parametrize(
    ("policy", "credit", "total"),
    [
        # 20 days and 11 hours (491 of 744 hours) of 31.00 and of 62.00.
        ("BY_SECOND", [2046], 6200 + 4092),
        ("NONE", [], 6200),
        ("FULL", [3100], 6200 + 6200),
    ],
)
def test_change_by_another_rule(
    client: Client, system: System, policy: str, credit: list[int], total: int
) -> None:
    """The rule that is named for this change takes the place of the agreed one."""
    running(system)
    post(client, f"{S1}/changes", {**DEARER, "proration": policy})
    assert [each.amount.minor for each in facts_of(system, CreditGranted)] == credit
    at(system, FEB_1)
    assert totals(system) == [3100, total]
    assert state_of(system).terms.proration.value == "BY_DAY"


def test_postpaid_change_is_one_invoice_with_both_prices(client: Client, system: System) -> None:
    """31.00 for January, less 21.00, and 42.00 for the same days at the new price."""
    running(system, postpaid())
    post(client, f"{S1}/changes", DEARER)
    now = read(client)
    assert (now["amount"], now["following"]["terms"]["price"]) == (usd(3100), usd(6200))
    at(system, FEB_1)
    assert totals(system) == taken(system) == [3100 - 2100 + 4200]
    at(system, MAR_1)
    assert totals(system)[1:] == [6200]


def test_another_interval_begins_today(client: Client, system: System) -> None:
    """From months to weeks of 7.00: 21.00 of January come back and pay three weeks of four."""
    running(system)
    body = {
        "terms": {"price": usd(700), "interval": {"unit": "WEEK"}},
        "reason": "weekly",
    }
    post(client, f"{S1}/changes", body)
    assert read(client)["schedule"]["anchor"] == "2025-01-11"
    at(system, FEB_1)
    assert totals(system) == [3100, 700, 700, 700, 700]
    assert taken(system) == [3100, 700]


def test_change_to_what_is_agreed_is_quiet(client: Client, system: System) -> None:
    """Whether it is in force or comes later; and a second change builds on the first."""
    running(system, postpaid())
    assert post(client, f"{S1}/changes", {"terms": {}, "reason": "none"}).json()["changed"] is False
    post(client, f"{S1}/changes", DEARER)
    assert post(client, f"{S1}/changes", DEARER).json()["changed"] is False
    post(client, f"{S1}/changes", {"terms": {"quantity": 2}, "reason": "more seats"})
    at(system, MAR_1)
    # 31.00 - 21.00 + 42.00, and then 42.00 again for the second unit.
    assert totals(system) == [5200 + 4200, 12400]


def test_only_what_is_named_changes(client: Client, system: System) -> None:
    """Every other term is as it was."""
    running(system)
    before = read(client)["terms"]
    body = {
        "terms": {"plan": "platinum", "plan_version": 2, "description": "More", "retry_days": [1]},
        "reason": "other plan",
    }
    post(client, f"{S1}/changes", body)
    new = {"plan": "platinum", "plan_version": 2, "description": "More"}
    assert read(client)["terms"] == {
        **before,
        **new,
        "retry": {**before["retry"], "wait_days": [1]},
    }


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"price": usd(0)}, 422, "price-not-positive"),
        ({"price": {"minor": 100, "currency": "EUR"}}, 409, "currency-fixed"),
        ({"quantity": 0}, 422, "quantity-malformed"),
        ({"quantity": 1_000_001}, 422, "quantity-malformed"),
        ({"quantity": 1_000_000, "price": usd(10**15)}, 422, "money-too-large"),
        ({"interval": {"unit": "YEAR", "count": 2}}, 422, "interval-out-of-range"),
        ({"retry_days": [0]}, 422, "retry-policy-malformed"),
        ({"plan": "gold plan"}, 422, "id-malformed"),
        ({"description": ""}, 422, "description-malformed"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_terms_that_cannot_be_billed_are_refused(
    kept: Client, unmoved: None, changes: dict[str, Any], status: int, code: str
) -> None:
    """By the rules of starting; nothing is written."""
    body = {"terms": changes, "reason": "no"}
    assert problem(post(kept, f"{S1}/changes", body)) == (status, code)


def test_postpaid_interval_changes_where_a_period_ends(client: Client, system: System) -> None:
    """Refused from now on; from the end of January on it is weekly."""
    running(system, postpaid())
    weekly = {"interval": {"unit": "WEEK"}, "price": usd(700)}
    body = {"terms": weekly, "reason": "weekly"}
    assert problem(post(client, f"{S1}/changes", body)) == (409, "change-at-period-end")
    assert post(client, f"{S1}/changes", {**body, "when": "PERIOD_END"}).status_code == 201
    at(system, FEB_15)
    assert totals(system) == [3100, 700, 700]


def test_instalments_stay(client: Client, system: System) -> None:
    """What was agreed to pay in parts adds up."""
    running(system, instalments(3))
    body = {"terms": {"quantity": 2}, "reason": "more"}
    assert problem(post(client, f"{S1}/changes", body)) == (409, "instalments-fixed")
    assert problem(post(client, f"{S1}/pause", {"reason": "no", "credit": True})) == (
        409,
        "instalments-fixed",
    )
