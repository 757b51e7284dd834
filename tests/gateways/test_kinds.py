"""What both providers are told of each recurring kind, against their simulators."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import attrs
import pytest

from domain.plan import Kind, Terms, Timing
from domain.ports import Captured, Granted, Offered, TokenQuery
from infrastructure.gateways.dintero.account import TOKEN_KINDS
from infrastructure.gateways.dintero.requests import StoredToken
from infrastructure.gateways.paypal.vault import billing_plan_json
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.validation import USAGE_PATTERNS, check_plan
from tests.domain.asking import RELOADED, by_threshold, unscheduled
from tests.domain.test_kinds import AGREED
from tests.gateways.dintero_bench import DinteroBench, Wiretap, on_the_dintero_bench
from tests.gateways.paypal_bench import PayPalBench, paypal_bench
from tests.specimens import terms

TODAY = date(2026, 1, 31)
PATTERNS = [pattern for _, pattern in AGREED]
SORTS = [*(agreed for agreed, _ in AGREED), RELOADED]
IDS = [*PATTERNS, "AUTO_RELOAD"]
UNSCHEDULED_AT_DINTERO = (Kind.UNSCHEDULED, Kind.IMMEDIATE, Kind.DEFERRED, Kind.THRESHOLD)


def test_our_patterns_are_paypals() -> None:
    """All twelve, none beside."""
    assert set(PATTERNS) == USAGE_PATTERNS


def on_the_paypal_bench(test: Any) -> None:
    """Run a test with a bench of its own."""

    async def main() -> None:
        async with paypal_bench() as bench:
            await test(bench)

    asyncio.run(main())


async def _token(bench: Any, agreed: Terms) -> Granted:
    """The payer approves these terms."""
    order = bench.token_order(terms=agreed)
    offered = await bench.gateway.request_token(order)
    assert isinstance(offered, Offered), offered
    await bench.approve(offered.provider_ref)
    query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
    granted = await bench.gateway.complete_token(query)
    assert isinstance(granted, Granted), granted
    return granted


@pytest.mark.parametrize("agreed", SORTS, ids=IDS)
def test_paypal_takes_every_kind(agreed: Terms) -> None:
    """The token and a charge, by PayPal's own specification where it is at hand."""

    async def test(bench: PayPalBench) -> None:
        granted = await _token(bench, agreed)
        answer = await bench.gateway.charge(bench.charge_order(granted, "sub-1-1000001-1-aa"))
        assert isinstance(answer, Captured), answer

    on_the_paypal_bench(test)


@pytest.mark.parametrize("product", sorted(TOKEN_KINDS))
@pytest.mark.parametrize("agreed", SORTS, ids=IDS)
def test_dintero_charges_what_is_asked_for_as_unscheduled(agreed: Terms, product: str) -> None:
    """unscheduled_purchase; what has a rhythm: recurring_purchase. Where there are recurrence
    tokens the kind of token goes with it, elsewhere one token serves for both."""

    async def test(bench: DinteroBench) -> None:
        granted = await _token(bench, agreed)
        tap = Wiretap()
        gateway = bench.another(tap)
        order = attrs.evolve(bench.charge_order(granted, "sub-1-1000001-1-aa"), terms=agreed)
        answer = await gateway.charge(order)
        assert isinstance(answer, Captured), answer
        await gateway.close()
        (sent,) = tap.sent
        irregular = agreed.kind in UNSCHEDULED_AT_DINTERO
        operation = "unscheduled_purchase" if irregular else "recurring_purchase"
        assert f'"operation":"{operation}"' in sent.content.decode()
        with_recurrence = product == "payex.creditcard" and not irregular
        kind = "recurrence_token" if with_recurrence else "payment_token"
        assert granted.token.reveal().startswith(f"{product}/{kind}/")
        assert f'"tokens":{{"{product}":{{"{kind}":' in sent.content.decode()

    on_the_dintero_bench(test, through=product)


def test_kind_of_token_outlives_the_terms() -> None:
    """Swedbank Pay's tokens are charged as what they were made for, whatever was agreed since."""
    recurring = StoredToken("payex.creditcard", "recurrence_token", "t")
    at_will = StoredToken("payex.creditcard", "payment_token", "t")
    for agreed in SORTS:
        assert recurring.operation(agreed) == "recurring_purchase"
        assert at_will.operation(agreed) == "unscheduled_purchase"


def plan(agreed: Terms) -> dict[str, Any]:
    """The plan that is sent; PayPal must take it."""
    shown = billing_plan_json(agreed, None, TODAY)
    assert shown is not None
    check_plan(shown, agreed.usage_pattern)
    return shown


def test_auto_reload_names_its_threshold() -> None:
    """200.00 below 50.00, without a rhythm, nothing due at checkout."""
    shown = plan(RELOADED)
    (cycle,) = shown["billing_cycles"]
    assert cycle["pricing_scheme"] == {
        "pricing_model": "AUTO_RELOAD",
        "price": {"value": "200.00", "currency_code": "NOK"},
        "reload_threshold_amount": {"value": "50.00", "currency_code": "NOK"},
    }
    assert "frequency" not in cycle
    assert shown["one_time_charges"]["total_amount"]["value"] == "0.00"


@pytest.mark.parametrize(
    ("agreed", "model"),
    [
        (unscheduled(), "VARIABLE"),
        (unscheduled(variable=False), "FIXED"),
        (by_threshold(), "VARIABLE"),
        (terms(), "FIXED"),
    ],
)
def test_plan_says_whether_the_amount_varies(agreed: Terms, model: str) -> None:
    """By the terms."""
    assert plan(agreed)["billing_cycles"][-1]["pricing_scheme"]["pricing_model"] == model


@pytest.mark.parametrize(
    "agreed",
    [
        terms(kind=Kind.IMMEDIATE, variable=True),
        terms(kind=Kind.DEFERRED, timing=Timing.POSTPAID, variable=True),
    ],
)
def test_what_is_not_recurring_has_no_plan(agreed: Terms) -> None:
    """The usage pattern alone is sent."""
    assert billing_plan_json(agreed, None, TODAY) is None


def test_simulated_paypal_knows_what_belongs_together() -> None:
    """AUTO_RELOAD elsewhere, without its threshold, a threshold without it, a rhythm left out."""
    shown = plan(RELOADED)
    scheme = shown["billing_cycles"][0]["pricing_scheme"]
    for pattern, change in (
        ("SUBSCRIPTION_PREPAID", {}),
        ("UNSCHEDULED_PREPAID", {"reload_threshold_amount": None}),
        ("UNSCHEDULED_PREPAID", {"pricing_model": "FIXED"}),
    ):
        other = {key: each for key, each in {**scheme, **change}.items() if each is not None}
        wrong = {
            **shown,
            "billing_cycles": [{**shown["billing_cycles"][0], "pricing_scheme": other}],
        }
        with pytest.raises(PayPalError):
            check_plan(wrong, pattern)
    with pytest.raises(PayPalError):
        check_plan(plan(unscheduled()), "RECURRING_PREPAID")
