"""Token requests at PayPal: the plan the payer is shown, and the way to a payment token."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Kind, Terms
from domain.ports import (
    Granted,
    NotDone,
    Offered,
    Secret,
    StillOpen,
    TokenAnswer,
    TokenDenied,
    TokenOrder,
    TokenQuery,
    Unknown,
)
from infrastructure.gateways.paypal.vault import billing_plan_json
from infrastructure.gateways.paypal.wire import plan_name
from tests.gateways.bench import NAMESPACE, START, on_the_bench, terms
from tests.gateways.paypal_bench import PayPalBench, paypal_bench
from tests.gateways.paypal_canned import Answer, Canned, asked, refused

TODAY = date(2026, 1, 31)
REQUEST_ID: UUID = uuid5(NAMESPACE, "token/1")
SETUP = "/v3/vault/setup-tokens/5C991763VB2781612"
TOKENS = "/v3/vault/payment-tokens"
ALREADY = (422, refused("UNPROCESSABLE_ENTITY", "SETUP_TOKEN_ALREADY_TOKENIZED"))


def usd(value: str) -> dict[str, str]:
    return {"currency_code": "USD", "value": value}


def plan(agreed: Terms, start_date: str | None = None) -> dict[str, Any]:
    return billing_plan_json(agreed, start_date, TODAY)


def test_plan_that_starts_at_checkout() -> None:
    """One regular cycle without start date; its first charge and the setup fee are due now."""
    assert plan(terms(setup_fee=Money(1000, "USD"))) == {
        "name": "Basic membership",
        "billing_cycles": [
            {
                "tenure_type": "REGULAR",
                "sequence": 1,
                "total_cycles": 0,
                "frequency": {"interval_unit": "MONTH", "interval_count": 1},
                "pricing_scheme": {"pricing_model": "FIXED", "price": usd("29.85")},
            }
        ],
        "one_time_charges": {"setup_fee": usd("10.00"), "total_amount": usd("39.85")},
    }


def test_plan_shows_all_units_together() -> None:
    """Three units of 29.85 are 89.55 a month: what the payer approves is what is charged."""
    shown = plan(terms(quantity=3, setup_fee=Money(1000, "USD")))
    (regular,) = shown["billing_cycles"]
    assert regular["pricing_scheme"]["price"] == usd("89.55")
    assert shown["one_time_charges"]["total_amount"] == usd("99.55")
    later = plan(terms(quantity=3), "2026-02-15")
    assert later["one_time_charges"]["total_amount"] == usd("0.00")


def test_plan_shows_whole_amounts_in_their_currency() -> None:
    """Yen have no decimals, however many units there are."""
    (regular,) = plan(terms(price=Money(1500, "JPY"), quantity=2))["billing_cycles"]
    assert regular["pricing_scheme"]["price"] == {"currency_code": "JPY", "value": "3000"}


def test_plan_that_starts_later() -> None:
    """With a start date the first charge is not part of what is due at checkout."""
    shown = plan(terms(setup_fee=Money(1000, "USD")), "2026-02-15")
    assert shown["billing_cycles"][0]["start_date"] == "2026-02-15"
    assert shown["one_time_charges"]["total_amount"] == usd("10.00")


@pytest.mark.parametrize(
    ("start_date", "shown"), [(None, "2026-02-28"), ("2026-03-01", "2026-03-01")]
)
def test_free_trial_comes_first_and_has_no_price(start_date: str | None, shown: str) -> None:
    """The trial starts now; the regular cycle says when it follows."""
    trial, regular = plan(terms(trial=Interval(Unit.MONTH)), start_date)["billing_cycles"]
    assert (trial["tenure_type"], trial["sequence"], trial["total_cycles"]) == ("TRIAL", 1, 1)
    assert "pricing_scheme" not in trial
    assert "start_date" not in trial
    assert (regular["sequence"], regular["start_date"]) == (2, shown)
    charges = plan(terms(trial=Interval(Unit.MONTH)))["one_time_charges"]
    assert charges == {"total_amount": usd("0.00")}


def test_instalments_have_an_end() -> None:
    """total_cycles counts them; an open end is 0."""
    shown = plan(terms(kind=Kind.INSTALLMENT, cycles=12))
    assert shown["billing_cycles"][0]["total_cycles"] == 12


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Basic membership", "Basic membership"),
        ("Blåbærsyltetøy & Co. / «fin»", "Blabaersyltetoy Co. fin"),
        ("Zoë's café, 50% (new)", "Zoe's cafe, 50 (new)"),
        ("漢字", ""),
        ("x" * 200, "x" * 127),
    ],
)
def test_name_keeps_to_paypals_letters(text: str, name: str) -> None:
    """Accents fall off, other letters become spaces; nothing left means no name."""
    assert plan_name(text) == name
    assert ("name" in plan(terms(description=text))) == bool(name)


def requested(answer: Answer) -> Any:
    canned = Canned({("POST", "/v3/vault/setup-tokens"): answer})
    order = TokenOrder(
        request_id=REQUEST_ID,
        subscription_id="sub-1",
        customer_id="customer-1",
        terms=terms(),
        start_date=None,
    )
    return asked(canned, lambda gateway: gateway.request_token(order))


def test_offer_is_the_approve_link() -> None:
    """PayPal's own link is where the payer is sent; the request is looked at an hour before
    PayPal forgets it, after three days."""
    link = {"rel": "approve", "href": "https://www.paypal.com/agreements/approve?x=1"}
    body = {"id": "5C991763VB2781612", "status": "PAYER_ACTION_REQUIRED", "links": [link]}
    assert requested((201, body)) == Offered(
        provider_ref="5C991763VB2781612",
        approve_url="https://www.paypal.com/agreements/approve?x=1",
        expires_at=START + timedelta(days=3, hours=-1),
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((201, {"id": "5C991763VB2781612", "links": []}), Unknown),
        ((201, {}), Unknown),
        ((500, {}), Unknown),
        ((409, refused("RESOURCE_CONFLICT")), Unknown),
        ((403, refused("NOT_AUTHORIZED", "NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE")), NotDone),
        ((400, refused("INVALID_REQUEST", "MISSING_REQUIRED_PARAMETER")), TokenDenied),
    ],
)
def test_request_without_an_offer(answer: Answer, expected: type) -> None:
    """A refusal is a denial; what cannot be read is unknown; missing rights are not done."""
    assert type(requested(answer)) is expected


def completed(answers: dict[tuple[str, str], Answer | list[Answer]]) -> tuple[TokenAnswer, Canned]:
    canned = Canned(answers)
    query = TokenQuery(request_id=REQUEST_ID, provider_ref="5C991763VB2781612")
    return asked(canned, lambda gateway: gateway.complete_token(query)), canned


def setup(status: str) -> Answer:
    return 200, {"id": "5C991763VB2781612", "status": status, "customer": {"id": "cust1234"}}


@pytest.mark.parametrize("status", ["CREATED", "PAYER_ACTION_REQUIRED"])
def test_waiting_setup_token_is_not_exchanged(status: str) -> None:
    """Until the payer approves, nothing is posted."""
    answer, canned = completed({("GET", SETUP): setup(status)})
    assert (answer, len(canned.requests)) == (StillOpen(), 1)


@pytest.mark.parametrize("status", ["APPROVED", "VAULTED", "TOKENIZED"])
def test_approved_setup_token_is_exchanged_under_a_key_of_its_own(status: str) -> None:
    """The key derives from the request's, so that whoever repeats it gets the same token."""
    answer, canned = completed(
        {("GET", SETUP): setup(status), ("POST", TOKENS): (201, {"id": "8kk8451t"})}
    )
    assert isinstance(answer, Granted)
    assert answer.token == Secret("8kk8451t")
    assert (answer.instrument.kind, answer.instrument.brand) == ("wallet", "paypal")
    key = canned.requests[1].headers["PayPal-Request-Id"]
    assert key == str(uuid5(REQUEST_ID, "payment-token")) != str(REQUEST_ID)


def test_exchange_that_was_made_before_is_found_in_the_customers_list() -> None:
    """After three hours PayPal has forgotten the key, but not the token."""
    listed = (200, {"payment_tokens": [{"id": "8kk8451t"}]})
    answer, canned = completed(
        {("GET", SETUP): setup("VAULTED"), ("POST", TOKENS): ALREADY, ("GET", TOKENS): listed}
    )
    assert isinstance(answer, Granted)
    assert answer.token == Secret("8kk8451t")
    assert canned.requests[-1].url.params["customer_id"] == "cust1234"


@pytest.mark.parametrize("tokens", [[], [{"id": "a"}, {"id": "b"}], [{}]])
def test_token_that_cannot_be_told_apart_is_unknown(tokens: list[dict[str, str]]) -> None:
    """With none, several or a nameless token a person has to look."""
    listed = (200, {"payment_tokens": tokens})
    answer, _ = completed(
        {("GET", SETUP): setup("VAULTED"), ("POST", TOKENS): ALREADY, ("GET", TOKENS): listed}
    )
    assert isinstance(answer, Unknown)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({("GET", SETUP): (404, refused("RESOURCE_NOT_FOUND"))}, TokenDenied),
        ({("GET", SETUP): (500, {})}, Unknown),
        ({("GET", SETUP): setup("SOMETHING_NEW")}, Unknown),
        (
            {
                ("GET", SETUP): setup("APPROVED"),
                ("POST", TOKENS): (422, refused("UNPROCESSABLE_ENTITY", "PAYER_ACTION_REQUIRED")),
            },
            StillOpen,
        ),
        ({("GET", SETUP): setup("APPROVED"), ("POST", TOKENS): (500, {})}, Unknown),
        ({("GET", SETUP): setup("APPROVED"), ("POST", TOKENS): (201, {})}, Unknown),
        ({("GET", SETUP): setup("APPROVED"), ("POST", TOKENS): (429, {})}, NotDone),
    ],
)
def test_other_ends_of_a_token_request(answers: dict[Any, Any], expected: type) -> None:
    """Gone is denied, too early is open, and a doubt is a doubt."""
    assert type(completed(answers)[0]) is expected


def test_id_never_becomes_another_path() -> None:
    """A reference that is no id is denied and sent nowhere."""
    canned = Canned({})
    query = TokenQuery(request_id=REQUEST_ID, provider_ref="../payment-tokens/x")
    answer = asked(canned, lambda gateway: gateway.complete_token(query))
    assert (type(answer), canned.requests) == (TokenDenied, [])


class TestOverTheSimulator:
    """What needs PayPal's memory of keys."""

    bench = staticmethod(paypal_bench)

    @on_the_bench
    async def test_token_is_the_same_after_the_key_was_forgotten(self, bench: PayPalBench) -> None:
        """A day later the exchange is refused, and the same token is found."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref)
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        first = await bench.gateway.complete_token(query)
        bench.pass_time(timedelta(days=1))
        again = await bench.gateway.complete_token(query)
        assert isinstance(first, Granted)
        assert again == first
