"""Usage, amounts that are set, and discounts over HTTP, on a subscription that is billed.

31.00 USD a month, prepaid, from 1 January 2025 in Oslo, and 0.40 a GB; it is 11 January.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from domain.money import Money
from domain.plan import Kind, Meter, Terms
from domain.prices import Tier
from domain.subscription.events import CreditGranted, UsageCorrected, UsageReported
from infrastructure.bootstrap import System
from tests.api.billing import FEB_1, FEB_15, MAR_1, S1, at, facts_of, music, read, running, totals
from tests.api.billing import usd as usd_json
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, post_raw, problem

USAGE = "/v1/usage"
JAN_10 = "2025-01-10T12:00:00Z"


def metered(**changes: Any) -> Terms:
    """With data by the GB."""
    tiers = (Tier(up_to=None, unit_price=Money(40, "USD")),)
    meter = Meter(code="data", description="Data", unit="GB", tiers=tiers)
    return music(kind=Kind.RECURRING, **{"meters": (meter,), **changes})


def report(usage_id: str = "u-1", **changes: Any) -> dict[str, Any]:
    """25 GB on 10 January: 10.00."""
    standard = {"subscription_id": "s-1", "meter": "data", "quantity": 25, "at": JAN_10}
    return {**standard, "usage_id": usage_id, **changes}


def send(client: Client, *reports: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """The answer to a batch that is taken."""
    answer = post(client, USAGE, {"reports": reports}, key=key)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def outcomes(answer: dict[str, Any]) -> list[str]:
    """Each report's outcome, or the code of its refusal."""
    return [each["code"] or each["outcome"] for each in answer["items"]]


def test_usage_is_counted_and_billed(client: Client, system: System) -> None:
    """Each report by itself; what counts is on the next invoice."""
    running(system, metered())
    answer = send(
        client,
        report(),
        report(),
        report("u-2", meter="voice"),
        report(subscription_id="nobody"),
        report("u-3", quantity=5),
    )
    assert outcomes(answer) == [
        "accepted",
        "known",
        "meter-unknown",
        "subscription-unknown",
        "accepted",
    ]
    assert (answer["accepted"], answer["known"], answer["refused"]) == (2, 1, 2)
    assert answer["items"][3]["subscription_id"] == "nobody"
    assert answer["items"][3]["reason"]
    assert answer["position"] == system.ledger.head()
    assert read(client)["usage"] == [{"meter": "data", "unit": "GB", "quantity": 30, "reports": 2}]
    at(system, FEB_1)
    assert totals(system) == [3100, 4300]
    assert read(client)["usage"] == [{"meter": "data", "unit": "GB", "quantity": 0, "reports": 0}]


def test_batch_is_repeated_by_key_and_by_id(client: Client, system: System) -> None:
    """The same key gets the first answer; another key, or another batch, finds it known."""
    running(system, metered())
    first = send(client, report(), key="k")
    head = system.ledger.head()
    replayed = post(client, USAGE, {"reports": [report()]}, key="k")
    assert (replayed.json(), replayed.headers["idempotent-replayed"]) == (first, "true")
    assert outcomes(send(client, report())) == ["known"]
    assert outcomes(send(client, report(quantity=26))) == ["usage-id-reused"]
    other = post(client, USAGE, {"reports": [report("u-2")]}, key="k")
    assert problem(other) == (422, "idempotency-key-reused")
    bare = client.post(USAGE, json={"reports": [report("u-2")]})
    assert problem(bare) == (400, "idempotency-key-missing")
    assert system.ledger.head() == head


def test_a_thousand_reports_with_long_ids(client: Client, system: System) -> None:
    """All of them fit into one request; one more does not."""
    running(system, metered())
    reports = [report(f"{number:0>64}", quantity=10**12) for number in range(1001)]
    assert send(client, *reports[:1000])["accepted"] == 1000
    for wrong in ([], reports):
        answer = post(client, USAGE, {"reports": wrong})
        assert problem(answer) == (422, "usage-batch-malformed")
    assert read(client)["usage"][0]["reports"] == 1000


def test_F36_batch_that_cannot_be_read_counts_nothing(client: Client, system: System) -> None:
    """A wrong type anywhere is an error of the whole; nothing is guessed."""
    running(system, metered())
    head = system.ledger.head()
    for wrong in ({"quantity": 2.5}, {"quantity": "25"}, {"at": "soon"}, {"colour": "red"}):
        answer = post(client, USAGE, {"reports": [report("u-0"), report(**wrong)]})
        assert problem(answer) == (400, "request-malformed")
    for body in (b"[]", b'{"reports": 7}', b'{"reports": [[]]}'):
        assert problem(post_raw(client, USAGE, body)) == (400, "request-malformed")
    large = b'{"reports": [], "x": "' + b"x" * 600_000 + b'"}'
    assert problem(post_raw(client, USAGE, large)) == (413, "body-too-large")
    assert system.ledger.head() == head


def test_F21_same_reports_at_once_count_once(client: Client, system: System) -> None:
    """Eight callers send the same forty reports, each in another order and under its own key."""
    running(system, metered())
    reports = [report(f"u-{number}", quantity=1) for number in range(40)]
    orders = [reports[turn * 5 :] + reports[: turn * 5] for turn in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda order: send(client, *order), orders))
    assert sum(each["accepted"] for each in answers) == 40
    assert sum(each["known"] for each in answers) == 7 * 40
    facts = facts_of(system, UsageReported)
    assert len({each.usage_id for each in facts}) == len(facts) == 40
    at(system, FEB_1)
    assert totals(system) == [3100, 3100 + 40 * 40]


def test_F21_one_key_at_once_counts_once(client: Client, system: System) -> None:
    """Eight tries of one request: one answer for all, and the reports once."""
    running(system, metered())
    batch = [report("u-1"), report("u-2"), report("u-3", meter="voice")]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(client, *batch, key="k"), range(8)))
    assert [each for each in answers if each != answers[0]] == []
    assert len(facts_of(system, UsageReported)) == 2


def test_correction_of_what_is_not_billed_yet(client: Client, system: System) -> None:
    """25 GB should have been 5: 2.00 instead of 10.00."""
    running(system, metered())
    send(client, report())
    path = f"{S1}/usage/u-1/corrections"
    answer = post(client, path, {"quantity": 5, "reason": "counted twice"})
    assert (answer.status_code, answer.json()["changed"]) == (201, True)
    again = post(client, path, {"quantity": 5, "reason": "counted twice"})
    assert again.json()["changed"] is False
    at(system, FEB_1)
    assert totals(system) == [3100, 3300]


def test_correction_of_what_is_billed_becomes_credit(client: Client, system: System) -> None:
    """And more of it is on the next invoice."""
    running(system, metered())
    send(client, report())
    at(system, FEB_15)
    path = f"{S1}/usage/u-1/corrections"
    post(client, path, {"quantity": 5, "reason": "counted twice"})
    assert [each.amount.minor for each in facts_of(system, CreditGranted)] == [800]
    post(client, path, {"quantity": 10, "reason": "counted once"})
    (_, second) = facts_of(system, UsageCorrected)
    assert [each.amount.minor for each in second.lines] == [200]
    late = send(client, report("u-2", quantity=10))
    assert outcomes(late) == ["accepted"]
    at(system, MAR_1)
    assert totals(system) == [3100, 4100, 3100 + 200 + 400]


def test_correction_is_refused(client: Client, system: System) -> None:
    """What was not reported, too much, or nothing said."""
    running(system, metered())
    send(client, report())
    for usage_id, body, told in (
        ("u-9", {"quantity": 5, "reason": "x"}, (404, "usage-unknown")),
        ("u-1", {"quantity": -1, "reason": "x"}, (422, "usage-malformed")),
        ("u-1", {"quantity": 5, "reason": ""}, (422, "reason-malformed")),
        ("u-1", {"quantity": 5}, (400, "request-malformed")),
    ):
        assert problem(post(client, f"{S1}/usage/{usage_id}/corrections", body)) == told
    gone = post(
        client, "/v1/subscriptions/nobody/usage/u-1/corrections", {"quantity": 1, "reason": "x"}
    )
    assert problem(gone) == (404, "subscription-unknown")


def test_amount_is_set(client: Client, system: System) -> None:
    """The next period alone; a later one replaces it."""
    running(system, metered(meters=(), variable=True))
    for minor in (5000, 4820):
        body = {"amount": usd_json(minor), "reason": "meter read"}
        assert post(client, f"{S1}/amounts", body).json()["changed"] is True
    assert post(client, f"{S1}/amounts", body).json()["changed"] is False
    assert read(client)["amounts"] == [{"invoice_number": 2, "amount": usd_json(4820)}]
    at(system, MAR_1)
    assert totals(system) == [3100, 4820, 3100]


@pytest.mark.parametrize(
    ("agreed", "amount", "told"),
    [
        (metered(), usd_json(1), (409, "amount-fixed")),
        (metered(variable=True), usd_json(-1), (422, "amount-negative")),
        (metered(variable=True), {"minor": 1, "currency": "NOK"}, (422, "currency-mixed")),
        (metered(variable=True), {"minor": 1.5, "currency": "USD"}, (400, "request-malformed")),
    ],
)
def test_amount_is_refused(
    client: Client, system: System, agreed: Terms, amount: Any, told: tuple[int, str]
) -> None:
    """By the terms, or for what it is."""
    running(system, agreed)
    answer = post(client, f"{S1}/amounts", {"amount": amount, "reason": "x"})
    assert problem(answer) == told


def test_amount_needs_an_invoice_to_come(client: Client, system: System) -> None:
    """None is, once it has ended."""
    running(system, metered(variable=True))
    post(client, f"{S1}/cancellation", {"reason": "moved"})
    answer = post(client, f"{S1}/amounts", {"amount": usd_json(1), "reason": "x"})
    assert problem(answer) == (409, "nothing-to-bill")


def test_discounts(client: Client, system: System) -> None:
    """12.5 % of 31.00 is 3.88 (3.875); then 5.00 off what is left, once."""
    running(system, music())
    percent = {"coupon": "spring", "percent": "12.5", "reason": "spring"}
    amount = {"coupon": "sorry", "amount": usd_json(500), "invoices": 1, "reason": "outage"}
    for body in (percent, amount):
        assert post(client, f"{S1}/discounts", body).json()["changed"] is True
        assert post(client, f"{S1}/discounts", body).json()["changed"] is False
    reused = post(client, f"{S1}/discounts", {**percent, "percent": "13"})
    assert problem(reused) == (409, "coupon-used")
    at(system, FEB_1)
    assert [(each["coupon"], each["invoices"]) for each in read(client)["discounts"]] == [
        ("spring", None),
        ("sorry", 0),
    ]
    ended = post(client, f"{S1}/discounts/spring/end", {"reason": "over"})
    assert (ended.status_code, ended.json()["changed"]) == (201, True)
    at(system, MAR_1)
    assert totals(system) == [3100, 3100 - 388 - 500, 3100]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"percent": None}, "discount-malformed"),
        ({"amount": usd_json(1)}, "discount-malformed"),
        ({"percent": "0"}, "discount-malformed"),
        ({"percent": "100.5"}, "percent-malformed"),
        ({"percent": "8.87501"}, "percent-too-precise"),
        ({"percent": None, "amount": {"minor": 1, "currency": "NOK"}}, "currency-mixed"),
        ({"percent": None, "amount": usd_json(0)}, "discount-malformed"),
        ({"invoices": 0}, "discount-malformed"),
        ({"coupon": "a b"}, "id-malformed"),
    ],
)
def test_discount_is_refused(
    kept: Client, unmoved: None, changes: dict[str, Any], code: str
) -> None:
    """A percentage or an amount, of some invoices."""
    body = {"coupon": "spring", "percent": "10", "reason": "x", **changes}
    assert problem(post(kept, f"{S1}/discounts", body)) == (422, code)


def test_unknown_coupon(kept: Client, unmoved: None) -> None:
    """Nothing to end."""
    answer = post(kept, f"{S1}/discounts/spring/end", {"reason": "x"})
    assert problem(answer) == (404, "coupon-unknown")


def test_terms_are_started_and_changed(client: Client, system: System) -> None:
    """Tiers, tax and meters go in, and are shown as they are stored."""
    tax = {"code": "NO-25", "percent": "25", "included": False}
    tiers = [{"up_to": 10, "unit_price": usd_json(500)}, {"unit_price": usd_json(300)}]
    body = {name: value for name, value in MUSIC.items() if name != "price"}
    started = post(
        client, "/v1/subscriptions", {**body, "tiers": tiers, "quantity": 12, "tax": tax}
    )
    assert started.status_code == 201, started.text
    found = read(client)
    assert found["amount"] == usd_json(7000)
    assert found["terms"]["tax"] == {"code": "NO-25", "ppm": 250_000, "included": False}
    assert found["terms"]["price"] == usd_json(500)
    bad = post(client, "/v1/subscriptions", {**body, "subscription_id": "s-2"})
    assert problem(bad) == (422, "price-missing")
    once = {"one_time_total": usd_json(1), "price": usd_json(1), "subscription_id": "s-2"}
    assert problem(post(client, "/v1/subscriptions", {**body, **once})) == (
        422,
        "one-time-total-wrong",
    )


def test_change_brings_tax_and_meters(client: Client, system: System) -> None:
    """From the period's end on; and takes them away again."""
    running(system, music(kind=Kind.RECURRING))
    meter = {
        "code": "data",
        "description": "Data",
        "unit": "GB",
        "tiers": [{"unit_price": usd_json(40)}],
    }
    tax = {"code": "NO-25", "percent": "25", "included": False}
    terms = {"tax": tax, "meters": [meter]}
    change = {"terms": terms, "when": "PERIOD_END", "reason": "new plan"}
    assert post(client, f"{S1}/changes", change).status_code == 201
    at(system, FEB_15)
    assert totals(system) == [3100, 3875]
    assert outcomes(send(client, report(at="2025-02-10T12:00:00Z"))) == ["accepted"]
    untaxed = {"terms": {"untaxed": True, "meters": []}, "when": "PERIOD_END", "reason": "old plan"}
    assert post(client, f"{S1}/changes", untaxed).status_code == 201
    at(system, MAR_1)
    assert totals(system)[2] == 3100 + 1000
    both = {"terms": {"untaxed": True, "tax": tax}, "reason": "x"}
    assert problem(post(client, f"{S1}/changes", both)) == (422, "tax-ambiguous")


def test_price_is_previewed(kept: Client, unmoved: None) -> None:
    """The lines of one period, with tax, usage and a discount."""
    tax = {"code": "NO-25", "percent": "25", "included": False}
    meter = {
        "code": "data",
        "description": "Data",
        "unit": "GB",
        "tiers": [{"unit_price": usd_json(40)}],
    }
    terms = {"price": usd_json(3100), "interval": {"unit": "MONTH"}, "tax": tax, "meters": [meter]}
    asked = {
        "start": "2025-01-01",
        "terms": terms,
        "quantity": 2,
        "usage": {"data": 25},
        "discounts": [{"coupon": "spring", "percent": "10"}],
    }
    shown = kept.post("/v1/previews/price", json=asked).json()
    assert [each["amount"]["minor"] for each in shown["lines"]] == [7750, -775, 1000, -100]
    assert (shown["total"], shown["tax"]) == (usd_json(7875), usd_json(1395))
    unknown = kept.post("/v1/previews/price", json={**asked, "usage": {"voice": 1}})
    assert problem(unknown) == (422, "meter-unknown")
