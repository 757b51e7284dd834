"""Tokens that are let go over HTTP. 31.00 USD a month from 1 January 2025 in Oslo; January is paid,
it is 11 January."""

from __future__ import annotations

from domain.subscription.events import ChargeAttempted, TokenRequested
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from infrastructure.bootstrap import System
from tests.api.billing import MAR_1, S1, at, facts_of, read, running, work
from tests.api.conftest import Client
from tests.api.requests import post, problem
from tests.replies import Reply

DELETION = f"{S1}/token/deletion"
WHY = {"reason": "asked by the payer"}


def test_let_go_and_deleted(client: Client, system: System) -> None:
    """Written once, shown, carried out; the payer is asked for another."""
    running(system)
    answer = post(client, DELETION, WHY)
    assert (answer.status_code, answer.json()["changed"]) == (202, True)
    assert post(client, DELETION, WHY).json()["changed"] is False
    token = client.get(f"{S1}/token-requests").json()["token"]
    assert (token["usable"], token["standing"], token["held"]) == (False, "let-go", 1)
    assert token["purpose"] == "REPLACEMENT"
    assert "delete-token" in {each["kind"] for each in read(client)["agenda"]}
    work(system)
    token = client.get(f"{S1}/token-requests").json()["token"]
    assert (token["standing"], token["held"]) == ("gone", 0)
    assert len(facts_of(system, TokenDeletionRequested)) == 1
    (revoked,) = facts_of(system, TokenRevoked)
    assert (revoked.reason, revoked.evidence) == ("deleted by us", "answer")


def test_nothing_is_charged_meanwhile(client: Client, system: System) -> None:
    """Two months are billed; one request is made, and no attempt."""
    running(system)
    post(client, DELETION, WHY)
    work(system, Reply.PAYER_ACTION)
    at(system, MAR_1, Reply.PAYER_ACTION)
    assert len(facts_of(system, ChargeAttempted)) == 1
    assert len(facts_of(system, TokenRequested)) == 2
    waits = {each["why"] for each in read(client)["agenda"] if each["kind"] == "collect"}
    assert waits == {"waits for a new token"}


def test_what_is_refused(client: Client, system: System) -> None:
    """With the code of the rule."""
    running(system)
    for body, status, code in (
        ({**WHY, "which": "BACKUP"}, 409, "token-missing"),
        ({"reason": ""}, 422, "reason-malformed"),
        ({**WHY, "which": "SOME"}, 400, "request-malformed"),
        ({}, 400, "request-malformed"),
    ):
        assert problem(post(client, DELETION, body)) == (status, code)
    unknown = DELETION.replace("s-1", "nobody")
    assert problem(post(client, unknown, WHY)) == (404, "subscription-unknown")
    assert post(client, DELETION, {**WHY, "which": "REPLACED"}).json()["changed"] is False
