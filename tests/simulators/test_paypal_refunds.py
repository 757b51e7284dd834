"""The PayPal simulator gives back, lets go, renews and captures in parts as PayPal does."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from functools import cache
from typing import Any

import attrs
import httpx
import pytest
from jsonschema import Draft202012Validator

from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import Fault, FaultPlan, ScriptedFault
from tests.gateways.bench import START
from tests.gateways.paypal_bench import SPECS
from tests.simulators.paypal_client import Client, issue, simulated

PAYMENTS = "/v2/payments"
FULL = {"Prefer": "return=representation"}
SEARCH = "/v1/reporting/transactions"


def usd(value: str) -> dict[str, Any]:
    return {"amount": {"currency_code": "USD", "value": value}}


async def charged(client: Client, reference: str = "r-1") -> str:
    """The path of a capture of 29.85 USD."""
    made = (await client.order(await client.vaulted(), reference)).json()
    (found,) = made["purchase_units"][0]["payments"]["captures"]
    return f"{PAYMENTS}/captures/{found['id']}"


async def reserved(client: Client, reference: str = "r-1") -> str:
    """The path of an authorisation of 29.85 USD."""
    made = (await client.order(await client.vaulted(), reference, intent="AUTHORIZE")).json()
    (found,) = made["purchase_units"][0]["payments"]["authorizations"]
    return f"{PAYMENTS}/authorizations/{found['id']}"


async def refund(
    client: Client, capture: str, value: str = "", number: int = 1, key: str = ""
) -> httpx.Response:
    body = {"invoice_id": f"r-1-r{number}", **(usd(value) if value else {})}
    return await client.post(f"{capture}/refund", body, key or f"refund-{number}", **FULL)


def strike(client: Client, operation: str, fault: Fault) -> None:
    client.controls.faults.script.append(ScriptedFault(operation, "*", 1, fault))


def later(client: Client, **span: float) -> None:
    client.controls.clock.set(client.controls.clock.now() + timedelta(**span))


# --- refunds ----------------------------------------------------------------------------------


def test_refund_is_shown_wherever_it_belongs() -> None:
    """Of itself, on its capture, on its order, and in the search three hours later."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        made = (await refund(client, capture, "10.00")).json()
        assert (made["status"], made["amount"]["value"]) == ("COMPLETED", "10.00")
        assert made["create_time"].endswith("-07:00")
        assert (await client.http.get(f"{PAYMENTS}/refunds/{made['id']}")).json() == made
        assert (await client.http.get(capture)).json()["status"] == "PARTIALLY_REFUNDED"
        (rest,) = [(await refund(client, capture, "", 2)).json()]
        assert rest["amount"]["value"] == "19.85"
        assert rest["seller_payable_breakdown"]["total_refunded_amount"]["value"] == "29.85"
        shown = (await client.http.get(capture)).json()
        assert shown["status"] == "REFUNDED"
        order_id = shown["supplementary_data"]["related_ids"]["order_id"]
        found = (await client.http.get(f"/v2/checkout/orders/{order_id}")).json()
        refunds = found["purchase_units"][0]["payments"]["refunds"]
        assert [one["id"] for one in refunds] == [made["id"], rest["id"]]
        later(client, hours=3)
        window = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-02T00:00:00Z"}
        rows = (await client.http.get(SEARCH, params=window)).json()["transaction_details"]
        told = [
            (row["transaction_event_code"], row["transaction_amount"]["value"], row["invoice_id"])
            for row in (each["transaction_info"] for each in rows)
        ]
        assert told == [
            ("T0003", "29.85", "r-1"),
            ("T1107", "-10.00", "r-1-r1"),
            ("T1107", "-19.85", "r-1-r2"),
        ]
        assert client.controls.book.total(Movement.REFUNDED, "USD") == (2, 2985)

    simulated(test)


def test_book_shows_what_was_taken_reserved_let_go_and_given_back() -> None:
    """Over HTTP, with times and references."""

    async def test(client: Client) -> None:
        await refund(client, await charged(client), "10.00")
        await client.post(f"{await reserved(client, 'r-2')}/void", {}, "v")
        entries = (await client.http.get("/_book")).json()["entries"]
        assert [(one["movement"], one["reference"], one["minor"]) for one in entries] == [
            ("captured", "r-1", 2985),
            ("refunded", "r-1-r1", 1000),
            ("authorized", "r-2", 2985),
            ("voided", "r-2", 2985),
        ]
        assert {one["at"] for one in entries} == {START.isoformat()}
        summary = (await client.http.get("/_book/summary")).json()
        assert summary["refunded_more_than_once"] == []

    simulated(test)


def test_same_key_is_the_same_refund() -> None:
    """201 first, 200 for the repeat; another body under it is refused, visibly."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        first, again = [await refund(client, capture, "10.00") for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        other = await refund(client, capture, "11.00")
        assert issue(other) == (422, "DUPLICATE_REQUEST_ID")
        used = await refund(client, capture, "11.00", key="another")
        assert issue(used) == (422, "DUPLICATE_INVOICE_ID")
        assert client.controls.book.total(Movement.REFUNDED, "USD") == (1, 1000)

    simulated(test)


@pytest.mark.parametrize(("days", "status"), [(44, 200), (46, 422)])
def test_key_is_forgotten_after_45_days(days: int, status: int) -> None:
    """After that the unique invoice id stands guard."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        await refund(client, capture, "10.00")
        later(client, days=days)
        await client.sign_in()
        assert (await refund(client, capture, "10.00")).status_code == status
        assert len(client.controls.book.refunds("r-1-r1")) == 1

    simulated(test)


def test_requests_at_once_under_one_key_refund_once() -> None:
    """Twenty at the same time: one 201."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        answers = await asyncio.gather(*(refund(client, capture, "1.00") for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
        assert client.controls.book.total(Movement.REFUNDED, "USD") == (1, 100)

    simulated(test)


def test_refusals_of_refunds() -> None:
    """Above what is left, given back, in another currency, nothing, pending, declined, too old."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        assert issue(await refund(client, capture, "29.86")) == (422, "REFUND_AMOUNT_EXCEEDED")
        await refund(client, capture, "10.00", 2)
        assert issue(await refund(client, capture, "19.86", 3)) == (422, "REFUND_AMOUNT_EXCEEDED")
        euros = {"amount": {"currency_code": "EUR", "value": "1.00"}}
        answer = await client.post(f"{capture}/refund", euros, "e")
        assert issue(answer) == (422, "REFUND_CAPTURE_CURRENCY_MISMATCH")
        nothing = await refund(client, capture, "0.00", 4)
        assert issue(nothing) == (422, "CANNOT_BE_ZERO_OR_NEGATIVE")
        await refund(client, capture, "", 5)
        assert issue(await refund(client, capture, "0.01", 6)) == (422, "CAPTURE_FULLY_REFUNDED")
        none = await refund(client, f"{PAYMENTS}/captures/NONE", "1.00", 7)
        assert issue(none) == (404, "INVALID_RESOURCE_ID")
        strike(client, "charge", Fault.PENDING)
        pending = await charged(client, "r-2")
        assert issue(await refund(client, pending, "1.00", 8)) == (422, "PENDING_CAPTURE")
        old = await charged(client, "r-3")
        later(client, days=181)
        await client.sign_in()
        late = await refund(client, old, "1.00", 9)
        assert issue(late) == (422, "REFUND_TIME_LIMIT_EXCEEDED")
        assert client.controls.book.total(Movement.REFUNDED, "USD") == (2, 2985)

    simulated(test)


@pytest.mark.parametrize(
    ("fault", "ended", "moved"),
    [(Fault.PENDING, "COMPLETED", 1), (Fault.PENDING_FAILS, "FAILED", 0)],
)
def test_pending_refund_ends_later(fault: Fault, ended: str, moved: int) -> None:
    """Nothing moves before its time; what it asked for is set aside, and free if it fails."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        strike(client, "refund", fault)
        made = (await refund(client, capture, "20.00")).json()
        assert (made["status"], made["status_details"]["reason"]) == ("PENDING", "ECHECK")
        assert (await client.http.get(capture)).json()["status"] == "COMPLETED"
        assert issue(await refund(client, capture, "10.00", 2)) == (422, "REFUND_AMOUNT_EXCEEDED")
        later(client, seconds=120)
        shown = (await client.http.get(f"{PAYMENTS}/refunds/{made['id']}")).json()
        assert shown["status"] == ended
        assert len(client.controls.book.refunds("r-1-r1")) == moved
        again = await refund(client, capture, "10.00", 3)
        assert again.status_code == (422 if moved else 201)

    simulated(test)


def test_late_refund_is_in_progress_until_it_is_done() -> None:
    """503, then 409 for a repeat, then the refund; once, at the late time."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        strike(client, "refund", Fault.LATE_SUCCESS)
        assert (await refund(client, capture)).status_code == 503
        assert issue(await refund(client, capture)) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")
        later(client, hours=1)
        assert (await refund(client, capture)).status_code == 200
        (entry,) = client.controls.book.refunds("r-1-r1")
        assert entry.at == START + timedelta(seconds=120)

    simulated(test)


def test_refusal_is_replayed_for_its_key() -> None:
    """A repeat under the key of a refusal is the same refusal; a new key is a new try."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        strike(client, "refund", Fault.SOFT_DECLINE)
        for _ in range(2):
            refused = await refund(client, capture)
            assert issue(refused) == (422, "REFUND_FAILED_INSUFFICIENT_FUNDS")
        assert (await refund(client, capture, key="new")).status_code == 201

    simulated(test)


def test_seeded_plan_strikes_refunds() -> None:
    """The usual mix, three times as thick: refunds fail in all ways, and none is made twice."""
    mix = FaultPlan.from_seed(3)

    async def test(client: Client) -> None:
        capture = await charged(client)
        client.controls.faults = attrs.evolve(
            mix,
            shares={fault: 3 * share for fault, share in mix.shares.items()},
            callback_shares={},
        )
        answers = set()
        for number in range(300):
            for _ in range(2):
                try:
                    answers.add((await refund(client, capture, "0.01", number)).status_code)
                except httpx.TransportError:
                    answers.add(0)
        assert {0, 200, 201, 422, 429, 500, 502, 503} <= answers
        assert client.controls.book.refunded_more_than_once() == {}
        assert client.controls.book.total(Movement.REFUNDED, "USD")[0] > 200

    simulated(test)


# --- captures in parts, voids, renewals -------------------------------------------------------


async def capture(
    client: Client, path: str, value: str, number: int, *, final: bool = False
) -> httpx.Response:
    body = {**usd(value), "final_capture": final, "invoice_id": f"r-1-c{number}"}
    return await client.post(f"{path}/capture", body, f"c-{number}")


def test_parts_stay_within_the_authorisation() -> None:
    """Two parts, a third too large, the rest; then it is captured, and no more."""

    async def test(client: Client) -> None:
        path = await reserved(client)
        first = (await capture(client, path, "10.00", 1)).json()
        assert (first["final_capture"], first["amount"]["value"]) == (False, "10.00")
        assert (await client.http.get(path)).json()["status"] == "PARTIALLY_CAPTURED"
        above = await capture(client, path, "19.86", 2)
        assert issue(above) == (422, "MAX_CAPTURE_AMOUNT_EXCEEDED")
        again = await capture(client, path, "10.00", 1)
        assert (again.status_code, again.json()) == (200, first)
        twice = await client.post(f"{path}/capture", {**usd("1.00"), "invoice_id": "r-1-c1"}, "x")
        assert issue(twice) == (422, "DUPLICATE_INVOICE_ID")
        rest = (await capture(client, path, "19.85", 3)).json()
        assert (await client.http.get(path)).json()["status"] == "CAPTURED"
        assert issue(await capture(client, path, "0.01", 4)) == (
            422,
            "AUTHORIZATION_ALREADY_CAPTURED",
        )
        assert issue(await client.post(f"{path}/void", {}, "v")) == (422, "PREVIOUSLY_CAPTURED")
        ids = [entry.provider_id for entry in client.controls.book.captures("r-1")]
        assert ids == [first["id"], rest["id"]]
        assert client.controls.book.captured_more_than_once() == {}
        assert (await client.http.get(f"{PAYMENTS}/captures/{rest['id']}")).json()["id"] == ids[1]

    simulated(test)


def test_final_capture_of_a_part_ends_it() -> None:
    """Nothing more can be taken, though something was left."""

    async def test(client: Client) -> None:
        path = await reserved(client)
        assert (await capture(client, path, "10.00", 1, final=True)).status_code == 201
        assert (await client.http.get(path)).json()["status"] == "CAPTURED"
        assert (await capture(client, path, "1.00", 2)).status_code == 422

    simulated(test)


def test_rest_of_a_part_is_let_go() -> None:
    """The part stays captured and can be given back; the book shows what was let go."""

    async def test(client: Client) -> None:
        path = await reserved(client)
        part = (await capture(client, path, "10.00", 1)).json()
        voided = await client.post(f"{path}/void", {}, "v", **FULL)
        assert (voided.status_code, voided.json()["status"]) == (200, "VOIDED")
        (entry,) = client.controls.book.voids("r-1")
        assert entry.minor == 1985
        given_back = await refund(client, f"{PAYMENTS}/captures/{part['id']}")
        assert given_back.json()["amount"]["value"] == "10.00"

    simulated(test)


def test_void_is_one_per_key_and_shows_its_time() -> None:
    """204 without a wish for more; the same key again is the same; another key is refused."""

    async def test(client: Client) -> None:
        path = await reserved(client)
        later(client, hours=1)
        assert (await client.post(f"{path}/void", {}, "v")).status_code == 204
        later(client, hours=1)
        assert (await client.post(f"{path}/void", {}, "v")).status_code == 204
        assert issue(await client.post(f"{path}/void", {}, "w")) == (422, "PREVIOUSLY_VOIDED")
        assert (await client.http.get(path)).json()["update_time"] == "2026-03-01T11:00:00Z"
        assert len(client.controls.book.voids("r-1")) == 1

    simulated(test)


def test_expired_authorisation_is_neither_captured_nor_voided_nor_renewed() -> None:
    """29 days, also where a part was captured; nothing is booked as let go by us."""

    async def test(client: Client) -> None:
        whole, part = await reserved(client), await reserved(client, "r-2")
        await capture(client, part, "10.00", 1)
        later(client, days=29, seconds=1)
        await client.sign_in()
        for path in (whole, part):
            assert (await client.http.get(path)).json()["status"] == "VOIDED"
            late = await client.post(f"{path}/capture", usd("1.00"), "late")
            assert issue(late) == (422, "AUTHORIZATION_EXPIRED")
            assert issue(await client.post(f"{path}/void", {}, "v")) == (422, "PREVIOUSLY_VOIDED")
            assert (await client.post(f"{path}/reauthorize", {}, "n")).status_code == 422
        assert client.controls.book.total(Movement.VOIDED, "USD") == (0, 0)

    simulated(test)


def test_renewal_is_once_from_the_fourth_day() -> None:
    """Too soon, then a new id, then no more; the new one is captured, the old one names it."""

    async def test(client: Client) -> None:
        path = await reserved(client)
        later(client, days=2, hours=23)
        await client.sign_in()
        early = await client.post(f"{path}/reauthorize", {}, "n-1")
        assert issue(early) == (422, "REAUTHORIZATION_TOO_SOON")
        later(client, hours=1)
        made = await client.post(f"{path}/reauthorize", usd("29.85"), "n-2")
        again = await client.post(f"{path}/reauthorize", usd("29.85"), "n-2")
        assert (made.status_code, again.status_code) == (201, 200)
        assert made.json() == again.json()
        other = await client.post(f"{path}/reauthorize", {}, "n-3")
        assert issue(other) == (422, "REAUTHORIZATION_TOO_SOON")
        renewed = f"{PAYMENTS}/authorizations/{made.json()['id']}"
        assert issue(await client.post(f"{renewed}/void", {}, "v")) == (422, "CANNOT_BE_VOIDED")
        twice = await client.post(f"{renewed}/reauthorize", {}, "n-4")
        assert issue(twice) == (422, "REAUTHORIZATION_NOT_SUPPORTED")
        above = await client.post(f"{path}/reauthorize", usd("30.00"), "n-5")
        assert above.status_code == 422
        assert (await client.post(f"{renewed}/capture", {}, "c")).status_code == 201
        assert (await client.http.get(path)).json()["status"] == "CAPTURED"
        assert client.controls.book.total(Movement.CAPTURED, "USD") == (1, 2985)

    simulated(test)


def test_deleted_token_is_gone_for_good() -> None:
    """204, then 404; its exchange, repeated under the old key, does not bring it back."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        path = f"/v3/vault/payment-tokens/{token}"
        assert (await client.http.delete(path)).status_code == 204
        assert issue(await client.http.delete(path)) == (404, "INVALID_RESOURCE_ID")
        assert issue(await client.order(token, "r-1")) == (422, "INVALID_VAULT_ID")

    simulated(test)


# --- by the specification ---------------------------------------------------------------------


@cache
def schema(name: str) -> Draft202012Validator:
    document = json.loads((SPECS / "payments_payment_v2.json").read_text(encoding="utf-8"))
    components = document["components"]
    return Draft202012Validator({**components["schemas"][name], "components": components})


@pytest.mark.skipif(not SPECS.is_dir(), reason="PayPal's OpenAPI files do not lie here")
def test_answers_are_what_the_specification_shows() -> None:
    """Refunds, captures and authorisations in every state that the simulator knows."""

    async def test(client: Client) -> None:
        shown: list[tuple[str, Any]] = []
        whole = await charged(client)
        shown.append(("refund", (await refund(client, whole, "10.00")).json()))
        client.controls.faults.script.clear()
        strike(client, "refund", Fault.PENDING_FAILS)
        made = (await refund(client, whole, "10.00", 2)).json()
        shown.append(("refund", made))
        later(client, hours=1)
        shown.append(("refund", (await client.http.get(f"{PAYMENTS}/refunds/{made['id']}")).json()))
        shown.append(("capture-2", (await client.http.get(whole)).json()))
        parted = await reserved(client, "r-2")
        shown.append(("capture-2", (await capture(client, parted, "10.00", 1)).json()))
        shown.append(("authorization-2", (await client.http.get(parted)).json()))
        voided = await client.post(f"{parted}/void", {}, "v", **FULL)
        shown.append(("authorization-2", voided.json()))
        later(client, days=1)
        await client.sign_in()
        old = await reserved(client, "r-3")
        later(client, days=4)
        await client.sign_in()
        shown.append(("authorization-2", (await client.post(f"{old}/reauthorize", {}, "n")).json()))
        shown.append(("error", (await client.post(f"{old}/reauthorize", {}, "m")).json()))
        shown.append(("error", (await refund(client, whole, "99.00", 9)).json()))
        statuses = [body.get("status") for _, body in shown]
        assert statuses == [
            *("COMPLETED", "PENDING", "FAILED", "PARTIALLY_REFUNDED", "COMPLETED"),
            *("PARTIALLY_CAPTURED", "VOIDED", "CREATED", None, None),
        ]
        for name, body in shown:
            assert [error.message for error in schema(name).iter_errors(body)] == [], name

    simulated(test, validation="strict", specs=SPECS)


@pytest.mark.skipif(not SPECS.is_dir(), reason="PayPal's OpenAPI files do not lie here")
def test_strict_simulator_refuses_bad_refunds() -> None:
    """The note's length, the amount's form."""

    async def test(client: Client) -> None:
        capture = await charged(client)
        for body in ({"note_to_payer": "x" * 256}, {"note_to_payer": ""}, {"amount": {}}):
            answer = await client.post(f"{capture}/refund", body, "k")
            assert answer.status_code == 400, body
        assert client.controls.book.total(Movement.REFUNDED, "USD") == (0, 0)

    simulated(test, validation="strict", specs=SPECS)
