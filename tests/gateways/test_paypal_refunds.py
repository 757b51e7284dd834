"""What PayPal's answers to refunds mean, and where a refund is found again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import attrs
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
from tests.gateways.bench import NAMESPACE, PRICE, START
from tests.gateways.paypal_canned import Answer, Canned, asked, capture, order, refused

CAPTURE = "3C679366HH908993F"
REFUND = "/v2/payments/captures/3C679366HH908993F/refund"
CAPTURES = "/v2/payments/captures/3C679366HH908993F"
REFUNDS = "/v2/payments/refunds/1JU08902781691411"
ORDERS = "/v2/checkout/orders/5O190127TN364715T"
REPORT = "/v1/reporting/transactions"
AT = datetime(2026, 3, 1, 10, 0, 7, tzinfo=UTC)
REFUND_ORDER = RefundOrder(
    refund_id=uuid5(NAMESPACE, "refund"),
    reference="sub-1-1-1-aa-r1",
    amount=PRICE,
    charge_reference="sub-1-1-1-aa",
    charge_ref=CAPTURE,
    reason="Returned goods",
)
QUERY = RefundQuery(
    refund_id=REFUND_ORDER.refund_id,
    reference=REFUND_ORDER.reference,
    amount=PRICE,
    charge_reference="sub-1-1-1-aa",
    charge_ref=CAPTURE,
    provider_ref="",
    attempted_at=START,
    now=START,
)
DONE = Refunded(amount=PRICE, provider_ref="1JU08902781691411", at=AT)
Answers = dict[tuple[str, str], Answer | list[Answer]]


def refund(**changes: Any) -> dict[str, Any]:
    """A completed refund of 29.85 USD, its times as PayPal writes them."""
    return {
        "id": "1JU08902781691411",
        "status": "COMPLETED",
        "amount": {"currency_code": "USD", "value": "29.85"},
        "invoice_id": "sub-1-1-1-aa-r1",
        "create_time": "2026-03-01T03:00:07-07:00",
        "update_time": "2026-03-01T03:00:07-07:00",
        **changes,
    }


def shown(*refunds: dict[str, Any], status: str = "PARTIALLY_REFUNDED") -> Answers:
    """A charge whose order shows these refunds."""
    related = {"related_ids": {"order_id": "5O190127TN364715T"}}
    taken = capture(status=status, supplementary_data=related)
    return {
        ("GET", CAPTURES): (200, taken),
        ("GET", ORDERS): (200, order(captures=[taken], refunds=list(refunds))),
    }


def report(*rows: dict[str, Any]) -> Answers:
    """A transaction report of one page."""
    details = [{"transaction_info": row} for row in rows]
    body = {"transaction_details": details, "total_pages": 1}
    return {("GET", REPORT): (200, body)}


def row(**changes: Any) -> dict[str, Any]:
    """A refund's row: the money left us."""
    return {
        "transaction_id": "1JU08902781691411",
        "transaction_event_code": "T1107",
        "transaction_status": "S",
        "transaction_amount": {"currency_code": "USD", "value": "-29.85"},
        "transaction_initiation_date": "2026-03-01T10:00:07Z",
        "invoice_id": "sub-1-1-1-aa-r1",
        **changes,
    }


def refunded(
    body: Any, status: int = 201, more: Answers | None = None, **changes: Any
) -> tuple[RefundAnswer, Canned]:
    canned = Canned({("POST", REFUND): (status, body), **(more or {})})
    request = attrs.evolve(REFUND_ORDER, **changes)
    return asked(canned, lambda gateway: gateway.refund(request)), canned


def looked_up(answers: Answers, **changes: Any) -> tuple[RefundLookUpAnswer, Canned]:
    canned = Canned(answers)
    query = attrs.evolve(QUERY, **changes)
    return asked(canned, lambda gateway: gateway.look_up_refund(query)), canned


# --- the answer to a refund -------------------------------------------------------------------


def test_completed_refund_is_refunded() -> None:
    """Amount, id and time are PayPal's own; the time is given in UTC."""
    answer, canned = refunded(refund())
    assert (answer, len(canned.requests)) == (DONE, 1)


def test_refund_is_sent_under_its_own_key_and_names() -> None:
    """Key, invoice id, amount and the reason for the payer; never without an amount."""
    _, canned = refunded(refund())
    (sent,) = canned.requests
    assert sent.headers["PayPal-Request-Id"] == str(REFUND_ORDER.refund_id)
    assert sent.headers["Prefer"] == "return=representation"
    assert json.loads(sent.read()) == {
        "amount": {"currency_code": "USD", "value": "29.85"},
        "invoice_id": "sub-1-1-1-aa-r1",
        "custom_id": str(REFUND_ORDER.refund_id),
        "note_to_payer": "Returned goods",
    }


@pytest.mark.parametrize(
    ("reason", "note"),
    [
        ("", None),
        (" \n\t ", None),
        ("Two\nlines\x00 and\u202e a turn", "Two lines and a turn"),
        ("half a pair \ud800", "half a pair"),
        ("x" * 300, "x" * 255),
        ("Beløp tilbake – 漢字", "Beløp tilbake – 漢字"),
    ],
)
def test_reason_is_one_line_of_at_most_255(reason: str, note: str | None) -> None:
    """What PayPal would refuse for its form is put right; an empty reason is left out."""
    _, canned = refunded(refund(), reason=reason)
    assert json.loads(canned.requests[0].read()).get("note_to_payer") == note


@pytest.mark.parametrize(
    ("stated", "amount"),
    [
        ({"currency_code": "USD", "value": "10.0"}, Money(1000, "USD")),
        ({"currency_code": "EUR", "value": "29.85"}, Money(2985, "EUR")),
        ({"currency_code": "HUF", "value": "300"}, Money(30000, "HUF")),
    ],
)
def test_F09_amount_is_what_paypal_states(stated: dict[str, str], amount: Money) -> None:
    """Another amount or currency than asked for is reported as received."""
    answer, _ = refunded(refund(amount=stated))
    assert isinstance(answer, Refunded)
    assert answer.amount == amount


@pytest.mark.parametrize(
    "stated",
    [
        None,
        {},
        {"value": "1"},
        {"value": "0.00", "currency_code": "USD"},
        {"value": "-1.00", "currency_code": "USD"},
        {"value": "9" * 40, "currency_code": "USD"},
        {"value": "1e999999999", "currency_code": "USD"},
    ],
)
def test_F09_unreadable_amount_is_a_doubt_with_an_id(stated: Any) -> None:
    """Money went back, but not how much: it is looked up by its id."""
    answer, _ = refunded(refund(amount=stated))
    assert isinstance(answer, Unknown)
    assert answer.provider_ref == "1JU08902781691411"


@pytest.mark.parametrize("status", ["PENDING", "NEW_STATUS", "", None, 7])
def test_refund_that_is_not_completed_is_a_doubt_with_an_id(status: Any) -> None:
    """Accepted, or in a state that we do not know, is not given back."""
    details = {"reason": "ECHECK"}
    answer, _ = refunded(refund(status=status, status_details=details))
    assert isinstance(answer, Unknown)
    assert answer.provider_ref == "1JU08902781691411"


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_refund_that_came_to_nothing_is_denied(status: str) -> None:
    """A definite no, with PayPal's id and time of it."""
    answer, _ = refunded(refund(status=status))
    assert isinstance(answer, RefundDenied)
    assert (answer.code, answer.provider_ref, answer.at) == (
        f"REFUND_{status}",
        "1JU08902781691411",
        AT,
    )


def test_time_is_when_it_ended() -> None:
    """A refund that was pending first went back when it completed, not when it was asked for."""
    answer, _ = refunded(refund(update_time="2026-03-04T10:00:00Z"))
    assert isinstance(answer, Refunded)
    assert answer.at == datetime(2026, 3, 4, 10, tzinfo=UTC)
    answer, _ = refunded(refund(create_time=None, update_time="yesterday"))
    assert isinstance(answer, Refunded)
    assert answer.at == START


def test_answer_about_another_refund_is_a_doubt() -> None:
    """A body that names another invoice id proves nothing about ours."""
    answer, _ = refunded(refund(invoice_id="sub-1-1-1-aa-r2"))
    assert answer == Unknown(reason="the answer is about another refund")


@pytest.mark.parametrize("body", [{}, [], "null", {"id": 1}, {"id": {}, "status": []}])
def test_F08_body_of_another_shape_is_a_doubt(body: Any) -> None:
    """A 201 that is no refund is no answer, and does not fail."""
    assert isinstance(refunded(body)[0], Unknown)


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "name", "issue"),
    [
        (422, "UNPROCESSABLE_ENTITY", "REFUND_FAILED_INSUFFICIENT_FUNDS"),
        (422, "UNPROCESSABLE_ENTITY", "PARTIAL_REFUND_NOT_ALLOWED"),
        (422, "UNPROCESSABLE_ENTITY", "PAYEE_ACCOUNT_RESTRICTED"),
        (404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"),
        (400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX"),
        (400, "INVALID_REQUEST", "A_RULE_OF_NEXT_YEAR"),
    ],
)
def test_refusal_that_is_not_about_state_is_a_denial(status: int, name: str, issue: str) -> None:
    """A definite no with PayPal's code and our words, without another question."""
    answer, canned = refunded(refused(name, issue), status)
    assert isinstance(answer, RefundDenied)
    assert answer.code == issue
    assert 0 < len(answer.message) <= 200
    assert len(canned.requests) == 1


STATES = (
    "CAPTURE_FULLY_REFUNDED",
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED",
    "PENDING_CAPTURE",
    "REFUND_AMOUNT_EXCEEDED",
    "REFUND_NOT_ALLOWED",
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK",
    "REFUND_TIME_LIMIT_EXCEEDED",
    "TRANSACTION_DISPUTED",
)


@pytest.mark.parametrize("issue", STATES)
def test_refusal_by_state_is_a_denial_once_no_refund_of_ours_shows(issue: str) -> None:
    """Somebody else's refunds do not make it ours."""
    others = shown(refund(id="OTHER", invoice_id="sub-1-1-1-aa-r9"))
    answer, canned = refunded(refused("UNPROCESSABLE_ENTITY", issue), 422, others)
    assert isinstance(answer, RefundDenied), answer
    assert answer.code == issue
    assert [request.method for request in canned.requests] == ["POST", "GET", "GET"]


@pytest.mark.parametrize("issue", [*STATES, "DUPLICATE_INVOICE_ID"])
def test_F06_refusal_by_state_may_be_our_own_refund(issue: str) -> None:
    """PayPal forgot the key of an earlier sending that was carried out: it is found, not denied."""
    answer, _ = refunded(refused("UNPROCESSABLE_ENTITY", issue), 422, shown(refund()))
    assert answer == DONE
    pending = shown(refund(status="PENDING"))
    answer, _ = refunded(refused("UNPROCESSABLE_ENTITY", issue), 422, pending)
    assert answer == Unknown(reason="refund pending", provider_ref="1JU08902781691411")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {("GET", CAPTURES): (500, {})},
        {("GET", CAPTURES): (429, {})},
        {("GET", CAPTURES): (200, {})},
        {("GET", CAPTURES): (200, capture())},
        {**shown(), ("GET", ORDERS): (503, {})},
        {**shown(), ("GET", ORDERS): (200, {})},
        shown(),
    ],
)
def test_refusal_by_state_is_a_doubt_where_the_refunds_cannot_be_read(more: Answers) -> None:
    """Neither a denial nor "not done": it was refused, and why is not known."""
    answer, _ = refunded(refused("UNPROCESSABLE_ENTITY", "CAPTURE_FULLY_REFUNDED"), 422, more)
    assert isinstance(answer, Unknown), answer


@pytest.mark.parametrize(
    ("status", "issues"),
    [
        (409, ("PREVIOUS_REQUEST_IN_PROGRESS",)),
        (409, ()),
        (422, ("DUPLICATE_INVOICE_ID",)),
        (422, ("AN_ISSUE_OF_NEXT_YEAR",)),
        (422, ("REFUND_AMOUNT_TOO_LOW", "AN_ISSUE_OF_NEXT_YEAR")),
        (422, ("REFUND_AMOUNT_EXCEEDED", "PREVIOUS_REQUEST_IN_PROGRESS")),
        (422, ()),
        (418, ()),
    ],
)
def test_doubt_is_never_a_denial(status: int, issues: tuple[str, ...]) -> None:
    """In progress, used before, or not known to us: the outcome stays open."""
    body = refused("UNPROCESSABLE_ENTITY", *issues)
    answer, _ = refunded(body, status, shown(status="COMPLETED"))
    assert isinstance(answer, Unknown), answer


@pytest.mark.parametrize("status", [403, 429])
def test_refused_access_is_not_done(status: int) -> None:
    """Nothing was carried out; it may be sent again."""
    answer, canned = refunded(refused("NOT_AUTHORIZED"), status)
    assert (type(answer), len(canned.requests)) == (NotDone, 1)


@pytest.mark.parametrize("charge_ref", ["", "../orders/X", "A B", "A%2FB", "²"])
def test_id_never_becomes_another_path(charge_ref: str) -> None:
    """A charge's id that is none of PayPal's is sent nowhere: a definite no."""
    answer, canned = refunded(refund(), charge_ref=charge_ref)
    assert (type(answer), canned.requests) == (RefundDenied, [])


def test_amount_that_paypal_cannot_take_is_never_sent() -> None:
    """Nothing is rounded, nothing is sent."""
    answer, canned = refunded(refund(), amount=Money(1001, "HUF"))
    assert isinstance(answer, RefundDenied)
    assert (answer.code, canned.requests) == ("DECIMALS_NOT_SUPPORTED", [])


# --- the look-up ------------------------------------------------------------------------------


def test_known_refund_is_read_by_its_id() -> None:
    """An id that came with a pending answer is all that is needed."""
    answers: Answers = {("GET", REFUNDS): (200, refund())}
    answer, canned = looked_up(answers, provider_ref="1JU08902781691411")
    assert (answer, canned.paths) == (DONE, [REFUNDS])


def test_id_that_is_gone_leads_on_to_the_charge() -> None:
    """A 404 is no end of the search."""
    answer, _ = looked_up(shown(refund()), provider_ref="1JU08902781691411")
    assert answer == DONE


@pytest.mark.parametrize(("status", "kind"), [(500, Unknown), (400, Unknown), (429, NotDone)])
def test_unreadable_refund_is_not_an_absent_one(status: int, kind: type) -> None:
    """Only a 404 leads on; else it would be told not to be there."""
    answers: Answers = {("GET", REFUNDS): (status, refused("SOMETHING"))}
    answer, canned = looked_up(answers, provider_ref="1JU08902781691411")
    assert (type(answer), len(canned.requests)) == (kind, 1)


def test_refund_is_found_beside_others_of_its_charge() -> None:
    """By its invoice id, or by the key, where a person changed the invoice id's field away."""
    others = refund(id="OTHER", invoice_id="sub-1-1-1-aa-r9", custom_id="x")
    answer, canned = looked_up(shown(others, refund()))
    assert (answer, canned.paths) == (DONE, [CAPTURES, ORDERS])
    bare = refund(custom_id=str(QUERY.refund_id))
    del bare["invoice_id"]
    assert looked_up(shown(others, bare))[0] == DONE


@pytest.mark.parametrize("last", ["FAILED", "CANCELLED", "PENDING"])
def test_of_two_under_one_reference_what_happened_counts(last: str) -> None:
    """A refund that was made is not hidden by one that was not."""
    for pair in ([refund(), refund(id="B", status=last)], [refund(id="B", status=last), refund()]):
        assert looked_up(shown(*pair))[0] == DONE


def test_charge_without_our_refund_is_not_found() -> None:
    """Its order shows at once what was given back; ours is not there, and no report is needed."""
    for answers in (shown(refund(invoice_id="sub-1-1-1-aa-r9")), shown(status="COMPLETED")):
        answer, canned = looked_up(answers)
        assert isinstance(answer, NotFound)
        assert canned.paths == [CAPTURES, ORDERS]


def test_order_that_hides_the_refunds_leads_to_the_report() -> None:
    """The charge says that it was given back and its order shows nothing of it."""
    answer, canned = looked_up({**shown(), **report(row())})
    assert answer == Refunded(amount=PRICE, provider_ref="1JU08902781691411", at=AT)
    assert REPORT in canned.paths


@pytest.mark.parametrize("charge_ref", [CAPTURE, "not an id"])
def test_report_tells_where_the_charge_is_not_to_be_had(charge_ref: str) -> None:
    """By the refund's reference; the refund itself is read where it can be."""
    found, _ = looked_up(
        {**report(row()), ("GET", REFUNDS): (200, refund())}, charge_ref=charge_ref
    )
    assert found == DONE
    missing, _ = looked_up(report(row(invoice_id="sub-1-1-1-aa-r9")), charge_ref=charge_ref)
    assert isinstance(missing, NotFound)


@pytest.mark.parametrize(
    "changes",
    [
        {"transaction_status": "P"},
        {"transaction_status": "D"},
        {"transaction_status": "V"},
        {"transaction_status": "S", "transaction_amount": None},
        {"transaction_status": "S", "transaction_initiation_date": "x"},
        {"transaction_status": ["S"]},
    ],
)
def test_row_that_is_no_success_is_a_doubt(changes: dict[str, Any]) -> None:
    """The report alone never denies a refund, and never makes one of what it does not say."""
    assert isinstance(looked_up(report(row(**changes)))[0], Unknown)


def test_money_that_came_in_is_no_refund() -> None:
    """A charge under the same reference is something else."""
    coming = {"currency_code": "USD", "value": "29.85"}
    answer, _ = looked_up(report(row(transaction_amount=coming)))
    assert isinstance(answer, NotFound)


def test_look_up_only_reads() -> None:
    """Whatever it meets, it makes nothing."""
    for answers in ({}, shown(), report(), report(row()), {**shown(), **report(row())}):
        _, canned = looked_up(answers, provider_ref="1JU08902781691411")
        assert {request.method for request in canned.requests} == {"GET"}


def test_F45_a_refund_made_before_its_intention_is_found() -> None:
    """Books that were put back intend what was made: the report is searched since the charge."""
    later = {"attempted_at": AT + timedelta(days=40), "now": AT + timedelta(days=40, minutes=5)}
    early = {**later, "since": AT - timedelta(days=1)}
    empty: dict[str, Any] = {"transaction_details": [], "total_pages": 1}
    (told,) = report(row()).values()
    answers: Any = {("GET", REPORT): [(200, empty), (200, empty), told]}
    found, canned = looked_up(answers, charge_ref="not an id", **early)
    assert isinstance(found, Refunded)
    assert canned.paths.count(REPORT) == 3
    answers = {("GET", REPORT): [(200, empty), (500, "down")]}
    doubt, _ = looked_up(answers, charge_ref="not an id", **early)
    assert isinstance(doubt, Unknown)
    none, canned = looked_up({("GET", REPORT): (200, empty)}, charge_ref="not an id", **later)
    assert isinstance(none, NotFound)
    assert canned.paths.count(REPORT) == 1
