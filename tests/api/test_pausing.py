"""Pauses and credit over HTTP, and what is billed after them. January costs 1.00 USD a day."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.bootstrap import System
from infrastructure.store.commands import StoredAnswer
from tests.api.billing import (
    FEB_1,
    FEB_15,
    MAR_1,
    ROUTES,
    S1,
    at,
    read,
    running,
    taken,
    totals,
    usd,
)
from tests.api.conftest import Client
from tests.api.requests import post, problem


def test_pause_with_credit_and_resume_at_the_old_days(client: Client, system: System) -> None:
    """21.00 back; resumed on 15 February, 14 of 28 days at 31.00 are 15.50, paid from it."""
    running(system)
    body = {"reason": "travelling", "credit": True}
    assert post(client, f"{S1}/pause", body).json()["changed"] is True
    paused = read(client)
    assert (paused["status"], paused["next_due_at"]) == ("PAUSED", None)
    assert (paused["pause"]["unused_from"], paused["credit"]) == ("2025-01-11", usd(2100))
    at(system, FEB_15)
    assert totals(system) == [3100]
    assert post(client, f"{S1}/resumption", {"reason": "back"}).json()["changed"] is True
    at(system, MAR_1)
    assert totals(system) == [3100, 1550, 3100]
    # 21.00 of credit pay 15.50, and 5.50 of March.
    assert taken(system) == [3100, 3100 - 550]


def test_resume_restarts_today(client: Client, system: System) -> None:
    """Whole months from 15 February on."""
    running(system)
    post(client, f"{S1}/pause", {"reason": "travelling"})
    at(system, FEB_15)
    post(client, f"{S1}/resumption", {"reason": "back", "how": "RESTART"})
    at(system, FEB_15)
    assert totals(system) == [3100, 3100]
    assert read(client)["next_due_at"] == "2025-03-14T23:00:00Z"


def test_pause_ends_by_itself(client: Client, system: System) -> None:
    """On 15 February at local midnight; half of February is billed."""
    running(system)
    until = "2025-02-15T00:00:00+01:00"
    post(client, f"{S1}/pause", {"reason": "travelling", "until": until})
    assert read(client)["pause"]["until"] == "2025-02-14T23:00:00Z"
    at(system, FEB_15)
    assert totals(system) == [3100, 1550]
    assert (read(client)["status"], read(client)["pause"]) == ("ACTIVE", None)


def test_pause_and_resume_are_quiet_on_a_repeat(client: Client, system: System) -> None:
    """The second finds nothing to do, under whatever key."""
    running(system)
    assert post(client, f"{S1}/resumption", {"reason": "back"}).json()["changed"] is False
    for changed in (True, False):
        assert post(client, f"{S1}/pause", {"reason": "no"}).json()["changed"] is changed
    assert post(client, f"{S1}/resumption", {"reason": "back"}).json()["changed"] is True


@pytest.mark.parametrize(
    ("until", "status", "code"),
    [
        ("2025-01-11T12:00:00Z", 422, "pause-in-the-past"),
        ("2025-02-15T00:00:00", 422, "instant-without-offset"),
        ("9999-12-31T23:59:59Z", 422, "instant-out-of-range"),
        ("0001-01-01T00:00:00+10:00", 422, "instant-out-of-range"),
        ("soon", 400, "request-malformed"),
    ],
)
def test_pause_needs_an_instant_to_come(
    kept: Client, unmoved: None, until: str, status: int, code: str
) -> None:
    """One with its offset, on a day that can be billed."""
    body = {"reason": "no", "until": until}
    assert problem(post(kept, f"{S1}/pause", body)) == (status, code)
    assert read(kept)["status"] == "ACTIVE"


# --- credit -----------------------------------------------------------------------------------


def test_credit_pays_the_next_invoice(client: Client, system: System) -> None:
    """40.00 pay February, and 9.00 of March."""
    running(system)
    post(client, f"{S1}/credits", {"amount": usd(4000), "reason": "outage"})
    at(system, FEB_1)
    assert read(client)["credit"] == usd(900)
    at(system, MAR_1)
    assert (totals(system), taken(system)) == ([3100, 3100, 3100], [3100, 2200])


def test_each_credit_is_one_more_unless_it_is_the_same_request(
    client: Client, system: System
) -> None:
    """The key tells a repeat from a second credit."""
    running(system)
    body = {"amount": usd(500), "reason": "sorry"}
    for key in ("a", "a", "b"):
        assert post(client, f"{S1}/credits", body, key=key).status_code == 201
    assert read(client)["credit"] == usd(1000)


def test_F37_repeat_after_a_crash_before_the_answer_was_kept(
    client: Client, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts are written, the answer is not: the same request finds its own facts, and
    neither credits twice nor undoes what came after it."""
    running(system)

    def crash(*_: object) -> StoredAnswer:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(system.commands, "finish", crash)
        for route, body in (("credits", ROUTES["credits"]), ("pause", ROUTES["pause"])):
            assert post(client, f"{S1}/{route}", body, key=route).status_code == 500
    granted = read(client)["position"] - 1
    post(client, f"{S1}/resumption", {"reason": "back"})
    head = system.ledger.head()
    again = post(client, f"{S1}/credits", ROUTES["credits"], key="credits")
    assert again.json() == {"position": granted, "changed": True}
    assert post(client, f"{S1}/pause", ROUTES["pause"], key="pause").json()["changed"] is True
    assert (system.ledger.head(), read(client)["status"]) == (head, "ACTIVE")
    assert read(client)["credit"] == usd(500)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (usd(0), "credit-not-positive"),
        (usd(-1), "credit-not-positive"),
        ({"minor": 1, "currency": "EUR"}, "currency-mixed"),
        (usd(10**16), "money-too-large"),
    ],
)
def test_credit_that_gives_nothing_is_refused(
    kept: Client, unmoved: None, amount: dict[str, Any], code: str
) -> None:
    """Nothing is written."""
    body = {"amount": amount, "reason": "no"}
    assert problem(post(kept, f"{S1}/credits", body)) == (422, code)
    assert read(kept)["credit"] == usd(0)
