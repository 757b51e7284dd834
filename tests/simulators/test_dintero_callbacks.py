"""Callbacks of the simulated Dintero: asked for by options, signed, retried, final on 4xx."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from domain.ports import RawCallback
from infrastructure.gateways.dintero.signature import check
from infrastructure.simulators.faults import Fault, ScriptedFault
from tests.gateways.dintero_bench import ACCOUNT
from tests.simulators.dintero_client import Merchant, as_merchant
from tests.waiting import WITHIN_S

Story = Callable[[Merchant, list[RawCallback]], object]


async def called(merchant: Merchant, statuses: list[int], story: Story) -> list[RawCallback]:
    """The callbacks that a story leads to; they are answered with these statuses, then with 200."""
    received: list[RawCallback] = []

    async def keep(request: web.Request) -> web.Response:
        received.append(
            RawCallback(
                method=request.method,
                url=str(request.url),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
                received_at=merchant.served.controls.clock.now(),
            )
        )
        return web.Response(status=statuses.pop(0) if statuses else 200)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", keep)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    merchant.callback_url = f"http://127.0.0.1:{runner.addresses[0][1]}/c{merchant.callback_url}"
    try:
        await story(merchant, received)  # type: ignore[misc]
        deadline = asyncio.get_running_loop().time() + WITHIN_S
        while merchant.served.controls.deliveries.pending:
            assert asyncio.get_running_loop().time() < deadline, "callbacks are still on their way"
            await asyncio.sleep(0.005)
    finally:
        await runner.cleanup()
    return received


async def _charge(merchant: Merchant, _: list[RawCallback]) -> None:
    url, merchant.callback_url = merchant.callback_url, ""
    token = await merchant.token()
    merchant.callback_url = url
    await merchant.pay(token, "r-1")


async def _decline(merchant: Merchant, _: list[RawCallback]) -> None:
    script = merchant.served.controls.faults.script
    script.append(ScriptedFault("charge", "r-1", 1, Fault.HARD_DECLINE))
    await _charge(merchant, [])


def test_callback_names_the_transaction_and_is_signed() -> None:
    """GET by default; the query says what it is about, and the signature holds."""

    async def test(merchant: Merchant) -> None:
        (callback,) = await called(merchant, [], _charge)
        query = parse_qs(urlsplit(callback.url).query)
        assert (callback.method, callback.body) == ("GET", b"")
        assert query["merchant_reference"] == ["r-1"]
        assert set(query) == {"transaction_id", "session_id", "merchant_reference", "time"}
        assert callback.headers["event-delivery"]
        check(ACCOUNT.signature_secret, ACCOUNT.account_id, callback, callback.received_at)

    as_merchant(test)


def test_post_carries_the_transaction() -> None:
    """method=POST: the transaction is the body; sid_parameter_name=sid renames the session."""

    async def test(merchant: Merchant) -> None:
        merchant.callback_url = "?method=POST&sid_parameter_name=sid"
        (callback,) = await called(merchant, [], _charge)
        assert callback.method == "POST"
        assert json.loads(callback.body)["status"] == "CAPTURED"
        assert "&sid=T12345678." in callback.url
        check(ACCOUNT.signature_secret, ACCOUNT.account_id, callback, callback.received_at)

    as_merchant(test)


def test_failure_is_silent_unless_asked_for() -> None:
    """Without report_error an unpaid session says nothing."""

    async def silent(merchant: Merchant) -> None:
        assert await called(merchant, [], _decline) == []

    async def told(merchant: Merchant) -> None:
        merchant.callback_url = "?report_error=true"
        (callback,) = await called(merchant, [], _decline)
        assert parse_qs(urlsplit(callback.url).query)["error"] == ["authorization"]

    as_merchant(silent)
    as_merchant(told)


def test_5xx_is_retried_under_one_delivery_id() -> None:
    """Failed deliveries come again, the same ones, up to twenty times in all."""

    async def test(merchant: Merchant) -> None:
        received = await called(merchant, [500, 503], _charge)
        assert len(received) == 3
        assert len({callback.headers["event-delivery"] for callback in received}) == 1
        assert len({callback.url for callback in received}) == 1

    async def in_vain(merchant: Merchant) -> None:
        assert len(await called(merchant, [500] * 50, _charge)) == 20
        assert merchant.served.controls.deliveries.given_up == 1

    as_merchant(test)
    as_merchant(in_vain)


def test_4xx_ends_a_delivery_for_good() -> None:
    """400 to 499 is a permanent failure."""

    async def test(merchant: Merchant) -> None:
        assert len(await called(merchant, [404], _charge)) == 1
        assert merchant.served.controls.deliveries.given_up == 1

    as_merchant(test)


def test_account_without_a_secret_is_called_unsigned() -> None:
    """Only an account with a signature secret gets signatures."""

    async def test(merchant: Merchant) -> None:
        (callback,) = await called(merchant, [], _charge)
        assert "dintero-signature" not in callback.headers

    as_merchant(test, signature_secret=None)


# --- account-wide webhooks --------------------------------------------------------------------

HOOKS = "/v1/accounts/T12345678/hooks/subscriptions"


def wish(url: str, *events: str, **secret: str) -> dict[str, object]:
    """A subscription to webhooks."""
    known = {"type": "HMAC-SHA1", "value": "a-webhook-secret"}
    return {"config": {"url": url, "secret": known | secret}, "events": events}


def test_webhook_is_tried_five_times_then_cut_off() -> None:
    """Five tries a delivery; after three that came to nothing the subscription is gone."""

    async def test(merchant: Merchant) -> None:
        async def story(merchant: Merchant, _: list[RawCallback]) -> None:
            asked = wish(merchant.callback_url, "checkout_transaction")
            merchant.callback_url = ""
            token = await merchant.token()
            assert (await merchant.call("POST", HOOKS, asked))[0] == 200
            for number in range(4):
                await merchant.pay(token, f"r-{number}")
                while merchant.served.controls.deliveries.pending:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)

        received = await called(merchant, [500] * 50, story)
        assert len(received) == 3 * 5
        assert len({each.headers["event-delivery"] for each in received}) == 3
        assert (await merchant.call("GET", HOOKS))[1] == []

    as_merchant(test)


def test_webhook_names_its_event_and_signs_the_body() -> None:
    """HMAC-SHA1 over the raw body; one that is taken keeps the subscription."""

    async def test(merchant: Merchant) -> None:
        async def story(merchant: Merchant, _: list[RawCallback]) -> None:
            asked = wish(merchant.callback_url, "checkout_authorization", "checkout_token_delete")
            merchant.callback_url = ""
            _, made = await merchant.call("POST", HOOKS, asked)
            assert "a-webhook-secret" not in str(made)
            await merchant.token()

        *_, one = await called(merchant, [500], story)
        assert (one.method, one.headers["event"]) == ("POST", "checkout_authorization")
        said = json.loads(one.body)
        assert said["authorization"]["merchant_reference"] == "token-1"
        digest = hmac.new(b"a-webhook-secret", one.body, hashlib.sha1).hexdigest()
        assert one.headers["event-signature"] == digest
        ((kept,),) = (await merchant.call("GET", HOOKS))[1:]
        assert (await merchant.call("DELETE", f"{HOOKS}/{kept['id']}"))[0] == 200
        assert (await merchant.call("DELETE", f"{HOOKS}/{kept['id']}"))[0] == 404

    as_merchant(test)


def test_wishes_that_cannot_be_kept_are_refused() -> None:
    """No access, no URL, another algorithm, an event that there is not."""

    async def test(merchant: Merchant) -> None:
        for asked in (
            wish("merchant.example", "checkout_transaction"),
            wish("https://merchant.example", "checkout_transaction", type="MD5"),
            wish("https://merchant.example", "nonsense"),
            wish("https://merchant.example"),
        ):
            assert (await merchant.call("POST", HOOKS, asked))[0] == 400
        merchant.access = "nonsense"
        assert (await merchant.call("GET", HOOKS))[0] == 401

    as_merchant(test)
