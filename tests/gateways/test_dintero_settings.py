"""A Dintero account as the settings name it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.ports import Gateway, Secret
from infrastructure import bootstrap
from infrastructure.gateways.dintero.account import DinteroAccount
from infrastructure.gateways.dintero.gateway import DinteroGateway
from infrastructure.gateways.http import HttpPolicy
from infrastructure.settings import AccountSettings, Settings

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


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
        made = build(Settings(data_dir=Path()), named, lambda: NOW, HttpPolicy())
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
