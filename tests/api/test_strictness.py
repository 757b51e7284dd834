"""What cannot be read or must not be: typed refusals, nothing written, nothing leaked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from domain.ports import Secret
from infrastructure.api.app import build_app, require_safe_binding
from infrastructure.bootstrap import System
from infrastructure.settings import SettingsError
from infrastructure.store.books import Books
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, post_raw, problem
from tests.conftest import Server, fresh_books
from tests.systems import settings_of, system_over

PATH = "/v1/subscriptions"
USD = "USD"


@pytest.fixture(scope="module")
def kept_system(server: Server) -> Iterator[System]:
    """One system for all requests that are to write nothing."""
    with fresh_books(server, "strict") as books, system_over(books) as made:
        yield made


@pytest.fixture(scope="module")
def kept_client(kept_system: System) -> Iterator[Client]:
    """Its client."""
    with TestClient(build_app(kept_system), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def guarded(server: Server) -> Iterator[Client]:
    """A client of an API that has keys."""
    with (
        fresh_books(server, "guarded") as books,
        system_over(books, api_keys=KEYS) as system,
        TestClient(build_app(system)) as made,
    ):
        yield made


def raw(**changes: str) -> bytes:
    """The request with raw JSON in the place of some values."""
    parts = {name: json.dumps(value) for name, value in MUSIC.items()} | changes
    return ("{" + ",".join(f'"{name}":{text}' for name, text in parts.items()) + "}").encode()


def price(minor: str, currency: str = '"USD"') -> bytes:
    """The request with a price of that JSON."""
    return raw(price=f'{{"minor":{minor},"currency":{currency}}}')


@pytest.mark.parametrize(
    "body",
    [
        price("NaN"),
        price("Infinity"),
        price("1e309"),
        price("29.85"),
        price('"2985"'),
        price("true"),
        price("null"),
        raw(start='"2025-13-01"'),
        raw(start='"tomorrow"'),
        raw(provider='"stripe"'),
        raw(interval='{"unit":"FORTNIGHT"}'),
        raw(colour='"red"'),
        raw(description='"\\ud800"'),
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"price": ' + b"[" * 20_000,
    ],
    ids=lambda body: body[:60].decode("latin-1"),
)
def test_F36_unreadable_request_is_400(
    kept_client: Client, kept_system: System, body: bytes
) -> None:
    """Not JSON, or not of the types that the API has."""
    assert problem(post_raw(kept_client, PATH, body)) == (400, "request-malformed")
    assert kept_system.ledger.head() == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": {"minor": -1, "currency": USD}}, "price-not-positive"),
        ({"price": {"minor": 0, "currency": USD}}, "price-not-positive"),
        ({"price": {"minor": 10**16, "currency": USD}}, "money-too-large"),
        ({"price": {"minor": 10**30, "currency": USD}}, "money-too-large"),
        ({"price": {"minor": 1, "currency": "XXX"}}, "currency-unknown"),
        ({"price": {"minor": 1, "currency": "usd"}}, "currency-unknown"),
        ({"setup_fee": {"minor": 1, "currency": "EUR"}}, "currency-mixed"),
        ({"description": "Music \u202e evil"}, "description-malformed"),
        ({"description": "Music\x00"}, "description-malformed"),
        ({"description": "x" * 128}, "description-malformed"),
        ({"description": ""}, "description-malformed"),
        ({"subscription_id": "s 1"}, "id-malformed"),
        ({"subscription_id": "s\x001"}, "id-malformed"),
        ({"subscription_id": "../../etc"}, "id-malformed"),
        ({"customer_id": "c" * 65}, "id-malformed"),
        ({"plan": "gold\x00"}, "id-malformed"),
        ({"zone": "Mars/Olympus"}, "zone-unknown"),
        ({"zone": "../../etc/passwd"}, "zone-unknown"),
        ({"start": "0001-01-01"}, "start-out-of-range"),
        ({"start": "9999-12-31"}, "start-out-of-range"),
        ({"interval": {"unit": "MONTH", "count": 0}}, "interval-out-of-range"),
        ({"interval": {"unit": "YEAR", "count": 2}}, "interval-out-of-range"),
        ({"cycles": 0}, "cycles-missing"),
        ({"plan_version": 0}, "plan-version-malformed"),
        ({"retry_days": [0]}, "retry-policy-malformed"),
        ({"retry_days": [1] * 13}, "retry-policy-malformed"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_F36_command_that_cannot_be_carried_out_is_422(
    kept_client: Client, kept_system: System, changes: dict[str, Any], code: str
) -> None:
    """The code of the first rule that it breaks; nothing is written."""
    assert problem(post(kept_client, PATH, {**MUSIC, **changes})) == (422, code)
    assert kept_system.ledger.head() == 0


def test_F36_ten_megabytes_are_refused_unread(client: Client, system: System) -> None:
    """A memo as large as a film."""
    body = raw(description='"' + "x" * 10_000_000 + '"')
    assert problem(post_raw(client, PATH, body)) == (413, "body-too-large")
    assert system.ledger.head() == 0


def test_F36_reason_is_plain_text(client: Client) -> None:
    """What stays in the ledger for good can be read by everyone."""
    post(client, PATH, MUSIC)
    for reason in ("", "x" * 201, "a\u202eb", "a\x00b"):
        _reason_is_refused(client, reason)


def _reason_is_refused(client: Client, reason: str) -> None:
    answer = post(client, f"{PATH}/s-1/cancellation", {"reason": reason})
    assert problem(answer) == (422, "reason-malformed")
    answer = post(client, f"{PATH}/s-1/token-requests", {"reason": reason})
    assert problem(answer) == (422, "reason-malformed")


def test_wrong_paths_and_methods_are_problems_too(client: Client) -> None:
    """Even what no route takes is answered in the one form."""
    assert problem(client.get("/v2/subscriptions")) == (404, "not-found")
    assert problem(client.delete("/health")) == (405, "method-not-allowed")
    assert problem(client.get("/v1/charges", params={"limit": "0"})) == (400, "request-malformed")


def test_our_own_fault_shows_nothing(
    client: Client, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug is a 500 with a reference to the log; what went wrong stays inside."""

    class Broken:
        def head(self) -> int:
            raise RuntimeError("secret-of-the-house")

    monkeypatch.setitem(system.__dict__, "ledger", Broken())
    answer = client.get("/v1/subscriptions/s-1")
    assert problem(answer) == (500, "internal")
    assert "secret-of-the-house" not in answer.text


def test_lost_database_is_503(client: Client, system: System) -> None:
    """Ask again; nobody was told more than that."""
    system.pool.close()
    assert problem(client.get("/v1/due")) == (503, "database-unreachable")


# --- keys -------------------------------------------------------------------------------------

KEYS = {"checkout": Secret("c" * 30), "support": Secret("s" * 30)}


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic " + "c" * 30, "c" * 30, "Bearer \xe5"]
)
def test_with_keys_nobody_else_gets_in(guarded: Client, header: str | None) -> None:
    """Every route under /v1 wants a key; the answer says which scheme."""
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = guarded.get("/v1/due", headers=headers)  # type: ignore[arg-type]
    assert problem(answer) == (401, "not-authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    answer = guarded.post(PATH, json=MUSIC, headers=headers)  # type: ignore[arg-type]
    assert problem(answer) == (401, "not-authenticated")
    assert guarded.get("/health").status_code == 200


def test_without_keys_the_api_is_for_this_machine(books: Books) -> None:
    """Loopback only, unless callers can prove who they are."""
    with system_over(books) as system:
        for host in ("127.0.0.1", "localhost", "::1"):
            require_safe_binding(system, host)
        for host in ("0.0.0.0", "::", "10.0.0.1", "billing.example"):
            with pytest.raises(SettingsError, match="loopback only"):
                require_safe_binding(system, host)
        system.settings = settings_of(api_keys=KEYS)
        require_safe_binding(system, "0.0.0.0")
