"""Refunds at Dintero: the events say what went back; nothing is sent that shows already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest

from domain.money import Money
from domain.ports import NotDone, NotFound, Unknown
from domain.refund_ports import (
    RefundAnswer,
    RefundDenied,
    Refunded,
    RefundLookUpAnswer,
    RefundOrder,
    RefundQuery,
)
from tests.gateways.dintero_bench import DinteroBench, Wiretap, on_the_dintero_bench
from tests.gateways.dintero_canned import AUTHORIZE, KEY, NOW, asked, event, transaction

PART = Money(5000, "NOK")
CHARGE, REFERENCE = "sub-1-1-1-aa", "sub-1-1-1-aa-r1"
OURS: dict[str, Any] = {"event_reference": REFERENCE}
CAPTURE = event("CAPTURE")
AT = datetime(2026, 3, 1, 9, 40, tzinfo=UTC)
REFUND = event("REFUND", 5000, created_at="2026-03-01T09:40:00Z", request_id="r-1", **OURS)
CAPTURED = transaction("CAPTURED", AUTHORIZE, CAPTURE)
ORDER = RefundOrder(
    refund_id=KEY,
    reference=REFERENCE,
    amount=PART,
    charge_reference=CHARGE,
    charge_ref="T12345678.abc",
    reason="Returned goods",
)


def part_refunded(*events: dict[str, Any], status: str = "PARTIALLY_REFUNDED") -> dict[str, Any]:
    """The charge, captured, with more events."""
    return transaction(status, AUTHORIZE, CAPTURE, *events)


def refunded(
    post: httpx.Response | None,
    *shown: dict[str, Any] | httpx.Response,
    order: RefundOrder = ORDER,
) -> RefundAnswer:
    """What a refund makes of its answer. shown: the transaction, before it and then after.

    post None: nothing is to be sent.
    """
    reads, posts = list(shown), [] if post is None else [post]

    def answers(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert request.url.path == "/v1/transactions/T12345678.abc/refund"
            return posts.pop()
        assert request.url.path == "/v1/transactions/T12345678.abc"
        read = reads.pop(0)
        return read if isinstance(read, httpx.Response) else httpx.Response(200, json=read)

    answer: RefundAnswer = asked(answers, lambda gateway: gateway.refund(order))
    assert posts == [], "the refund was not sent"
    return answer


def looked_up(shown: dict[str, Any], provider_ref: str = "") -> RefundLookUpAnswer:
    """What a look-up of the refund makes of the transaction; it only reads."""

    def answers(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        return httpx.Response(200, json=shown)

    query = RefundQuery(
        refund_id=KEY,
        reference=REFERENCE,
        amount=PART,
        charge_reference=CHARGE,
        charge_ref="T12345678.abc",
        provider_ref=provider_ref,
        attempted_at=AT,
        now=NOW,
    )
    answer: RefundLookUpAnswer = asked(answers, lambda gateway: gateway.look_up_refund(query))
    return answer


def ok(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(status, json=body, headers=headers)


DONE = Refunded(amount=PART, provider_ref="r-1", at=AT)

# --- what the events say ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["PARTIALLY_REFUNDED", "REFUNDED", "PARTIALLY_CAPTURED_REFUNDED"]
)
def test_refund_event_with_success_is_the_refund(status: str) -> None:
    """Amount, time and id are the event's; other refunds of the charge are not added."""
    other = event("REFUND", 700, event_reference=f"{CHARGE}-r2", request_id="r-0")
    shown = part_refunded(other, REFUND, status=status)
    assert refunded(ok(shown), CAPTURED) == DONE
    assert looked_up(shown) == DONE


def test_F09_amount_and_currency_are_the_providers() -> None:
    """Another amount or currency than asked is told as it is."""
    less = part_refunded({**REFUND, "amount": 4999}) | {"currency": "SEK"}
    answer = refunded(ok(less), CAPTURED)
    assert isinstance(answer, Refunded)
    assert answer.amount == Money(4999, "SEK")


def test_refund_that_was_made_twice_is_told_in_full() -> None:
    """Two under one reference: the sum, so that the rules see that it is too much."""
    twice = part_refunded(REFUND, {**REFUND, "request_id": "r-2"})
    answer = looked_up(twice)
    assert isinstance(answer, Refunded)
    assert (answer.amount, answer.provider_ref) == (Money(10000, "NOK"), "r-1")


@pytest.mark.parametrize(
    "shown",
    [
        part_refunded(REFUND, status="CAPTURED"),
        part_refunded(REFUND, status="INVENTED_YESTERDAY"),
        part_refunded({**REFUND, "amount": None}),
        part_refunded({**REFUND, "amount": 0}),
        part_refunded({**REFUND, "amount": 50.5}),
        part_refunded({**REFUND, "amount": "5000"}),
        part_refunded({**REFUND, "amount": 10**40}),
        part_refunded(REFUND) | {"merchant_reference": "another"},
        part_refunded(REFUND) | {"currency": "XYZ"},
        {},
    ],
)
def test_F08_contradictions_and_unreadable_money_are_a_doubt(shown: dict[str, Any]) -> None:
    """A definite yes needs a final status, a success and an amount."""
    assert isinstance(refunded(ok(shown), CAPTURED), Unknown)
    assert isinstance(looked_up(shown), Unknown)


def test_failed_refund_is_denied_with_its_reason() -> None:
    """A 200 may hold a failed refund; the event's error says why."""
    error = {"message": "No", "type": ["CLOSED_ACCOUNT"], "result_code": "46"}
    failed = {**REFUND, "success": False, "error": error}
    expected = RefundDenied(
        code="CLOSED_ACCOUNT", message="No (result code 46)", provider_ref="r-1", at=AT
    )
    shown = part_refunded(failed, status="CAPTURED")
    assert refunded(ok(shown), CAPTURED) == expected
    assert looked_up(shown) == expected


def test_failure_that_dintero_calls_unknown_is_looked_up_first() -> None:
    """Type UNKNOWN is a doubt in the answer, and a no once the look-up confirms it."""
    failed = {**REFUND, "success": False, "error": {"message": "?", "type": "UNKNOWN"}}
    shown = part_refunded(failed, status="CAPTURED")
    assert isinstance(refunded(ok(shown), CAPTURED), Unknown)
    confirmed = looked_up(shown)
    assert isinstance(confirmed, RefundDenied)
    assert confirmed.code == "UNKNOWN"


def test_202_waits_for_the_event_that_answers_to_it() -> None:
    """Accepted is a doubt under the request's id, which stays the refund's to its end."""
    accepted = refunded(ok({}, 202, **{"event-request-id": "r-1"}), CAPTURED)
    assert isinstance(accepted, Unknown)
    assert accepted.provider_ref == "r-1"
    begun = event("INITIATE_REFUND", 5000, request_id="r-1", **OURS)
    ended = event("REFUND", 5000, created_at="2026-03-01T09:40:00Z", correlation_request_id="r-1")
    failed = {**ended, "success": False, "error": {"message": "no"}}
    for provider_ref in ("", "r-1"):
        waiting = looked_up(part_refunded(begun, status="CAPTURED"), provider_ref)
        assert isinstance(waiting, Unknown)
        assert waiting.provider_ref == "r-1"
        assert looked_up(part_refunded(begun, ended), provider_ref) == DONE
        denied = looked_up(part_refunded(begun, failed, status="CAPTURED"), provider_ref)
        assert isinstance(denied, RefundDenied)
        assert denied.provider_ref == "r-1"


def test_accepted_refund_is_known_by_its_request_alone() -> None:
    """Where the events bear no reference, the id that the 202 named finds the refund."""
    nameless = event("REFUND", 5000, created_at="2026-03-01T09:40:00Z", request_id="r-1")
    assert looked_up(part_refunded(nameless), "r-1") == DONE
    assert isinstance(looked_up(CAPTURED, "r-1"), Unknown), "it was accepted, and does not show"


def test_refund_in_doubt_twice_is_a_doubt_until_both_have_ended() -> None:
    """One done and one accepted under the same reference: the whole is told at the end."""
    begun = event("INITIATE_REFUND", 5000, request_id="r-2", **OURS)
    assert isinstance(looked_up(part_refunded(REFUND, begun)), Unknown)


def test_F07_no_event_of_ours_is_not_found() -> None:
    """Other refunds, and accepted ones with another reference, are not ours."""
    other = event("REFUND", 5000, event_reference=f"{CHARGE}-r10", request_id="r-5")
    begun = event("INITIATE_REFUND", 5000, event_reference=f"{CHARGE}-r2", request_id="r-6")
    assert isinstance(looked_up(CAPTURED), NotFound)
    assert isinstance(looked_up(part_refunded(other, begun)), NotFound)


def test_nameless_refund_since_the_intention_may_be_ours() -> None:
    """A refund without any reference is a doubt, unless it is older or answers to another's."""

    def at(moment: datetime, **more: Any) -> dict[str, Any]:
        return event("REFUND", 5000, created_at=moment.isoformat(), **more)

    assert isinstance(looked_up(part_refunded(at(AT))), Unknown)
    assert isinstance(looked_up(part_refunded(at(AT - timedelta(minutes=9)))), Unknown)
    assert isinstance(looked_up(part_refunded(at(AT - timedelta(minutes=11)))), NotFound)
    begun = event("INITIATE_REFUND", 5000, event_reference=f"{CHARGE}-r2", request_id="r-6")
    others = part_refunded(begun, at(AT, correlation_request_id="r-6"))
    assert isinstance(looked_up(others), NotFound)
    anonymous = event("INITIATE_REFUND", 5000, created_at=AT.isoformat(), request_id="r-7")
    assert isinstance(looked_up(part_refunded(anonymous)), Unknown)


# --- what is sent, and what an HTTP error means -------------------------------------------------


@pytest.mark.parametrize("status", [400, 404, 422])
def test_4xx_without_a_refund_of_ours_is_denied(status: int) -> None:
    """Dintero's own code and words; where it has none, those of the table."""
    error = {"error": {"message": "5000 cannot be refunded: 0 left", "code": "too_much"}}
    answer = refunded(ok(error, status), CAPTURED, CAPTURED)
    assert answer == RefundDenied(code="TOO_MUCH", message="5000 cannot be refunded: 0 left")
    wordless = refunded(ok({"error": {}}, status), CAPTURED, CAPTURED)
    assert isinstance(wordless, RefundDenied)
    assert wordless.code == f"HTTP_{status}"
    assert wordless.message.startswith("Dintero")


def test_charge_that_dintero_does_not_know_is_denied() -> None:
    """404 before, to the refund, and after: no money went back."""
    missing = ok({"error": {"message": "Resource was not found"}}, 404)
    answer = refunded(missing, missing, missing)
    assert answer == RefundDenied(code="HTTP_404", message="Resource was not found")


@pytest.mark.parametrize("status", [402, 409, 418, 423])
def test_4xx_that_is_not_in_the_table_is_a_doubt(status: int) -> None:
    """A conflict, or a status that is not documented, is looked up."""
    assert isinstance(refunded(ok({"error": {}}, status), CAPTURED, CAPTURED), Unknown)


def test_F06_4xx_to_a_refund_that_was_made_is_the_refund() -> None:
    """The transaction is read after a refusal: an earlier sending may have been the first."""
    refusal = ok({"error": {"message": "no"}}, 400)
    assert refunded(refusal, CAPTURED, part_refunded(REFUND)) == DONE
    assert isinstance(refunded(refusal, CAPTURED, httpx.Response(500)), Unknown)


@pytest.mark.parametrize("status", [201, 204, 301, 408, 500, 503])
def test_F08_whatever_else_is_a_doubt(status: int) -> None:
    """Neither a 2xx that is no result nor a 5xx says what became of the money."""
    assert isinstance(refunded(httpx.Response(status), CAPTURED), Unknown)


def test_200_without_a_refund_of_ours_is_a_doubt() -> None:
    """A success that shows nothing is none."""
    assert isinstance(refunded(ok(CAPTURED), CAPTURED), Unknown)


def test_refund_that_shows_already_is_told_and_not_sent() -> None:
    """Done, on its way or failed: a reference is refunded once."""
    assert refunded(None, part_refunded(REFUND)) == DONE
    begun = event("INITIATE_REFUND", 5000, request_id="r-1", **OURS)
    assert isinstance(refunded(None, part_refunded(begun, status="CAPTURED")), Unknown)
    failed = {**REFUND, "success": False, "error": {"message": "no"}}
    assert isinstance(refunded(None, part_refunded(failed, status="CAPTURED")), RefundDenied)


def test_refund_in_another_currency_or_of_another_charge_is_not_sent() -> None:
    """The request names an amount only: in the charge's own currency, of whatever charge."""
    answer = refunded(None, CAPTURED | {"currency": "SEK"})
    assert isinstance(answer, RefundDenied)
    assert answer.code == "CURRENCY_DIFFERS"
    answer = refunded(None, CAPTURED | {"merchant_reference": "another"})
    assert isinstance(answer, RefundDenied)
    assert answer.code == "CHARGE_DIFFERS"


@pytest.mark.parametrize("first", [httpx.Response(500), ok({}), ok([]), httpx.Response(404)])
def test_refund_is_sent_where_the_charge_cannot_be_read(first: httpx.Response) -> None:
    """That it is sent once is the caller's to see to; the reading is a second guard."""
    assert refunded(ok(part_refunded(REFUND)), first) == DONE


def test_F08_429_before_or_at_the_refund_is_not_done() -> None:
    """Nothing was carried out, and Dintero says for how long to wait."""
    slow = ok({"error": {"message": "slow down"}}, 429, **{"Retry-After": "7"})
    waiting = NotDone(reason="HTTP 429", retry_after_s=7.0)
    assert refunded(None, slow) == waiting
    assert refunded(slow, CAPTURED) == waiting


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": Money(0, "NOK")}, "AMOUNT_OUT_OF_RANGE"),
        ({"amount": Money(-1, "NOK")}, "AMOUNT_OUT_OF_RANGE"),
        ({"amount": Money(2**31, "NOK")}, "AMOUNT_OUT_OF_RANGE"),
        ({"charge_ref": ""}, "CHARGE_UNKNOWN"),
    ],
)
def test_refund_that_cannot_be_asked_for_is_never_sent(changes: dict[str, Any], code: str) -> None:
    """Nothing goes out at all."""
    answer = refunded(None, order=attrs.evolve(ORDER, **changes))
    assert isinstance(answer, RefundDenied)
    assert answer.code == code


def test_what_is_sent_names_the_refund_and_says_why() -> None:
    """refund_reference, reason and the charge's line; without a reason there is none."""

    async def test(bench: DinteroBench) -> None:
        order, captured = await bench.captured()
        for number, reason in enumerate(("Returned goods", ""), start=1):
            tap = Wiretap()
            gateway = bench.another(tap)
            refund = bench.refund_order(order, captured, 1000, number=number, reason=reason)
            assert isinstance(await gateway.refund(refund), Refunded)
            await gateway.close()
            assert [request.method for request in tap.sent] == ["GET", "POST"]
            sent = tap.sent[-1].content.decode()
            assert f'"refund_reference":"{refund.reference}"' in sent
            assert ('"reason":"Returned goods"' in sent) is bool(reason)
            assert '"items":[{"line_id":"1","quantity":1,"amount":1000}]' in sent

    on_the_dintero_bench(test)


def test_repeat_of_a_refund_by_mistake_is_one_refund() -> None:
    """Who sends it again all the same is told of the first one."""

    async def test(bench: DinteroBench) -> None:
        order, captured = await bench.captured()
        refund = bench.refund_order(order, captured, 1000)
        first = await bench.gateway.refund(refund)
        assert isinstance(first, Refunded)
        assert await bench.gateway.refund(refund) == first
        assert len(bench.controls.book.refunds(refund.reference)) == 1

    on_the_dintero_bench(test)
