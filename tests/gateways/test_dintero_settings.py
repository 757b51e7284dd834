"""A Dintero account as the settings name it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.ports import Gateway, Secret
from infrastructure import bootstrap
from infrastructure.gateways.dintero.account import TOKEN_KINDS, DinteroAccount
from infrastructure.gateways.dintero.gateway import DinteroGateway
from infrastructure.gateways.http import HttpPolicy
from infrastructure.settings import AccountSettings, Settings, SettingsError
from tests.gateways.bench import system_without_books


def account(values: Mapping[str, Any], **secrets: str) -> DinteroAccount:
    """The account that these settings make."""

    async def main() -> Gateway:
        named = AccountSettings(
            provider="dintero",
            name="main",
            values={"account_id": "T12345678", "client_id": "c", **values},
            secrets={"client_secret": Secret("s"), **{k: Secret(v) for k, v in secrets.items()}},
        )
        build = bootstrap._BUILDERS["dintero"]
        made = build(system_without_books(), named, HttpPolicy())
        await made.close()
        return made

    made = asyncio.run(main())
    assert isinstance(made, DinteroGateway)
    return made._account


@pytest.mark.parametrize(
    ("values", "product", "kind"),
    [
        ({}, "payex.creditcard", "recurrence_token"),
        ({"token_kind": "payment_token"}, "payex.creditcard", "payment_token"),
        ({"payment_product_type": "bambora.creditcard"}, "bambora.creditcard", "payment_token"),
        (
            {"payment_product_type": "dintero_psp.creditcard"},
            "dintero_psp.creditcard",
            "payment_token",
        ),
    ],
)
def test_product_decides_the_kind_of_token(values: Any, product: str, kind: str) -> None:
    """The first kind that it makes, unless the settings name another."""
    made = account(values)
    assert (made.payment_product_type, made.token_kind) == (product, kind)


@pytest.mark.parametrize(
    "values",
    [
        {"payment_product_type": "payex.swish"},
        {"payment_product_type": "bambora.creditcard", "token_kind": "recurrence_token"},
        {"token_kind": "card_token"},
    ],
)
def test_tokens_that_nobody_makes_are_refused(values: Any) -> None:
    """When the process starts, not when a payer is asked."""
    with pytest.raises(ValueError, match=r"."):
        account(values)


def test_hosts_are_dinteros_unless_named() -> None:
    """Payments and settlements have two hosts; a simulator is both."""
    live, simulated = account({}), account({"base_url": "http://127.0.0.1:7002"})
    assert (live.base_url, live.api_url) == (
        "https://checkout.dintero.com",
        "https://api.dintero.com",
    )
    assert {simulated.base_url, simulated.auth_url, simulated.api_url} == {"http://127.0.0.1:7002"}


def test_secrets_of_callbacks_and_webhooks_are_told_apart() -> None:
    """Each signs its own; neither is needed, and neither shows."""
    made = account({}, signature_secret="for-callbacks", webhook_secret="for-webhooks")
    assert made.signature_secret == Secret("for-callbacks")
    assert made.webhook_secret == Secret("for-webhooks")
    assert "for-" not in repr(made)
    assert account({}).webhook_secret is None


def test_payouts_are_read_for_each_account() -> None:
    """And for each of PayPal's; an account that cannot work is named."""

    def sources(*accounts: AccountSettings) -> set[tuple[str, str]]:
        settings = Settings(data_dir=Path(), accounts=accounts)
        system = bootstrap.System(
            settings=settings,
            books=None,  # type: ignore[arg-type]
            pool=None,  # type: ignore[arg-type]
            owner="test",
            zone_version="test",
        )

        async def main() -> set[tuple[str, str]]:
            made = system.settlement_sources()
            for each in made.values():
                await each.close()
            return set(made)

        return asyncio.run(main())

    def named(provider: str, name: str, **values: str) -> AccountSettings:
        known = {"account_id": "T12345678", "client_id": "c", **values}
        secret = {"client_secret": Secret("s")}
        return AccountSettings(provider=provider, name=name, values=known, secrets=secret)

    pair = (named("dintero", "main"), named("dintero", "second"), named("paypal", "main"))
    everywhere = {("dintero", "main"), ("dintero", "second"), ("paypal", "main")}
    assert sources(*pair) == everywhere
    with pytest.raises(SettingsError, match=r"accounts\.dintero\.main: 'X1'"):
        sources(named("dintero", "main", account_id="X1"))


@pytest.mark.parametrize("product", sorted(TOKEN_KINDS))
def test_account_takes_the_first_kind_that_its_product_makes(product: str) -> None:
    """Also where it is made without the settings."""
    made = DinteroAccount(
        name="main",
        account_id="T12345678",
        client_id="c",
        client_secret=Secret("s"),
        signature_secret=None,
        callback_url="",
        return_url="https://merchant.example/thanks",
        payment_product_type=product,
    )
    assert made.token_kind == TOKEN_KINDS[product][0]
