"""Charges on demand and balances over HTTP; it is 11 January 2025 in Oslo."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from domain.money import Money
from domain.plan import Kind, Meter, Reload, Terms
from domain.prices import Tier
from domain.subscription.events import BalanceReported, InvoiceIssued, UsageReported
from infrastructure.bootstrap import System
from tests.api.billing import S1, facts_of, music, read, running, taken, totals, usd, work
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem

DEMANDS, BALANCES = f"{S1}/demands", f"{S1}/balance-reports"
BAG: dict[str, Any] = {
    "demand_id": "d-1",
    "description": "Bag",
    "amount": usd(1000),
    "reason": "at the desk",
}
LOW: dict[str, Any] = {"report_id": "r-1", "balance": usd(499), "at": "2025-01-11T11:00:00Z"}


def on_demand(**changes: Any) -> Terms:
    """Any amount, when it is asked for."""
    return music(kind=Kind.UNSCHEDULED, variable=True, **changes)


def reloaded() -> Terms:
    """20.00 when a balance falls below 5.00."""
    usd_of = lambda minor: Money(minor, "USD")  # noqa: E731
    reload = Reload(threshold=usd_of(500), amount=usd_of(2000), most_a_day=1, most_a_month=5)
    return on_demand(reload=reload)


def test_a_demand_is_billed_and_charged_once(client: Client, system: System) -> None:
    """Under any key; the second is told that nothing changed."""
    running(system, on_demand())
    first = post(client, DEMANDS, {**BAG, "tax": {"code": "V", "percent": "25", "included": False}})
    assert (first.status_code, first.json()["changed"]) == (201, True)
    body = {**BAG, "tax": {"code": "V", "percent": "25", "included": False}}
    assert post(client, DEMANDS, body, key="other").json()["changed"] is False
    work(system)
    assert (totals(system), taken(system)) == ([1250], [1250])
    assert read(client)["next_due_at"] is None
    assert problem(post(client, DEMANDS, BAG, key="third")) == (409, "demand-id-reused")


def test_many_at_once_are_one(client: Client, system: System) -> None:
    """Twelve callers, one id."""
    running(system, on_demand())
    with ThreadPoolExecutor(max_workers=12) as pool:
        jobs = [pool.submit(post, client, DEMANDS, BAG, key=f"k-{n}") for n in range(12)]
        answers = [job.result() for job in jobs]
    assert [each.status_code for each in answers] == [201] * 12
    assert sum(each.json()["changed"] for each in answers) == 1
    work(system)
    assert taken(system) == [1000]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"amount": usd(0)}, (422, "amount-not-positive")),
        ({"amount": {"minor": 1, "currency": "NOK"}}, (422, "currency-mixed")),
        ({"demand_id": "a b"}, (422, "id-malformed")),
        ({"description": ""}, (422, "description-malformed")),
        ({"reason": ""}, (422, "reason-malformed")),
        ({"colour": "red"}, (400, "request-malformed")),
        ({"amount": 1000}, (400, "request-malformed")),
    ],
)
def test_what_cannot_be_billed_is_refused(
    client: Client, system: System, change: dict[str, Any], answer: tuple[int, str]
) -> None:
    """With a code; nothing is written."""
    running(system, on_demand())
    head = system.ledger.head()
    assert problem(post(client, DEMANDS, {**BAG, **change})) == answer
    assert system.ledger.head() == head


def test_state_decides_what_may_be_asked_for(client: Client, system: System) -> None:
    """A fixed price, nobody's subscription, one that has ended; no key, another body."""
    running(system)
    assert problem(post(client, DEMANDS, BAG)) == (409, "amount-fixed")
    nobody = "/v1/subscriptions/nobody"
    assert problem(post(client, f"{nobody}/demands", BAG)) == (404, "subscription-unknown")
    assert problem(post(client, f"{nobody}/balance-reports", LOW)) == (404, "subscription-unknown")
    assert problem(post(client, BALANCES, LOW)) == (409, "reload-not-agreed")
    assert problem(client.post(DEMANDS, json=BAG)) == (400, "idempotency-key-missing")
    price = {**BAG, "amount": usd(3100)}
    assert post(client, DEMANDS, price, key="k").json()["changed"] is True
    assert problem(post(client, DEMANDS, BAG, key="k")) == (422, "idempotency-key-reused")
    post(client, f"{S1}/cancellation", {"reason": "moved"})
    again = {**price, "demand_id": "d-2"}
    assert problem(post(client, DEMANDS, again)) == (409, "subscription-ended")


def test_a_low_balance_is_reloaded_once(client: Client, system: System) -> None:
    """Repeated, older and still low; the second crossing of the day waits, and is shown."""
    running(system, reloaded())

    def send(report_id: str, minor: int, minute: int) -> bool:
        at = f"2025-01-11T11:{minute:02}:00Z"
        body = {"report_id": report_id, "balance": usd(minor), "at": at}
        answer = post(client, BALANCES, body, key=f"{report_id}-{minute}-{minor}")
        assert answer.status_code == 201, answer.text
        changed: bool = answer.json()["changed"]
        return changed

    assert post(client, BALANCES, LOW).json()["changed"] is True
    assert post(client, BALANCES, LOW, key="again").json()["changed"] is False
    assert not send("r-0", 100, 0)
    assert send("r-2", 100, 1)
    work(system)
    assert taken(system) == [2000]
    assert send("r-3", 2100, 2)
    assert send("r-4", 10, 3)
    work(system)
    assert taken(system) == [2000]
    (item,) = [each for each in read(client)["agenda"] if each["kind"] == "reload"]
    assert (item["key"], item["due_at"]) == ("r-4", None)
    assert len(facts_of(system, BalanceReported)) == 4


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"at": "2025-01-11T13:00:00Z"}, (422, "balance-in-the-future")),
        ({"at": "2025-01-11T11:00:00"}, (422, "instant-without-offset")),
        ({"balance": {"minor": 1, "currency": "NOK"}}, (422, "currency-mixed")),
        ({"report_id": ""}, (422, "id-malformed")),
        ({"balance": "4.99"}, (400, "request-malformed")),
    ],
)
def test_a_malformed_report_is_refused(
    client: Client, system: System, change: dict[str, Any], answer: tuple[int, str]
) -> None:
    """With a code; nothing is written."""
    running(system, reloaded())
    assert problem(post(client, BALANCES, {**LOW, **change})) == answer


def by_threshold() -> Terms:
    """Data at 0.40 a GB, billed at 10.00, beside 31.00 a month."""
    tiers = (Tier(up_to=None, unit_price=Money(40, "USD")),)
    meter = Meter(code="data", description="Data", unit="GB", tiers=tiers)
    return attrs.evolve(music(), kind=Kind.THRESHOLD, meters=(meter,), threshold=Money(1000, "USD"))


def test_usage_in_a_batch_is_billed_at_the_threshold(client: Client, system: System) -> None:
    """Two reports of one batch come to 10.00: billed in the same append, charged at once."""
    running(system, by_threshold())
    reports = [
        {
            "subscription_id": "s-1",
            "usage_id": name,
            "meter": "data",
            "quantity": quantity,
            "at": f"2025-01-11T1{number}:00:00Z",
        }
        for number, (name, quantity) in enumerate((("u-1", 20), ("u-2", 5)))
    ]
    answer = post(client, "/v1/usage", {"reports": reports}).json()
    assert [each["outcome"] for each in answer["items"]] == ["accepted", "accepted"]
    work(system)
    assert (totals(system), taken(system)) == ([3100, 1000], [3100, 1000])
    assert len(facts_of(system, UsageReported)) == 2
    assert facts_of(system, InvoiceIssued)[-1].demand == "threshold"


def test_every_kind_can_be_started(client: Client) -> None:
    """Their terms are read from the message; what they may not vary is refused by code."""
    begun = {key: value for key, value in MUSIC.items() if key != "subscription_id"}
    reload = {"threshold": usd(500), "amount": usd(2000), "most_a_day": 1, "most_a_month": 5}
    meter = {
        "code": "data",
        "description": "Data",
        "unit": "GB",
        "tiers": [{"unit_price": usd(40)}],
    }
    agreed: list[tuple[dict[str, Any], str]] = [
        ({"kind": "UNSCHEDULED", "variable": True}, "UNSCHEDULED"),
        ({"reload": reload}, "UNSCHEDULED"),
        ({"kind": "IMMEDIATE"}, "IMMEDIATE"),
        ({"kind": "DEFERRED", "timing": "POSTPAID"}, "DEFERRED"),
        ({"threshold": usd(1000), "meters": [meter]}, "THRESHOLD"),
    ]
    for number, (change, kind) in enumerate(agreed):
        name = f"k-{number}"
        body = {**begun, "subscription_id": name, **change}
        assert post(client, "/v1/subscriptions", body, key=name).status_code == 201, change
        assert client.get(f"/v1/subscriptions/{name}").json()["terms"]["kind"] == kind
    body = {**begun, "subscription_id": "k-9", "kind": "DEFERRED"}
    assert problem(post(client, "/v1/subscriptions", body)) == (409, "timing-fixed")
    body = {**begun, "subscription_id": "k-9", "kind": "IMMEDIATE", "cycles": 3}
    assert problem(post(client, "/v1/subscriptions", body)) == (422, "cycles-not-allowed")
