"""Looking up what became of a charge: by ids, and in PayPal's transaction report."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid5

import attrs
import httpx
import pytest

from domain.money import Money
from domain.ports import (
    Authorized,
    Captured,
    ChargeQuery,
    Declined,
    LookUpAnswer,
    NotDone,
    NotFound,
    Unknown,
)
from infrastructure.gateways.paypal.gateway import PayPalGateway
from tests.gateways.bench import NAMESPACE, PRICE, START
from tests.gateways.paypal_canned import (
    ACCOUNT,
    Answer,
    Canned,
    asked,
    authorization,
    capture,
    refused,
)

REPORT = "/v1/reporting/transactions"
CAPTURES = "/v2/payments/captures/"
AUTHORIZATIONS = "/v2/payments/authorizations/"
QUERY = ChargeQuery(
    attempt_id=uuid5(NAMESPACE, "attempt"),
    reference="sub-1-1-1-aa",
    amount=PRICE,
    attempted_at=START,
    now=START + timedelta(hours=10),
    provider_ref="",
    authorization_ref="",
    order_ref="",
    capture_id=None,
)
CAPTURED = Captured(
    amount=PRICE, provider_ref="3C679366HH908993F", at=datetime(2026, 3, 1, 10, 0, 5, tzinfo=UTC)
)


def row(**changes: Any) -> dict[str, Any]:
    """A row of the report: our charge, successful."""
    info = {
        "transaction_id": "3C679366HH908993F",
        "transaction_event_code": "T0003",
        "transaction_initiation_date": "2026-03-01T10:00:05+0000",
        "transaction_amount": {"currency_code": "USD", "value": "29.85"},
        "transaction_status": "S",
        "invoice_id": "sub-1-1-1-aa",
        **changes,
    }
    return {"transaction_info": info}


def report(*rows: dict[str, Any], pages: int = 1) -> dict[str, Any]:
    return {
        "transaction_details": list(rows),
        "last_refreshed_datetime": "2026-03-01T17:00:00Z",
        "total_pages": pages,
    }


def looked_up(
    answers: dict[tuple[str, str], Answer | list[Answer]], **changes: Any
) -> tuple[LookUpAnswer, Canned]:
    canned = Canned(answers)
    query = attrs.evolve(QUERY, **changes)
    answer = asked(canned, lambda gateway: gateway.look_up(query))
    assert {request.method for request in canned.requests} == {"GET"}, "a look-up never pays"
    return answer, canned


def test_F06_report_names_the_capture_and_the_capture_is_read() -> None:
    """The report finds it; the capture itself gives the exact amount and time."""
    amount = {"currency_code": "USD", "value": "29.80"}
    answer, _ = looked_up(
        {
            ("GET", REPORT): (200, report(row(transaction_amount=amount))),
            ("GET", CAPTURES + "3C679366HH908993F"): (200, capture()),
        }
    )
    assert answer == CAPTURED


def test_F06_charge_is_found_by_our_attempt_id_too() -> None:
    """custom_field holds the attempt id where the invoice id is not shown."""
    found = row(invoice_id=None, custom_field=str(QUERY.attempt_id))
    answer, _ = looked_up(
        {
            ("GET", REPORT): (200, report(found)),
            ("GET", CAPTURES + "3C679366HH908993F"): (200, capture()),
        }
    )
    assert answer == CAPTURED


@pytest.mark.parametrize("status", ["S", "V"])
def test_F06_report_alone_is_enough(status: str) -> None:
    """Where the capture cannot be read, the row's amount and time count; V moved money as well."""
    answer, _ = looked_up({("GET", REPORT): (200, report(row(transaction_status=status)))})
    assert answer == CAPTURED


@pytest.mark.parametrize(
    ("status", "answer_class"), [("D", Declined), ("P", Unknown), ("", Unknown), ("Q", Unknown)]
)
def test_other_statuses_of_the_report(status: str, answer_class: type) -> None:
    """Denied is a no; pending and what we do not know are doubts."""
    answer, _ = looked_up({("GET", REPORT): (200, report(row(transaction_status=status)))})
    assert type(answer) is answer_class


def test_refund_under_the_same_invoice_is_not_the_charge() -> None:
    """A row of money that left us is passed over."""
    refund = row(
        transaction_id="1JU08902781691411",
        transaction_event_code="T1107",
        transaction_amount={"currency_code": "USD", "value": "-29.85"},
    )
    answer, _ = looked_up({("GET", REPORT): (200, report(refund, row()))})
    assert answer == CAPTURED
    answer, _ = looked_up({("GET", REPORT): (200, report(refund))})
    assert isinstance(answer, NotFound)


def test_successful_row_counts_before_a_denied_one() -> None:
    """Of several rows under one reference, the one where money moved counts."""
    denied = row(transaction_id="4XJ28902781691422", transaction_status="D")
    for rows in ((denied, row()), (row(), denied)):
        answer, _ = looked_up({("GET", REPORT): (200, report(*rows))})
        assert answer == CAPTURED


def test_F07_not_found_says_how_far_the_report_had_got() -> None:
    """Other people's charges are not ours."""
    answer, _ = looked_up({("GET", REPORT): (200, report(row(invoice_id="sub-2-1-1-aa")))})
    assert isinstance(answer, NotFound)
    assert "2026-03-01T17:00:00" in answer.finding


def test_report_is_read_to_its_last_page() -> None:
    """The charge may stand on any page."""
    other = row(invoice_id="sub-2-1-1-aa")
    answers: list[Answer] = [
        (200, report(other, pages=3)),
        (200, report(other, pages=3)),
        (200, report(row(), pages=3)),
    ]
    answer, canned = looked_up({("GET", REPORT): answers})
    assert answer == CAPTURED
    queries = [parse_qs(r.url.query.decode()) for r in canned.requests if r.url.path == REPORT]
    assert [query["page"] for query in queries] == [["1"], ["2"], ["3"]]
    assert {query["page_size"][0] for query in queries} == {"500"}


@pytest.mark.parametrize("days", [1, 31, 400])
def test_window_is_31_days_at_most_and_begins_before_the_intention(days: int) -> None:
    """PayPal refuses longer windows; its clock may run before ours."""
    _, canned = looked_up({("GET", REPORT): (200, report())}, now=START + timedelta(days=days))
    query = parse_qs(canned.requests[0].url.query.decode())
    start = datetime.fromisoformat(query["start_date"][0])
    end = datetime.fromisoformat(query["end_date"][0])
    assert start < START < end
    assert end - start <= timedelta(days=31)


@pytest.mark.parametrize(
    ("days_before", "windows"), [(0, 1), (1, 2), (30, 2), (31, 3), (75, 4), (4000, 13)]
)
def test_F45_the_report_is_searched_from_the_due_day_on(days_before: int, windows: int) -> None:
    """Books that were put back intend what was made: windows overlap, a year back at most."""
    since = START - timedelta(days=days_before)
    answer, canned = looked_up({("GET", REPORT): (200, report())}, since=since)
    assert isinstance(answer, NotFound)
    queries = [parse_qs(each.url.query.decode()) for each in canned.requests]
    spans = [
        tuple(datetime.fromisoformat(query[name][0]) for name in ("start_date", "end_date"))
        for query in queries
    ]
    assert len(spans) == windows
    assert all(end - start <= timedelta(days=31) for start, end in spans)
    assert all(later[0] <= earlier[1] for later, earlier in pairwise(spans))
    if days_before < 360:
        assert spans[-1][0] <= since


def test_F45_what_was_made_before_the_intention_is_found() -> None:
    """Not around the intention, but in the window before it; what cannot be read is not "not"."""
    answers: list[Answer] = [(200, report()), (200, report(row()))]
    since = START - timedelta(days=4)
    answer, _ = looked_up({("GET", REPORT): answers}, since=since)
    assert answer == CAPTURED
    failing: list[Answer] = [(200, report()), (500, "down")]
    answer, _ = looked_up({("GET", REPORT): failing}, since=since)
    assert isinstance(answer, Unknown)


def test_too_large_a_report_is_read_in_halves() -> None:
    """PayPal shows no more than 10,000 transactions to one search."""
    too_large: Answer = (400, refused("RESULTSET_TOO_LARGE"))
    answer, canned = looked_up(
        {("GET", REPORT): [too_large, too_large, (200, report()), (200, report(row()))]}
    )
    assert answer == CAPTURED
    ends = [
        (query["start_date"][0], query["end_date"][0])
        for query in (parse_qs(r.url.query.decode()) for r in canned.requests[:5])
        if "start_date" in query
    ]
    whole, half, quarter, second_quarter, second_half = ends
    assert whole[0] == half[0] == quarter[0]
    assert quarter[1] == second_quarter[0]
    assert second_quarter[1] == half[1] == second_half[0]
    assert second_half[1] == whole[1]


@pytest.mark.parametrize(
    ("answer", "answer_class"),
    [
        ((500, {}), Unknown),
        ((200, "<html>"), Unknown),
        ((200, {}), Unknown),
        ((400, refused("INVALID_REQUEST")), Unknown),
        ((403, refused("NOT_AUTHORIZED", "PERMISSION_DENIED")), NotDone),
        ((429, {}), NotDone),
    ],
)
def test_F08_report_that_cannot_be_read_is_not_an_empty_one(
    answer: Answer, answer_class: type
) -> None:
    """Failing to look is never "not found"."""
    found, _ = looked_up({("GET", REPORT): answer})
    assert type(found) is answer_class


def test_many_look_ups_read_the_report_once() -> None:
    """A hundred charges of one due run share one reading, also when they ask at the same time."""
    rows = [row(invoice_id=f"sub-{number}", transaction_id=f"CAP{number}") for number in range(100)]
    canned = Canned({("GET", REPORT): (200, report(*rows))})

    async def main() -> list[LookUpAnswer]:
        gateway = PayPalGateway(ACCOUNT, now=lambda: START, transport=httpx.MockTransport(canned))
        queries = [
            attrs.evolve(
                QUERY,
                reference=f"sub-{number}",
                now=QUERY.now + timedelta(milliseconds=number),
                attempted_at=START + timedelta(seconds=number),
            )
            for number in range(100)
        ]
        answers = await asyncio.gather(*(gateway.look_up(query) for query in queries))
        await gateway.close()
        return answers

    answers = asyncio.run(main())
    assert [answer.provider_ref for answer in answers if isinstance(answer, Captured)] == [
        f"CAP{number}" for number in range(100)
    ]
    assert canned.paths.count(REPORT) == 1


def test_authorisation_of_the_report_is_read_as_one() -> None:
    """A T13 row moves no money, whatever its status."""
    found = row(transaction_id="0AW2184448108334S", transaction_event_code="T1300")
    answer, _ = looked_up(
        {
            ("GET", REPORT): (200, report(found)),
            ("GET", AUTHORIZATIONS + "0AW2184448108334S"): (200, authorization()),
        }
    )
    assert isinstance(answer, Authorized)
    answer, _ = looked_up({("GET", REPORT): (200, report(found))})
    assert isinstance(answer, Unknown)


def test_wrong_amount_in_the_report_is_reported_as_received() -> None:
    """F09: the search does not filter by amount, so a wrong one is found as well."""
    amount = {"currency_code": "USD", "value": "1.00"}
    answer, _ = looked_up({("GET", REPORT): (200, report(row(transaction_amount=amount)))})
    assert isinstance(answer, Captured)
    assert answer.amount == Money(100, "USD")
