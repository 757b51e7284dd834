"""Voids, captures in parts, and deleted tokens at Dintero."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
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
    Secret,
    TokenGone,
    Unknown,
)
from domain.refund_ports import VoidAnswer, VoidDenied, Voided, VoidOrder
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.gateways.dintero.account import TOKEN_KINDS
from infrastructure.gateways.dintero.requests import capture_body
from tests.gateways.dintero_bench import ACCOUNT, DinteroBench, on_the_dintero_bench
from tests.gateways.dintero_canned import (
    AUTHORIZE,
    CAPTURE,
    KEY,
    PRICE,
    asked,
    event,
    looked_up,
    order,
    transaction,
)

AT = datetime(2026, 3, 1, 9, 40, tzinfo=UTC)
VOIDS_REST = ("payex.creditcard",)
VOID = event("VOID", created_at="2026-03-01T09:40:00Z")
RESERVED = transaction("AUTHORIZED", AUTHORIZE)
VOIDED = transaction("AUTHORIZATION_VOIDED", AUTHORIZE, VOID)
REFUSAL = httpx.Response(400, json={"error": {"message": "no", "code": "not_now"}})
MISSING = httpx.Response(404, json={"error": {"message": "Resource was not found"}})

# --- voids ------------------------------------------------------------------------------------


def voided(
    post: httpx.Response, shown: dict[str, Any] | httpx.Response | None = None
) -> VoidAnswer:
    """What a void makes of its answer, and of the transaction if it is read afterwards."""

    def answers(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert request.url.path == "/v1/transactions/T12345678.abc/void"
            assert request.content == b""
            return post
        assert shown is not None, "the transaction is not to be read"
        return shown if isinstance(shown, httpx.Response) else httpx.Response(200, json=shown)

    about = VoidOrder(void_id=KEY, reference="sub-1-1-1-aa", authorization_ref="T12345678.abc")
    answer: VoidAnswer = asked(answers, lambda gateway: gateway.void(about))
    return answer


def test_void_is_told_by_the_transaction() -> None:
    """The status says that nothing is reserved; the event says since when."""
    assert voided(httpx.Response(200, json=VOIDED)) == Voided(at=AT)
    assert isinstance(voided(httpx.Response(200, json=RESERVED)), Unknown)


def test_refused_void_of_what_is_voided_is_voided() -> None:
    """By this request or by an earlier one: nothing is reserved any more."""
    assert voided(REFUSAL, VOIDED) == Voided(at=AT)


def test_refused_void_of_what_stands_is_denied() -> None:
    """Dintero's words; a status that is not in the table is a doubt, and so is no answer."""
    assert voided(REFUSAL, RESERVED) == VoidDenied(code="NOT_NOW", message="no")
    assert isinstance(voided(httpx.Response(409, json={"error": {}}), RESERVED), Unknown)
    assert isinstance(voided(REFUSAL, httpx.Response(500)), Unknown)
    assert isinstance(voided(MISSING, MISSING), VoidDenied)
    assert isinstance(voided(httpx.Response(202, json=RESERVED)), Unknown)


@pytest.mark.parametrize("post", [httpx.Response(200), REFUSAL])
@pytest.mark.parametrize("status", ["CAPTURED", "PARTIALLY_CAPTURED", "REFUNDED"])
def test_captured_money_is_never_voided(status: str, post: httpx.Response) -> None:
    """Also where the void let go of the rest: who asked believes that nothing was captured."""
    captured = transaction(status, AUTHORIZE, event("CAPTURE", 10000), VOID)
    answer = voided(
        httpx.Response(200, json=captured) if post.status_code == 200 else post, captured
    )
    assert answer == VoidDenied(code=status, message="100.00 NOK was captured")


def test_accepted_void_is_a_doubt_until_it_ends() -> None:
    """INITIATE_VOID waits for a VOID; Dintero promises no request id on that one."""
    begun = event("INITIATE_VOID", request_id="r-1")
    failed = event("VOID", success=False, error={"message": "no", "type": ["ERROR"]})
    assert isinstance(voided(REFUSAL, transaction("AUTHORIZED", AUTHORIZE, begun)), Unknown)
    ended = transaction("AUTHORIZATION_VOIDED", AUTHORIZE, begun, VOID)
    assert voided(REFUSAL, ended) == Voided(at=AT)
    denied = voided(REFUSAL, transaction("AUTHORIZED", AUTHORIZE, begun, failed))
    assert denied == VoidDenied(code="ERROR", message="no")
    again = transaction("AUTHORIZED", AUTHORIZE, begun, failed, {**begun, "request_id": "r-2"})
    assert isinstance(voided(REFUSAL, again), Unknown)


@pytest.mark.parametrize(
    "shown",
    [
        transaction("INVENTED_YESTERDAY", AUTHORIZE, VOID),
        transaction("FAILED", AUTHORIZE),
        transaction("ON_HOLD"),
        transaction("CAPTURED", AUTHORIZE),
        transaction("AUTHORIZED", AUTHORIZE, VOID),
        transaction("AUTHORIZATION_VOIDED", AUTHORIZE, event("CAPTURE"), VOID),
        VOIDED | {"merchant_reference": "another"},
        {},
    ],
)
def test_F08_what_contradicts_itself_is_a_doubt(shown: dict[str, Any]) -> None:
    """Status and events must agree on whether money moved."""
    assert isinstance(voided(httpx.Response(200, json=shown)), Unknown)
    assert isinstance(voided(REFUSAL, shown), Unknown)


def test_void_without_a_reservation_is_never_sent() -> None:
    """There is nothing to ask about."""

    def answers(request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing is to be sent")

    about = VoidOrder(void_id=KEY, reference="sub-1-1-1-aa", authorization_ref="")
    assert isinstance(asked(answers, lambda gateway: gateway.void(about)), VoidDenied)


@pytest.mark.parametrize("product", sorted(TOKEN_KINDS))
def test_void_after_a_part_is_a_matter_of_the_product(product: str) -> None:
    """Before any capture each lets go. After a part Swedbank Pay's rest can be let go of, that of
    others not; and whatever Dintero did, captured money is never told as voided."""

    async def test(bench: DinteroBench) -> None:
        whole, reserved = await bench.authorized("sub-1-1-1-aa")
        assert isinstance(await bench.gateway.void(bench.void_order(whole, reserved)), Voided)
        order, held = await bench.authorized("sub-1-2-1-aa")
        part = bench.capture_order(
            order, held.authorization_ref, amount=Money(1000, "USD"), final=False
        )
        assert isinstance(await bench.gateway.capture(part), Captured)
        answer = await bench.gateway.void(bench.void_order(order, held))
        assert isinstance(answer, VoidDenied)
        let_go = bench.controls.book.voids("sub-1-2-1-aa")
        assert [each.minor for each in let_go] == ([1985] if product in VOIDS_REST else [])

    on_the_dintero_bench(test, through=product)


# --- captures in parts ------------------------------------------------------------------------

SIBLING = str(UUID(int=77))


def part(amount: int, reference: object) -> dict[str, Any]:
    """A capture of a part."""
    return event("CAPTURE", amount, event_reference=str(reference), request_id=f"r-{reference}")


def of_ours(status: str, *events: dict[str, Any]) -> ChargeAnswer:
    """What a look-up of our capture makes of events."""
    answer = looked_up(transaction(status, AUTHORIZE, *events), capture_id=CAPTURE)
    assert isinstance(answer, Captured | Authorized | Declined | Unknown)
    return answer


def test_part_is_told_by_itself() -> None:
    """Of several captures only the one with our reference is the answer."""
    answer = of_ours("CAPTURED", part(10000, SIBLING), part(19990, CAPTURE))
    assert isinstance(answer, Captured)
    assert answer.amount == Money(19990, "NOK")


def test_what_is_left_beside_other_parts_is_reserved() -> None:
    """Another part of ours is no capture of this one; the rest can still be captured."""
    answer = of_ours("PARTIALLY_CAPTURED", part(10000, SIBLING))
    assert isinstance(answer, Authorized)
    assert answer.amount == Money(19990, "NOK")


def test_nothing_left_beside_other_parts_is_a_definite_no() -> None:
    """All captured, or the rest let go of: this capture was not made and cannot be."""
    for events in ([part(29990, SIBLING)], [part(10000, SIBLING), event("VOID", 19990)]):
        status = "CAPTURED" if len(events) == 1 else "PARTIALLY_CAPTURED"
        answer = of_ours(status, *events)
        assert isinstance(answer, Declined)
        assert (answer.decline, answer.code) == (DeclineClass.MERCHANT, "INVALID_AMOUNT")


def test_capture_by_others_is_told_as_it_is() -> None:
    """A capture that bears no key of ours, where none does, took the money all the same."""
    answer = of_ours("CAPTURED", event("CAPTURE", event_reference="by hand"))
    assert isinstance(answer, Captured)
    assert answer.amount == PRICE
    beside = of_ours("PARTIALLY_CAPTURED", event("CAPTURE", 1), part(10000, SIBLING))
    assert isinstance(beside, Authorized), "not told once more with each part"


def test_other_part_on_its_way_is_a_doubt() -> None:
    """An accepted capture may be this one, whatever it bears."""
    begun = event("INITIATE_CAPTURE", 1000, request_id="r-1")
    assert isinstance(of_ours("PARTIALLY_CAPTURED", part(10000, SIBLING), begun), Unknown)


@pytest.mark.parametrize("status", ["AUTHORIZED", "FAILED", "INVENTED_YESTERDAY"])
def test_part_without_a_status_that_moves_money_is_a_doubt(status: str) -> None:
    """The event alone is not believed, ours or not."""
    assert isinstance(of_ours(status, part(10000, CAPTURE)), Unknown)
    assert isinstance(of_ours(status, part(10000, SIBLING)), Unknown)


@pytest.mark.parametrize(
    ("product", "final", "sent"),
    [
        ("dintero_psp.creditcard", True, True),
        ("dintero_psp.creditcard", False, None),
        ("payex.creditcard", True, None),
    ],
)
def test_final_capture_is_named_where_it_exists(product: str, final: bool, sent: object) -> None:
    """Only Dintero's own acquiring lets go of the rest with the last capture."""
    account = attrs.evolve(ACCOUNT, payment_product_type=product, token_kind="payment_token")
    whole = CaptureOrder(
        attempt_id=KEY,
        capture_id=CAPTURE,
        reference="sub-1-1-1-aa",
        amount=PRICE,
        authorization_ref="T12345678.abc",
        final=final,
    )
    assert capture_body(account, whole).get("final_capture") is sent


def test_reservation_cannot_be_renewed() -> None:
    """A definite no, for which nothing is sent."""

    async def test(bench: DinteroBench) -> None:
        reserve, authorized = await bench.authorized()
        capture = bench.capture_order(reserve, authorized.authorization_ref)
        answer = await bench.gateway.reauthorize(capture)
        assert isinstance(answer, Declined)
        assert (answer.decline, answer.code) == (
            DeclineClass.MERCHANT,
            "REAUTHORIZATION_NOT_OFFERED",
        )
        assert isinstance(await bench.gateway.capture(capture), Captured)

    on_the_dintero_bench(test)


# --- tokens -----------------------------------------------------------------------------------


def deleted(answer: httpx.Response | None, token_id: str = "id-1") -> object:
    """What a deletion makes of Dintero's answer; None: nothing is to be sent."""

    def answers(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("DELETE", "/v1/card-tokens/id-1")
        assert b"the-token" not in request.content
        assert b'"requestor":"MERCHANT"' in request.content
        assert answer is not None
        return answer

    instrument = Instrument(kind="card", provider_token_id=token_id)
    token = Secret("payex.creditcard/recurrence_token/the-token")
    return asked(answers, lambda gateway: gateway.delete_token(token, instrument))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"id": "id-1", "status": "DELETED"}),
        httpx.Response(200, json={"id": "id-1", "deleted_at": "2026-03-01T09:40:00Z"}),
        httpx.Response(204),
        httpx.Response(410, json={"error": {"message": "gone"}}),
        MISSING,
    ],
)
def test_token_is_gone_when_dintero_says_so(answer: httpx.Response) -> None:
    """Deleted now, or not there any more."""
    assert deleted(answer) == TokenGone()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"id": "id-1", "status": "ACTIVE"}),
        httpx.Response(200, json={"id": "id-2", "status": "DELETED"}),
        httpx.Response(200, json={}),
        httpx.Response(200),
        httpx.Response(202, json={"id": "id-1"}),
        httpx.Response(404, text="<html>no such page</html>"),
        httpx.Response(409, json={"error": {"message": "busy"}}),
        httpx.Response(500),
    ],
)
def test_F08_token_that_may_be_there_is_a_doubt(answer: httpx.Response) -> None:
    """A 200 is checked; another token's answer, a proxy's page and a conflict prove nothing."""
    assert isinstance(deleted(answer), Unknown)


def test_token_that_cannot_be_deleted_is_not_done() -> None:
    """Refused, without scope, or without an id to name it by."""
    assert isinstance(deleted(REFUSAL), NotDone)
    assert isinstance(deleted(httpx.Response(403, json={"error": {"message": "scope"}})), NotDone)
    assert isinstance(deleted(None, token_id=""), NotDone)


@pytest.mark.parametrize(
    ("shown", "decline"),
    [
        (httpx.Response(200, json={"status": "DELETED"}), DeclineClass.HARD),
        (httpx.Response(200, json={"status": "CANCELLED"}), DeclineClass.HARD),
        (httpx.Response(200, json={"status": "SUSPENDED"}), DeclineClass.MERCHANT),
        (MISSING, DeclineClass.MERCHANT),
        (httpx.Response(500), DeclineClass.MERCHANT),
    ],
)
def test_F38_refused_charge_on_a_deleted_token_is_hard(
    shown: httpx.Response, decline: DeclineClass
) -> None:
    """A 4xx for which no session bears the reference: the token is asked about, then we are."""

    def answers(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return REFUSAL
        if request.url.path == "/v1/sessions":
            return httpx.Response(200, json=[])
        assert request.url.path == "/v1/card-tokens/id-1"
        return shown

    instrument = Instrument(kind="card", provider_token_id="id-1")
    asked_for = attrs.evolve(order(), instrument=instrument)
    answer = asked(answers, lambda gateway: gateway.charge(asked_for))
    assert isinstance(answer, Declined)
    assert answer.decline is decline
