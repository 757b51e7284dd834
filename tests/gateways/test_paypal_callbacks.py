"""Webhooks about refunds, voids and parts: which charge or refund they lead to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from jsonschema import Draft202012Validator

from domain.money import Money
from domain.ports import Captured, Hint, RawCallback, TokenGone
from domain.refund_ports import Refunded, Voided
from infrastructure.gateways.paypal.webhooks import capture_behind
from infrastructure.simulators.faults import CallbackFault, Fault
from tests.gateways.paypal_bench import NO_TLS, SPECS, PayPalBench, paypal_bench


def on_paypal(test: Callable[[PayPalBench], Awaitable[None]]) -> None:
    async def main() -> None:
        async with paypal_bench() as bench:
            await test(bench)

    asyncio.run(main())


async def told(bench: PayPalBench, count: int) -> list[Hint]:
    """What the callbacks since the last time say; they are forgotten then."""
    callbacks = await bench.callbacks(count)
    bench.received.clear()
    return [await bench.gateway.verify(callback) for callback in callbacks]


async def by_hand(bench: PayPalBench, path: str, body: dict[str, object]) -> httpx.Response:
    """A call that our gateway did not make, as by a person on PayPal's pages."""
    account = (bench.provider.options.client_id, bench.provider.options.client_secret)
    async with httpx.AsyncClient(base_url=bench.served.base_url, verify=NO_TLS) as http:
        form = {"grant_type": "client_credentials"}
        access = (await http.post("/v1/oauth2/token", auth=account, data=form)).json()
        headers = {"Authorization": f"Bearer {access['access_token']}"}
        return await http.post(path, json=body, headers=headers)


def test_refund_made_by_hand_leads_to_its_charge() -> None:
    """Without an invoice id of its own the capture that it links to names the charge."""

    async def test(bench: PayPalBench) -> None:
        order, captured = await bench.captured()
        await told(bench, 2)
        path = f"/v2/payments/captures/{captured.provider_ref}/refund"
        assert (await by_hand(bench, path, {})).status_code == 201
        (hint,) = await told(bench, 1)
        assert (hint.event_type, hint.reference) == ("PAYMENT.CAPTURE.REFUNDED", order.reference)

    on_paypal(test)


def test_refund_whose_capture_cannot_be_read_is_still_a_hint() -> None:
    """The message is believed; what it leads to is not known just now."""

    async def test(bench: PayPalBench) -> None:
        _, captured = await bench.captured()
        await told(bench, 2)
        path = f"/v2/payments/captures/{captured.provider_ref}/refund"
        await by_hand(bench, path, {})
        (callback,) = await bench.callbacks(1)
        unreachable = bench.another()
        unreachable._look_ups._http._base_url = "http://127.0.0.1:1"
        try:
            assert (await unreachable.verify(callback)).reference == ""
        finally:
            await unreachable.close()

    on_paypal(test)


def test_events_of_a_refund() -> None:
    """Refunded; pending, then refunded; pending, then failed: each under the refund's name."""

    async def test(bench: PayPalBench) -> None:
        order, captured = await bench.captured()
        await told(bench, 2)
        expected = (
            (None, ["PAYMENT.CAPTURE.REFUNDED"]),
            (Fault.PENDING, ["PAYMENT.REFUND.PENDING", "PAYMENT.CAPTURE.REFUNDED"]),
            (Fault.PENDING_FAILS, ["PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED"]),
            (Fault.LATE_SUCCESS, ["PAYMENT.CAPTURE.REFUNDED"]),
        )
        for number, (fault, events) in enumerate(expected, start=1):
            refund = bench.refund_order(order, captured, 100, number=number)
            if fault is not None:
                bench.strike("refund", refund.reference, fault)
            await bench.gateway.refund(refund)
            bench.pass_time(timedelta(minutes=3))
            bench.controls.clock.due()
            hints = await told(bench, len(events))
            assert sorted(hint.event_type for hint in hints) == sorted(events)
            assert {hint.reference for hint in hints} == {refund.reference}

    on_paypal(test)


def test_F11_refund_callback_before_the_answer() -> None:
    """A callback that overtakes the answer names the refund as well."""

    async def test(bench: PayPalBench) -> None:
        order, captured = await bench.captured()
        await told(bench, 2)
        refund = bench.refund_order(order, captured)
        bench.strike("callback", refund.reference, CallbackFault.EARLY)
        assert isinstance(await bench.gateway.refund(refund), Refunded)
        assert bench.received, "nothing had arrived when the refund was answered"
        (hint,) = await told(bench, 1)
        assert hint.reference == refund.reference

    on_paypal(test)


def test_parts_and_voids_lead_to_their_charge() -> None:
    """A part has an invoice id of its own; the hint is the charge's reference all the same."""

    async def test(bench: PayPalBench) -> None:
        order, authorized = await bench.authorized()
        part = bench.capture_order(
            order, authorized.authorization_ref, amount=Money(1000, "USD"), final=False
        )
        assert isinstance(await bench.gateway.capture(part), Captured)
        assert isinstance(await bench.gateway.void(bench.void_order(order, authorized)), Voided)
        assert await bench.gateway.delete_token(order.token, order.instrument) == TokenGone()
        hints = {hint.event_type: hint.reference for hint in await told(bench, 5)}
        assert hints == {
            "VAULT.PAYMENT-TOKEN.CREATED": "",
            "PAYMENT.AUTHORIZATION.CREATED": order.reference,
            "PAYMENT.CAPTURE.COMPLETED": order.reference,
            "PAYMENT.AUTHORIZATION.VOIDED": order.reference,
            "VAULT.PAYMENT-TOKEN.DELETED": "",
        }

    on_paypal(test)


@pytest.mark.parametrize(
    ("body", "capture_id"),
    [
        (b'{"resource":{"links":[{"rel":"up","href":"https://x/v2/payments/captures/C1"}]}}', "C1"),
        (b'{"resource":{"links":[{"rel":"self","href":"https://x/v2/payments/captures/C1"}]}}', ""),
        (b'{"resource":{"links":[{"rel":"up","href":"https://x/v2/checkout/orders/C1"}]}}', ""),
        (b'{"resource":{"links":[{"rel":"up","href":"/v2/payments/captures/../../C1"}]}}', ""),
        (b'{"resource":{"links":[{"rel":"up","href":7},3,null]}}', ""),
        (b'{"resource":[]}', ""),
        (b"[]", ""),
    ],
)
def test_only_a_link_to_a_capture_names_one(body: bytes, capture_id: str) -> None:
    """The parent of a refund; never another path."""
    assert capture_behind(body) == capture_id


EVENTS = {
    "PAYMENT.CAPTURE.REFUNDED": "capture_refunded",
    "PAYMENT.AUTHORIZATION.VOIDED": "authorization_voided",
}


@pytest.mark.skipif(not SPECS.is_dir(), reason="PayPal's OpenAPI files do not lie here")
def test_events_are_what_the_specification_shows() -> None:
    """Envelope and resource of the events that PayPal's file describes."""
    document = json.loads((SPECS / "payments_payment_v2.json").read_text(encoding="utf-8"))
    components = document["components"]

    def broken(callback: RawCallback) -> list[str]:
        event = json.loads(callback.body)
        (path,) = components["callbacks"][EVENTS[event["event_type"]]].values()
        schema = path["post"]["requestBody"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": components})
        return [error.message for error in validator.iter_errors(event)]

    async def test(bench: PayPalBench) -> None:
        order, captured = await bench.captured()
        await bench.gateway.refund(bench.refund_order(order, captured))
        order, authorized = await bench.authorized("sub-1-2-1-aa")
        await bench.gateway.void(bench.void_order(order, authorized))
        seen = [
            broken(callback)
            for callback in await bench.callbacks(6)
            if json.loads(callback.body)["event_type"] in EVENTS
        ]
        assert seen == [[], []]

    on_paypal(test)
