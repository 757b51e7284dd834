"""A card number in what callers send: refused, reported, and nothing of it is kept."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from infrastructure.bootstrap import System
from tests.api.conftest import Client
from tests.api.requests import problem
from tests.specimens import signed_up
from tests.systems import write

# Figures are read here; see conftest.py.
COUNTS = True

PATH = "/v1/subscriptions/s-1/credits"
PLAIN = {"amount": {"minor": 500, "currency": "NOK"}, "reason": "outage"}


def give(client: Client, content: bytes, key: str = "k-1") -> Any:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    return client.post(PATH, content=content, headers=headers)


def body(reason: str) -> bytes:
    return b'{"amount":{"minor":500,"currency":"NOK"},"reason":"' + reason.encode() + b'"}'


@pytest.mark.parametrize(
    "reason",
    [
        "card 4111111111111111",
        "4111 1111 1111 1111, exp 12/29",
        "5500-0000-0000-0004",
        "\\u0034111 1111 1111 1111",
        "\N{FULLWIDTH DIGIT FOUR}111\N{NO-BREAK SPACE}1111 1111 1111",
    ],
)
def test_in_free_text_it_is_refused(client: Client, system: System, reason: str) -> None:
    """Nothing is written, under no key; the log says where, and the last four digits."""
    head = write(system, signed_up())
    with capture_logs() as logs:
        answer = give(client, body(reason))
    assert problem(answer) == (422, "card-number-found")
    assert system.ledger.head() == head
    (line,) = [each for each in logs if each["event"] == "card-number-found"]
    assert (line["security"], line["where"]) == (True, "request")
    assert line["last_digits"] in ("1111", "0004")
    assert "11111111" not in str(logs).replace(" ", "") + answer.text.replace(" ", "")
    assert 'billing_card_numbers_total{where="request"} 1.0' in client.get("/metrics").text
    assert give(client, body("outage")).status_code == 201, "the key is free"


def test_in_the_key_it_is_refused(client: Client, system: System) -> None:
    """The key is stored, too."""
    head = write(system, signed_up())
    answer = give(client, body("outage"), key="4111111111111111")
    assert problem(answer) == (422, "card-number-found")
    assert system.ledger.head() == head


def test_other_numbers_are_taken(client: Client, system: System) -> None:
    """Order numbers, instants and our own keys."""
    write(system, signed_up())
    words = "order 1234567890123456 of 1767225600000, key 6f0c2a52-0f3e-4b8e-9a55-2f1f6f7c2a10"
    assert give(client, body(words)).status_code == 201
