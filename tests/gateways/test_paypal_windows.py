"""PayPal's memory of keys, and what is asked when it has forgotten: each at the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import attrs
import httpx
import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import (
    Captured,
    Declined,
    Granted,
    LookUpAnswer,
    NotFound,
    Offered,
    Secret,
    TokenQuery,
    Unknown,
)
from domain.refund_ports import Refunded
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal.state import Purchase
from tests.gateways.bench import START
from tests.gateways.paypal_bench import PayPalBench, paypal_bench
from tests.gateways.paypal_canned import Canned, asked, refused

REFERENCE = "sub-1-1-1-aa"
_GRANTED = Granted(token=Secret("8kk8451t"), instrument=Instrument(kind="wallet"))
SECOND = timedelta(seconds=1)


def on_paypal(test: Callable[[PayPalBench], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with paypal_bench(**options) as bench:
            await test(bench)
            bench.check_book()

    asyncio.run(main())


def at(bench: PayPalBench, span: timedelta) -> None:
    """The clock stands this long after the start."""
    bench.controls.clock.set(START + span)


def is_doubt(answer: object, issue: str) -> bool:
    """Unknown, for what PayPal calls so."""
    return isinstance(answer, Unknown) and issue in answer.reason


# --- keys: 3 hours, 6 hours, 45 days ------------------------------------------------------------


@pytest.mark.parametrize(("after", "same"), [(-SECOND, True), (SECOND, False)])
def test_order_is_remembered_for_six_hours(after: timedelta, same: bool) -> None:
    """Within: the same capture. Beyond: only the invoice id stands guard, and the report tells."""

    async def test(bench: PayPalBench) -> None:
        order, first = await bench.captured()
        at(bench, timedelta(hours=6) + after)
        again = await bench.gateway.charge(order)
        if same:
            assert again == first
            return
        assert is_doubt(again, "DUPLICATE_INVOICE_ID")
        assert await bench.gateway.look_up(bench.query(order)) == first

    on_paypal(test)


@pytest.mark.parametrize(("after", "same"), [(-SECOND, True), (SECOND, False)])
def test_token_request_is_remembered_for_three_hours(after: timedelta, same: bool) -> None:
    """Within: the same page. Beyond: another request; no money is at stake."""

    async def test(bench: PayPalBench) -> None:
        order = bench.token_order()
        first = await bench.gateway.request_token(order)
        at(bench, timedelta(hours=3) + after)
        again = await bench.gateway.request_token(order)
        assert isinstance(first, Offered)
        assert isinstance(again, Offered)
        assert (again.provider_ref == first.provider_ref) is same

    on_paypal(test)


@pytest.mark.parametrize("after", [-SECOND, SECOND])
def test_exchange_is_remembered_for_three_hours_and_found_after(after: timedelta) -> None:
    """The token is the same either way: by its key, or in the customer's list."""

    async def test(bench: PayPalBench) -> None:
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref)
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        first = await bench.gateway.complete_token(query)
        assert isinstance(first, Granted)
        at(bench, timedelta(hours=3) + after)
        assert await bench.gateway.complete_token(query) == first

    on_paypal(test)


@pytest.mark.parametrize("days", [44, 46])
def test_refund_is_remembered_for_45_days_and_found_after(days: int) -> None:
    """Beyond them the refund's own invoice id stands guard; the charge's order shows it."""

    async def test(bench: PayPalBench) -> None:
        order, captured = await bench.captured()
        refund = bench.refund_order(order, captured, 1000)
        first = await bench.gateway.refund(refund)
        assert isinstance(first, Refunded)
        at(bench, timedelta(days=days))
        again = await bench.gateway.refund(refund)
        assert again == first
        assert len(bench.provider.account.aftermath.refunds) == 1
        found = await bench.gateway.look_up_refund(bench.refund_query(refund))
        assert isinstance(found, Refunded)
        assert found.provider_ref == first.provider_ref

    on_paypal(test)


@pytest.mark.parametrize(("days", "same"), [(44, True), (46, False)])
def test_capture_is_remembered_for_45_days(days: int, same: bool) -> None:
    """Beyond them it is refused as captured before, which is a doubt, and the look-up shows it."""

    async def test(bench: PayPalBench) -> None:
        order, authorized = await bench.authorized()
        capture = bench.capture_order(order, authorized.authorization_ref)
        first = await bench.gateway.capture(capture)
        assert isinstance(first, Captured)
        at(bench, timedelta(days=days))
        again = await bench.gateway.capture(capture)
        if same:
            assert again == first
            return
        assert is_doubt(again, "AUTHORIZATION_ALREADY_CAPTURED")
        known = {"authorization_ref": authorized.authorization_ref}
        query = bench.query(order, capture_id=capture.capture_id, **known)
        assert await bench.gateway.look_up(query) == first

    on_paypal(test)


# --- the report ---------------------------------------------------------------------------------


async def lost(bench: PayPalBench) -> tuple[Any, Callable[[], Awaitable[LookUpAnswer]]]:
    """A charge whose answer never came, and the question what became of it."""
    order = bench.charge_order(await bench.vaulted(), REFERENCE)
    bench.strike("charge", REFERENCE, Fault.LOST_ANSWER)
    assert isinstance(await bench.gateway.charge(order), Unknown)
    return order, lambda: bench.gateway.look_up(bench.query(order))


@pytest.mark.parametrize("hours", [0, 2.9])
def test_report_that_is_late_proves_nothing(hours: float) -> None:
    """Not found says how far the report had got: not as far as the charge."""

    async def test(bench: PayPalBench) -> None:
        _, question = await lost(bench)
        at(bench, timedelta(hours=hours))
        reached = START + timedelta(hours=hours - 3)
        answer = await question()
        assert isinstance(answer, NotFound)
        assert reached.isoformat() in answer.finding

    on_paypal(test)


@pytest.mark.parametrize("days", [3 / 24, 6 / 24, 1, 31, 32, 45, 100])
def test_report_finds_the_charge_inside_and_beyond_every_window(days: float) -> None:
    """Three hours later, beyond the key's six, and beyond the 31 days that one search may span."""

    async def test(bench: PayPalBench) -> None:
        _, question = await lost(bench)
        at(bench, timedelta(days=days))
        answer = await question()
        assert isinstance(answer, Captured)
        assert answer.amount == Money(2985, "USD")

    on_paypal(test)


def test_report_is_read_to_its_last_page() -> None:
    """500 rows a page: the charge stands on the third."""

    async def test(bench: PayPalBench) -> None:
        order, question = await lost(bench)
        for number in range(1200):
            purchase = Purchase(
                is_capture=True,
                invoice_id=f"other-{number}",
                custom_id="",
                minor=100,
                currency="USD",
                token=order.token.reveal(),
                usage_pattern="SUBSCRIPTION_PREPAID",
            )
            # Before ours in time, so before it in the report.
            bench.provider.account.purchase(purchase, None, START - timedelta(minutes=5))
        at(bench, timedelta(hours=4))
        assert isinstance(await question(), Captured)

    on_paypal(test)


# --- repeats, invoices, missing keys ------------------------------------------------------------


def test_concurrent_repeat_is_told_to_wait() -> None:
    """409 while the first is at work: a doubt, never a decline; then the same capture."""

    async def test(bench: PayPalBench) -> None:
        order = bench.charge_order(await bench.vaulted(), REFERENCE)
        first, second = await asyncio.gather(
            bench.gateway.charge(order), bench.gateway.charge(order)
        )
        answers = sorted([first, second], key=lambda each: isinstance(each, Captured))
        assert is_doubt(answers[0], "PREVIOUS_REQUEST_IN_PROGRESS")
        assert isinstance(answers[1], Captured)
        assert await bench.gateway.charge(order) == answers[1]
        assert len(bench.controls.book.captures(REFERENCE)) == 1

    on_paypal(test, work_s=0.3)


def test_concurrent_capture_is_told_to_wait() -> None:
    """The same for what has its key in PayPal's payments."""

    async def test(bench: PayPalBench) -> None:
        order, authorized = await bench.authorized()
        capture = bench.capture_order(order, authorized.authorization_ref)
        answers = await asyncio.gather(
            bench.gateway.capture(capture), bench.gateway.capture(capture)
        )
        assert {type(each) for each in answers} == {Captured, Unknown}

    on_paypal(test, work_s=0.3)


def test_used_invoice_id_is_looked_up() -> None:
    """Another attempt under a paid invoice's id: no decline, but evidence to look."""

    async def test(bench: PayPalBench) -> None:
        order, first = await bench.captured()
        other = attrs.evolve(order, attempt_id=bench.token_order("another").request_id)
        assert is_doubt(await bench.gateway.charge(other), "DUPLICATE_INVOICE_ID")
        at(bench, timedelta(hours=3))
        assert await bench.gateway.look_up(bench.query(other)) == first

    on_paypal(test)


def test_missing_key_is_our_own_fault() -> None:
    """PayPal takes no charge of a token without one; ours always has it."""
    error = refused("INVALID_REQUEST", "PAYPAL_REQUEST_ID_REQUIRED")
    canned = Canned({("POST", "/v2/checkout/orders"): (400, error)})

    async def ask(gateway: Any) -> Any:
        bench = PayPalBench.charge_order
        return await gateway.charge(bench(None, _GRANTED, REFERENCE))  # type: ignore[arg-type]

    answer = asked(canned, ask)
    assert isinstance(answer, Declined)
    assert (answer.decline, answer.code) == (
        DeclineClass.MERCHANT,
        "PAYPAL_REQUEST_ID_REQUIRED",
    )
    assert canned.requests[0].headers["PayPal-Request-Id"]


# --- statement, own reference, currencies -------------------------------------------------------


def test_soft_descriptor_and_attempt_stand_in_the_order() -> None:
    """The account's words for the payer's statement; the attempt as custom_id."""

    async def test(bench: PayPalBench) -> None:
        gateway = bench.another(soft_descriptor="BROADBAND NO")
        order = bench.charge_order(await bench.vaulted(), REFERENCE)
        captured = await gateway.charge(order)
        await gateway.close()
        assert isinstance(captured, Captured)
        (kept,) = bench.provider.account.orders
        assert (kept.soft_descriptor, kept.custom_id) == ("BROADBAND NO", str(order.attempt_id))
        shown = await _get(bench, f"/v2/checkout/orders/{bench.provider.account.ids.of('OR', 1)}")
        (unit,) = shown["purchase_units"]
        assert unit["soft_descriptor"] == "BROADBAND NO"
        assert unit["payments"]["captures"][0]["custom_id"] == str(order.attempt_id)

    on_paypal(test)


def test_without_a_descriptor_none_is_sent() -> None:
    """Then PayPal shows the account's own."""

    async def test(bench: PayPalBench) -> None:
        await bench.captured()
        assert bench.provider.account.orders[0].soft_descriptor == ""

    on_paypal(test)


@pytest.mark.parametrize(
    ("money", "wire"),
    [
        (Money(30000, "HUF"), "300"),
        (Money(1500, "JPY"), "1500"),
        (Money(4900, "TWD"), "49"),
        (Money(4990, "NOK"), "49.90"),
    ],
)
def test_currencies_without_decimals_go_round(money: Money, wire: str) -> None:
    """Charge, reservation, capture and refund: whole on the wire, minor units in the books."""

    async def test(bench: PayPalBench) -> None:
        order, captured = await bench.captured(amount=money)
        assert captured.amount == money
        shown = await _get(bench, f"/v2/payments/captures/{captured.provider_ref}")
        assert shown["amount"]["value"] == wire
        refunded = await bench.gateway.refund(bench.refund_order(order, captured))
        assert isinstance(refunded, Refunded)
        assert refunded.amount == money
        held, authorized = await bench.authorized("sub-1-2-1-aa", amount=money)
        taken = await bench.gateway.capture(bench.capture_order(held, authorized.authorization_ref))
        assert isinstance(taken, Captured)
        assert taken.amount == money
        (entry,) = bench.controls.book.captures(REFERENCE)
        assert (entry.minor, entry.currency) == (money.minor, money.currency)

    on_paypal(test)


@pytest.mark.parametrize("money", [Money(30050, "HUF"), Money(4999, "TWD"), Money(1001, "KWD")])
@pytest.mark.parametrize("mode", list(CaptureMode))
def test_parts_that_paypal_does_not_take_are_never_sent(money: Money, mode: CaptureMode) -> None:
    """Neither rounded nor divided by 100: a definite no, by us."""

    async def test(bench: PayPalBench) -> None:
        granted = await bench.vaulted()
        answer = await bench.gateway.charge(
            bench.charge_order(granted, REFERENCE, money, capture=mode)
        )
        assert isinstance(answer, Declined)
        assert (answer.decline, answer.code) == (DeclineClass.MERCHANT, "DECIMALS_NOT_SUPPORTED")
        assert len(bench.controls.book) == 0

    on_paypal(test)


async def _get(bench: PayPalBench, path: str) -> Any:
    """Read as anybody may who has access."""
    account = (bench.provider.options.client_id, bench.provider.options.client_secret)
    async with httpx.AsyncClient(base_url=bench.served.base_url) as http:
        form = {"grant_type": "client_credentials"}
        access = (await http.post("/v1/oauth2/token", auth=account, data=form)).json()
        headers = {"Authorization": f"Bearer {access['access_token']}"}
        return (await http.get(path, headers=headers)).json()
