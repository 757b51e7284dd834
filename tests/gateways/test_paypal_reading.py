"""Plans in PayPal's words: which of them are terms of ours, and which are refused."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import one_time_total
from domain.refusals import Refused
from domain.taxes import TaxRate
from infrastructure.gateways.paypal.presenting import ShipTo
from infrastructure.gateways.paypal.reading import Beside, Read, read_setup_token
from infrastructure.simulators.paypal.validation import check_plan
from tests.gateways.paypal_seed import ONCE, PLAN, changed, wallet_of

TODAY = date(2024, 4, 1)


def read(body: dict[str, Any], **rates: TaxRate) -> Read:
    return read_setup_token(body, TODAY, Beside(rates=rates))


def usd(value: str) -> dict[str, str]:
    return {"value": value, "currency_code": "USD"}


def cycle(tenure: str, sequence: int, **more: Any) -> dict[str, Any]:
    month = {"interval_unit": "MONTH", "interval_count": 1}
    return {"tenure_type": tenure, "sequence": sequence, "frequency": month, **more}


def scheme(model: str, value: str, **more: Any) -> dict[str, Any]:
    return {"pricing_model": model, "price": usd(value), **more}


# A request with everything in it that terms of ours can say.
BODY: dict[str, Any] = {
    "customer": {"merchant_customer_id": "buyer-7"},
    "payment_source": {
        "paypal": {
            "usage_type": "MERCHANT",
            "customer_type": "BUSINESS",
            "usage_pattern": "RECURRING_POSTPAID",
            "permit_multiple_payment_tokens": True,
            "shipping": {
                "name": {"full_name": "Kari Nordmann"},
                "address": {"address_line_1": "Storgata 1", "country_code": "NO"},
            },
            "billing_plan": {
                "name": "Power",
                "billing_cycles": [
                    {
                        "tenure_type": "REGULAR",
                        "sequence": 1,
                        "total_cycles": 0,
                        "start_date": "2024-05-01",
                        "frequency": {"interval_unit": "MONTH", "interval_count": 2},
                        "pricing_scheme": scheme("VARIABLE", "40.00"),
                    }
                ],
                "product": {"description": "Meter", "quantity": "1"},
                "one_time_charges": {
                    "setup_fee": usd("15"),
                    "product_price": usd("80.00"),
                    "shipping_amount": usd("5"),
                    "taxes": usd("20.0"),
                    "total_amount": usd("120"),
                },
            },
            "experience_context": {
                "brand_name": "Grid",
                "locale": "nb-NO",
                "shipping_preference": "SET_PROVIDED_ADDRESS",
                "return_url": "https://s.example/r",
                "cancel_url": "https://s.example/c",
            },
        }
    },
}
QUARTER = TaxRate(code="NO-25", ppm=250_000, included=False)


def test_everything_that_can_be_said_is_read() -> None:
    """Price, rhythm, fee, goods, shipping, tax, address: as terms, and as what is shown."""
    found = read(BODY, product_price=QUARTER)
    agreed = found.terms
    assert (agreed.price, agreed.variable, agreed.interval) == (
        Money(4000, "USD"),
        True,
        Interval(Unit.MONTH, 2),
    )
    assert agreed.setup_fee == Money(1500, "USD")
    assert one_time_total(agreed) == Money(12000, "USD")
    assert [each.description for each in agreed.one_time] == ["Meter", "Shipping"]
    assert (found.start_date, found.customer_id) == ("2024-05-01", "buyer-7")
    shown = found.presentation
    assert (shown.customer_type, shown.locale, shown.one_token_a_payer) == (
        "BUSINESS",
        "nb-NO",
        False,
    )
    assert shown.ship_to == ShipTo(
        full_name="Kari Nordmann", line_1="Storgata 1", country_code="NO"
    )


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("payment_source/paypal/experience_context/user_action", "SETUP_NOW"),
        ("payment_source/paypal/billing_plan/merchant_note", "x"),
        ("payment_source/paypal/billing_plan/product/quantity", "2"),
        ("payment_source/paypal/billing_plan/billing_cycles/0/sequence", 2),
        ("payment_source/paypal/shipping/type", "PICKUP_IN_STORE"),
        ("payment_source/card", {"number": "0"}),
        ("customer/id", "PAYPALS-OWN"),
        ("metadata", "x"),
    ],
)
def test_what_our_terms_cannot_say_is_refused_by_name(pointer: str, value: Any) -> None:
    """The refusal names the field."""
    path = tuple(int(part) if part.isdigit() else part for part in pointer.split("/"))
    with pytest.raises(Refused) as refused:
        read(changed(BODY, path, value), product_price=QUARTER)
    assert refused.value.code == "not-in-our-terms"
    assert f"/{pointer}" in refused.value.reason


@pytest.mark.parametrize("part", ["setup_fee", "shipping_amount", "taxes", "product_price"])
def test_parts_have_to_add_up(part: str) -> None:
    """15 and 80, and 5, and a quarter of 80: one alone cannot change."""
    with pytest.raises(Refused) as refused:
        read(changed(BODY, (*ONCE, part, "value"), "15.01"), product_price=QUARTER)
    assert "/one_time_charges/" in refused.value.reason


def test_taxes_have_to_be_of_something() -> None:
    """20.00 without a rate is no term of ours; nor are they of something else."""
    for rates in ({}, {"price": QUARTER}, {"shipping_amount": QUARTER}):
        with pytest.raises(Refused) as refused:
            read(BODY, **rates)
        assert "/one_time_charges/taxes" in refused.value.reason


def of_plan(pattern: str, total: str, *cycles: dict[str, Any]) -> dict[str, Any]:
    """The sample under another pattern, with these cycles and one sum due at checkout."""
    body = copy.deepcopy(BODY)
    wallet = wallet_of(body)
    wallet["usage_pattern"] = pattern
    wallet["billing_plan"] = {
        "name": "Company",
        "billing_cycles": list(cycles),
        "one_time_charges": {"total_amount": usd(total)},
    }
    return body


OPEN = {"total_cycles": 0}
FREE = cycle("TRIAL", 1, total_cycles=1)
REGULAR = cycle("REGULAR", 1, pricing_scheme=scheme("FIXED", "6.99"), **OPEN)
VARIABLE = cycle("REGULAR", 1, pricing_scheme=scheme("VARIABLE", "6.99"), **OPEN)
DISCOUNTED = cycle("TRIAL", 1, total_cycles=3, pricing_scheme=scheme("FIXED", "1"))
DAY = "2024-04-01"
WHEN_ASKED = {
    "tenure_type": "REGULAR",
    "pricing_scheme": scheme("VARIABLE", "6.99"),
    "start_date": DAY,
    **OPEN,
}
RELOAD = {
    **WHEN_ASKED,
    "pricing_scheme": scheme("AUTO_RELOAD", "50", reload_threshold_amount=usd("10")),
}

TAKEN = {
    "subscription, prepaid": of_plan("SUBSCRIPTION_PREPAID", "6.99", REGULAR),
    "subscription, postpaid": of_plan("SUBSCRIPTION_POSTPAID", "6.99", REGULAR),
    "recurring, fixed": of_plan("RECURRING_PREPAID", "6.99", REGULAR),
    "recurring, variable": of_plan("RECURRING_POSTPAID", "6.99", VARIABLE),
    "instalments": of_plan("INSTALLMENT_PREPAID", "6.99", {**REGULAR, "total_cycles": 12}),
    "instalments, postpaid": of_plan(
        "INSTALLMENT_POSTPAID", "0", {**REGULAR, "total_cycles": 2, "start_date": "2024-05-01"}
    ),
    "when asked": of_plan("UNSCHEDULED_PREPAID", "0", WHEN_ASKED),
    "when asked, postpaid": of_plan("UNSCHEDULED_POSTPAID", "0.00", WHEN_ASKED),
    "auto-reload": of_plan("UNSCHEDULED_PREPAID", "0", RELOAD),
    "free trial": of_plan(
        "SUBSCRIPTION_PREPAID", "0", FREE, {**REGULAR, "sequence": 2, "start_date": "2024-05-01"}
    ),
    "discounted trial": of_plan(
        "SUBSCRIPTION_PREPAID",
        "1",
        DISCOUNTED,
        {**REGULAR, "sequence": 2, "start_date": "2024-07-01"},
    ),
    "both trials": of_plan(
        "SUBSCRIPTION_PREPAID",
        "0",
        FREE,
        {**DISCOUNTED, "sequence": 2, "start_date": "2024-05-01"},
        {**REGULAR, "sequence": 3, "start_date": "2024-08-01"},
    ),
    "every second week": of_plan(
        "SUBSCRIPTION_PREPAID",
        "6.99",
        {**REGULAR, "frequency": {"interval_unit": "WEEK", "interval_count": 2}},
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_plans_that_our_terms_can_say(name: str) -> None:
    """Cycles, models, frequencies, ends: read, and written again field by field."""
    body = TAKEN[name]
    plan = wallet_of(body)["billing_plan"]
    check_plan(plan, wallet_of(body)["usage_pattern"])
    found = read(body)
    assert found.terms.usage_pattern == wallet_of(body)["usage_pattern"]
    assert (found.paid_trial is not None) == ("discounted" in name or "both" in name)
    assert (found.terms.reload is not None) == (name == "auto-reload")


TWO_FREE = {**FREE, "sequence": 2, "start_date": "2024-05-01"}
THIRD = {**REGULAR, "sequence": 3, "start_date": "2024-06-01"}

REFUSED = {
    "unknown pattern": (
        of_plan("INSTALMENT_PREPAID", "6.99", REGULAR),
        "usage-pattern-unknown",
    ),
    "subscription that varies": (
        of_plan("SUBSCRIPTION_PREPAID", "6.99", VARIABLE),
        "amount-fixed",
    ),
    "instalments without an end": (
        of_plan("INSTALLMENT_PREPAID", "6.99", REGULAR),
        "cycles-missing",
    ),
    "subscription with an end": (
        of_plan("SUBSCRIPTION_PREPAID", "6.99", {**REGULAR, "total_cycles": 12}),
        "not-in-our-terms",
    ),
    "two free trials": (
        of_plan("SUBSCRIPTION_PREPAID", "0", FREE, TWO_FREE, THIRD),
        "not-in-our-terms",
    ),
    "free trial of two months, as two": (
        of_plan(
            "SUBSCRIPTION_PREPAID",
            "0",
            {**FREE, "total_cycles": 2},
            {**REGULAR, "sequence": 2, "start_date": "2024-06-01"},
        ),
        "not-in-our-terms",
    ),
    "trial in the wrong order": (
        of_plan("SUBSCRIPTION_PREPAID", "6.99", REGULAR, {**FREE, "sequence": 2}),
        "billing-plan-malformed",
    ),
    "trial that costs more": (
        of_plan(
            "SUBSCRIPTION_PREPAID",
            "7",
            {**DISCOUNTED, "pricing_scheme": scheme("FIXED", "7")},
            {**REGULAR, "sequence": 2, "start_date": "2024-07-01"},
        ),
        "not-in-our-terms",
    ),
    "auto-reload on a schedule": (
        of_plan("RECURRING_PREPAID", "0", {**REGULAR, **RELOAD}),
        "reload-not-allowed",
    ),
    "auto-reload without a threshold": (
        of_plan(
            "UNSCHEDULED_PREPAID", "0", {**RELOAD, "pricing_scheme": scheme("AUTO_RELOAD", "5")}
        ),
        "billing-plan-malformed",
    ),
    # Ours would say on which day it begins.
    "when asked, from no day on": (
        of_plan(
            "UNSCHEDULED_PREPAID",
            "0",
            {name: each for name, each in WHEN_ASKED.items() if name != "start_date"},
        ),
        "not-in-our-terms",
    ),
    "threshold pattern": (of_plan("THRESHOLD_POSTPAID", "6.99", REGULAR), "threshold-missing"),
    "plan of what does not recur": (of_plan("IMMEDIATE", "6.99", REGULAR), "not-in-our-terms"),
    "plan of what is paid later": (of_plan("DEFERRED", "6.99", REGULAR), "not-in-our-terms"),
    "no cycles": (of_plan("SUBSCRIPTION_PREPAID", "0"), "billing-plan-malformed"),
    "13 months": (
        of_plan(
            "SUBSCRIPTION_PREPAID",
            "6.99",
            {**REGULAR, "frequency": {"interval_unit": "MONTH", "interval_count": 13}},
        ),
        "interval-out-of-range",
    ),
    "every fortnight": (
        of_plan(
            "SUBSCRIPTION_PREPAID",
            "6.99",
            {**REGULAR, "frequency": {"interval_unit": "FORTNIGHT"}},
        ),
        "billing-plan-malformed",
    ),
    "a day that is none": (
        of_plan("SUBSCRIPTION_PREPAID", "0", {**REGULAR, "start_date": "2024-04-31"}),
        "billing-plan-malformed",
    ),
    "mixed currencies": (
        of_plan(
            "SUBSCRIPTION_PREPAID",
            "0",
            {**REGULAR, "start_date": DAY, "pricing_scheme": {"pricing_model": "FIXED"}},
        ),
        "billing-plan-malformed",
    ),
    "part of a yen": (
        of_plan(
            "SUBSCRIPTION_PREPAID",
            "0",
            {
                **REGULAR,
                "pricing_scheme": {
                    "pricing_model": "FIXED",
                    "price": {"currency_code": "JPY", "value": "6.99"},
                },
            },
        ),
        "billing-plan-malformed",
    ),
    "customer by mail": (
        changed(TAKEN["free trial"], ("customer", "merchant_customer_id"), "buyer@example.com"),
        "id-malformed",
    ),
    "no plan": (changed(TAKEN["free trial"], PLAN, None), "billing-plan-missing"),
    "a name alone": (
        changed(TAKEN["free trial"], PLAN, {"name": "x"}),
        "billing-plan-malformed",
    ),
    "no pattern, but a plan": (
        changed(TAKEN["free trial"], (*PLAN[:2], "usage_pattern"), None),
        "kind-schedule",
    ),
    "address that is not given": (
        changed(TAKEN["free trial"], (*PLAN[:2], "shipping"), None),
        "not-in-our-terms",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_plans_that_our_terms_cannot_say(name: str) -> None:
    """A typed refusal, never a crash, never a field less."""
    body, code = REFUSED[name]
    with pytest.raises(Refused) as refused:
        read(body)
    assert refused.value.code == code, refused.value.reason


JUNK: tuple[Any, ...] = (None, 5, "x", "", [], {}, [{}], True, -1, "9" * 400, "NaN", 10**30, 1.5)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Of every field and every object in a body."""
    if path:
        yield path
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, each in inner:
        yield from places(each, (*path, key))


@pytest.mark.parametrize("name", [*TAKEN, "everything"])
def test_whatever_stands_in_a_field_is_read_or_refused(name: str) -> None:
    """Nothing but a typed refusal, whatever the type."""
    body = TAKEN.get(name, BODY)
    for path in places(body):
        for junk in JUNK:
            altered = changed(body, path, None)
            holder: Any = altered
            for key in path[:-1]:
                holder = holder[key]
            if isinstance(holder, list):
                holder.insert(path[-1], junk)
            else:
                holder[path[-1]] = junk
            with contextlib.suppress(Refused):
                read(altered, product_price=QUARTER)
