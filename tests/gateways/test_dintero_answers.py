"""What Dintero's answers mean: the status decides, captured money is the sum of its events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    Captured,
    ChargeAnswer,
    Declined,
    NotDone,
    Unknown,
)
from domain.subscription.events import DeclineClass
from tests.gateways.dintero_canned import (
    AUTHORIZE,
    PRICE,
    SESSION,
    asked,
    charged,
    event,
    looked_up,
    order,
    transaction,
)

# --- a charge's answer ------------------------------------------------------------------------


def test_captured_is_the_sum_of_captures_not_the_amount() -> None:
    """`amount` is the authorised total; two part captures are added, a failed one is not."""
    answer = charged(
        transaction(
            "PARTIALLY_CAPTURED",
            AUTHORIZE,
            event("CAPTURE", 10000),
            event("CAPTURE", 29990, success=False),
            event("CAPTURE", 9990, created_at="2026-03-01T09:30:00+01:00"),
        )
    )
    at = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    assert answer == Captured(amount=Money(19990, "NOK"), provider_ref="T12345678.abc", at=at)


@pytest.mark.parametrize(
    "status", ["REFUNDED", "PARTIALLY_REFUNDED", "PARTIALLY_CAPTURED_REFUNDED"]
)
def test_refunded_money_was_captured(status: str) -> None:
    """A refund does not undo that the charge succeeded."""
    answer = looked_up(transaction(status, AUTHORIZE, event("CAPTURE"), event("REFUND", 5000)))
    assert isinstance(answer, Captured)
    assert answer.amount == PRICE


def test_F09_other_currency_is_reported_as_received() -> None:
    """The currency is the provider's, not ours."""
    answer = charged(transaction("CAPTURED", AUTHORIZE, event("CAPTURE"), currency="SEK"))
    assert isinstance(answer, Captured)
    assert answer.amount == Money(29990, "SEK")


@pytest.mark.parametrize(
    "body",
    [
        transaction("CAPTURED", AUTHORIZE),
        transaction("CAPTURED", AUTHORIZE, event("CAPTURE", amount=None)),  # type: ignore[arg-type]
        transaction("CAPTURED", event("CAPTURE"), currency="XYZ"),
        transaction("CAPTURED", event("CAPTURE"), amount="29990"),
        transaction("CAPTURED", event("CAPTURE", amount=True)),
        transaction("CAPTURED", event("CAPTURE", amount=29990.5)),  # type: ignore[arg-type]
        transaction("FAILED", event("CAPTURE")),
        transaction("CAPTURED", event("CAPTURE"), merchant_reference="another"),
        transaction("ON_HOLD"),
        transaction("INITIATED"),
        transaction("UNKNOWN"),
        transaction("INVENTED_YESTERDAY", AUTHORIZE),
        {"success": True, "session_id": "T12345678.ses"},
        [],
        None,
        "CAPTURED",
    ],
)
def test_F08_what_we_cannot_read_or_do_not_know_is_a_doubt(body: Any) -> None:
    """Contradictions, unreadable money and unknown statuses are neither paid nor declined."""
    assert isinstance(charged(body), Unknown)


@pytest.mark.parametrize("status", ["FAILED", "DECLINED", "AUTHORIZATION_VOIDED"])
def test_200_with_a_refused_transaction_is_a_decline(status: str) -> None:
    """HTTP 200 says nothing about the money; each of the three statuses is a no."""
    error = {"message": "Insufficient funds", "type": ["INSUFFICIENT_FUNDS"]}
    answer = charged(transaction(status, event("AUTHORIZE", success=False, error=error)))
    assert isinstance(answer, Declined)
    assert (answer.decline, answer.code) == (DeclineClass.SOFT, "INSUFFICIENT_FUNDS")
    assert (answer.provider_ref, answer.at) == (
        "T12345678.abc",
        datetime(2026, 3, 1, 9, 0, tzinfo=UTC),
    )


def test_failure_that_dintero_calls_unknown_is_looked_up_first() -> None:
    """Type UNKNOWN is a doubt in the answer, and a soft decline once the look-up confirms it."""
    failed = transaction(
        "FAILED", event("AUTHORIZE", success=False, error={"message": "?", "type": "UNKNOWN"})
    )
    assert isinstance(charged(failed), Unknown)
    confirmed = looked_up(failed)
    assert isinstance(confirmed, Declined)
    assert (confirmed.decline, confirmed.code) == (DeclineClass.SOFT, "UNKNOWN")


def test_authorised_is_not_money_when_it_should_be_captured_at_once() -> None:
    """Auto-capture may lag behind the answer: a doubt that knows its transaction."""
    answer = charged(transaction("AUTHORIZED", AUTHORIZE))
    assert answer == Unknown(reason="authorised, capture pending", provider_ref="T12345678.abc")
    session = {"configuration": {"auto_capture": True}}
    later = looked_up(transaction("AUTHORIZED", AUTHORIZE, session=session))
    assert isinstance(later, Unknown)


def test_authorised_is_the_answer_when_only_that_was_asked() -> None:
    """With a capture to follow, the transaction is the authorisation."""
    answer = charged(transaction("AUTHORIZED", AUTHORIZE), capture=CaptureMode.AFTER_AUTHORIZATION)
    assert answer == Authorized(
        amount=PRICE,
        authorization_ref="T12345678.abc",
        order_ref="T12345678.ses",
        expires_at=None,
        at=datetime(2026, 3, 1, 8, 59, tzinfo=UTC),
    )


def test_F08_202_is_not_a_result() -> None:
    """Accepted is neither success nor failure; the request id is kept in words."""
    body = transaction("INITIATED")
    answer = charged(body, 202, headers={"event-request-id": "r-1"})
    assert isinstance(answer, Unknown)
    assert "r-1" in answer.reason


@pytest.mark.parametrize("status", [301, 400, 404, 408, 500, 502, 503])
def test_F08_answer_of_a_proxy_is_a_doubt(status: int) -> None:
    """HTML instead of Dintero's JSON proves nothing, whatever its status."""
    assert isinstance(charged(b"<html>no</html>", status), Unknown)


def test_F08_429_is_not_done_and_waits() -> None:
    """Retry-After is honoured on every call."""
    answer = charged({"error": {"message": "slow down"}}, 429, headers={"Retry-After": "7"})
    assert answer == NotDone(reason="HTTP 429", retry_after_s=7.0)


@pytest.mark.parametrize("minor", [0, -1, 2**31])
def test_amount_that_does_not_fit_is_never_sent(minor: int) -> None:
    """order.amount is an int32; beyond it the fault is ours and nothing goes out."""

    def answers(request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing is to be sent")

    amount = Money(minor, "NOK")
    answer = asked(answers, lambda gateway: gateway.charge(order(amount=amount)))
    assert isinstance(answer, Declined)
    assert (answer.decline, answer.code) == (DeclineClass.MERCHANT, "AMOUNT_OUT_OF_RANGE")


# --- a 4xx ------------------------------------------------------------------------------------


def refused(sessions: httpx.Response, status: int = 400) -> ChargeAnswer:
    """What a charge makes of a 4xx, with what the search for its sessions answers."""

    def answers(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(status, json={"error": {"message": "Bad", "code": "bad"}})
        assert request.url.params["search"] == "sub-1-1-1-aa"
        return sessions

    answer: ChargeAnswer = asked(answers, lambda gateway: gateway.charge(order()))
    return answer


@pytest.mark.parametrize(
    "sessions",
    [
        httpx.Response(200, json=[SESSION]),
        httpx.Response(200, json={"sessions": [SESSION]}),
        httpx.Response(403, json={"error": {"message": "no scope"}}),
        httpx.Response(500),
    ],
)
def test_F06_refused_reference_may_have_been_charged_before(sessions: httpx.Response) -> None:
    """A 4xx is a doubt while a session bears the reference, or none can be shown not to."""
    assert isinstance(refused(sessions), Unknown)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_4xx_without_any_session_is_ours_to_mend(status: int) -> None:
    """Where no session bears the reference nothing was made: our request is at fault."""
    other = {"id": "T12345678.x", "order": {"merchant_reference": "sub-1-1-1-aab"}}
    answer = refused(httpx.Response(200, json=[other]), status)
    assert isinstance(answer, Declined)
    assert (answer.decline, answer.code) == (DeclineClass.MERCHANT, "BAD")


def test_conflict_is_a_doubt() -> None:
    """409 says that something else is at work on it."""
    assert isinstance(refused(httpx.Response(200, json=[]), 409), Unknown)
