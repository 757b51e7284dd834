"""What PayPal's answers to charges and captures mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    Captured,
    CaptureOrder,
    ChargeAnswer,
    ChargeOrder,
    Declined,
    NotDone,
    Secret,
    Unknown,
)
from domain.subscription.events import DeclineClass, Instrument
from tests.gateways.bench import NAMESPACE, PRICE, START, terms
from tests.gateways.paypal_canned import Canned, asked, authorization, capture, order, refused

ORDERS = "/v2/checkout/orders"
AT = datetime(2026, 3, 1, 10, 0, 5, tzinfo=UTC)


def charge_order(amount: Money = PRICE) -> ChargeOrder:
    return ChargeOrder(
        attempt_id=uuid5(NAMESPACE, "attempt"),
        reference="sub-1-1-1-aa",
        amount=amount,
        token=Secret("8kk8451t"),
        instrument=Instrument(kind="wallet", brand="paypal"),
        terms=terms(price=amount),
        subscription_id="sub-1",
        customer_id="customer-1",
        capture=CaptureMode.AT_ONCE,
    )


def charged(body: Any, status: int = 201) -> ChargeAnswer:
    canned = Canned({("POST", ORDERS): (status, body)})
    return asked(canned, lambda gateway: gateway.charge(charge_order()))


def test_completed_capture_is_captured() -> None:
    """Amount, id and time are PayPal's own; the time is given in UTC."""
    assert charged(order(captures=[capture()])) == Captured(
        amount=PRICE, provider_ref="3C679366HH908993F", at=AT
    )


@pytest.mark.parametrize(
    ("stated", "amount"),
    [
        ({"currency_code": "USD", "value": "10"}, Money(1000, "USD")),
        ({"currency_code": "USD", "value": "10.0"}, Money(1000, "USD")),
        ({"currency_code": "HUF", "value": "300"}, Money(30000, "HUF")),
        ({"currency_code": "JPY", "value": "300"}, Money(300, "JPY")),
        ({"currency_code": "EUR", "value": "29.84"}, Money(2984, "EUR")),
    ],
)
def test_F09_amount_is_what_paypal_states(stated: dict[str, str], amount: Money) -> None:
    """Another amount or currency than asked for is reported as received."""
    answer = charged(order(captures=[capture(amount=stated)]))
    assert isinstance(answer, Captured)
    assert answer.amount == amount


@pytest.mark.parametrize(
    "stated", [None, {}, {"value": "1"}, {"value": "NaN", "currency_code": "USD"}, {"value": 1}]
)
def test_F09_unreadable_amount_is_a_doubt(stated: Any) -> None:
    """Money moved, but not how much: a person has to see."""
    answer = charged(order(captures=[capture(amount=stated)]))
    assert answer == Unknown(
        reason="capture COMPLETED without amount or id", provider_ref="3C679366HH908993F"
    )


@pytest.mark.parametrize("status", ["PARTIALLY_REFUNDED", "REFUNDED"])
def test_refunded_capture_was_captured(status: str) -> None:
    """A refund that came before we looked does not undo that the money was taken."""
    assert isinstance(charged(order(captures=[capture(status=status)])), Captured)


@pytest.mark.parametrize("status", ["DECLINED", "FAILED"])
def test_completed_order_with_declined_capture_is_a_decline(status: str) -> None:
    """An order's COMPLETED is no proof of payment."""
    details = {"reason": "DECLINED_BY_RISK_FRAUD_FILTERS"}
    answer = charged(order(captures=[capture(status=status, status_details=details)]))
    assert isinstance(answer, Declined)
    assert (answer.decline, answer.code) == (DeclineClass.SOFT, f"CAPTURE_{status}")
    assert (answer.message, answer.at) == ("DECLINED_BY_RISK_FRAUD_FILTERS", AT)


@pytest.mark.parametrize(
    ("advice", "decline", "wait"),
    [
        ("01", DeclineClass.HARD, None),
        ("02", DeclineClass.HARD, None),
        ("03", DeclineClass.HARD, None),
        ("21", DeclineClass.HARD, None),
        ("24", DeclineClass.SOFT, timedelta(hours=1)),
        ("30", DeclineClass.SOFT, timedelta(days=10)),
        ("99", DeclineClass.SOFT, None),
    ],
)
def test_networks_advice_is_followed(
    advice: str, decline: DeclineClass, wait: timedelta | None
) -> None:
    """payment_advice_code says whether and when to try again."""
    processor = {"response_code": "5120", "payment_advice_code": advice}
    answer = charged(order(captures=[capture(status="DECLINED", processor_response=processor)]))
    assert isinstance(answer, Declined)
    assert answer.decline is decline
    assert answer.retry_not_before == (None if wait is None else AT + wait)


@pytest.mark.parametrize(
    ("brand", "advice", "decline", "wait"),
    [
        ("MASTERCARD", "02", DeclineClass.SOFT, timedelta(hours=72)),
        ("VISA", "02", DeclineClass.HARD, None),
        ("AMEX", "02", DeclineClass.HARD, None),
        ("MASTERCARD", "03", DeclineClass.HARD, None),
        ("MASTERCARD", "25", DeclineClass.SOFT, timedelta(hours=24)),
        ("VISA", "25", DeclineClass.SOFT, None),
    ],
)
def test_advice_is_read_by_the_network_that_gave_it(
    brand: str, advice: str, decline: DeclineClass, wait: timedelta | None
) -> None:
    """02 is "again after 72 hours" to Mastercard and "never again" to Visa."""
    processor = {"payment_advice_code": advice}
    paid = order(captures=[capture(status="DECLINED", processor_response=processor)])
    answer = charged({**paid, "payment_source": {"card": {"brand": brand}}})
    assert isinstance(answer, Declined)
    assert answer.decline is decline
    assert answer.retry_not_before == (None if wait is None else AT + wait)


@pytest.mark.parametrize("status", ["PENDING", "KYC_HOLD", ""])
def test_capture_in_another_state_is_a_doubt_with_an_id(status: str) -> None:
    """Pending, and any status we do not know, is unknown; the id lets us look it up."""
    answer = charged(order(captures=[capture(status=status)]))
    assert isinstance(answer, Unknown)
    assert answer.provider_ref == "3C679366HH908993F"


def test_authorisation_is_authorised() -> None:
    """The order's id goes with it: it leads to the capture later."""
    assert charged(order(authorizations=[authorization()])) == Authorized(
        amount=PRICE,
        authorization_ref="0AW2184448108334S",
        order_ref="5O190127TN364715T",
        expires_at=datetime(2026, 3, 30, 10, 0, 5, tzinfo=UTC),
        at=AT,
    )


def test_capture_counts_before_its_authorisation() -> None:
    """An order that shows both was captured."""
    body = order(authorizations=[authorization(status="CAPTURED")], captures=[capture()])
    assert isinstance(charged(body), Captured)


@pytest.mark.parametrize(
    ("status", "answer_class"),
    [("DENIED", Declined), ("VOIDED", Declined), ("PENDING", Unknown), ("NEW_STATUS", Unknown)],
)
def test_authorisation_in_another_state(status: str, answer_class: type) -> None:
    """Denied and voided are a no; pending and unknown are doubts."""
    answer = charged(order(authorizations=[authorization(status=status)]))
    assert type(answer) is answer_class
    assert isinstance(answer, Unknown | Declined)
    assert answer.provider_ref == "0AW2184448108334S"


@pytest.mark.parametrize(
    ("status", "answer_class"),
    [
        ("PAYER_ACTION_REQUIRED", Declined),
        ("VOIDED", Declined),
        ("CREATED", Unknown),
        ("APPROVED", Unknown),
        ("COMPLETED", Unknown),
        ("", Unknown),
    ],
)
def test_order_without_payments(status: str, answer_class: type) -> None:
    """An order that names no payment is a no only where its state says so."""
    assert type(charged(order(status))) is answer_class


@pytest.mark.parametrize("body", [{}, [], {"id": 1, "purchase_units": "x"}, "null"])
def test_F08_body_of_another_shape_is_a_doubt(body: Any) -> None:
    """A 201 that is no order is no answer, and does not fail."""
    assert isinstance(charged(body), Unknown)


def test_F08_refused_access_is_not_done() -> None:
    """403 names what is missing; nothing was carried out."""
    answer = charged(refused("NOT_AUTHORIZED", "PERMISSION_DENIED"), 403)
    assert answer == NotDone(reason="HTTP 403: PERMISSION_DENIED")


@pytest.mark.parametrize("amount", [Money(1001, "HUF"), Money(1005, "KWD"), Money(150, "TWD")])
def test_amount_that_paypal_cannot_take_is_never_sent(amount: Money) -> None:
    """Forint and Taiwan dollars have no decimals there; nothing is rounded, nothing is sent."""
    canned = Canned({})
    answer = asked(canned, lambda gateway: gateway.charge(charge_order(amount)))
    assert isinstance(answer, Declined)
    assert (answer.decline, canned.requests) == (DeclineClass.MERCHANT, [])


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(2985, "USD"), "29.85"),
        (Money(3000, "USD"), "30.00"),
        (Money(30000, "HUF"), "300"),
        (Money(300, "JPY"), "300"),
        (Money(1500, "KWD"), "1.50"),
    ],
)
def test_amount_has_paypals_decimals(amount: Money, text: str) -> None:
    """None for HUF, JPY, TWD; at most two for the others."""
    canned = Canned({("POST", ORDERS): (201, {})})
    asked(canned, lambda gateway: gateway.charge(charge_order(amount)))
    sent = canned.requests[0].read().decode()
    assert f'"value":"{text}"' in sent


def test_capture_asks_for_all_of_it_under_its_own_key() -> None:
    """The capture's key is the capture id; it is final."""
    path = "/v2/payments/authorizations/0AW2184448108334S/capture"
    canned = Canned({("POST", path): (201, capture())})
    request = CaptureOrder(
        attempt_id=uuid5(NAMESPACE, "attempt"),
        capture_id=uuid5(NAMESPACE, "capture"),
        reference="sub-1-1-1-aa",
        amount=PRICE,
        authorization_ref="0AW2184448108334S",
    )
    answer = asked(canned, lambda gateway: gateway.capture(request))
    assert isinstance(answer, Captured)
    (sent,) = canned.requests
    assert sent.headers["PayPal-Request-Id"] == str(request.capture_id)
    assert b'"final_capture":true' in sent.read()


def test_id_never_becomes_another_path() -> None:
    """An authorisation id with a slash in it is not sent anywhere."""
    canned = Canned({})
    request = CaptureOrder(
        attempt_id=uuid5(NAMESPACE, "attempt"),
        capture_id=uuid5(NAMESPACE, "capture"),
        reference="sub-1-1-1-aa",
        amount=PRICE,
        authorization_ref="../../v1/elsewhere",
    )
    assert isinstance(asked(canned, lambda gateway: gateway.capture(request)), Unknown)
    assert canned.requests == []


def test_missing_time_is_ours() -> None:
    """Where PayPal states no time, the moment of its answer stands in."""
    answer = charged(order(captures=[capture(create_time=None)]))
    assert isinstance(answer, Captured)
    assert answer.at == START
