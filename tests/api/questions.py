"""Questions to the previews, about 31.00 USD a month from 1 January 2025 in Oslo."""

from __future__ import annotations

import json
from typing import Any

from infrastructure.store.codec import Codec
from tests.api.billing import usd
from tests.api.conftest import Client

PREVIEWS = "/v1/previews"
PLAN: dict[str, Any] = {"price": usd(3100), "interval": {"unit": "MONTH"}}
PRESENT = {"start": "2025-01-01", "zone": "Europe/Oslo", "terms": PLAN}
AS_IF = {"present": PRESENT, "terms": {"price": usd(6200)}, "at": "2025-01-11T12:00:00Z"}
SCHEDULE = {"start": "2025-01-31", "zone": "Europe/Oslo", "terms": PLAN, "count": 3}
JANUARY = {"start": "2025-01-01", "end": "2025-02-01"}
PRORATION = {
    "price": usd(3100),
    "period": JANUARY,
    "at": "2025-01-11T12:00:00Z",
    "zone": "Europe/Oslo",
}
PRICE = {"start": "2025-01-01", "terms": PLAN, "quantity": 3}
RETRIES = {"at": "2025-01-31T12:00:00Z"}
BODIES: dict[str, dict[str, Any]] = {
    "schedule": SCHEDULE,
    "change": AS_IF,
    "price": PRICE,
    "proration": PRORATION,
    "retries": RETRIES,
}


def ask(client: Client, what: str, **changes: Any) -> dict[str, Any]:
    """The answer to a preview, which has no key and must be given."""
    answer = client.post(f"{PREVIEWS}/{what}", json={**BODIES[what], **changes})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def stored(fact: object) -> tuple[str, Any]:
    """A fact's stored name and fields, as they are stored."""
    name, body = Codec().encode(fact)
    return name, json.loads(body)
