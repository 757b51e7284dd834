"""Calls of PayPal's API: under a key where they change something, by an id where they read."""

from __future__ import annotations

from typing import Any

from infrastructure.gateways.exchange import Call, Exchange, NoAnswer
from infrastructure.gateways.http import ProviderHttp

CAPTURES = "/v2/payments/captures/"
AUTHORIZATIONS = "/v2/payments/authorizations/"
REFUNDS = "/v2/payments/refunds/"
DISPUTES = "/v1/customer/disputes/"
ORDERS = "/v2/checkout/orders"


async def post(
    http: ProviderHttp, path: str, template: str, body: dict[str, Any] | None, key: str
) -> Exchange:
    """POST under a PayPal-Request-Id, and ask for all of what it makes. body: None for none."""
    # The short default answer lacks a capture, an amount, a time.
    headers = {"PayPal-Request-Id": key, "Prefer": "return=representation"}
    if body is None:
        headers["Content-Type"] = "application/json"
    return await http.send(
        Call(method="POST", path=path, template=template, json=body, headers=headers, key=key)
    )


async def read(http: ProviderHttp, path: str, resource_id: str) -> Exchange:
    """GET what an id stands for. path: ends with a slash."""
    if not is_id(resource_id):
        return NoAnswer(reason="not an id of PayPal's")
    return await http.send(Call(method="GET", path=path + resource_id, template=path + "{id}"))


def is_id(text: str) -> bool:
    """Letters, digits and dashes: an id never becomes part of another path."""
    return text.isascii() and text.replace("-", "").isalnum()
