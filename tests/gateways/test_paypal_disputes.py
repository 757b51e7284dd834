"""Disputes at PayPal: what the simulator shows, what the gateway makes of it, what webhooks say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from domain.dispute_ports import DisputeSeen
from domain.money import Money
from domain.ports import Captured, Hint, NotDone, NotFound, RawCallback, Reversal, Unknown
from domain.refund_ports import RefundDenied, Refunded
from domain.subscription.dispute_events import DisputeOutcome
from infrastructure.gateways.exchange import Reply
from infrastructure.gateways.paypal.disputes import dispute_of, reversal_in
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import CallbackFault
from tests.gateways.bench import PRICE
from tests.gateways.dintero_bench import dintero_bench
from tests.gateways.paypal_bench import NO_TLS, SPECS, PayPalBench, paypal_bench

CODES = {
    "RESOLVED_BUYER_FAVOUR": DisputeOutcome.LOST,
    "RESOLVED_SELLER_FAVOUR": DisputeOutcome.WON,
    "RESOLVED_WITH_PAYOUT": DisputeOutcome.WON,
    "CANCELED_BY_BUYER": DisputeOutcome.WITHDRAWN,
    "NONE": DisputeOutcome.WITHDRAWN,
}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def on_paypal(test: Callable[[PayPalBench], Awaitable[None]]) -> None:
    async def main() -> None:
        async with paypal_bench() as bench:
            await test(bench)
            bench.check_book()

    asyncio.run(main())


async def control(bench: PayPalBench, path: str, **body: Any) -> dict[str, Any]:
    """A control endpoint of the simulator."""
    async with httpx.AsyncClient(base_url=bench.served.base_url, verify=NO_TLS) as http:
        answer = await http.post(path, json=body)
    assert answer.status_code < 300, answer.text
    return dict(answer.json())


async def disputed(bench: PayPalBench, **body: Any) -> tuple[Captured, str]:
    """A charge that is contested, and the dispute's id; what was told so far is forgotten."""
    _, captured = await bench.captured()
    await bench.callbacks(2)
    bench.received.clear()
    shown = await control(bench, "/_disputes", capture_id=captured.provider_ref, **body)
    return captured, shown["dispute_id"]


async def told(bench: PayPalBench, count: int) -> list[Hint]:
    """What the callbacks since the last time say."""
    callbacks = await bench.callbacks(count)
    bench.received.clear()
    return [await bench.gateway.verify(callback) for callback in callbacks]


async def seen(bench: PayPalBench, ref: str) -> DisputeSeen:
    """What the gateway shows of a dispute."""
    answer = await bench.gateway.look_up_dispute(ref)
    assert isinstance(answer, DisputeSeen), answer
    return answer


def test_a_dispute_is_seen_as_far_as_it_has_come() -> None:
    """Opened, moved on; each is told by a webhook that names the dispute and the capture."""

    async def test(bench: PayPalBench) -> None:
        captured, ref = await disputed(bench, reason="CANCELED_RECURRING_BILLING")
        first = await seen(bench, ref)
        assert (first.charge_ref, first.amount) == (captured.provider_ref, PRICE)
        assert (first.reason, first.stage, first.status, first.outcome) == (
            "CANCELED_RECURRING_BILLING",
            "INQUIRY",
            "OPEN",
            None,
        )
        await control(bench, f"/_disputes/{ref}", stage="CHARGEBACK", status="UNDER_REVIEW")
        assert (await seen(bench, ref)).stage == "CHARGEBACK"
        hints = await told(bench, 2)
        assert sorted(each.event_type for each in hints) == [
            "CUSTOMER.DISPUTE.CREATED",
            "CUSTOMER.DISPUTE.UPDATED",
        ]
        about = {(each.dispute_ref, each.charge_ref, each.reference) for each in hints}
        assert about == {(ref, captured.provider_ref, "")}

    on_paypal(test)


@pytest.mark.parametrize("code", list(CODES))
def test_every_outcome_has_a_meaning(code: str) -> None:
    """Only where the buyer was right money is taken back; the book and the webhooks say so."""

    async def test(bench: PayPalBench) -> None:
        captured, ref = await disputed(bench)
        await control(bench, f"/_disputes/{ref}", outcome=code)
        shown = await seen(bench, ref)
        lost = CODES[code] is DisputeOutcome.LOST
        assert (shown.outcome, shown.provider_outcome) == (CODES[code], code)
        assert shown.returned == Money(PRICE.minor if lost else 0, PRICE.currency)
        count, minor = bench.controls.book.total(Movement.REVERSED, PRICE.currency)
        assert (count, minor) == ((1, PRICE.minor) if lost else (0, 0))
        hints = await told(bench, 3 if lost else 2)
        reversals = [each.reversal for each in hints if each.reversal is not None]
        assert [(each.charge_ref, each.amount) for each in reversals] == (
            [(captured.provider_ref, PRICE)] if lost else []
        )

    on_paypal(test)


def test_money_taken_back_without_a_dispute() -> None:
    """Booked from the signature over the body: amount and ids are in it. A repeat is the same."""

    async def test(bench: PayPalBench) -> None:
        order, captured = await bench.captured()
        await bench.callbacks(2)
        bench.received.clear()
        bench.strike("callback", order.reference, CallbackFault.DUPLICATE)
        await control(bench, "/_reversals", capture_id=captured.provider_ref, minor=500)
        hints = await told(bench, 2)
        assert hints[0] == hints[1]
        reversal = hints[0].reversal
        assert reversal is not None
        assert (reversal.charge_ref, reversal.amount) == (captured.provider_ref, Money(500, "USD"))
        assert reversal.provider_ref not in ("", captured.provider_ref)
        # Never more than is left of it.
        taken = await control(bench, "/_reversals", capture_id=captured.provider_ref)
        assert taken == {"minor": PRICE.minor - 500}

    on_paypal(test)


def test_F41_refunds_of_what_is_disputed() -> None:
    """A part is refused; all that is left closes the dispute for the buyer, and nothing more
    moves: PayPal says what was refunded, not by whom. What was taken back cannot be refunded."""

    async def test(bench: PayPalBench) -> None:
        order, captured = await bench.captured()
        shown = await control(bench, "/_disputes", capture_id=captured.provider_ref)
        part = await bench.gateway.refund(bench.refund_order(order, captured, 100))
        assert isinstance(part, RefundDenied)
        assert part.code == "TRANSACTION_DISPUTED"
        whole = await bench.gateway.refund(bench.refund_order(order, captured, number=2))
        assert isinstance(whole, Refunded)
        over = await seen(bench, shown["dispute_id"])
        assert (over.outcome, over.returned) == (DisputeOutcome.LOST, PRICE)
        assert bench.controls.book.reversals(order.reference) == ()
        order, captured = await bench.captured("sub-1-2-1-aa")
        await control(bench, "/_reversals", capture_id=captured.provider_ref)
        late = await bench.gateway.refund(bench.refund_order(order, captured, 100))
        assert isinstance(late, RefundDenied)

    on_paypal(test)


def test_a_dispute_that_is_not_there() -> None:
    """Not found; nor is anything asked for that is no id."""

    async def test(bench: PayPalBench) -> None:
        for ref in ("PP-R-NONE", "../captures/C1", ""):
            assert isinstance(await bench.gateway.look_up_dispute(ref), NotFound)
        assert isinstance(await bench.unreachable().look_up_dispute("PP-R-1"), NotDone)

    on_paypal(test)


def test_dintero_shows_none() -> None:
    """There a person learns of it."""

    async def main() -> None:
        async with dintero_bench() as bench:
            assert isinstance(await bench.gateway.look_up_dispute("D-1"), NotFound)

    asyncio.run(main())


# --- what answers mean ----------------------------------------------------------------------------


def _dispute(**changes: Any) -> Reply:
    body = {
        "dispute_id": "PP-1",
        "create_time": "2026-02-01T10:00:00.000Z",
        "update_time": "2026-02-20T10:00:00.000Z",
        "disputed_transactions": [{"seller_transaction_id": "CAP1"}],
        "reason": "UNAUTHORISED",
        "status": "RESOLVED",
        "dispute_amount": {"currency_code": "USD", "value": "10.00"},
        "dispute_outcome": {
            "outcome_code": "RESOLVED_BUYER_FAVOUR",
            "amount_refunded": {"currency_code": "USD", "value": "10.00"},
        },
        **changes,
    }
    return Reply(
        status=200, headers={}, data={name: each for name, each in body.items() if each is not None}
    )


def _movement(party: str, kind: str, value: str) -> dict[str, Any]:
    money = {"currency_code": "USD", "value": value}
    return {"affected_party": party, "type": kind, "amount": money}


@pytest.mark.parametrize(
    ("movements", "returned"),
    [
        (None, 1000),
        ([], 1000),
        ([_movement("SELLER", "DEBIT", "10.00")], 1000),
        ([_movement("SELLER", "DEBIT", "10.00"), _movement("SELLER", "CREDIT", "4.00")], 600),
        ([_movement("PAYMENT_PROCESSOR", "DEBIT", "10.00")], 0),
        ([_movement("SELLER", "DEBIT", "1.00"), _movement("BUYER", "CREDIT", "10.00")], 100),
        ([_movement("SELLER", "CREDIT", "1.00")], 0),
    ],
)
def test_what_was_taken_from_us(movements: object, returned: int) -> None:
    """What was debited to the seller; where PayPal names no movements, what the outcome says."""
    shown = dispute_of(_dispute(money_movements=movements), "PP-1", NOW)
    assert isinstance(shown, DisputeSeen)
    assert shown.returned == Money(returned, "USD")
    assert (shown.opened_at.day, shown.at.day) == (1, 20)


@pytest.mark.parametrize(
    "changes",
    [
        {"dispute_id": "PP-2"},
        {"dispute_amount": None},
        {"dispute_amount": {"currency_code": "USD", "value": "x"}},
        {"dispute_outcome": None},
        {"dispute_outcome": {"outcome_code": "SOMETHING_NEW"}},
    ],
)
def test_what_cannot_be_read_is_a_doubt(changes: dict[str, Any]) -> None:
    """It is asked for again; never taken for an outcome."""
    assert isinstance(dispute_of(_dispute(**changes), "PP-1", NOW), Unknown)
    assert isinstance(dispute_of(Reply(status=500, headers={}, data={}), "PP-1", NOW), Unknown)
    assert isinstance(dispute_of(Reply(status=404, headers={}, data={}), "PP-1", NOW), NotFound)


@pytest.mark.parametrize(
    ("changes", "minor"),
    [
        ({}, 1000),
        ({"amount": {"currency_code": "USD", "value": "-10.00"}}, 1000),
        ({"amount": {"currency_code": "USD", "value": "0.00"}}, None),
        ({"amount": None}, None),
        ({"id": "CAP1"}, None),
        ({"id": ""}, None),
        ({"create_time": "yesterday"}, None),
    ],
)
def test_a_reversal_is_read_or_left_to_a_person(changes: dict[str, Any], minor: int | None) -> None:
    """With an amount, a time and an id of its own."""
    body = {
        "id": "REV1",
        "amount": {"currency_code": "USD", "value": "10.00"},
        "create_time": "2026-02-20T10:00:00Z",
        **changes,
    }
    found = reversal_in(body, "CAP1")
    expected = Reversal(
        charge_ref="CAP1",
        amount=Money(minor or 0, "USD"),
        provider_ref="REV1",
        at=datetime(2026, 2, 20, 10, tzinfo=UTC),
    )
    assert found == (None if minor is None else expected)
    assert reversal_in(body, "") is None


# --- by the specification -------------------------------------------------------------------------


@pytest.mark.skipif(not SPECS.is_dir(), reason="PayPal's OpenAPI files do not lie here")
@pytest.mark.parametrize("code", ["", *CODES])
def test_disputes_are_what_the_specification_shows(code: str) -> None:
    """Read alone, in the list, and in a webhook."""
    document = json.loads((SPECS / "customer_disputes_v1.json").read_text(encoding="utf-8"))
    components = document["components"]

    def broken(name: str, body: object) -> list[str]:
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        return [error.message for error in Draft202012Validator(schema).iter_errors(body)]

    def resource(callback: RawCallback) -> dict[str, Any]:
        return dict(json.loads(callback.body)["resource"])

    async def test(bench: PayPalBench) -> None:
        _, ref = await disputed(bench)
        if code:
            await control(bench, f"/_disputes/{ref}", outcome=code)
        account = (bench.provider.options.client_id, bench.provider.options.client_secret)
        async with httpx.AsyncClient(base_url=bench.served.base_url, verify=NO_TLS) as http:
            form = {"grant_type": "client_credentials"}
            access = (await http.post("/v1/oauth2/token", auth=account, data=form)).json()
            headers = {"Authorization": f"Bearer {access['access_token']}"}
            one = await http.get(f"/v1/customer/disputes/{ref}", headers=headers)
            all_ = await http.get("/v1/customer/disputes", headers=headers)
            assert (await http.get(f"/v1/customer/disputes/{ref}")).status_code == 401
        assert broken("dispute", one.json()) == []
        assert broken("dispute_search", all_.json()) == []
        assert [each["dispute_id"] for each in all_.json()["items"]] == [ref]
        for callback in await bench.callbacks(1):
            if "dispute_id" in resource(callback):
                assert broken("dispute", resource(callback)) == []

    on_paypal(test)
