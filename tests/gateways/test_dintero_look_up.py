"""Look-ups and captures at Dintero: read the events, believe no status alone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from domain.money import Money
from domain.ports import (
    Authorized,
    Captured,
    CaptureOrder,
    ChargeAnswer,
    Declined,
    NotDone,
    NotFound,
    Unknown,
)
from domain.subscription.events import DeclineClass
from tests.gateways.dintero_canned import (
    AUTHORIZE,
    CAPTURE,
    KEY,
    PRICE,
    SESSION,
    asked,
    event,
    looked_up,
    query,
    transaction,
)

# --- looking up -------------------------------------------------------------------------------


def test_F07_nothing_under_the_reference_is_not_found() -> None:
    """Neither transaction nor session: not found."""
    assert isinstance(looked_up(None), NotFound)


def test_F06_session_without_transaction_is_still_at_work() -> None:
    """A session under the reference is a doubt, not an absence."""
    assert isinstance(looked_up(None, sessions=[SESSION]), Unknown)


@pytest.mark.parametrize(
    ("status", "kind"), [(403, NotFound), (429, NotDone), (401, NotDone), (400, Unknown)]
)
def test_F06_sessions_that_cannot_be_read_prove_no_absence(status: int, kind: type) -> None:
    """Only who may not list sessions at all is left with what the transactions show."""

    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/transactions":
            return httpx.Response(200, json=[])
        return httpx.Response(status, json={"error": {"message": "no"}})

    about = query()
    assert isinstance(asked(answers, lambda gateway: gateway.look_up(about)), kind)


def test_two_transactions_under_one_reference_are_added() -> None:
    """If two took money, the sum is told, so that the rules see that it is too much."""
    first = transaction("CAPTURED", AUTHORIZE, event("CAPTURE"))
    second = {**first, "id": "T12345678.def"}

    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/transactions":
            return httpx.Response(200, json=[first, second])
        return httpx.Response(200, json=first if "abc" in request.url.path else second)

    about = query()
    answer = asked(answers, lambda gateway: gateway.look_up(about))
    assert isinstance(answer, Captured)
    assert answer.amount == Money(59980, "NOK")


def test_known_transaction_that_is_gone_is_a_doubt() -> None:
    """404 for an id that we were given proves nothing about the money."""

    def answers(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"error": {"message": "Resource was not found"}})

    about = query(provider_ref="T12345678.abc")
    assert isinstance(asked(answers, lambda gateway: gateway.look_up(about)), Unknown)


# --- capturing --------------------------------------------------------------------------------


def captured(post: httpx.Response, shown: dict[str, Any] | None = None) -> ChargeAnswer:
    """What a capture makes of its answer, and of the transaction if it is read afterwards."""

    def answers(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return post
        assert shown is not None, "the transaction is not to be read"
        return httpx.Response(200, json=shown)

    capture = CaptureOrder(
        attempt_id=KEY,
        capture_id=CAPTURE,
        reference="sub-1-1-1-aa",
        amount=PRICE,
        authorization_ref="T12345678.abc",
    )
    answer: ChargeAnswer = asked(answers, lambda gateway: gateway.capture(capture))
    return answer


OURS: dict[str, Any] = {"event_reference": str(CAPTURE)}


def test_200_to_a_capture_is_checked_by_its_event() -> None:
    """A 200 may hold a failed capture; then it is a refusal, with the event's reason."""
    error = {"message": "Expired", "type": ["EXPIRED_CARD"]}
    failed = event("CAPTURE", success=False, error=error, **OURS)
    answer = captured(httpx.Response(200, json=transaction("AUTHORIZED", AUTHORIZE, failed)))
    assert isinstance(answer, Declined)
    assert (answer.decline, answer.code) == (DeclineClass.HARD, "EXPIRED_CARD")
    done = transaction("CAPTURED", AUTHORIZE, event("CAPTURE", **OURS))
    assert isinstance(captured(httpx.Response(200, json=done)), Captured)
    nothing = transaction("AUTHORIZED", AUTHORIZE)
    assert isinstance(captured(httpx.Response(200, json=nothing)), Unknown)


def test_202_to_a_capture_waits_for_the_event() -> None:
    """Accepted: a doubt, until a CAPTURE answers to the request's id."""
    answer = captured(httpx.Response(202, json={}, headers={"event-request-id": "r-1"}))
    assert isinstance(answer, Unknown)
    assert answer.provider_ref == "T12345678.abc"
    started = event("INITIATE_CAPTURE", request_id="r-1", **OURS)
    waiting = transaction("AUTHORIZED", AUTHORIZE, started)
    assert isinstance(looked_up(waiting, capture_id=CAPTURE), Unknown)
    failed = event("CAPTURE", success=False, correlation_request_id="r-1", error={"message": "no"})
    ended = transaction("AUTHORIZED", AUTHORIZE, started, failed)
    assert isinstance(looked_up(ended, capture_id=CAPTURE), Declined)


def test_look_up_of_a_capture_that_never_came() -> None:
    """Without an event of ours the authorisation still stands."""
    other = event("CAPTURE", success=False, event_reference="somebody's", error={"message": "no"})
    answer = looked_up(transaction("AUTHORIZED", AUTHORIZE, other), capture_id=CAPTURE)
    assert isinstance(answer, Authorized)


def test_refused_capture_is_judged_by_the_transaction() -> None:
    """A 4xx to a capture: captured before, voided, or ours to mend."""
    post = httpx.Response(400, json={"error": {"message": "too much"}})
    before = transaction("CAPTURED", AUTHORIZE, event("CAPTURE", **OURS))
    assert isinstance(captured(post, before), Captured)
    voided = captured(post, transaction("AUTHORIZATION_VOIDED", AUTHORIZE, event("VOID")))
    assert isinstance(voided, Declined)
    assert (voided.decline, voided.code) == (DeclineClass.SOFT, "AUTHORIZATION_VOIDED")
    standing = captured(post, transaction("AUTHORIZED", AUTHORIZE))
    assert isinstance(standing, Declined)
    assert (standing.decline, standing.code) == (DeclineClass.MERCHANT, "HTTP_400")
    conflict = httpx.Response(409, json={"error": {"message": "busy"}})
    assert isinstance(captured(conflict, transaction("AUTHORIZED", AUTHORIZE)), Unknown)
