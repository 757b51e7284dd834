"""Tokens at the PayPal simulator: the payer's page in a browser, lists, lives, events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from aiohttp import web

from domain.plan import Kind
from domain.ports import Offered
from infrastructure.gateways.paypal.presenting import Metadata, Presentation
from tests.gateways.bench import START, CallbackReceiver, terms
from tests.gateways.paypal_bench import SPECS, PayPalBench, paypal_bench
from tests.gateways.test_paypal_requests import _errors, document, operation_of
from tests.simulators.paypal_client import NO_TLS, Client, issue, setup_token, simulated
from tests.waiting import WITHIN_S

SETUPS, TOKENS = "/v3/vault/setup-tokens", "/v3/vault/payment-tokens"


class Page(HTMLParser):
    """What a browser makes of a page: its forms, and the buttons that send them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.buttons: dict[str, dict[str, str]] = {}
        self._button: dict[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(named)
        if tag == "button":
            self._button = named

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self.buttons[data.strip()] = self._button
            self._button = None


async def click(browser: httpx.AsyncClient, url: str, words: str) -> httpx.Response:
    """Open a page and press the button with these words, as a browser does."""
    shown = await browser.get(url)
    assert shown.headers["content-type"].startswith("text/html")
    page = Page(shown.text)
    (form,), button = page.forms, page.buttons[words]
    return await browser.request(
        form["method"].upper(),
        urljoin(str(shown.url), form.get("action", "")),
        data={button["name"]: button["value"]},
    )


async def asked(client: Client, **wallet: Any) -> tuple[str, str]:
    """A setup token and its page."""
    setup = (await client.post(SETUPS, setup_token(**wallet))).json()
    (page,) = (link["href"] for link in setup["links"] if link["rel"] == "approve")
    return setup["id"], page


@pytest.mark.parametrize(
    ("words", "back", "after"),
    [
        ("Approve", "/r", (200, "APPROVED")),
        ("Cancel and return", "/c", (200, "PAYER_ACTION_REQUIRED")),
        ("Refuse", "/c", (404, "")),
    ],
)
def test_browser_can_click_each_button(words: str, back: str, after: tuple[int, str]) -> None:
    """A page, a form, a button, and back at the merchant, who answers there."""

    async def test(client: Client) -> None:
        async with CallbackReceiver(lambda: START) as shop:
            context = {
                "return_url": f"{shop.base_url}/r?subscription=s-1",
                "cancel_url": f"{shop.base_url}/c?subscription=s-1",
            }
            setup_id, page = await asked(client, experience_context=context)
            async with httpx.AsyncClient(follow_redirects=True) as browser:
                landed = await click(browser, page, words)
            assert landed.status_code == 200
            assert str(landed.url) == f"{shop.base_url}{back}?subscription=s-1"
            assert [one.method for one in shop.received] == ["GET"]
        found = await client.http.get(f"{SETUPS}/{setup_id}")
        assert (found.status_code, found.json().get("status", "")) == after

    simulated(test)


def test_who_cancelled_may_come_again_who_refused_may_not() -> None:
    """The page is there until the request ends."""

    async def test(client: Client) -> None:
        setup_id, page = await asked(client)
        assert (await click(client.http, page, "Cancel and return")).status_code == 303
        assert (await click(client.http, page, "Approve")).status_code == 303
        assert (await client.http.get(f"{SETUPS}/{setup_id}")).json()["status"] == "APPROVED"
        # An approval is not taken back by an old window.
        assert (await client.http.post(page, data={"action": "refuse"})).status_code == 303
        assert (await client.http.get(f"{SETUPS}/{setup_id}")).json()["status"] == "APPROVED"
        _, page = await asked(client)
        await click(client.http, page, "Refuse")
        assert (await client.http.get(page)).status_code == 404

    simulated(test)


@pytest.mark.parametrize(
    ("metadata", "heading"),
    [
        (Metadata.PATTERN_AND_PLAN, "recurring payments: Basic membership 29.85 USD every 1 MONTH"),
        (Metadata.PATTERN, "<h1>Approve recurring payments</h1>"),
        (Metadata.NONE, "<h1>Save PayPal for later</h1>"),
    ],
)
def test_payer_sees_what_the_merchant_chose_to_say(metadata: Metadata, heading: str) -> None:
    """The plan; that it recurs; or a payment like any other."""
    agreed = terms(kind=Kind.IMMEDIATE) if metadata is Metadata.NONE else terms()

    async def test(bench: PayPalBench) -> None:
        gateway = bench.another(presentation=Presentation(metadata=metadata))
        offered = await gateway.request_token(bench.token_order(terms=agreed))
        await gateway.close()
        assert isinstance(offered, Offered)
        async with httpx.AsyncClient(verify=NO_TLS) as browser:
            assert heading in (await browser.get(offered.approve_url)).text

    on_paypal(test)


def test_page_escapes_what_the_merchant_says() -> None:
    """Names are text there, no markup."""

    async def test(client: Client) -> None:
        body = setup_token()
        body["customer"]["merchant_customer_id"] = "<script>x</script>"
        setup = (await client.post(SETUPS, body)).json()
        (page,) = (link["href"] for link in setup["links"] if link["rel"] == "approve")
        assert "<script>" not in (await client.http.get(page)).text

    simulated(test)


@pytest.mark.parametrize("approved", [True, False])
def test_request_lives_three_days_approved_or_not(approved: bool) -> None:
    """To the second; what was vaulted stays."""

    async def test(client: Client) -> None:
        setup_id, page = await asked(client)
        if approved:
            await click(client.http, page, "Approve")
        client.controls.clock.set(START + timedelta(days=3))
        await client.sign_in()
        assert (await client.http.get(f"{SETUPS}/{setup_id}")).status_code == 200
        client.controls.clock.set(START + timedelta(days=3, seconds=1))
        assert issue(await client.http.get(f"{SETUPS}/{setup_id}"))[0] == 404
        source = {"payment_source": {"token": {"id": setup_id, "type": "SETUP_TOKEN"}}}
        assert issue(await client.post(TOKENS, source)) == (404, "INVALID_RESOURCE_ID")
        assert (await client.http.get(page)).status_code == 404

    simulated(test)


async def another_of(client: Client, customer_id: str) -> str:
    """One more payment token of a customer whom PayPal knows."""
    body = setup_token()
    body["customer"]["id"] = customer_id
    setup = (await client.post(SETUPS, body)).json()
    assert setup["customer"]["id"] == customer_id
    await client.http.post(f"/agreements/approve?approval_session_id={setup['id']}")
    source = {"payment_source": {"token": {"id": setup["id"], "type": "SETUP_TOKEN"}}}
    return str((await client.post(TOKENS, source)).json()["id"])


def test_list_of_a_customers_tokens_is_paged() -> None:
    """Five a page, oldest first; totals where they are asked for; other customers are others."""

    async def test(client: Client) -> None:
        first = await client.vaulted()
        await client.vaulted()
        customer_id = (await client.http.get(f"{TOKENS}/{first}")).json()["customer"]["id"]
        tokens = [first, *[await another_of(client, customer_id) for _ in range(6)]]
        asked_for = {"customer_id": customer_id}
        pages = []
        for page in ("1", "2", "3"):
            body = (await client.http.get(TOKENS, params={**asked_for, "page": page})).json()
            assert "total_items" not in body
            pages.append([each["id"] for each in body["payment_tokens"]])
        assert pages == [tokens[:5], tokens[5:], []]
        counted = {**asked_for, "page_size": "3", "total_required": "true"}
        body = (await client.http.get(TOKENS, params=counted)).json()
        assert (len(body["payment_tokens"]), body["total_items"], body["total_pages"]) == (3, 7, 3)
        await client.http.delete(f"{TOKENS}/{first}")
        body = (await client.http.get(TOKENS, params=asked_for)).json()
        assert [each["id"] for each in body["payment_tokens"]] == tokens[1:6]
        if SPECS.is_dir():
            of = document("vault_payment_tokens_v3.json")
            schema = {"$ref": "#/components/schemas/customer_vault_payment_tokens_response"}
            assert list(_errors(schema, of, body)) == []

    simulated(test)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"customer_id": "short"},
        {"customer_id": "x" * 37},
        {"customer_id": "ABCDEFG", "page_size": "6"},
        {"customer_id": "ABCDEFG", "page": "11"},
        {"customer_id": "ABCDEFG", "page": "0"},
    ],
)
def test_list_keeps_to_its_bounds(query: dict[str, str]) -> None:
    """A customer of 7 to 36 characters, 5 a page, 10 pages."""

    async def test(client: Client) -> None:
        assert (await client.http.get(TOKENS, params=query)).status_code == 400

    simulated(test)


def test_own_id_is_no_id_of_paypals() -> None:
    """customer.id is PayPal's; the merchant's goes elsewhere."""

    async def test(client: Client) -> None:
        body = setup_token()
        body["customer"]["id"] = "customer-1"
        assert issue(await client.post(SETUPS, body)) == (400, "INVALID_PARAMETER_VALUE")

    simulated(test)


def test_repeat_of_a_token_request_in_progress_is_409() -> None:
    """As for everything under a key."""

    async def test(client: Client) -> None:
        answers = await asyncio.gather(*(client.post(SETUPS, setup_token(), "k") for _ in range(3)))
        assert sorted(each.status_code for each in answers) == [201, 409, 409]

    simulated(test, work_s=0.2)


@pytest.mark.skipif(not SPECS.is_dir(), reason="PayPal's OpenAPI files do not lie here")
def test_every_answer_is_what_the_specification_allows() -> None:
    """Setup tokens in each state, payment tokens, orders, captures, refunds, the report: read and
    written."""
    broken: dict[str, list[str]] = {}
    seen: set[str] = set()

    def judge(answer: httpx.Response) -> None:
        if answer.request.url.path.startswith(("/v1/oauth2", "/agreements", "/_")):
            return
        operation, of = operation_of(answer.request)
        described = operation["responses"][str(answer.status_code)]
        seen.add(f"{answer.request.method} {answer.status_code}")
        if "$ref" in described or not answer.content:
            return
        schema = described["content"]["application/json"]["schema"]
        found = list(_errors(schema, of, answer.json()))
        if found:
            broken[f"{answer.request.method} {answer.request.url.path}"] = found

    async def test(client: Client) -> None:
        async def see(answer: httpx.Response) -> None:
            await answer.aread()
            judge(answer)

        client.http.event_hooks["response"].append(see)
        waiting, page = await asked(client)
        await client.http.get(f"{SETUPS}/{waiting}")
        await click(client.http, page, "Approve")
        await client.http.get(f"{SETUPS}/{waiting}")
        token = await client.vaulted()
        await client.http.get(f"{TOKENS}/{token}")
        made = (await client.order(token, "r-1")).json()
        await client.http.get(f"/v2/checkout/orders/{made['id']}")
        (capture,) = made["purchase_units"][0]["payments"]["captures"]
        path = f"/v2/payments/captures/{capture['id']}"
        refund = (await client.post(f"{path}/refund", {}, "f", Prefer=WHOLE)).json()
        await client.http.get(path)
        await client.http.get(f"/v2/payments/refunds/{refund['id']}")
        held = (await client.order(token, "r-2", intent="AUTHORIZE")).json()
        (authorization,) = held["purchase_units"][0]["payments"]["authorizations"]
        path = f"/v2/payments/authorizations/{authorization['id']}"
        await client.http.get(path)
        await client.post(f"{path}/capture", {"final_capture": True}, "c", Prefer=WHOLE)
        client.controls.clock.set(START + timedelta(hours=4))
        day = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-02T00:00:00Z"}
        await client.http.get("/v1/reporting/transactions", params=day)

    simulated(test)
    assert broken == {}
    assert {"POST 201", "GET 200"} <= seen


WHOLE = "return=representation"


def on_paypal(test: Any, **options: Any) -> None:
    async def main() -> None:
        async with paypal_bench(**options) as bench:
            await test(bench)

    asyncio.run(main())


@pytest.mark.parametrize("names", [False, True])
def test_approval_makes_the_token_where_it_was_asked_to(names: bool) -> None:
    """ON_PAYER_APPROVAL: vaulted at once, told by webhook, with PayPal's kind of time."""

    async def test(bench: PayPalBench) -> None:
        gateway = bench.another(presentation=Presentation(vault_instruction="ON_PAYER_APPROVAL"))
        offered = await gateway.request_token(bench.token_order())
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref)
        (callback,) = await bench.callbacks(1)
        resource = json.loads(callback.body)["resource"]
        assert resource["time_created"] == "2026-03-01T03:00:00.000PDT"
        hint = await gateway.verify(callback)
        assert hint.event_type == "VAULT.PAYMENT-TOKEN.CREATED"
        assert hint.token_request_ref == (offered.provider_ref if names else "")
        (setup,) = bench.provider.account.setup_tokens.values()
        assert (setup.status, setup.payment_token) == ("VAULTED", resource["id"])
        await gateway.close()

    on_paypal(test, names_setup_token=names)


async def _told(client: Client, answer: Callable[[web.Request], Awaitable[web.Response]]) -> Any:
    """A token is vaulted, and its webhook goes to a listener that answers so; how it ended."""
    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await client.http.post("/_webhooks", json={"url": url})
    await client.vaulted()
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while client.controls.deliveries.pending:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    await runner.cleanup()
    return (await client.http.get("/_quiet")).json()


def test_webhook_is_sent_25_times() -> None:
    """To a listener that never says 2xx; then PayPal gives up."""
    tries: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        tries.append((await request.json())["id"])
        return web.Response(status=500)

    async def test(client: Client) -> None:
        assert (await _told(client, refuse))["callbacks_given_up"] == 1

    simulated(test, webhook_pause_s=0.005)
    assert (len(tries), len(set(tries))) == (25, 1)


def test_webhook_ends_with_the_first_2xx() -> None:
    """The third try is the last; each is a transmission of its own."""
    tries: list[str] = []

    async def third_time_lucky(request: web.Request) -> web.Response:
        tries.append(request.headers["PAYPAL-TRANSMISSION-ID"])
        return web.Response(status=204 if len(tries) == 3 else 503)

    async def test(client: Client) -> None:
        assert (await _told(client, third_time_lucky))["callbacks_delivered"] == 1

    simulated(test, webhook_pause_s=0.005)
    assert (len(tries), len(set(tries))) == (3, 3)
