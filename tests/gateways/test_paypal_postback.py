"""Webhooks checked by asking PayPal: only its plain yes is one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import httpx
import pytest

from domain.ports import CallbackRejected, Captured, Hint, RawCallback
from infrastructure.gateways.paypal.account import Verification
from infrastructure.gateways.paypal.gateway import PayPalGateway
from infrastructure.gateways.paypal.postback import PATH
from infrastructure.simulators.faults import CallbackFault, Fault
from tests.gateways.bench import START
from tests.gateways.paypal_bench import SPECS, PayPalBench, paypal_bench
from tests.gateways.paypal_canned import ACCOUNT, Answer, Canned
from tests.gateways.paypal_signed import CERT_URL, rejected, webhook
from tests.gateways.test_paypal_requests import violations

# PayPal's pattern for these ids has no dash.
OURS = "1JE4291016473214C"


def verified(callback: RawCallback, answer: Answer, **account: Any) -> tuple[Hint, Canned]:
    """What the gateway makes of a webhook when PayPal answers so."""
    canned = Canned({("POST", PATH): answer})
    ours = attrs.evolve(
        ACCOUNT, **{"verification": Verification.POSTBACK, "webhook_id": OURS, **account}
    )

    async def main() -> Hint:
        gateway = PayPalGateway(ours, now=lambda: START, transport=httpx.MockTransport(canned))
        try:
            return await gateway.verify(callback)
        finally:
            await gateway.close()

    return asyncio.run(main()), canned


YES: Answer = (200, {"verification_status": "SUCCESS"})
NO: Answer = (200, {"verification_status": "FAILURE"})


@pytest.mark.skipif(not SPECS.is_dir(), reason="PayPal's OpenAPI files do not lie here")
def test_question_is_what_the_specification_asks_for() -> None:
    """All seven fields, and our access token."""
    # The specification's pattern forbids "+" and "/" at its beginning, where one in 32 has them.
    hint, canned = verified(webhook(paypal_transmission_sig="kLkkDCRs+/8aG=="), YES)
    assert hint.reference == "sub-1-1-1-aa"
    (request,) = canned.requests
    assert request.headers["Authorization"] == "Bearer A21AA"
    assert list(violations(request)) == []
    sent = json.loads(request.content)
    assert (sent["webhook_id"], sent["cert_url"]) == (OURS, CERT_URL)
    assert sent["webhook_event"]["id"] == hint.delivery_id


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"WH-1","event_type":"X","resource":{"amount":1.0,"b":2,"a":1e2}}',
        b'{"event_type":"X",   "id":"WH-1","note":"\\u00e6 \xc3\xa6 \\/"}',
    ],
)
def test_event_goes_back_in_its_own_bytes(body: bytes) -> None:
    """Numbers, escapes, order and spaces as they came."""
    hint, canned = verified(webhook(body), YES)
    assert hint.delivery_id == "WH-1"
    assert body in canned.requests[0].content


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (NO, "signature-wrong"),
        ((200, {"verification_status": "success"}), "verification-unavailable"),
        ((200, {}), "verification-unavailable"),
        ((200, []), "verification-unavailable"),
        ((200, "<html>"), "verification-unavailable"),
        ((400, {"verification_status": "SUCCESS"}), "verification-unavailable"),
        ((403, {"name": "NOT_AUTHORIZED"}), "verification-unavailable"),
        ((429, {}), "verification-unavailable"),
        ((500, {"verification_status": "SUCCESS"}), "verification-unavailable"),
    ],
)
def test_anything_but_a_plain_yes_is_no_belief(answer: Answer, code: str) -> None:
    """A no is a no; whatever is neither is to be asked again."""
    with rejected(code):
        verified(webhook(), answer)


@pytest.mark.parametrize(
    ("callback", "code"),
    [
        (webhook(paypal_cert_url="https://evil.example/CERT-1"), "foreign-certificate"),
        (webhook(paypal_auth_algo="none"), "signature-wrong"),
        (webhook(paypal_transmission_time="2026-03-01T09:00:00Z"), "too-old"),
        (webhook(b'{"id":"WH-1","event_type":"X"'), "malformed"),
        (webhook(b'{"id":"WH-1","event_type":"X"},"webhook_id":"WH-THEIRS"'), "malformed"),
        (webhook(b""), "malformed"),
    ],
)
def test_what_need_not_be_asked_is_not(callback: RawCallback, code: str) -> None:
    """Refused here; nobody makes us call PayPal, and no body adds fields to our question."""
    calls: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, json=YES[1])

    async def main() -> None:
        ours = attrs.evolve(ACCOUNT, verification=Verification.POSTBACK, webhook_id=OURS)
        gateway = PayPalGateway(ours, now=lambda: START, transport=httpx.MockTransport(serve))
        try:
            await gateway.verify(callback)
        finally:
            await gateway.close()

    with rejected(code):
        asyncio.run(main())
    assert calls == []


def test_account_without_a_webhook_asks_nobody() -> None:
    """An empty id is no id."""
    with rejected("signature-missing"):
        verified(webhook(), YES, webhook_id="")


def on_paypal(test: Callable[[PayPalBench, PayPalGateway], Awaitable[None]]) -> None:
    async def main() -> None:
        async with paypal_bench() as bench:
            asking = bench.another(verification=Verification.POSTBACK, trust_roots=b"")
            try:
                await test(bench, asking)
            finally:
                await asking.close()

    asyncio.run(main())


async def charged(bench: PayPalBench) -> RawCallback:
    """The webhook of a charge."""
    granted = await bench.vaulted()
    await bench.callbacks(1)
    bench.received.clear()
    order = bench.charge_order(granted, "sub-1-1-1-aa")
    assert isinstance(await bench.gateway.charge(order), Captured)
    return (await bench.callbacks(1))[-1]


async def verdict(gateway: PayPalGateway, callback: RawCallback) -> str:
    try:
        return (await gateway.verify(callback)).reference
    except CallbackRejected as refused:
        return refused.code


def test_simulated_paypal_answers_for_its_own() -> None:
    """Yes for what it sent; no for one byte more, for another listener, for another time."""

    async def test(bench: PayPalBench, asking: PayPalGateway) -> None:
        callback = await charged(bench)
        assert await verdict(asking, callback) == "sub-1-1-1-aa"
        altered = attrs.evolve(callback, body=callback.body.replace(b"29.85", b"29.86"))
        assert await verdict(asking, altered) == "signature-wrong"
        rewritten = attrs.evolve(callback, body=json.dumps(json.loads(callback.body)).encode())
        assert await verdict(asking, rewritten) == "signature-wrong"
        headers = {**callback.headers, "paypal-transmission-id": "another-1"}
        assert await verdict(asking, attrs.evolve(callback, headers=headers)) == "signature-wrong"
        other = bench.another(verification=Verification.POSTBACK, webhook_id="WH-ANOTHER")
        assert await verdict(other, callback) == "signature-wrong"
        await other.close()

    on_paypal(test)


def test_forged_webhook_is_refused_by_asking() -> None:
    """A right body under a signature for somebody else."""

    async def test(bench: PayPalBench, asking: PayPalGateway) -> None:
        await bench.vaulted()
        await bench.callbacks(1)
        bench.received.clear()
        bench.strike("callback", "sub-1-1-1-aa", CallbackFault.FORGED)
        await bench.gateway.charge(
            bench.charge_order(await bench.vaulted("token/2"), "sub-1-1-1-aa")
        )
        verdicts = sorted([await verdict(asking, one) for one in await bench.callbacks(3)])
        assert verdicts == ["", "signature-wrong", "sub-1-1-1-aa"]

    on_paypal(test)


@pytest.mark.parametrize(
    "fault", [Fault.LOST_ANSWER, Fault.ERROR_BEFORE, Fault.RATE_LIMITED, Fault.TRUNCATED_AFTER]
)
def test_F13_postback_without_an_answer_verifies_nothing(fault: Fault) -> None:
    """It is refused for now; the same webhook passes when PayPal answers again."""

    async def test(bench: PayPalBench, asking: PayPalGateway) -> None:
        callback = await charged(bench)
        bench.strike("verify", "*", fault)
        assert await verdict(asking, callback) == "verification-unavailable"
        assert await verdict(asking, callback) == "sub-1-1-1-aa"

    on_paypal(test)
