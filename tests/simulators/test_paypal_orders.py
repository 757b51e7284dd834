"""The PayPal simulator charges as PayPal does: keys, references, windows, refusals."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import Fault, ScriptedFault
from tests.gateways.bench import START
from tests.simulators.paypal_client import Client, issue, order, simulated


def test_same_key_is_the_same_order() -> None:
    """201 first, 200 for the repeat, one charge."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        first, again = await client.order(token, "r-1"), await client.order(token, "r-1")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert len(client.controls.book) == 1

    simulated(test)


@pytest.mark.parametrize(("hours", "status"), [(5.9, 200), (6.1, 422)])
def test_key_is_forgotten_after_six_hours(hours: float, status: int) -> None:
    """Within the window it is a repeat; after it only the unique invoice id stands guard."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        await client.order(token, "r-1")
        client.controls.clock.set(START + timedelta(hours=hours))
        again = await client.order(token, "r-1")
        assert again.status_code == status
        if status == 422:
            assert issue(again) == (422, "DUPLICATE_INVOICE_ID")
        assert len(client.controls.book.captures("r-1")) == 1

    simulated(test)


def test_key_belongs_to_one_body() -> None:
    """The same key with another amount is refused, visibly."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        await client.order(token, "r-1", key="k")
        other = await client.order(token, "r-1", key="k", value="30.00")
        assert issue(other) == (422, "DUPLICATE_REQUEST_ID")

    simulated(test)


def test_new_key_does_not_pay_an_invoice_twice() -> None:
    """The invoice id is unique per account."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        await client.order(token, "r-1", key="k1")
        assert issue(await client.order(token, "r-1", key="k2")) == (422, "DUPLICATE_INVOICE_ID")

    simulated(test)


def test_decline_is_replayed_for_its_key() -> None:
    """A repeat under the key of a refusal is the same refusal; a new key is a new try."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        client.controls.faults.script.append(ScriptedFault("charge", "r-1", 1, Fault.PAYER_ACTION))
        for _ in range(2):
            assert issue(await client.order(token, "r-1")) == (422, "PAYER_ACTION_REQUIRED")
        assert (await client.order(token, "r-1", key="new")).status_code == 201

    simulated(test)


def test_both_forms_of_a_soft_decline_occur() -> None:
    """Sometimes an error, sometimes a completed order whose capture was declined."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        statuses = set()
        for number in range(6):
            reference = f"r-{number}"
            client.controls.faults.script.append(
                ScriptedFault("charge", reference, 1, Fault.SOFT_DECLINE)
            )
            statuses.add((await client.order(token, reference)).status_code)
        assert statuses == {201, 422}
        assert client.controls.book.total(Movement.DECLINED, "USD")[0] == 6
        assert client.controls.book.total(Movement.CAPTURED, "USD") == (0, 0)

    simulated(test)


def test_hard_decline_stays_with_the_token() -> None:
    """A cancelled agreement refuses every later charge."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        client.controls.faults.script.append(ScriptedFault("charge", "r-1", 1, Fault.HARD_DECLINE))
        for reference in ("r-1", "r-2"):
            refused = await client.order(token, reference)
            assert issue(refused) == (422, "AGREEMENT_ALREADY_CANCELLED")
        assert (await client.order(await client.vaulted(), "r-3")).status_code == 201

    simulated(test)


def test_late_success_is_in_progress_until_it_is_done() -> None:
    """503, then 409 for a repeat, then the order; one charge, at the late time."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        client.controls.faults.script.append(ScriptedFault("charge", "r-1", 1, Fault.LATE_SUCCESS))
        assert (await client.order(token, "r-1")).status_code == 503
        assert issue(await client.order(token, "r-1")) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")
        client.controls.clock.set(START + timedelta(hours=1))
        assert (await client.order(token, "r-1")).status_code == 200
        (entry,) = client.controls.book.captures("r-1")
        assert entry.at == START + timedelta(seconds=120)

    simulated(test)


def test_requests_at_once_under_one_key_charge_once() -> None:
    """Twenty at the same time: one 201."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        answers = await asyncio.gather(*(client.order(token, "r-1") for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
        assert len(client.controls.book.captures("r-1")) == 1

    simulated(test)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"intent": "PAY"}, (400, "INVALID_PARAMETER_VALUE")),
        ({"value": "0.00"}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"value": "1.005"}, (422, "DECIMAL_PRECISION")),
        ({"value": "-1"}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"value": "10.00", "currency": "HUF"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"value": "10.00", "currency": "JPY"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"value": "10", "currency": "XXX"}, (400, "INVALID_CURRENCY_CODE")),
    ],
)
def test_bad_order_is_refused(change: dict[str, str], expected: tuple[int, str]) -> None:
    """Amounts, currencies and intents that PayPal would not take."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        assert issue(await client.order(token, "r-1", **change)) == expected
        assert len(client.controls.book) == 0

    simulated(test)


def test_forint_are_booked_in_their_minor_units() -> None:
    """300 HUF on the wire are 30000 fillér in the books."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        answer = await client.order(token, "r-1", value="300", currency="HUF")
        (unit,) = answer.json()["purchase_units"]
        assert unit["payments"]["captures"][0]["amount"]["value"] == "300"
        assert client.controls.book.captures("r-1")[0].minor == 30000

    simulated(test)


def test_order_needs_its_key_its_token_and_its_initiator() -> None:
    """The three things that a charge without the payer must have."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        body = order(token, "r-1")
        keyless = await client.post("/v2/checkout/orders", body)
        assert issue(keyless) == (400, "PAYPAL_REQUEST_ID_REQUIRED")
        assert issue(await client.order("NOTOKEN", "r-1")) == (422, "INVALID_VAULT_ID")
        wallet: dict[str, Any] = body["payment_source"]["paypal"]
        wallet["stored_credential"] = {"usage": "SUBSEQUENT"}
        anonymous = await client.post("/v2/checkout/orders", body, "k")
        assert issue(anonymous) == (400, "MISSING_REQUIRED_PARAMETER")
        del wallet["vault_id"]
        tokenless = await client.post("/v2/checkout/orders", body, "k")
        assert issue(tokenless) == (422, "PAYPAL_STORED_CREDENTIAL_MISSING_REQUIRED_PARAMETER")

    simulated(test)


def test_minimal_answer_lacks_the_capture() -> None:
    """Without Prefer: return=representation only id, status and links come back."""

    async def test(client: Client) -> None:
        body = order(await client.vaulted(), "r-1")
        answer = (await client.post("/v2/checkout/orders", body, "k")).json()
        assert set(answer) == {"id", "status", "links"}

    simulated(test)


def test_authorisation_is_captured_or_voided_once() -> None:
    """An authorisation ends one way; the other is refused then."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        paths = []
        for reference in ("r-1", "r-2"):
            made = (await client.order(token, reference, intent="AUTHORIZE")).json()
            (found,) = made["purchase_units"][0]["payments"]["authorizations"]
            paths.append(f"/v2/payments/authorizations/{found['id']}")
        captured, voided = paths
        first = await client.post(f"{captured}/capture", {"final_capture": True}, "c-1")
        again = await client.post(f"{captured}/capture", {"final_capture": True}, "c-1")
        other = await client.post(f"{captured}/capture", {"final_capture": True}, "c-2")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert issue(other) == (422, "AUTHORIZATION_ALREADY_CAPTURED")
        assert issue(await client.post(f"{captured}/void", {})) == (422, "PREVIOUSLY_CAPTURED")
        assert (await client.post(f"{voided}/void", {})).status_code == 204
        late = await client.post(f"{voided}/capture", {}, "c-3")
        assert issue(late) == (422, "AUTHORIZATION_VOIDED")
        assert (await client.http.get(voided)).json()["status"] == "VOIDED"
        assert client.controls.book.total(Movement.CAPTURED, "USD") == (1, 2985)

    simulated(test)


def test_authorisation_expires_after_29_days() -> None:
    """Then it shows as voided, and cannot be captured."""

    async def test(client: Client) -> None:
        made = (await client.order(await client.vaulted(), "r-1", intent="AUTHORIZE")).json()
        (found,) = made["purchase_units"][0]["payments"]["authorizations"]
        path = f"/v2/payments/authorizations/{found['id']}"
        client.controls.clock.set(START + timedelta(days=30))
        await client.sign_in()
        assert (await client.http.get(path)).json()["status"] == "VOIDED"
        assert issue(await client.post(f"{path}/capture", {}, "c"))[1] == "AUTHORIZATION_EXPIRED"

    simulated(test)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("INSTRUMENT_DECLINED", (422, "INSTRUMENT_DECLINED")),
        ("INTERNAL_SERVER_ERROR", (500, "INTERNAL_SERVER_ERROR")),
        ("PERMISSION_DENIED", (403, "PERMISSION_DENIED")),
    ],
)
def test_mock_response_header_asks_for_an_error(code: str, expected: tuple[int, str]) -> None:
    """PayPal's own negative testing works, and nothing is charged."""

    async def test(client: Client) -> None:
        body = order(await client.vaulted(), "r-1")
        header = json.dumps({"mock_application_codes": code})
        answer = await client.post("/v2/checkout/orders", body, "k", PayPal_Mock_Response=header)
        assert issue(answer) == expected
        assert len(client.controls.book) == 0

    simulated(test)


MOCKABLE = {
    "create an order": ("POST", "/v2/checkout/orders", True),
    "read an order": ("GET", "/v2/checkout/orders/{order}", True),
    "read a capture": ("GET", "/v2/payments/captures/{capture}", True),
    "refund a capture": ("POST", "/v2/payments/captures/{capture}/refund", True),
    "read an authorisation": ("GET", "/v2/payments/authorizations/{held}", True),
    "capture an authorisation": ("POST", "/v2/payments/authorizations/{held}/capture", True),
    "void an authorisation": ("POST", "/v2/payments/authorizations/{held}/void", True),
    "renew an authorisation": ("POST", "/v2/payments/authorizations/{held}/reauthorize", False),
    "read a token": ("GET", "/v3/vault/payment-tokens/{token}", False),
}


@pytest.mark.parametrize("name", MOCKABLE)
def test_mock_response_works_where_paypals_does(name: str) -> None:
    """In orders and payments; not in the vault, not for a renewal."""
    method, path, mockable = MOCKABLE[name]
    header = {"PayPal-Mock-Response": '{"mock_application_codes":"TRANSACTION_REFUSED"}'}

    async def test(client: Client) -> None:
        token = await client.vaulted()
        made = (await client.order(token, "r-1")).json()
        (capture,) = made["purchase_units"][0]["payments"]["captures"]
        held = (await client.order(token, "r-2", intent="AUTHORIZE")).json()
        (authorization,) = held["purchase_units"][0]["payments"]["authorizations"]
        ids = {
            "order": made["id"],
            "capture": capture["id"],
            "held": authorization["id"],
            "token": token,
        }
        booked = len(client.controls.book)
        body = order(token, "r-3") if path.endswith("orders") else {}
        answer = await client.http.request(
            method,
            path.format(**ids),
            json=body if method == "POST" else None,
            headers={**header, "PayPal-Request-Id": "k-3"},
        )
        if mockable:
            assert issue(answer) == (422, "TRANSACTION_REFUSED")
            assert len(client.controls.book) == booked
        else:
            assert "TRANSACTION_REFUSED" not in answer.text

    simulated(test)


@pytest.mark.parametrize("header", ["INSTRUMENT_DECLINED", "{}", "[]", '{"mock":"x"}', "{"])
def test_mock_response_that_cannot_be_read_is_an_error(header: str) -> None:
    """It is JSON with mock_application_codes; a slip does not pass unnoticed."""

    async def test(client: Client) -> None:
        body = order(await client.vaulted(), "r-1")
        answer = await client.post("/v2/checkout/orders", body, "k", PayPal_Mock_Response=header)
        assert issue(answer) == (400, "INVALID_PARAMETER_SYNTAX")

    simulated(test)


def test_access_is_checked_on_each_call() -> None:
    """No token, a wrong one and an old one get 401; a wrong secret gets none."""

    async def test(client: Client) -> None:
        client.controls.clock.set(START + timedelta(hours=10))
        assert issue(await client.order("T", "r-1")) == (401, "AUTHENTICATION_FAILURE")
        client.http.headers["Authorization"] = "Bearer wrong"
        assert (await client.http.get("/v2/checkout/orders/X")).status_code == 401
        wrong = await client.http.post("/v1/oauth2/token", auth=("simulated-client", "wrong"))
        assert issue(wrong) == (401, "invalid_client")

    simulated(test)


def test_unknown_ids_are_not_found() -> None:
    """Another kind's id is unknown as well."""

    async def test(client: Client) -> None:
        made = (await client.order(await client.vaulted(), "r-1")).json()
        for path in (
            "/v2/checkout/orders/5O190127TN364715T",
            f"/v2/payments/captures/{made['id']}",
            f"/v2/payments/authorizations/{made['id']}",
            "/v3/vault/payment-tokens/none",
        ):
            assert issue(await client.http.get(path)) == (404, "INVALID_RESOURCE_ID"), path
        assert (await client.http.get(f"/v2/checkout/orders/{made['id']}")).json() == made

    simulated(test)
