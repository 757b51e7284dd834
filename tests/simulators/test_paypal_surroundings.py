"""The PayPal simulator around the charge: tokens, the payer's page, search, webhooks, schemas."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.records import Ids, Journal, Keys, Line
from tests.gateways.bench import START
from tests.gateways.paypal_bench import SPECS
from tests.simulators.paypal_client import Client, issue, order, setup_token, simulated

MONEY = {"currency_code": "USD", "value": "29.85"}
ZERO = {"currency_code": "USD", "value": "0.00"}


def regular(**changes: Any) -> dict[str, Any]:
    return {
        "tenure_type": "REGULAR",
        "sequence": 1,
        "total_cycles": 0,
        "frequency": {"interval_unit": "MONTH", "interval_count": 1},
        "pricing_scheme": {"pricing_model": "FIXED", "price": MONEY},
        **changes,
    }


TRIAL = {
    "tenure_type": "TRIAL",
    "sequence": 1,
    "total_cycles": 1,
    "frequency": {"interval_unit": "DAY", "interval_count": 14},
}


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"billing_cycles": [regular()], "one_time_charges": {"total_amount": MONEY}}, 201),
        (
            {
                "billing_cycles": [TRIAL, regular(sequence=2, start_date="2026-03-15")],
                "one_time_charges": {"total_amount": ZERO},
            },
            201,
        ),
        ({"billing_cycles": [regular()], "one_time_charges": {"total_amount": ZERO}}, 422),
        (
            {
                "billing_cycles": [regular(start_date="2026-04-01")],
                "one_time_charges": {"total_amount": MONEY},
            },
            422,
        ),
        ({"billing_cycles": [regular()]}, 400),
        ({"name": "only a name"}, 400),
        ({"billing_cycles": [TRIAL], "one_time_charges": {"total_amount": ZERO}}, 400),
        (
            {
                "billing_cycles": [TRIAL, regular(sequence=2)],
                "one_time_charges": {"total_amount": ZERO},
            },
            400,
        ),
        (
            {
                "billing_cycles": [
                    regular(frequency={"interval_unit": "YEAR", "interval_count": 2})
                ],
                "one_time_charges": {"total_amount": MONEY},
            },
            400,
        ),
    ],
)
def test_plan_has_to_add_up(plan: dict[str, Any], expected: int) -> None:
    """Order of cycles, start dates, maxima and the total due at checkout."""

    async def test(client: Client) -> None:
        answer = await client.post("/v3/vault/setup-tokens", setup_token(billing_plan=plan))
        assert answer.status_code == expected, answer.text

    simulated(test)


def test_setup_token_is_one_per_key_and_gone_after_three_days() -> None:
    """Same key within three hours: the same token. Three days later: 404."""

    async def test(client: Client) -> None:
        first = await client.post("/v3/vault/setup-tokens", setup_token(), "k")
        again = await client.post("/v3/vault/setup-tokens", setup_token(), "k")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        client.controls.clock.set(START + timedelta(hours=4))
        other = await client.post("/v3/vault/setup-tokens", setup_token(), "k")
        assert other.json()["id"] != first.json()["id"]
        client.controls.clock.set(START + timedelta(days=3, minutes=1))
        await client.sign_in()
        gone = await client.http.get(f"/v3/vault/setup-tokens/{first.json()['id']}")
        assert issue(gone) == (404, "INVALID_RESOURCE_ID")

    simulated(test)


def test_payers_page_leads_back_to_the_merchant() -> None:
    """A page with two buttons; approving and cancelling go to their own addresses."""

    async def test(client: Client) -> None:
        setup = (await client.post("/v3/vault/setup-tokens", setup_token())).json()
        (page,) = (link["href"] for link in setup["links"] if link["rel"] == "approve")
        shown = await client.http.get(page)
        assert "customer-1" in shown.text
        assert 'value="approve"' in shown.text
        cancelled = await client.http.post(page, data={"action": "cancel"})
        assert cancelled.headers["Location"] == "https://s.example/c"
        path = f"/v3/vault/setup-tokens/{setup['id']}"
        assert (await client.http.get(path)).json()["status"] == "PAYER_ACTION_REQUIRED"
        approved = await client.http.post(page, data={"action": "approve"})
        assert (approved.status_code, approved.headers["Location"]) == (303, "https://s.example/r")
        assert (await client.http.get(path)).json()["status"] == "APPROVED"
        assert (
            await client.http.get("/agreements/approve?approval_session_id=X")
        ).status_code == 404

    simulated(test)


def test_exchange_needs_approval_and_happens_once() -> None:
    """Too early and too often are refused with PayPal's own issues."""

    async def test(client: Client) -> None:
        setup = (await client.post("/v3/vault/setup-tokens", setup_token())).json()
        source = {"payment_source": {"token": {"id": setup["id"], "type": "SETUP_TOKEN"}}}
        early = await client.post("/v3/vault/payment-tokens", source, "k")
        assert issue(early) == (422, "PAYER_ACTION_REQUIRED")
        page = f"/agreements/approve?approval_session_id={setup['id']}"
        await client.http.post(page, headers={"Accept": "application/json"})
        first = await client.post("/v3/vault/payment-tokens", source, "k")
        again = await client.post("/v3/vault/payment-tokens", source, "k")
        other = await client.post("/v3/vault/payment-tokens", source, "k2")
        assert (first.status_code, again.status_code) == (201, 200)
        assert issue(other) == (422, "SETUP_TOKEN_ALREADY_TOKENIZED")
        path = f"/v3/vault/payment-tokens/{first.json()['id']}"
        assert (await client.http.get(path)).status_code == 200
        assert (await client.http.delete(path)).status_code == 204
        assert (await client.http.get(path)).status_code == 404

    simulated(test)


SEARCH = "/v1/reporting/transactions"
DAY = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-02T00:00:00Z"}


def test_search_is_three_hours_late_and_paged() -> None:
    """Nothing at once; after the delay everything, page by page."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        for number in range(5):
            await client.order(token, f"r-{number}")
        assert (await client.http.get(SEARCH, params=DAY)).json()["total_items"] == 0
        client.controls.clock.set(START + timedelta(hours=3))
        found = []
        for page in ("1", "2", "3"):
            params = {**DAY, "page_size": "2", "page": page}
            body = (await client.http.get(SEARCH, params=params)).json()
            assert (body["total_items"], body["total_pages"]) == (5, 3)
            found += [row["transaction_info"]["invoice_id"] for row in body["transaction_details"]]
        assert found == [f"r-{number}" for number in range(5)]
        assert body["last_refreshed_datetime"] == "2026-03-01T10:00:00Z"

    simulated(test)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"end_date": "2026-04-02T00:00:00Z"}, "INVALID_PARAMETER_VALUE"),
        ({"end_date": "2026-02-01T00:00:00Z"}, "INVALID_PARAMETER_VALUE"),
        ({"end_date": "tomorrow"}, "INVALID_PARAMETER_SYNTAX"),
        ({"end_date": "2026-03-02T00:00:00"}, "INVALID_PARAMETER_SYNTAX"),
        ({"page_size": "501"}, "INVALID_PARAMETER_VALUE"),
        ({"page": "0"}, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_search_refuses_bad_windows(window: dict[str, str], expected: str) -> None:
    """31 days at most, times with an offset, pages from one."""

    async def test(client: Client) -> None:
        answer = await client.http.get(SEARCH, params={**DAY, **window})
        assert issue(answer) == (400, expected)

    simulated(test)


def test_search_refuses_too_many_results() -> None:
    """More than the limit is no first part of it, but an error."""

    async def test(client: Client) -> None:
        token = await client.vaulted()
        for number in range(3):
            await client.order(token, f"r-{number}")
        client.controls.clock.set(START + timedelta(hours=3))
        assert issue(await client.http.get(SEARCH, params=DAY)) == (400, "RESULTSET_TOO_LARGE")

    simulated(test, report_limit=2)


def test_search_hides_what_moves_no_balance_unless_asked() -> None:
    """Authorisations only show with balance_affecting_records_only=N."""

    async def test(client: Client) -> None:
        await client.order(await client.vaulted(), "r-1", intent="AUTHORIZE")
        client.controls.clock.set(START + timedelta(hours=3))
        assert (await client.http.get(SEARCH, params=DAY)).json()["total_items"] == 0
        params = {**DAY, "balance_affecting_records_only": "N"}
        (row,) = (await client.http.get(SEARCH, params=params)).json()["transaction_details"]
        assert row["transaction_info"]["transaction_event_code"] == "T1300"

    simulated(test)


@pytest.mark.skipif(not SPECS.is_dir(), reason="PayPal's OpenAPI files do not lie here")
def test_strict_simulator_refuses_what_the_schema_forbids() -> None:
    """The field and the issue are named; a basic one lets the same body pass."""
    body = order("TOKEN", "r" * 128)

    async def strict(client: Client) -> None:
        answer = await client.post("/v2/checkout/orders", body, "k")
        assert issue(answer) == (400, "INVALID_STRING_MAX_LENGTH")
        assert answer.json()["details"][0]["field"] == "/purchase_units/0/invoice_id"

    async def basic(client: Client) -> None:
        answer = await client.post("/v2/checkout/orders", body, "k")
        assert issue(answer) == (422, "INVALID_VAULT_ID")

    simulated(strict, validation="strict", specs=SPECS)
    simulated(basic)


def test_strict_level_needs_the_files() -> None:
    """A strict simulator without a folder is refused when it is set up."""
    with pytest.raises(ValueError, match="strict"):
        PayPalOptions(validation="strict")


def test_ids_are_their_numbers() -> None:
    """Each number has one id of each kind, and only that kind reads it back."""
    ids = Ids("SIM1")
    made = [ids.of("OR", number) for number in range(1, 2000)]
    assert len(set(made)) == len(made)
    assert [ids.number("OR", text) for text in made] == list(range(1, 2000))
    assert {ids.number("CA", text) for text in made} == {None}
    assert {ids.number("OR", text.lower()) for text in made} == {None}
    assert Ids("SIM2").number("OR", made[0]) is None


def test_keys_are_dropped_after_their_window() -> None:
    """A key costs no memory once it is forgotten."""
    keys: Keys[int] = Keys(timedelta(hours=6))
    for number in range(100):
        keys.keep(f"k-{number}", number, number)
    assert keys.get("k-5", 100) == 5
    assert keys.get("k-5", 6 * 3600 * 10**6 + 50) is None
    assert keys.get("k-60", 6 * 3600 * 10**6 + 50) == 60
    assert len(keys) == 49


def test_journal_finds_by_time_also_when_the_clock_was_set_back() -> None:
    """In order by halving, out of order by reading it all."""
    journal = Journal()
    for at in (10, 20, 30):
        journal.add(at, at, Line.CAPTURE)
    assert journal.between(15, 30) == [(20, 20, Line.CAPTURE), (30, 30, Line.CAPTURE)]
    journal.add(5, 40, Line.AUTHORIZATION)
    assert journal.between(0, 10) == [(5, 40, Line.AUTHORIZATION), (10, 10, Line.CAPTURE)]
