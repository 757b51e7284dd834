"""First payments on the page that makes the token, over HTTP. It is noon of 1 January 2025."""

from __future__ import annotations

from typing import Any

from domain.subscription.events import ChargeAttempted, InvoiceIssued, TokenRequested
from infrastructure.bootstrap import System
from tests.api.billing import S1, facts_of, read, work
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem
from tests.replies import Reply

PAGE: dict[str, Any] = {**MUSIC, "provider": "dintero", "first_payment": "in-session"}
REQUESTS = f"{S1}/token-requests"


def test_a_start_with_the_first_payment(client: Client, system: System) -> None:
    """The invoice, the request and the attempt are written with the start; a repeat is quiet."""
    answer = post(client, "/v1/subscriptions", PAGE)
    assert (answer.status_code, answer.json()["changed"]) == (201, True)
    assert post(client, "/v1/subscriptions", PAGE).json()["changed"] is False
    (invoice,) = facts_of(system, InvoiceIssued)
    (request,) = facts_of(system, TokenRequested)
    (attempt,) = facts_of(system, ChargeAttempted)
    assert request.first_charge == attempt.attempt_id
    assert (attempt.amount, attempt.token_ref) == (invoice.total, "")
    kinds = {each["kind"]: each["due_at"] for each in read(client)["agenda"]}
    assert {"token", "charge"} <= kinds.keys()
    work(system)
    shown = client.get(REQUESTS).json()
    assert shown["token"]["approve_url"].startswith("https://")
    why = {each["kind"]: each["why"] for each in read(client)["agenda"]}
    assert why["approval"] == "the payer has the page, and pays there"


def test_a_new_request_with_the_payment(client: Client, system: System) -> None:
    """After a page that was refused: the same invoice, by another attempt."""
    post(client, "/v1/subscriptions", PAGE)
    work(system, Reply.HARD)
    wanted = {"reason": "once more", "first_payment": "in-session"}
    assert post(client, REQUESTS, wanted).status_code == 202
    assert post(client, REQUESTS, wanted).status_code == 202
    first, second = facts_of(system, ChargeAttempted)
    assert (first.attempt_number, second.attempt_number) == (1, 2)
    assert second.invoice_number == 1


def test_what_is_refused(client: Client, system: System) -> None:
    """With the code of the rule, and nothing is written."""
    for body, expected in (
        ({**PAGE, "provider": "paypal"}, (422, "first-payment-not-offered")),
        ({**PAGE, "start": "2025-02-01"}, (409, "first-payment-not-due")),
        ({**PAGE, "timing": "POSTPAID"}, (409, "first-payment-not-due")),
        ({**PAGE, "first_payment": "later"}, (400, "request-malformed")),
    ):
        assert problem(post(client, "/v1/subscriptions", body)) == expected
    assert system.ledger.head() == 0
    post(client, "/v1/subscriptions", {**MUSIC, "provider": "dintero", "request_token": True})
    wanted = {"first_payment": "in-session"}
    assert problem(post(client, REQUESTS, wanted)) == (409, "token-request-open")
    for more in ({"backup": True}, {"provider": "paypal"}, {"account": "second"}):
        assert problem(post(client, REQUESTS, {**wanted, **more})) == (
            422,
            "first-payment-elsewhere",
        )
