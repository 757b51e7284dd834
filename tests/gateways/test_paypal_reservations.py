"""Voids, renewals, captures in parts and deleted tokens: what PayPal's answers mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest

from domain.money import Money
from domain.ports import (
    Authorized,
    Captured,
    CaptureOrder,
    Declined,
    NotDone,
    Secret,
    TokenGone,
    Unknown,
)
from domain.refund_ports import VoidAnswer, VoidDenied, Voided, VoidOrder
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.gateways.paypal.orders import charge_of_part, part_reference
from infrastructure.gateways.paypal.reservations import renewal_key
from tests.gateways.bench import NAMESPACE, PRICE, START
from tests.gateways.paypal_canned import (
    Answer,
    Canned,
    asked,
    authorization,
    capture,
    order,
    refused,
)
from tests.gateways.test_paypal_look_up import looked_up

AUTHORIZATION = "/v2/payments/authorizations/0AW2184448108334S"
VOID, REAUTHORIZE, TAKE = (f"{AUTHORIZATION}/{verb}" for verb in ("void", "reauthorize", "capture"))
RENEWED = "8AA831015G517922L"
ORDERS = "/v2/checkout/orders/5O190127TN364715T"
WALLET = Instrument(kind="wallet", brand="paypal")
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
VOID_ORDER = VoidOrder(
    void_id=uuid5(NAMESPACE, "void"),
    reference="sub-1-1-1-aa",
    authorization_ref="0AW2184448108334S",
)
CAPTURE_ORDER = CaptureOrder(
    attempt_id=uuid5(NAMESPACE, "attempt"),
    capture_id=uuid5(NAMESPACE, "capture"),
    reference="sub-1-1-1-aa",
    amount=PRICE,
    authorization_ref="0AW2184448108334S",
)
Answers = dict[tuple[str, str], Answer | list[Answer]]


def voided(answers: Answers, authorization_ref: str = "0AW2184448108334S") -> Any:
    canned = Canned(answers)
    request = VoidOrder(
        void_id=VOID_ORDER.void_id,
        reference=VOID_ORDER.reference,
        authorization_ref=authorization_ref,
    )
    return asked(canned, lambda gateway: gateway.void(request)), canned


def said(issue: str, status: int = 422) -> Answer:
    return status, refused("UNPROCESSABLE_ENTITY", issue)


# --- voids ------------------------------------------------------------------------------------


def test_voided_authorisation_is_voided() -> None:
    """The time is PayPal's; the key is the void's; there is no body."""
    shown = authorization(status="VOIDED", update_time="2026-03-02T03:00:00-07:00")
    answer, canned = voided({("POST", VOID): (200, shown)})
    assert answer == Voided(at=AT)
    (sent,) = canned.requests
    assert sent.headers["PayPal-Request-Id"] == str(VOID_ORDER.void_id)
    assert sent.read() == b""


@pytest.mark.parametrize("body", ["", {"status": "ANYTHING"}])
def test_204_is_voided(body: Any) -> None:
    """PayPal's short answer; without a time, ours stands in."""
    assert voided({("POST", VOID): (204, body)})[0] == Voided(at=START)


@pytest.mark.parametrize("status", ["CREATED", "PENDING", "CAPTURED", "PARTIALLY_CAPTURED", "", 1])
def test_200_that_shows_no_void_is_a_doubt(status: Any) -> None:
    """Only VOIDED and DENIED reserve nothing."""
    assert isinstance(voided({("POST", VOID): (200, authorization(status=status))})[0], Unknown)


@pytest.mark.parametrize("body", [{}, [], "", "null", {"status": ["VOIDED"]}])
def test_F08_200_of_another_shape_is_a_doubt(body: Any) -> None:
    """A 200 is to show the authorisation."""
    assert isinstance(voided({("POST", VOID): (200, body)})[0], Unknown)


@pytest.mark.parametrize(
    "issue",
    ["PREVIOUSLY_VOIDED", "AUTHORIZATION_VOIDED", "AUTHORIZATION_EXPIRED", "AUTHORIZATION_DENIED"],
)
@pytest.mark.parametrize(
    ("status", "kind"), [("VOIDED", Voided), ("DENIED", Voided), ("CREATED", Unknown)]
)
def test_what_was_let_go_before_is_voided(issue: str, status: str, kind: type) -> None:
    """By an earlier request or by its age; seen with the time of it, not believed."""
    shown = authorization(status=status, update_time="2026-03-02T10:00:00Z")
    answer, _ = voided({("POST", VOID): said(issue), ("GET", AUTHORIZATION): (200, shown)})
    assert type(answer) is kind
    assert not isinstance(answer, Voided) or answer.at == AT
    unread, _ = voided({("POST", VOID): said(issue), ("GET", AUTHORIZATION): (500, {})})
    assert isinstance(unread, Unknown)


@pytest.mark.parametrize(
    ("issue", "status"),
    [
        ("PREVIOUSLY_CAPTURED", 422),
        ("AUTHORIZATION_ALREADY_CAPTURED", 422),
        ("INVALID_RESOURCE_ID", 404),
    ],
)
def test_what_cannot_be_let_go_is_denied(issue: str, status: int) -> None:
    """Captured, or no such authorisation."""
    answer: VoidAnswer = voided({("POST", VOID): said(issue, status)})[0]
    assert isinstance(answer, VoidDenied)
    assert answer.code == issue
    assert answer.message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said("PREVIOUS_REQUEST_IN_PROGRESS", 409), Unknown),
        (said("AN_ISSUE_OF_NEXT_YEAR"), Unknown),
        ((500, {}), Unknown),
        ((403, refused("NOT_AUTHORIZED")), NotDone),
        ((429, refused("RATE_LIMIT_REACHED")), NotDone),
    ],
)
def test_void_in_doubt_is_no_denial(answer: Answer, kind: type) -> None:
    """It is repeated: that is safe."""
    assert type(voided({("POST", VOID): answer})[0]) is kind


def test_renewed_reservation_is_let_go_by_its_parent() -> None:
    """PayPal voids no reauthorisation; their order names the one that it renews."""
    path = f"/v2/payments/authorizations/{RENEWED}"
    parent, renewed = authorization(), authorization(id=RENEWED)
    answers: Answers = {
        ("POST", f"{path}/void"): said("CANNOT_BE_VOIDED"),
        ("GET", path): (200, renewed),
        ("GET", ORDERS): (200, order(authorizations=[parent, renewed])),
        ("POST", VOID): (200, authorization(status="VOIDED", update_time="2026-03-02T10:00:00Z")),
    }
    answer, canned = voided(answers, RENEWED)
    assert answer == Voided(at=AT)
    first, last = (one for one in canned.requests if one.method == "POST")
    assert first.headers["PayPal-Request-Id"] != last.headers["PayPal-Request-Id"]
    for missing in (("GET", path), ("GET", ORDERS)):
        left = {key: value for key, value in answers.items() if key != missing}
        assert isinstance(voided(left, RENEWED)[0], Unknown)


def test_id_never_becomes_another_path() -> None:
    """What is no id of PayPal's is sent nowhere."""
    for ref in ("", "../x", "A/void"):
        answer, canned = voided({}, ref)
        assert (type(answer), canned.requests) == (VoidDenied, [])


# --- renewals ---------------------------------------------------------------------------------


def renewed(answers: Answers, **changes: Any) -> Any:
    canned = Canned(answers)
    return asked(canned, lambda gateway: gateway.reauthorize(capture_order(**changes))), canned


def capture_order(**changes: Any) -> CaptureOrder:
    names = ("attempt_id", "capture_id", "reference", "amount", "authorization_ref", "final")
    return CaptureOrder(**{**{name: getattr(CAPTURE_ORDER, name) for name in names}, **changes})


def test_renewal_is_a_new_authorisation() -> None:
    """Under a key that is not the capture's, for the amount that is to be captured."""
    answer, canned = renewed({("POST", REAUTHORIZE): (201, authorization(id=RENEWED))})
    assert isinstance(answer, Authorized)
    assert (answer.authorization_ref, answer.order_ref) == (RENEWED, "5O190127TN364715T")
    (sent,) = canned.requests
    assert json.loads(sent.read()) == {"amount": {"currency_code": "USD", "value": "29.85"}}
    key = sent.headers["PayPal-Request-Id"]
    assert key == renewal_key(CAPTURE_ORDER.capture_id) != str(CAPTURE_ORDER.capture_id)


def test_renewal_without_a_new_id_is_a_doubt() -> None:
    """An answer that shows the old authorisation renews nothing."""
    answer, _ = renewed({("POST", REAUTHORIZE): (201, authorization())})
    assert isinstance(answer, Unknown)


STATES = ("REAUTHORIZATION_TOO_SOON", "REAUTHORIZATION_NOT_SUPPORTED", "AUTHORIZATION_VOIDED")


@pytest.mark.parametrize("issue", STATES)
def test_refused_renewal_is_a_decline_once_none_of_ours_shows(issue: str) -> None:
    """The order shows the old authorisation alone; what was reserved still is."""
    answers: Answers = {
        ("POST", REAUTHORIZE): said(issue),
        ("GET", AUTHORIZATION): (200, authorization()),
        ("GET", ORDERS): (200, order(authorizations=[authorization()])),
    }
    answer, _ = renewed(answers)
    assert isinstance(answer, Declined)
    assert (answer.code, answer.decline) == (issue, DeclineClass.SOFT)
    answers["GET", ORDERS] = (503, {})
    assert isinstance(renewed(answers)[0], Unknown)


@pytest.mark.parametrize("issue", STATES)
def test_refused_renewal_may_be_the_second_of_ours(issue: str) -> None:
    """An earlier sending, whose key PayPal forgot, renewed it: its id is found."""
    shown = order(authorizations=[authorization(), authorization(id=RENEWED)])
    answer, _ = renewed(
        {
            ("POST", REAUTHORIZE): said(issue),
            ("GET", AUTHORIZATION): (200, authorization()),
            ("GET", ORDERS): (200, shown),
        }
    )
    assert isinstance(answer, Authorized)
    assert answer.authorization_ref == RENEWED


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said("REAUTHORIZATION_DECLINED_BY_PROCESSOR"), Declined),
        (said("PAYER_CANNOT_PAY"), Declined),
        (said("AN_ISSUE_OF_NEXT_YEAR"), Unknown),
        ((500, {}), Unknown),
        ((201, {}), Unknown),
        ((201, authorization(id=RENEWED, status="PENDING")), Unknown),
        ((201, authorization(id=RENEWED, status="DENIED")), Declined),
        ((429, {}), NotDone),
    ],
)
def test_other_answers_to_a_renewal(answer: Answer, kind: type) -> None:
    """As to any authorisation."""
    assert type(renewed({("POST", REAUTHORIZE): answer})[0]) is kind


# --- captures in parts ------------------------------------------------------------------------


def test_part_bears_an_invoice_id_of_its_own() -> None:
    """Not final, and named so that the next capture is no duplicate invoice; the last bears the
    charge's reference."""
    canned = Canned({("POST", TAKE): (201, capture())})
    for final in (False, True):
        request = capture_order(final=final, amount=Money(1000, "USD"))
        asked(canned, lambda gateway, of=request: gateway.capture(of))  # type: ignore[misc]
    part, last = (json.loads(sent.read()) for sent in canned.requests)
    name = part_reference("sub-1-1-1-aa", CAPTURE_ORDER.capture_id)
    assert (part["final_capture"], part["invoice_id"]) == (False, name)
    assert (last["final_capture"], last["invoice_id"]) == (True, "sub-1-1-1-aa")
    assert part["amount"] == {"currency_code": "USD", "value": "10.00"}


@pytest.mark.parametrize("reference", ["sub-1-1-1-aa", "s" * 64 + "-999-12-0123456789", "a-c1-2-3"])
def test_part_leads_to_its_charge(reference: str) -> None:
    """There and back; a charge's own reference, and a refund's, are themselves."""
    name = part_reference(reference, UUID(int=12345678901234567890))
    assert len(name) <= 127
    assert charge_of_part(name) == reference
    assert charge_of_part(reference) == reference
    assert charge_of_part(f"{reference}-r1") == f"{reference}-r1"


PART_ID = uuid5(NAMESPACE, "part")
PART = capture(
    id="PART",
    amount={"currency_code": "USD", "value": "10.00"},
    invoice_id=part_reference("sub-1-1-1-aa", PART_ID),
)
LAST = capture(id="LAST", amount={"currency_code": "USD", "value": "19.85"})


@pytest.mark.parametrize("status", ["PARTIALLY_CAPTURED", "CAPTURED", "VOIDED"])
def test_look_up_tells_the_capture_that_was_asked_about(status: str) -> None:
    """Whatever the order of the list; also where the rest was let go since."""
    for captures in ([PART, LAST], [LAST, PART]):
        shown = authorization(status=status)
        for capture_id, ref in ((PART_ID, "PART"), (uuid5(NAMESPACE, "last"), "LAST")):
            answer, _ = looked_up(
                {
                    ("GET", AUTHORIZATION): (200, shown),
                    ("GET", ORDERS): (200, order(authorizations=[shown], captures=captures)),
                },
                authorization_ref="0AW2184448108334S",
                capture_id=capture_id,
            )
            assert isinstance(answer, Captured), answer
            assert answer.provider_ref == ref


@pytest.mark.parametrize(
    ("status", "kind"),
    [("PARTIALLY_CAPTURED", Authorized), ("CAPTURED", Unknown), ("VOIDED", Declined)],
)
def test_capture_that_was_not_made_is_not_anothers(status: str, kind: type) -> None:
    """The other part is there, ours is not: still reserved, or in doubt, or let go."""
    shown = authorization(status=status)
    answer, _ = looked_up(
        {
            ("GET", AUTHORIZATION): (200, shown),
            ("GET", ORDERS): (200, order(authorizations=[shown], captures=[PART])),
        },
        authorization_ref="0AW2184448108334S",
        capture_id=uuid5(NAMESPACE, "last"),
    )
    assert type(answer) is kind, answer


@pytest.mark.parametrize("status", [429, 500])
def test_voided_and_its_order_not_to_be_had_is_no_decline(status: int) -> None:
    """Something may have been captured before it was let go."""
    answer, _ = looked_up(
        {
            ("GET", AUTHORIZATION): (200, authorization(status="VOIDED")),
            ("GET", ORDERS): (status, {}),
        },
        authorization_ref="0AW2184448108334S",
        capture_id=PART_ID,
    )
    assert isinstance(answer, NotDone if status == 429 else Unknown)


# --- tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((204, ""), TokenGone),
        ((404, refused("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")), TokenGone),
        ((200, {}), Unknown),
        ((202, {}), Unknown),
        ((400, refused("INVALID_REQUEST")), Unknown),
        ((409, refused("RESOURCE_CONFLICT")), Unknown),
        ((500, {}), Unknown),
        ((404, "<html>"), Unknown),
        ((403, refused("NOT_AUTHORIZED")), NotDone),
        ((429, refused("RATE_LIMIT_REACHED")), NotDone),
    ],
)
def test_deleted_token(answer: Answer, kind: type) -> None:
    """204, or 404 in PayPal's words: gone. A proxy's 404 proves nothing."""
    path = "/v3/vault/payment-tokens/8kk_84-51t"
    canned = Canned({("DELETE", path): answer})
    gone = asked(canned, lambda gateway: gateway.delete_token(Secret("8kk_84-51t"), WALLET))
    assert type(gone) is kind
    assert canned.paths == [path]


@pytest.mark.parametrize("token", ["", "../setup-tokens/X", "a/b", "a?b", "payex/payment_token/x"])
def test_token_never_becomes_another_path(token: str) -> None:
    """What is no token of PayPal's is sent nowhere."""
    canned = Canned({})
    gone = asked(canned, lambda gateway: gateway.delete_token(Secret(token), WALLET))
    assert (type(gone), canned.requests) == (NotDone, [])
