"""Idempotency keys: one key, one request, one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from litestar.testing import TestClient

from domain.ports import Secret
from infrastructure.api.app import build_app
from infrastructure.bootstrap import System
from infrastructure.store.books import Books
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem
from tests.systems import system_over

POSTS = (
    "/v1/subscriptions",
    "/v1/subscriptions/s-1/token-requests",
    "/v1/subscriptions/s-1/cancellation",
    "/v1/attempts/5a0d8f0c-7b1e-4f4e-9a44-0f8a4d1f5c11/decision",
)


def test_same_request_under_its_key_gets_the_first_answer(client: Client) -> None:
    """Even when the state has moved on: it says what came of that request."""
    first = post(client, "/v1/subscriptions", MUSIC, key="k")
    post(client, "/v1/subscriptions/s-1/cancellation", {"reason": "moved"})
    again = post(client, "/v1/subscriptions", MUSIC, key="k")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


def test_spelling_of_the_json_does_not_make_another_request(client: Client) -> None:
    """Order, spacing and defaults that are written out are the same request."""
    post(client, "/v1/subscriptions", MUSIC, key="k")
    spelled = {**dict(reversed(MUSIC.items())), "account": "main", "cycles": None}
    assert post(client, "/v1/subscriptions", spelled, key="k").status_code == 201


def test_F37_key_reused_with_another_body_is_refused(client: Client, system: System) -> None:
    """Both digests are shown, and nothing is written."""
    post(client, "/v1/subscriptions", MUSIC, key="k")
    answer = post(client, "/v1/subscriptions", {**MUSIC, "subscription_id": "s-2"}, key="k")
    assert problem(answer) == (422, "idempotency-key-reused")
    stored, given = answer.json()["stored_digest"], answer.json()["given_digest"]
    assert len(stored) == len(given) == 64
    assert stored != given
    assert system.ledger.head() == 1


def test_F37_key_reused_on_another_path_is_refused(client: Client) -> None:
    """The same body for another subscription is another request."""
    post(client, "/v1/subscriptions", MUSIC)
    post(client, "/v1/subscriptions", {**MUSIC, "subscription_id": "s-2"})
    post(client, "/v1/subscriptions/s-1/cancellation", {"reason": "moved"}, key="k")
    answer = post(client, "/v1/subscriptions/s-2/cancellation", {"reason": "moved"}, key="k")
    assert problem(answer) == (422, "idempotency-key-reused")
    assert client.get("/v1/subscriptions/s-2").json()["status"] == "PENDING"


@pytest.mark.parametrize("path", POSTS)
def test_every_post_needs_a_key(client: Client, path: str) -> None:
    """No command without one."""
    body = MUSIC if path == "/v1/subscriptions" else {"reason": "because"}
    assert problem(client.post(path, json=body)) == (400, "idempotency-key-missing")


@pytest.mark.parametrize("key", ["", "a b", "k" * 201])
def test_key_has_a_form(client: Client, key: str) -> None:
    """1-200 visible ASCII characters."""
    answer = client.post("/v1/subscriptions", json=MUSIC, headers={"Idempotency-Key": key})
    assert problem(answer) == (422, "idempotency-key-malformed")


def test_refusal_does_not_use_the_key_up(client: Client) -> None:
    """The same request may be given again once it can be carried out."""
    path, body = "/v1/subscriptions/s-1/cancellation", {"reason": "moved"}
    assert post(client, path, body, key="k").status_code == 404
    post(client, "/v1/subscriptions", MUSIC)
    assert post(client, path, body, key="k").json() == {"position": 2, "changed": True}


def test_concurrent_repeats_are_one_command(client: Client, system: System) -> None:
    """Twelve at once: one subscription, one answer, no error."""
    body = {**MUSIC, "request_token": True}
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda _: post(client, "/v1/subscriptions", body, key="k"), range(12))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["position"] for answer in answers} == {2}
    assert system.ledger.head() == 2


def test_callers_have_their_own_keys(books: Books) -> None:
    """Two callers with the same Idempotency-Key do not meet, and facts name who it was."""
    keys = {"checkout": Secret("c" * 30), "support": Secret("s" * 30)}
    with system_over(books, api_keys=keys) as system, TestClient(build_app(system)) as client:
        for caller, number in (("c", 1), ("s", 2)):
            answer = client.post(
                "/v1/subscriptions",
                json={**MUSIC, "subscription_id": f"s-{number}"},
                headers={"Idempotency-Key": "k", "Authorization": f"Bearer {caller * 30}"},
            )
            assert answer.status_code == 201
        actors = [fact.actor for fact in system.ledger.read_log(0, 10)]  # type: ignore[union-attr]
        assert actors == ["api:checkout", "api:support"]
