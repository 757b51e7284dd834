"""Start, and the terms that can be billed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.calendar import Interval, Unit
from domain.money import LARGEST_MINOR, Money
from domain.plan import Kind, RetryPolicy, Terms, Timing
from domain.plan_rules import check_terms
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.events import Instrument, TokenVaulted
from domain.subscription.starting import start
from domain.subscription.state import Status
from domain.subscription.vaulting import Elsewhere, ask_payer
from tests.specimens import (
    DUE,
    PRICE,
    SIGNED_UP,
    ZONE_VERSION,
    instalments,
    signed_up,
    started,
    terms,
    wish,
)
from tests.vocabulary import given

MONTH = Interval(Unit.MONTH)


def begin(state: Any, wanted: Any) -> Any:
    """Start at the usual time."""
    return start(state, wanted, now=SIGNED_UP, zone_version=ZONE_VERSION)


def test_it_starts() -> None:
    """The terms and the announced due instant are in the fact; nothing is billed yet."""
    begun = given().when(begin, wish()).then(started())
    assert begun.state.status is Status.PENDING
    assert begun.state.next_due_at == datetime(2024, 1, 30, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("agreed", "zone", "due"),
    [
        (terms(), "UTC", "2024-01-31T00:00"),
        (terms(timing=Timing.POSTPAID), "UTC", "2024-02-29T00:00"),
        (terms(trial=Interval(Unit.DAY, 14)), "UTC", "2024-01-31T00:00"),
        (terms(trial=Interval(Unit.DAY, 14), timing=Timing.POSTPAID), "UTC", "2024-02-14T00:00"),
        (terms(), "America/New_York", "2024-01-31T05:00"),
    ],
)
def test_the_first_due_instant(agreed: Terms, zone: str, due: str) -> None:
    """Prepaid at the start, postpaid at the end, in the subscription's own zone."""
    begun = given().when(begin, wish(terms=agreed, zone=zone)).then(started(agreed, zone=zone))
    assert begun.state.next_due_at == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_starting_twice_is_quiet() -> None:
    """The same wish again changes nothing, even later, under another namespace, in mid-life."""
    given(started()).when(begin, wish()).then_nothing()
    given(*signed_up()).when(begin, wish(namespace=UUID(int=7))).then_nothing()


@pytest.mark.parametrize(
    ("provider", "account"), [(Provider.DINTERO, "main"), (Provider.PAYPAL, "second")]
)
def test_starting_twice_is_quiet_after_a_move(provider: Provider, account: str) -> None:
    """It is charged elsewhere by now; the start is the one that was. A start there is another."""
    moved = given(*signed_up())
    elsewhere = Elsewhere(provider, account)
    asked = ask_payer(moved.state, backup=False, reason="cheaper", now=DUE, where=elsewhere)
    moved = moved.and_(*asked)
    request = moved.state.token_request
    assert request is not None
    moved = moved.and_(
        TokenVaulted(
            request_id=request.request_id,
            token_ref="t-2",
            instrument=Instrument(kind="card"),
            replaces="t-1",
            effective_at=DUE,
        )
    )
    assert (moved.state.provider, moved.state.account) == (provider, account)
    moved.when(begin, wish()).then_nothing()
    there = wish(provider=provider, account=account)
    moved.when(begin, there).then_refused("subscription-exists")


@pytest.mark.parametrize(
    "other",
    [
        {"customer_id": "c-2"},
        {"provider": Provider.DINTERO},
        {"account": "other"},
        {"zone": "UTC"},
        {"start": date(2024, 2, 1)},
        {"terms": terms(price=Money(1, "NOK"))},
    ],
)
def test_another_agreement_under_the_same_id_is_refused(other: dict[str, Any]) -> None:
    """An id names one agreement."""
    given(started()).when(begin, wish(**other)).then_refused("subscription-exists")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"subscription_id": "a b"}, "id-malformed"),
        ({"customer_id": ""}, "id-malformed"),
        ({"account": "../secrets"}, "id-malformed"),
        ({"zone": "Mars/Olympus"}, "zone-unknown"),
        ({"start": date.min}, "date-out-of-range"),
        ({"start": date.max}, "date-out-of-range"),
        ({"terms": terms(price=Money(0, "NOK"))}, "price-not-positive"),
    ],
)
def test_F36_a_malformed_wish_is_refused(bad: dict[str, Any], code: str) -> None:
    """Nothing starts that could not be billed or named."""
    given().when(begin, wish(**bad)).then_refused(code)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"plan": ""}, "plan-malformed"),
        ({"plan": "x" * 65}, "plan-malformed"),
        ({"plan": "a\nb"}, "plan-malformed"),
        ({"description": ""}, "description-malformed"),
        ({"description": "x" * 128}, "description-malformed"),
        ({"description": "gold\u202eevil"}, "description-malformed"),
        ({"description": "a\x00"}, "description-malformed"),
        ({"price": Money(0, "NOK")}, "price-not-positive"),
        ({"price": Money(-1, "NOK")}, "price-not-positive"),
        ({"setup_fee": Money(0, "NOK")}, "setup-fee-not-positive"),
        ({"setup_fee": Money(1, "USD")}, "currency-mixed"),
        ({"price": Money(LARGEST_MINOR, "NOK"), "setup_fee": Money(1, "NOK")}, "money-too-large"),
        ({"plan_version": 0}, "plan-version-malformed"),
        ({"kind": Kind.INSTALLMENT}, "cycles-missing"),
        ({"kind": Kind.INSTALLMENT, "cycles": 0}, "cycles-missing"),
        ({"kind": Kind.INSTALLMENT, "cycles": 1000}, "cycles-missing"),
        ({"cycles": 3}, "cycles-not-allowed"),
        ({"interval": Interval(Unit.MONTH, 13)}, "interval-out-of-range"),
        ({"interval": Interval(Unit.DAY, 0)}, "interval-out-of-range"),
        ({"trial": Interval(Unit.YEAR, 2)}, "interval-out-of-range"),
    ],
)
def test_terms_that_cannot_be_billed_are_refused(bad: dict[str, Any], code: str) -> None:
    """Every rule of the terms has its code, and is kept when a subscription is started."""
    with pytest.raises(Refused) as refusal:
        check_terms(terms(**bad))
    assert refusal.value.code == code
    given().when(begin, wish(terms=terms(**bad))).then_refused(code)


@pytest.mark.parametrize(
    "good",
    [
        {"plan": "Month-to-month, æøå"},
        {"description": "x" * 127},
        {"price": Money(LARGEST_MINOR, "NOK")},
        {"setup_fee": Money(1, "NOK"), "trial": MONTH},
        {"kind": Kind.INSTALLMENT, "cycles": 999},
        {"interval": Interval(Unit.MONTH, 12), "trial": Interval(Unit.DAY, 365)},
        {"retry": RetryPolicy((1, 60) * 6)},
    ],
)
def test_terms_at_their_bounds_are_accepted(good: dict[str, Any]) -> None:
    """The last value inside each rule."""
    check_terms(terms(**good))


@pytest.mark.parametrize("waits", [(0,), (61,), (-1,), (1,) * 13, (True,), (1.0,), ("3",)])
def test_a_retry_schedule_has_bounds(waits: tuple[int, ...]) -> None:
    """Up to 12 waits of 1 to 60 days."""
    bad = wish(terms=terms(retry=RetryPolicy(waits)))
    given().when(begin, bad).then_refused("retry-policy-malformed")


def test_paypals_name_for_the_pattern() -> None:
    """Kind and timing make PayPal's usage_pattern."""
    assert terms().usage_pattern == "SUBSCRIPTION_PREPAID"
    assert instalments(2, timing=Timing.POSTPAID).usage_pattern == "INSTALLMENT_POSTPAID"
    assert terms().price == PRICE
