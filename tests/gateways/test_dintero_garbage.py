"""Whatever Dintero sends, the gateway answers; it never raises, and never invents money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

from hypothesis import event as reached
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.plan import CaptureMode
from domain.ports import (
    Captured,
    ChargeAnswer,
    Granted,
    NotFound,
    StillOpen,
    TokenDenied,
    Unknown,
)
from domain.refund_ports import RefundDenied, Refunded, VoidDenied, Voided
from infrastructure.gateways.dintero.declines import read_error
from infrastructure.gateways.dintero.tokens import token_of, without_transaction
from infrastructure.gateways.dintero.traces import (
    GIVEN_BACK,
    capture_standing,
    refund_standing,
    void_standing,
)
from infrastructure.gateways.dintero.transactions import (
    MONEY_MOVED,
    REFUSED,
    Unreadable,
    answer_to_charge,
    read_transaction,
    standing,
    whole,
)
from tests.gateways.dintero_bench import ACCOUNT
from tests.gateways.dintero_canned import CAPTURE, NOW

JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, 0, -1, 10**30, "", "x", "\ud800", [], {}, [None], [[]], {"a": 1}),
        *(Decimal("0.5"), Decimal("1E+999999999"), Decimal("NaN"), Decimal("sNaN")),
        *({"type": {}}, {"type": [1, "DECLINED"], "retry_policy": {"retry_codes": "x"}}),
    ]
)
STATUSES = st.sampled_from([*MONEY_MOVED, *REFUSED, "AUTHORIZED", "AUTHORIZED", "ON_HOLD", "NEW"])
TIMES = st.sampled_from(
    ["2026-03-01T09:00:00Z", "2026-03-01", "0001-01-01T00:00:00+14:00", "never", ""]
)


@st.composite
def spoilt(draw: st.DrawFn, good: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """A good object, of which in one case out of three one field is junk."""
    value = draw(good)
    if value and draw(st.integers(0, 2)) == 0:
        return value | {draw(st.sampled_from(sorted(value))): draw(JUNK)}
    return value


def events(*names: str, **always: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Events of these names, some of them spoilt. always: fields that each of them has."""
    return spoilt(
        st.fixed_dictionaries(
            {
                "event": st.sampled_from(names),
                "success": st.booleans(),
                "amount": st.integers(1, 10**6),
                "created_at": TIMES,
                **always,
            },
            optional={
                **({} if always else {"event_reference": st.sampled_from([str(CAPTURE), "other"])}),
                "request_id": st.sampled_from(["r-1", "r-2"]),
                "correlation_request_id": st.sampled_from(["r-1", "r-2"]),
                "error": JUNK,
            },
        )
    )


EVENTS = events("AUTHORIZE", "CAPTURE", "CAPTURE", "INITIATE_CAPTURE")
LATER = events(
    *("REFUND", "REFUND", "CAPTURE", "INITIATE_REFUND", "VOID", "INITIATE_VOID"),
    event_reference=st.sampled_from(["r-1-r1", "r-1-r1", "other", ""]),
)
CARDS = st.dictionaries(
    st.sampled_from(["payment_token", "recurrence_token", "payment_token_id", "masked_pan"]),
    st.text(max_size=8),
)
TRANSACTIONS = spoilt(
    st.fixed_dictionaries(
        {
            "id": st.just("T12345678.abc"),
            "status": STATUSES,
            "amount": st.integers(0, 2**31),
            "currency": st.sampled_from(["NOK", "USD"]),
            "events": st.lists(EVENTS, max_size=3),
            "card": CARDS,
        },
        optional={"session": JUNK, "session_id": JUNK, "updated_at": TIMES},
    )
)


@given(TRANSACTIONS | JUNK)
def test_F08_any_transaction_gets_an_answer(data: Any) -> None:
    """Readable or not, it is judged or refused as unreadable; money needs a status and events."""
    try:
        found = read_transaction(data)
        answers: list[ChargeAnswer] = [
            answer_to_charge(found, CaptureMode.AT_ONCE, NOW),
            answer_to_charge(found, CaptureMode.AFTER_AUTHORIZATION, NOW),
            capture_standing(found, CAPTURE, NOW),
            standing(found, NOW),
        ]
    except Unreadable:
        reached("unreadable")
        return
    for answer in answers:
        reached(type(answer).__name__)
        assert isinstance(answer, get_args(ChargeAnswer))
        if isinstance(answer, Captured):
            assert found.status in MONEY_MOVED
            assert 0 < answer.amount.minor <= found.moved().minor
            assert answer.amount == found.moved() or answer == answers[2]


GIVING_BACK = spoilt(
    st.fixed_dictionaries(
        {
            "id": st.just("T12345678.abc"),
            "status": st.sampled_from([*GIVEN_BACK, "CAPTURED", "AUTHORIZATION_VOIDED", "NEW"]),
            "amount": st.integers(0, 2**31),
            "currency": st.sampled_from(["NOK", "USD"]),
            "events": st.lists(LATER, min_size=1, max_size=3),
        }
    )
)


@given(GIVING_BACK | GIVING_BACK | TRANSACTIONS, st.sampled_from(["", "r-1"]), st.booleans())
@settings(max_examples=400)
def test_F08_any_transaction_answers_for_refunds_and_voids(
    data: Any, request_id: str, confirmed: bool
) -> None:
    """Readable or not; money is only back, and only let go, where status and events say so."""
    try:
        found = read_transaction(data)
        refund = refund_standing(
            found,
            "r-1-r1",
            request_id=request_id,
            asked_at=NOW,
            seen_at=NOW,
            confirmed=confirmed,
        )
        void = void_standing(found, NOW)
    except Unreadable:
        reached("unreadable")
        return
    reached(f"refund {type(refund).__name__}, void {type(void).__name__}")
    assert isinstance(refund, Refunded | RefundDenied | Unknown | NotFound)
    if isinstance(refund, Refunded):
        given_back = sum(each.amount or 0 for each in found.done("REFUND"))
        assert found.status in GIVEN_BACK
        assert 0 < refund.amount.minor <= given_back
        assert refund.provider_ref
    if isinstance(refund, RefundDenied):
        assert not [each for each in found.done("REFUND") if each.reference == "r-1-r1"]
    assert void is None or isinstance(void, Voided | VoidDenied | Unknown)
    if isinstance(void, Voided):
        assert (found.status, found.moved().minor) == ("AUTHORIZATION_VOIDED", 0)
        assert not any(each.amount for each in found.done("CAPTURE"))


@given(TRANSACTIONS | JUNK)
def test_F08_any_token_transaction_gets_an_answer(data: Any) -> None:
    """A token is only granted where one is shown."""
    answer = token_of(ACCOUNT, data)
    reached(type(answer).__name__)
    assert isinstance(answer, Granted | TokenDenied | StillOpen | Unknown)
    if isinstance(answer, Granted):
        assert {"payment_token", "recurrence_token"} & set(data["card"])


@given(JUNK)
def test_F08_any_session_and_any_error_can_be_read(data: Any) -> None:
    """Sessions and errors of any form are read without raising."""
    assert isinstance(without_transaction(data, NOW), StillOpen | TokenDenied)
    assert read_error(data) is not None


def test_short_text_of_a_huge_number_is_refused_at_once() -> None:
    """1E+999999999 is not converted, whole or not."""
    for text in ("1E+999999999", "NaN", "Infinity", "0.5"):
        try:
            whole(Decimal(text))
        except Unreadable:
            continue
        raise AssertionError(f"{text} was read as an amount")
    assert whole(Decimal("29990.00")) == 29990
