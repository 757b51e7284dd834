"""What is said of the recurring kind, in PayPal's three ways; and what settings may say."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attrs
import pytest

from domain.plan import Terms
from domain.ports import Captured, Granted, Offered, Secret, TokenDenied, TokenQuery
from domain.refusals import Refused
from infrastructure.bootstrap import _paypal
from infrastructure.gateways.http import HttpPolicy
from infrastructure.gateways.paypal.account import PayPalAccount, Verification
from infrastructure.gateways.paypal.gateway import PayPalGateway
from infrastructure.gateways.paypal.presenting import Metadata, Presentation, ShipTo
from infrastructure.gateways.paypal.vault import setup_token_json
from infrastructure.settings import AccountSettings
from tests.domain.test_kinds import AGREED, DEFERRED, IMMEDIATE
from tests.gateways.bench import START, system_without_books
from tests.gateways.paypal_bench import PayPalBench, paypal_bench
from tests.gateways.paypal_canned import ACCOUNT, Canned, asked

RECURRING = [
    (agreed, pattern) for agreed, pattern in AGREED if pattern not in ("IMMEDIATE", "DEFERRED")
]
TODAY = START.date()


def wallet_sent(agreed: Terms, presentation: Presentation) -> dict[str, Any]:
    order = PayPalBench.token_order(None, terms=agreed)  # type: ignore[arg-type]
    body = setup_token_json(order, attrs.evolve(ACCOUNT, presentation=presentation), TODAY)
    wallet: dict[str, Any] = body["payment_source"]["paypal"]
    return wallet


@pytest.mark.parametrize(("agreed", "pattern"), AGREED, ids=[pattern for _, pattern in AGREED])
def test_pattern_and_plan_is_the_default(agreed: Terms, pattern: str) -> None:
    """The pattern always, the plan where one can say the terms."""
    wallet = wallet_sent(agreed, Presentation())
    assert Presentation().metadata is Metadata.PATTERN_AND_PLAN
    assert wallet["usage_pattern"] == pattern
    assert ("billing_plan" in wallet) == (pattern not in ("IMMEDIATE", "DEFERRED"))


@pytest.mark.parametrize(("agreed", "pattern"), AGREED, ids=[pattern for _, pattern in AGREED])
def test_pattern_alone(agreed: Terms, pattern: str) -> None:
    """No plan for any of the twelve."""
    wallet = wallet_sent(agreed, Presentation(metadata=Metadata.PATTERN))
    assert (wallet["usage_pattern"], "billing_plan" in wallet) == (pattern, False)


@pytest.mark.parametrize(("agreed", "pattern"), RECURRING, ids=[name for _, name in RECURRING])
def test_neither_is_refused_for_what_recurs(agreed: Terms, pattern: str) -> None:
    """The payer would not have consented to it; nothing is sent."""
    canned = Canned({})
    silent = Presentation(metadata=Metadata.NONE)
    order = PayPalBench.token_order(None, terms=agreed)  # type: ignore[arg-type]
    answer = asked(canned, lambda gateway: gateway.request_token(order, silent))
    assert isinstance(answer, TokenDenied)
    assert (answer.code, canned.requests) == ("RECURRING-METADATA-MISSING", [])
    assert pattern in answer.message


@pytest.mark.parametrize("agreed", [IMMEDIATE, DEFERRED], ids=["IMMEDIATE", "DEFERRED"])
def test_neither_is_for_what_does_not_recur(agreed: Terms) -> None:
    """Neither pattern nor plan; the same wallet besides."""
    wallet = wallet_sent(agreed, Presentation(metadata=Metadata.NONE))
    assert "usage_pattern" not in wallet
    assert "billing_plan" not in wallet
    with_pattern = wallet_sent(agreed, Presentation(metadata=Metadata.PATTERN))
    assert {**wallet, "usage_pattern": agreed.usage_pattern} == with_pattern


@pytest.mark.parametrize(
    ("metadata", "agreed"),
    [
        (Metadata.PATTERN, AGREED[0][0]),
        (Metadata.PATTERN_AND_PLAN, AGREED[0][0]),
        (Metadata.NONE, IMMEDIATE),
    ],
)
def test_simulated_paypal_takes_each_choice(metadata: Metadata, agreed: Terms) -> None:
    """As a setting of the account: a token, and a charge of it."""

    async def main() -> None:
        async with paypal_bench() as bench:
            gateway = bench.another(presentation=Presentation(metadata=metadata))
            order = bench.token_order(terms=agreed)
            offered = await gateway.request_token(order)
            assert isinstance(offered, Offered), offered
            await bench.approve(offered.provider_ref)
            query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
            granted = await gateway.complete_token(query)
            assert isinstance(granted, Granted), granted
            answer = await gateway.charge(bench.charge_order(granted, "sub-1-1-1-aa"))
            assert isinstance(answer, Captured), answer
            await gateway.close()

    asyncio.run(main())


def test_request_may_say_more_than_its_account() -> None:
    """An address is given with the request; what is empty is not sent."""
    home = ShipTo(country_code="NO", line_1="Storgata 1", city="Oslo", postal_code="0155")
    wallet = wallet_sent(
        AGREED[0][0],
        Presentation(shipping_preference="SET_PROVIDED_ADDRESS", ship_to=home, locale="nb-NO"),
    )
    assert wallet["shipping"] == {
        "address": {
            "address_line_1": "Storgata 1",
            "admin_area_2": "Oslo",
            "postal_code": "0155",
            "country_code": "NO",
        }
    }
    assert wallet["experience_context"]["locale"] == "nb-NO"
    plain = wallet_sent(AGREED[0][0], Presentation())
    assert "shipping" not in plain
    assert "customer_type" not in plain
    assert plain["experience_context"]["shipping_preference"] == "NO_SHIPPING"
    assert plain["permit_multiple_payment_tokens"] is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"metadata": "plan"},
        {"usage_type": "SELLER"},
        {"customer_type": "PERSON"},
        {"shipping_preference": "SOMEWHERE"},
        {"shipping_preference": "SET_PROVIDED_ADDRESS"},
        {"locale": "english"},
        {"vault_instruction": "NOW"},
    ],
)
def test_presentation_that_paypal_would_refuse_is_no_setting(wrong: dict[str, str]) -> None:
    """Refused when it is made, not when a payer waits."""
    with pytest.raises(ValueError):
        Presentation(**wrong)  # type: ignore[arg-type]


def account_of(**values: str) -> PayPalAccount:
    """The account that these settings make."""
    settings = AccountSettings(
        provider="paypal",
        name="main",
        values={"client_id": "c", **values},
        secrets={"client_secret": Secret("s")},
    )
    gateway = _paypal(system_without_books(), settings, HttpPolicy())
    assert isinstance(gateway, PayPalGateway)
    return gateway._account


def test_settings_choose() -> None:
    """What an account's table says, and what it is without."""
    plain = account_of()
    assert plain.presentation == Presentation()
    assert (plain.soft_descriptor, plain.verification) == ("", Verification.CERTIFICATE)
    chosen = account_of(
        recurring_metadata="pattern",
        customer_type="BUSINESS",
        shipping_preference="GET_FROM_FILE",
        locale="nb-NO",
        vault_instruction="ON_PAYER_APPROVAL",
        soft_descriptor="BROADBAND",
        webhook_verification="postback",
    )
    assert chosen.presentation == Presentation(
        metadata=Metadata.PATTERN,
        customer_type="BUSINESS",
        shipping_preference="GET_FROM_FILE",
        locale="nb-NO",
        vault_instruction="ON_PAYER_APPROVAL",
    )
    assert (chosen.soft_descriptor, chosen.verification) == ("BROADBAND", Verification.POSTBACK)


@pytest.mark.parametrize(
    "wrong",
    [
        {"recurring_metadata": "everything"},
        {"webhook_verification": "trust"},
        {"soft_descriptor": "x" * 23},
        {"soft_descriptor": "Bjørk"},
        {"shipping_preference": "SET_PROVIDED_ADDRESS"},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, str]) -> None:
    """A slip in the file is told at once (the caller makes a SettingsError of it)."""
    with pytest.raises(ValueError):
        account_of(**wrong)


def test_refusal_is_typed() -> None:
    """The builder itself refuses, whoever calls it."""
    with pytest.raises(Refused) as refused:
        wallet_sent(AGREED[0][0], Presentation(metadata=Metadata.NONE))
    assert refused.value.code == "recurring-metadata-missing"
    assert json.dumps(refused.value.reason)
