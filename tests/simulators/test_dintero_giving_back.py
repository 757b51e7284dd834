"""Refunds, voids, captures in parts and deleted tokens at the simulated Dintero."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.ports import RawCallback
from infrastructure.simulators.book import Book, Movement
from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.deliveries import Deliveries
from infrastructure.simulators.dintero import bodies, operations
from infrastructure.simulators.dintero.notices import Notices
from infrastructure.simulators.dintero.operations import AUTHORIZATION_LIFE, REFUND_LIFE
from infrastructure.simulators.dintero.provider import SimulatedDintero
from infrastructure.simulators.dintero.refusals import Refused
from infrastructure.simulators.dintero.specification import specification
from infrastructure.simulators.dintero.tables import CARDS, FIRST_CARD, Tables, Token
from infrastructure.simulators.faults import CallbackFault, Fault, FaultPlan, ScriptedFault
from infrastructure.simulators.serving import Controls
from tests.gateways.dintero_bench import SPECIFICATION
from tests.simulators.dintero_client import START, Merchant, as_merchant, strike
from tests.simulators.test_dintero_callbacks import called

EVERYTHING = "&".join(f"report_event={name}" for name in ("CAPTURE", "REFUND", "VOID"))


async def reserved(merchant: Merchant, reference: str = "r-1", **more: Any) -> str:
    """The path of an authorised transaction of 299.90 NOK."""
    _, paid = await merchant.pay(await merchant.token(), reference, auto_capture=False, **more)
    return f"/v1/transactions/{paid['id']}"


async def paid(merchant: Merchant, reference: str = "r-1") -> str:
    """The path of a captured transaction of 299.90 NOK."""
    _, paid = await merchant.pay(await merchant.token(), reference)
    return f"/v1/transactions/{paid['id']}"


async def later(merchant: Merchant, span: timedelta) -> None:
    """Step the clock, and sign in again."""
    now = merchant.served.controls.clock.now() + span
    await merchant.http.post("/_clock", json={"now": now.isoformat()})
    await merchant.sign_in()


async def refund(merchant: Merchant, path: str, amount: int, name: str = "") -> tuple[int, Any]:
    """Status and JSON of a refund."""
    body = {"amount": amount} | ({"refund_reference": name} if name else {})
    return await merchant.call("POST", f"{path}/refund", body)


def booked(merchant: Merchant, movement: Movement) -> tuple[int, int]:
    """How many lines of the book, and their minor units."""
    return merchant.served.controls.book.total(movement, "NOK")


def test_refunds_are_in_the_book_under_their_own_reference() -> None:
    """Each is an event and a line; without a reference of its own it is the charge's."""

    async def test(merchant: Merchant) -> None:
        path = await paid(merchant)
        _, part = await refund(merchant, path, 10000, "r-1-r1")
        assert part["events"][-1]["event_reference"] == "r-1-r1"
        assert (await refund(merchant, path, 19990))[1]["status"] == "REFUNDED"
        book = merchant.served.controls.book
        (entry,) = book.refunds("r-1-r1")
        assert (entry.minor, entry.provider_id, entry.at) == (10000, part["id"], START)
        assert [each.minor for each in book.refunds("r-1")] == [19990]
        async with merchant.http.get("/_book") as answer:
            lines = (await answer.json())["entries"]
        assert [(each["movement"], each["reference"]) for each in lines] == [
            ("captured", "r-1"),
            ("refunded", "r-1-r1"),
            ("refunded", "r-1"),
        ]

    as_merchant(test)


def test_without_keys_a_reference_is_refunded_twice() -> None:
    """What the merchant does not prevent happens, and the book shows it."""

    async def test(merchant: Merchant) -> None:
        path = await paid(merchant)
        for _ in range(2):
            assert (await refund(merchant, path, 100, "r-1-r1"))[0] == 200
        assert merchant.served.controls.book.refunded_more_than_once() == {"r-1-r1": [2, 3]}

    as_merchant(test)


def test_refusals_of_refunds() -> None:
    """Nothing captured, more than is left, another line, no amount, refunded in full: 400."""

    async def test(merchant: Merchant) -> None:
        assert (await refund(merchant, await reserved(merchant, "r-0"), 1))[0] == 400
        path = await paid(merchant)
        for amount in (0, -1, 29991):
            status, refused = await refund(merchant, path, amount)
            assert (status, bool(refused["error"]["message"])) == (400, True)
        foreign = {"amount": 1, "items": [{"line_id": "2", "amount": 1}]}
        assert (await merchant.call("POST", f"{path}/refund", foreign))[0] == 400
        assert (await refund(merchant, path, 29990))[0] == 200
        status, refused = await refund(merchant, path, 1)
        assert status == 400
        assert "REFUNDED, 0 left" in refused["error"]["message"]
        assert (await refund(merchant, "/v1/transactions/T12345678.t00000000000f", 1))[0] == 404

    as_merchant(test)


@pytest.mark.parametrize("legacy", [True, False])
def test_refund_after_the_time_limit_fails_as_an_event(legacy: bool) -> None:
    """200, an event without success, and no money back."""

    async def test(merchant: Merchant) -> None:
        path = await paid(merchant)
        await later(merchant, REFUND_LIFE - timedelta(seconds=1))
        assert (await refund(merchant, path, 1))[1]["events"][-1]["success"]
        await later(merchant, timedelta(seconds=1))
        status, shown = await refund(merchant, path, 1)
        failed = shown["events"][-1]
        assert (status, failed["event"], failed["success"]) == (200, "REFUND", False)
        assert isinstance(failed["error"]["type"], str if legacy else list)
        assert booked(merchant, Movement.REFUNDED) == (1, 1)

    as_merchant(test, legacy_errors=legacy)


@pytest.mark.parametrize(
    ("fault", "success"), [(Fault.PENDING, True), (Fault.PENDING_FAILS, False)]
)
def test_202_refund_ends_later(fault: Fault, success: bool) -> None:
    """Accepted: what it asked for is taken, until an event answers to the request's id."""

    async def test(merchant: Merchant) -> None:
        path = await paid(merchant)
        strike(merchant, "refund", fault, "r-1-r1")
        status, accepted = await refund(merchant, path, 20000, "r-1-r1")
        begun = accepted["events"][-1]
        assert (status, accepted["status"], begun["event"]) == (202, "CAPTURED", "INITIATE_REFUND")
        assert (await refund(merchant, path, 9991))[0] == 400
        await later(merchant, timedelta(seconds=merchant.served.controls.faults.late_s))
        _, shown = await merchant.call("GET", path)
        ended = shown["events"][-1]
        assert ended["correlation_request_id"] == begun["request_id"]
        assert (ended["event"], ended["success"]) == ("REFUND", success)
        assert (await refund(merchant, path, 9991))[0] == (400 if success else 200)

    as_merchant(test)


def test_reservation_expires_after_a_week() -> None:
    """Until then it is captured; from then on the capture fails, and a void still lets it go."""

    async def test(merchant: Merchant) -> None:
        first, second = await reserved(merchant, "r-1"), await reserved(merchant, "r-2")
        await later(merchant, AUTHORIZATION_LIFE - timedelta(seconds=1))
        _, shown = await merchant.call("POST", f"{first}/capture", {"amount": 29990})
        assert shown["status"] == "CAPTURED"
        await later(merchant, timedelta(seconds=1))
        status, shown = await merchant.call("POST", f"{second}/capture", {"amount": 29990})
        failed = shown["events"][-1]
        assert (status, failed["event"], failed["success"]) == (200, "CAPTURE", False)
        _, shown = await merchant.call("POST", f"{second}/void")
        assert shown["status"] == "AUTHORIZATION_VOIDED"
        assert booked(merchant, Movement.CAPTURED) == (1, 29990)

    as_merchant(test)


def test_void_after_a_part_lets_go_of_the_rest() -> None:
    """Of Swedbank Pay's cards: the part stays captured, nothing more can be, once."""

    async def test(merchant: Merchant) -> None:
        path = await reserved(merchant)
        await merchant.call("POST", f"{path}/capture", {"amount": 10000})
        _, shown = await merchant.call("POST", f"{path}/void")
        last = shown["events"][-1]
        assert (shown["status"], last["event"], last["amount"]) == (
            "PARTIALLY_CAPTURED",
            "VOID",
            19990,
        )
        assert (await merchant.call("POST", f"{path}/capture", {"amount": 1}))[0] == 400
        assert (await merchant.call("POST", f"{path}/void"))[0] == 400
        assert (await refund(merchant, path, 10000))[1]["status"] == "REFUNDED"
        assert booked(merchant, Movement.VOIDED) == (1, 19990)

    as_merchant(test)


def test_refund_between_parts_leaves_the_rest_to_capture() -> None:
    """PARTIALLY_CAPTURED_REFUNDED: refund and capture both go on."""

    async def test(merchant: Merchant) -> None:
        path = await reserved(merchant)
        await merchant.call("POST", f"{path}/capture", {"amount": 10000})
        _, shown = await refund(merchant, path, 10000)
        assert shown["status"] == "PARTIALLY_CAPTURED_REFUNDED"
        assert (await refund(merchant, path, 1))[0] == 400
        _, shown = await merchant.call("POST", f"{path}/capture", {"amount": 19990})
        assert shown["status"] == "PARTIALLY_REFUNDED"
        assert (await refund(merchant, path, 19990))[1]["status"] == "REFUNDED"
        assert merchant.served.controls.book.captured_more_than_once() == {}

    as_merchant(test)


@pytest.mark.parametrize(
    ("product", "left"), [("dintero_psp.creditcard", 0), ("payex.creditcard", 19990)]
)
def test_final_capture_lets_go_of_the_rest_where_it_exists(product: str, left: int) -> None:
    """Only Dintero's own acquiring has it; elsewhere the rest can still be captured."""
    tables = Tables("T12345678")
    controls = Controls(book=Book(), clock=SimulatorClock(), deliveries=Deliveries())
    dintero = SimulatedDintero(tables, controls, Notices(tables, controls.clock, None))
    tables.tokens["value"] = Token(
        id="id",
        value="value",
        kind="payment_token",
        product=product,
        card=CARDS[FIRST_CARD],
        customer_id="",
    )
    order = bodies.Order(currency="NOK", merchant_reference="r-1", amount=29990)
    customer = bodies.Customer(tokens={product: {"payment_token": "value"}})
    session = bodies.Session(order=order, customer=customer)
    asked = bodies.Pay(session=session, payment=bodies.Payment(product, "unscheduled_purchase"))
    transaction = dintero.pay(asked, (), None)
    operations.capture(dintero, transaction, bodies.Capture(10000, final_capture=True), None)
    assert controls.book.total(Movement.VOIDED, "NOK")[1] == 19990 - left
    for more in (left + 1, left):
        try:
            operations.capture(dintero, transaction, bodies.Capture(more), None)
        except Refused:
            continue
        assert more == left
    assert controls.book.total(Movement.CAPTURED, "NOK")[1] == 10000 + left
    with pytest.raises(Refused):
        operations.void(dintero, transaction, None)


def test_void_beside_an_accepted_operation_is_a_conflict() -> None:
    """409 while a capture or another void is being carried out."""

    async def test(merchant: Merchant) -> None:
        path = await reserved(merchant)
        strike(merchant, "void", Fault.PENDING)
        status, accepted = await merchant.call("POST", f"{path}/void")
        assert (status, accepted["status"]) == (202, "AUTHORIZED")
        assert (await merchant.call("POST", f"{path}/void"))[0] == 409
        await later(merchant, timedelta(seconds=merchant.served.controls.faults.late_s))
        _, shown = await merchant.call("GET", path)
        assert shown["status"] == "AUTHORIZATION_VOIDED"
        path = await reserved(merchant, "r-2")
        strike(merchant, "capture", Fault.PENDING, "r-2")
        await merchant.call("POST", f"{path}/capture", {"amount": 29990})
        assert (await merchant.call("POST", f"{path}/void"))[0] == 409

    as_merchant(test)


def test_deleted_token_is_gone_and_charges_fail_for_good() -> None:
    """DELETED once, 404 after; a charge on it is refused with "do not retry"."""

    async def test(merchant: Merchant) -> None:
        value = await merchant.token()
        _, (made,) = await merchant.call("GET", "/v1/transactions?merchant_reference=token-1")
        path = f"/v1/card-tokens/{made['card']['recurrence_token_id']}"
        for body in ({"requestor": "NOBODY"}, {"reason": "x" * 129}):
            assert (await merchant.call("DELETE", path, body))[0] == 400
        _, shown = await merchant.call("GET", path)
        assert (shown["status"], value in str(shown)) == ("ACTIVE", False)
        status, gone = await merchant.call("DELETE", path, {"requestor": "MERCHANT"})
        assert (status, gone["status"]) == (200, "DELETED")
        assert value not in str(gone)
        assert (await merchant.call("DELETE", path, {}))[0] == 404
        assert (await merchant.call("GET", path))[0] == 404
        assert (await merchant.call("DELETE", "/v1/card-tokens/none", {}))[0] == 404
        _, refused = await merchant.pay(value, "r-1")
        assert refused["status"] == "FAILED"
        policy = refused["events"][-1]["error"]["retry_policy"]
        assert policy["retry_codes"] == ["DO_NOT_RETRY"]

    as_merchant(test)


async def _given_back(merchant: Merchant, _: list[RawCallback]) -> None:
    first, second = await reserved(merchant, "r-1"), await reserved(merchant, "r-2")
    await merchant.call("POST", f"{first}/capture", {"amount": 29990})
    await refund(merchant, first, 10000, "r-1-r1")
    await merchant.call("POST", f"{second}/void")


def _events(callbacks: list[RawCallback]) -> list[tuple[str, str]]:
    """Event and merchant reference of the callbacks about operations."""
    queries = [parse_qs(urlsplit(callback.url).query) for callback in callbacks]
    return [(q["event"][0], q["merchant_reference"][0]) for q in queries if "event" in q]


def test_operations_are_called_about_where_that_was_asked_for() -> None:
    """report_event names them; the reference is the charge's, Dintero has no other there."""

    async def test(merchant: Merchant) -> None:
        merchant.callback_url = f"?{EVERYTHING}"
        found = _events(await called(merchant, [500, 500], _given_back))
        assert set(found) == {("CAPTURE", "r-1"), ("REFUND", "r-1"), ("VOID", "r-2")}

    async def silent(merchant: Merchant) -> None:
        merchant.callback_url = "?report_event=CAPTURE"
        assert set(_events(await called(merchant, [], _given_back))) == {("CAPTURE", "r-1")}

    as_merchant(test)
    as_merchant(silent)


def test_callbacks_of_refunds_meet_the_plan() -> None:
    """Lost and doubled by the refund's own reference."""

    async def test(merchant: Merchant) -> None:
        merchant.callback_url = f"?{EVERYTHING}"
        script = merchant.served.controls.faults.script
        script.append(ScriptedFault("callback", "r-1-r1", 1, CallbackFault.DUPLICATE))
        found = _events(await called(merchant, [], _given_back))
        assert found.count(("REFUND", "r-1")) == 3

    as_merchant(test)


def test_seeded_faults_strike_refunds_and_voids() -> None:
    """The usual shares; whatever became of the answer, the book says what was done."""

    async def test(merchant: Merchant) -> None:
        merchant.served.controls.faults = FaultPlan.parse("error-after=0.5")
        token, seen = await merchant.token(), set()
        for number in range(12):
            _, shown = await merchant.pay(token, f"r-{number}", auto_capture=bool(number % 2))
            if "id" not in shown:
                continue
            path = f"/v1/transactions/{shown['id']}"
            verb = "refund" if number % 2 else "void"
            body = {"amount": 1, "refund_reference": f"r-{number}-r1"} if number % 2 else None
            status, _ = await merchant.call("POST", f"{path}/{verb}", body)
            seen.add((verb, status))
        assert seen == {(verb, status) for verb in ("refund", "void") for status in (200, 500)}

    as_merchant(test)


def test_answers_fit_the_specification() -> None:
    """Refunds, voids and refusals pass Dintero's own schemas, in the form of their time."""
    if not SPECIFICATION.exists():
        pytest.skip("Dintero's specification is not beside this checkout")
    specified = specification(SPECIFICATION)

    def fits(verb: str, status: int, body: Any) -> None:
        path = f"/transactions/{{id}}/{verb}"
        assert specified.response_problems(path, "post", status, body) == []

    async def test(merchant: Merchant) -> None:
        path = await paid(merchant, "r-1")
        strike(merchant, "refund", Fault.PENDING, "r-1-r2")
        strike(merchant, "refund", Fault.SOFT_DECLINE, "r-1-r3")
        for number in (1, 2, 3):
            fits("refund", *await refund(merchant, path, 100, f"r-1-r{number}"))
        fits("refund", *await refund(merchant, path, 29990))
        fits("void", *await merchant.call("POST", f"{path}/void"))
        path = await reserved(merchant, "r-2")
        fits("capture", *await merchant.call("POST", f"{path}/capture", {"amount": 29991}))
        fits("capture", *await merchant.call("POST", f"{path}/capture", {"amount": 100}))
        fits("void", *await merchant.call("POST", f"{path}/void"))
        wrong = {"amount": 1, "refund_id": "r-1"}
        status, refused = await merchant.call("POST", f"{path}/refund", wrong)
        assert (status, "/refund_id is not a field" in refused["error"]["message"]) == (400, True)

    as_merchant(test, legacy_errors=True, specification=SPECIFICATION)
