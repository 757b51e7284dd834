"""Requests as callers of the API make them."""

from __future__ import annotations

import itertools
from typing import Any

from httpx import Response

from tests.api.conftest import Client

_keys = itertools.count(1)

MUSIC: dict[str, Any] = {
    "subscription_id": "s-1",
    "customer_id": "c-1",
    "provider": "paypal",
    "price": {"minor": 2985, "currency": "USD"},
    "interval": {"unit": "MONTH"},
    "start": "2025-01-01",
    "zone": "Europe/Oslo",
    "description": "Music, monthly",
}


def post(client: Client, path: str, body: Any, *, key: str | None = None) -> Response:
    """A POST under a key of its own, or under the given one."""
    headers = {"Idempotency-Key": key or f"key-{next(_keys)}"}
    return client.post(path, json=body, headers=headers)


def post_raw(client: Client, path: str, body: bytes) -> Response:
    """A POST of exactly these bytes."""
    headers = {"Idempotency-Key": f"key-{next(_keys)}", "Content-Type": "application/json"}
    return client.post(path, content=body, headers=headers)


def problem(response: Response) -> tuple[int, str]:
    """Status and code of a problem document, which it must be."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    answer = response.json()
    assert answer["status"] == response.status_code
    assert answer["reason"]
    assert "Traceback" not in response.text
    return response.status_code, answer["code"]
