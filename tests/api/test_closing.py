"""Accounting periods over HTTP. 29.85 USD a month from 1 January 2025."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from infrastructure.bootstrap import System
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem
from tests.systems import project

JANUARY = "/v1/periods/2025-01"


def by(person: str) -> dict[str, Any]:
    return {"by": person, "reason": "month end"}


@pytest.fixture
def february(client: Client, system: System) -> Client:
    """It is 3 February."""
    post(client, "/v1/subscriptions", MUSIC)
    system.clock.now = datetime(2025, 2, 3, tzinfo=UTC)  # type: ignore[attr-defined]
    return client


def test_closed_read_and_opened_again(february: Client, system: System) -> None:
    """By two people; a repeat under the same key writes nothing."""
    closed = post(february, f"{JANUARY}/closing", by("kari"), key="k-1")
    assert closed.status_code == 201
    assert post(february, f"{JANUARY}/closing", by("kari"), key="k-1").json() == closed.json()
    project(system)
    period = february.get(JANUARY).json()["period"]
    assert (period["standing"], period["seals"], period["closed_by"]) == ("closed", 1, "kari")
    assert february.get("/v1/periods").json()["items"] == [period]
    assert post(february, f"{JANUARY}/reopening-request", by("kari")).status_code == 201
    assert problem(post(february, f"{JANUARY}/reopening", by("kari"))) == (409, "same-person")
    assert post(february, f"{JANUARY}/reopening", by("ola")).status_code == 201
    project(system)
    assert february.get(JANUARY).json()["period"]["standing"] == "reopened"
    assert post(february, f"{JANUARY}/closing", by("ola")).status_code == 201
    assert post(february, f"{JANUARY}/lock", by("kari")).status_code == 201
    (fact,) = [each for each in system.ledger.read_stream("period-2025-01") if each.version == 5]
    assert (fact.actor, fact.event.locked_by) == ("api:local", "kari")


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("2025-02/closing", by("kari"), (409, "period-not-over")),
        ("2025-13/closing", by("kari"), (422, "period-malformed")),
        ("2025-01/closing", by("Kari N"), (422, "id-malformed")),
        ("2025-01/closing", {"by": "kari"}, (400, "request-malformed")),
        ("2025-01/lock", by("kari"), (409, "period-not-closed")),
        ("2025-01/reopening-request", by("kari"), (409, "period-not-closed")),
        ("2025-01/reopening", by("kari"), (409, "period-not-closed")),
    ],
)
def test_what_is_refused(
    february: Client, system: System, path: str, body: dict[str, Any], answer: tuple[int, str]
) -> None:
    """With its code; nothing is written."""
    head = system.ledger.head()
    assert problem(post(february, f"/v1/periods/{path}", body)) == answer
    project(system)
    assert problem(february.get(JANUARY)) == (404, "period-unknown")
    assert system.ledger.head() == head
