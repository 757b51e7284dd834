"""The reconciliation over HTTP. 31.00 USD a month from 1 January 2025 in Oslo; January is paid."""

from __future__ import annotations

from typing import Any

from infrastructure.bootstrap import System
from tests.api.billing import running
from tests.api.conftest import Client


def told(client: Client, path: str) -> dict[str, Any]:
    """What a GET answers; it must succeed."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_reconciliation_is_read(client: Client, system: System) -> None:
    """January's charge is waited for, a day later as well; of another account there is nothing."""
    running(system)
    answer = told(client, "/v1/reconciliation")
    (one,) = answer["exceptions"]
    assert (answer["complete"], one["code"], one["difference_minor"]) == (True, "TIMING", 3100)
    later = told(client, "/v1/reconciliation?as_of=2025-02-11")
    (old,) = later["exceptions"]
    assert (old["code"], old["exception_id"]) == ("STALE", one["exception_id"])
    assert later["unexplained"] == 1
    assert told(client, "/v1/reconciliation?account=dintero/main")["exceptions"] == []
    assert told(client, "/v1/reconciliation?known_at=1")["exceptions"] == []
    assert told(client, "/v1/settlements")["items"] == []
