"""The simulated Dintero behaves as Dintero's documents say, and its book tells the truth."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from datetime import timedelta

import pytest

from infrastructure.simulators.book import Book, Movement
from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.deliveries import Deliveries
from infrastructure.simulators.dintero import bodies
from infrastructure.simulators.dintero.notices import Notices
from infrastructure.simulators.dintero.provider import STRICT as STRICT_TOGGLE
from infrastructure.simulators.dintero.provider import SimulatedDintero
from infrastructure.simulators.dintero.tables import CARDS, FIRST_CARD, Tables, Token
from infrastructure.simulators.faults import Fault, FaultPlan
from infrastructure.simulators.serving import Controls
from tests.simulators.dintero_client import (
    START,
    STRICT,
    STRICT_SUCCESS,
    Merchant,
    as_merchant,
    strike,
)


def test_charge_captures_and_is_in_the_book() -> None:
    """auto_capture: authorised and captured in one answer; one line in the book."""

    async def test(merchant: Merchant) -> None:
        status, paid = await merchant.pay(await merchant.token(), "r-1")
        assert (status, paid["status"], paid["success"]) == (200, "CAPTURED", True)
        names = [event["event"] for event in paid["events"]]
        assert names == ["INITIALIZE", "AUTHORIZE", "CAPTURE"]
        (entry,) = merchant.served.controls.book.captures("r-1")
        assert (entry.minor, entry.currency, entry.provider_id) == (29990, "NOK", paid["id"])
        assert entry.at == START

    as_merchant(test)


def test_strict_reference_refuses_whatever_became_of_the_first() -> None:
    """strict-merchant-reference: any session; -success-: only one that was authorised."""

    async def test(merchant: Merchant) -> None:
        token = await merchant.token()
        strike(merchant, "charge", Fault.SOFT_DECLINE, "r-1")
        assert (await merchant.pay(token, "r-1", STRICT))[1]["status"] == "FAILED"
        status, refused = await merchant.pay(token, "r-1", STRICT)
        assert (status, refused["success"]) == (400, False)
        assert (await merchant.pay(token, "r-1", STRICT_SUCCESS))[1]["status"] == "CAPTURED"
        assert (await merchant.pay(token, "r-1", STRICT_SUCCESS))[0] == 400
        assert (await merchant.pay(token, "token-1", STRICT))[0] == 400

    as_merchant(test)


def test_without_a_toggle_a_reference_charges_twice() -> None:
    """Dintero has no keys: what the merchant does not forbid happens, and the book shows it."""

    async def test(merchant: Merchant) -> None:
        token = await merchant.token()
        first = await merchant.pay(token, "r-1")
        second = await merchant.pay(token, "r-1")
        assert first[1]["id"] != second[1]["id"]
        assert list(merchant.served.controls.book.captured_more_than_once()) == ["r-1"]
        _, found = await merchant.call("GET", "/v1/transactions?merchant_reference=r-1")
        assert {each["id"] for each in found} == {first[1]["id"], second[1]["id"]}

    as_merchant(test)


@pytest.mark.parametrize("legacy", [True, False])
def test_refusals_take_either_form(legacy: bool) -> None:
    """`type` is one string in the older form, an array with a retry policy in the newer."""

    async def test(merchant: Merchant) -> None:
        token = await merchant.token()
        for number, fault in enumerate((Fault.SOFT_DECLINE, Fault.HARD_DECLINE)):
            strike(merchant, "charge", fault, f"r-{number}")
            status, paid = await merchant.pay(token, f"r-{number}")
            assert (status, paid["status"], paid["success"]) == (200, "FAILED", False)
            error = paid["events"][-1]["error"]
            assert isinstance(error["type"], str if legacy else list)
            assert ("retry_policy" in error) is not legacy
        assert merchant.served.controls.book.total(Movement.DECLINED, "NOK") == (2, 59980)

    as_merchant(test, legacy_errors=legacy)


def test_magic_amount_is_refused() -> None:
    """The sandbox refuses 9003.05, whatever the card."""

    async def test(merchant: Merchant) -> None:
        _, paid = await merchant.pay(await merchant.token(), "r-1", amount=900305)
        assert paid["events"][-1]["error"]["type"] == "MONTHLY_LIMIT_EXCEEDED"

    as_merchant(test)


def test_token_is_shown_only_on_request() -> None:
    """Without includes the card has the token's id, but no token; its id cannot be charged."""

    async def test(merchant: Merchant) -> None:
        await merchant.token()
        _, (found,) = await merchant.call("GET", "/v1/transactions?merchant_reference=token-1")
        assert "recurrence_token" not in found["card"]
        assert (await merchant.pay(found["card"]["recurrence_token_id"], "r-1"))[0] == 400
        assert (found["amount"], found["payment_operation"]) == (0, "generate_payment_token")

    as_merchant(test)


def test_captures_add_up_to_the_authorisation() -> None:
    """Any number of parts, never above the whole; a line that was not ordered is refused."""

    async def test(merchant: Merchant) -> None:
        _, paid = await merchant.pay(await merchant.token(), "r-1", auto_capture=False)
        path = f"/v1/transactions/{paid['id']}/capture"
        foreign = {"amount": 1, "items": [{"line_id": "2", "amount": 1}]}
        assert (await merchant.call("POST", path, foreign))[0] == 400
        _, part = await merchant.call("POST", path, {"amount": 10000, "capture_reference": "c-1"})
        assert (part["status"], part["events"][-1]["event_reference"]) == (
            "PARTIALLY_CAPTURED",
            "c-1",
        )
        assert (await merchant.call("POST", path, {"amount": 19991}))[0] == 400
        assert (await merchant.call("POST", path, {"amount": 19990}))[1]["status"] == "CAPTURED"
        assert (await merchant.call("POST", path, {"amount": 1}))[0] == 400

    as_merchant(test)


def test_202_capture_is_carried_out_later() -> None:
    """Accepted: the event that follows answers to the request's id; its amount is taken."""

    async def test(merchant: Merchant) -> None:
        _, paid = await merchant.pay(await merchant.token(), "r-1", auto_capture=False)
        strike(merchant, "capture", Fault.PENDING)
        path = f"/v1/transactions/{paid['id']}"
        status, accepted = await merchant.call("POST", f"{path}/capture", {"amount": 29990})
        assert (status, accepted["status"]) == (202, "AUTHORIZED")
        assert (await merchant.call("POST", f"{path}/capture", {"amount": 1}))[0] == 400
        later = START + timedelta(seconds=merchant.served.controls.faults.late_s)
        await merchant.http.post("/_clock", json={"now": later.isoformat()})
        _, done = await merchant.call("GET", path)
        started, captured = done["events"][-2:]
        assert captured["correlation_request_id"] == started["request_id"]
        assert (done["status"], captured["event"]) == ("CAPTURED", "CAPTURE")

    as_merchant(test)


def test_capture_by_hand_stops_the_automatic_one() -> None:
    """A lagging auto-capture does not take the money a second time."""

    async def test(merchant: Merchant) -> None:
        token = await merchant.token()
        strike(merchant, "charge", Fault.PENDING, "r-1")
        _, paid = await merchant.pay(token, "r-1")
        assert paid["status"] == "AUTHORIZED"
        path = f"/v1/transactions/{paid['id']}/capture"
        assert (await merchant.call("POST", path, {"amount": 29990}))[1]["status"] == "CAPTURED"
        later = START + timedelta(seconds=merchant.served.controls.faults.late_s)
        await merchant.http.post("/_clock", json={"now": later.isoformat()})
        assert len(merchant.served.controls.book.captures("r-1")) == 1

    as_merchant(test)


def test_void_and_refund() -> None:
    """Only what is authorised can be voided, only what is captured given back."""

    async def test(merchant: Merchant) -> None:
        token = await merchant.token()
        _, reserved = await merchant.pay(token, "r-1", auto_capture=False)
        path = f"/v1/transactions/{reserved['id']}"
        assert (await merchant.call("POST", f"{path}/refund", {"amount": 1}))[0] == 400
        _, voided = await merchant.call("POST", f"{path}/void")
        assert voided["status"] == "AUTHORIZATION_VOIDED"
        _, paid = await merchant.pay(token, "r-2")
        path = f"/v1/transactions/{paid['id']}"
        assert (await merchant.call("POST", f"{path}/void"))[0] == 400
        _, part = await merchant.call("POST", f"{path}/refund", {"amount": 10000})
        assert part["status"] == "PARTIALLY_REFUNDED"
        assert (await merchant.call("POST", f"{path}/refund", {"amount": 19991}))[0] == 400
        _, whole = await merchant.call("POST", f"{path}/refund", {"amount": 19990})
        assert whole["status"] == "REFUNDED"

    as_merchant(test)


def test_payer_sees_a_page_and_is_sent_back() -> None:
    """The page has two forms; the browser returns with the transaction, or with an error."""

    async def test(merchant: Merchant) -> None:
        first, second = await merchant.opened("token-1"), await merchant.opened("token-2")
        async with merchant.http.get(f"/v1/view/{first}") as answer:
            assert (answer.content_type, (await answer.text()).count("<form")) == ("text/html", 2)
        form = {"action": "pay", "card": FIRST_CARD}
        view = f"/v1/view/{first}"
        async with merchant.http.post(view, data=form, allow_redirects=False) as answer:
            assert answer.status == 303
            where = answer.headers["Location"]
            assert where.startswith("https://merchant.example/thanks?shop=1&transaction_id=T123")
        async with merchant.http.post(view, data=form) as answer:
            assert answer.status == 400, "a session gives at most one transaction"
        accept = {"Accept": "application/json"}
        view = f"/v1/view/{second}"
        _, sent = await merchant.call("POST", view, {"action": "cancel"}, accept)
        assert sent["return_url"].endswith("merchant_reference=token-2&error=cancelled")
        _, session = await merchant.call("GET", f"/v1/sessions/{second}")
        assert session["events"][-1]["name"] == "CANCELLED"
        assert "transaction_id" not in session

    as_merchant(test)


def test_access_is_needed_and_ends() -> None:
    """401 without a token, with a wrong secret, and after the token's life; 403 elsewhere."""

    async def test(merchant: Merchant) -> None:
        async with merchant.http.get("/v1/transactions") as answer:
            assert answer.status == 401
        assert await merchant.sign_in(secret="wrong") == 401
        assert await merchant.sign_in(account="T87654321") == 403
        assert (await merchant.call("GET", "/v1/transactions"))[0] == 200
        merchant.served.controls.clock.set(START + timedelta(hours=4))
        assert (await merchant.call("GET", "/v1/transactions"))[0] == 401

    as_merchant(test)


def test_seeded_faults_strike_by_reference() -> None:
    """The same references meet the same faults, in whatever order they come."""

    def run(order: list[int]) -> dict[int, int]:
        statuses: dict[int, int] = {}

        async def test(merchant: Merchant) -> None:
            merchant.served.controls.faults = FaultPlan.parse("seed=7,rate-limited=0.5")
            token = await merchant.token()
            for number in order:
                statuses[number] = (await merchant.pay(token, f"r-{number}"))[0]

        as_merchant(test)
        return statuses

    forth = run([1, 2, 3, 4, 5, 6])
    assert forth == run([6, 5, 4, 3, 2, 1])
    assert set(forth.values()) >= {200, 429}


def test_transactions_are_small_in_memory() -> None:
    """Under 900 bytes a captured transaction with its line in the book: 250,000 fit in 225 MB."""

    async def main() -> float:
        tables = Tables("T12345678")
        controls = Controls(book=Book(), clock=SimulatorClock(), deliveries=Deliveries())
        dintero = SimulatedDintero(tables, controls, Notices(tables, controls.clock, None))
        tables.tokens["value"] = Token(
            id="id",
            value="value",
            kind="recurrence_token",
            product="payex.creditcard",
            card=CARDS[FIRST_CARD],
            customer_id="customer-1",
        )
        count = 2_000
        gc.collect()
        tracemalloc.start()
        for number in range(count):
            order = bodies.Order(
                currency="USD", merchant_reference=f"7590-VHVEG-{number}-1-0a1b2c3d4e", amount=2985
            )
            tokens = {"payex.creditcard": {"recurrence_token": "value"}}
            customer = bodies.Customer(customer_id="customer-1", tokens=tokens)
            settings = bodies.Configuration(auto_capture=True)
            session = bodies.Session(order=order, customer=customer, configuration=settings)
            payment = bodies.Payment("payex.creditcard", "recurring_purchase")
            dintero.pay(bodies.Pay(session=session, payment=payment), {STRICT_TOGGLE}, None)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken / count

    assert asyncio.run(main()) < 900
