"""Refusals by Dintero: both forms of `type`, the issuer's policy first, then the table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.ports import Declined, Unknown
from domain.subscription.events import DeclineClass
from infrastructure.gateways.dintero.codes import CLASS_OF_TYPE, WORDS
from infrastructure.gateways.dintero.declines import (
    UNKNOWN_TYPE,
    classify,
    declined,
    instant,
    read_error,
)
from tests.gateways.dintero_bench import REFERENCE
from tests.gateways.dintero_canned import charged, event, transaction

AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
HARD, SOFT = DeclineClass.HARD, DeclineClass.SOFT
PAYER, MERCHANT = DeclineClass.PAYER_ACTION, DeclineClass.MERCHANT


def refusal(error: dict[str, Any]) -> Any:
    """The decline that an event's error makes."""
    return declined(read_error(error), status="FAILED", at=AT, provider_ref="T1.t1")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("CLOSED_ACCOUNT", HARD),
        ("EXPIRED_CARD", HARD),
        ("PICK_UP_CARD", HARD),
        ("INSUFFICIENT_FUNDS", SOFT),
        ("ISSUER_ERROR", SOFT),
        ("ADDITIONAL_VERIFICATION_REQUIRED", PAYER),
        ("PIN_REQUIRED", PAYER),
        ("INVALID_MERCHANT", MERCHANT),
        ("REJECTED_BY_ACQUIRER_CARD_STOLEN", HARD),
        ("REJECTED_BY_ACQUIRER_POSSIBLE_FRAUD", HARD),
        ("DO_NOT_RETRY", HARD),
        ("MODIFICATIONS_REQUIRED", PAYER),
        ("REJECTED_BY_ACQUIRER_FORMAT_ERROR", MERCHANT),
        ("ACQUIRER_HOST_OFFLINE", SOFT),
        ("INVENTED_YESTERDAY", SOFT),
    ],
)
def test_type_is_read_as_a_string_and_as_an_array(kind: str, expected: DeclineClass) -> None:
    """Both forms of `type` mean the same."""
    as_string = refusal({"message": "no", "type": kind})
    as_array = refusal({"message": "no", "type": [kind]})
    assert as_string == as_array
    assert (as_string.decline, as_string.code) == (expected, kind)


def test_every_published_type_has_a_class() -> None:
    """No word of either list falls through to the default."""
    enums = REFERENCE / "enums.2026-04-19.json"
    if not enums.exists():
        pytest.skip("Dintero's enumerations are not beside this checkout")
    lists = json.loads(enums.read_text())
    published = {
        *lists["event_error_type"],
        *lists["event_error_type_legacy_single_string_until_2025_09"],
    }
    assert published - set(CLASS_OF_TYPE) == {UNKNOWN_TYPE}
    assert set(CLASS_OF_TYPE) <= published


def _types() -> list[Any]:
    """Every type of both lists, as the reference material has them."""
    enums = REFERENCE / "enums.2026-04-19.json"
    if not enums.exists():
        missing = pytest.mark.skip(reason="Dintero's enumerations are not beside this checkout")
        return [pytest.param("", marks=missing, id="no-reference")]
    lists = json.loads(enums.read_text())
    return sorted(
        {
            *lists["event_error_type"],
            *lists["event_error_type_legacy_single_string_until_2025_09"],
        }
    )


@pytest.mark.parametrize("kind", _types())
@pytest.mark.parametrize("as_array", [False, True])
def test_a_charge_is_answered_as_the_row_of_its_type_says(kind: str, as_array: bool) -> None:
    """By the gateway, for a transaction that failed; and an operator is told what it means."""
    error = {"message": "no", "type": [kind] if as_array else kind}
    answer = charged(transaction("FAILED", event("AUTHORIZE", success=False, error=error)))
    if kind == UNKNOWN_TYPE:
        assert isinstance(answer, Unknown | Declined)
    else:
        assert isinstance(answer, Declined)
        assert (answer.decline, answer.code) == (CLASS_OF_TYPE[kind], kind)
    assert WORDS[kind].endswith(".")


def test_every_policy_and_error_of_a_callback_has_words() -> None:
    """What else the reference material lists for things that went wrong."""
    enums = REFERENCE / "enums.2026-04-19.json"
    if not enums.exists():
        pytest.skip("Dintero's enumerations are not beside this checkout")
    lists = json.loads(enums.read_text())
    named = {*lists["event_error_retry_codes"], *(each.upper() for each in lists["callback_error"])}
    assert named <= set(WORDS)
    assert {"DECLINED", "FAILED", "AUTHORIZATION_VOIDED", "UNKNOWN"} <= set(WORDS)


def test_worst_of_several_types_counts() -> None:
    """Several reasons at once: the one that forbids most decides, and is the code."""
    answer = refusal({"message": "no", "type": ["DECLINED", "INVALID_AMOUNT", "CLOSED_ACCOUNT"]})
    assert (answer.decline, answer.code) == (HARD, "CLOSED_ACCOUNT")


def test_do_not_retry_beats_a_soft_type() -> None:
    """The issuer's policy is heard before the table."""
    policy = {"retry_codes": ["DO_NOT_RETRY"]}
    answer = refusal({"message": "no", "type": ["INSUFFICIENT_FUNDS"], "retry_policy": policy})
    assert (answer.decline, answer.code) == (HARD, "INSUFFICIENT_FUNDS")


def test_retry_after_delay_is_soft_and_not_before() -> None:
    """RETRY_AFTER_DELAY makes even an expired card soft, not before the instant it names."""
    policy = {"retry_codes": ["RETRY_AFTER_DELAY"], "retry_after": "2026-03-02T12:00:00+02:00"}
    answer = refusal({"message": "no", "type": ["EXPIRED_CARD"], "retry_policy": policy})
    assert answer.decline is SOFT
    assert answer.retry_not_before == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "wait"),
    [
        ("DAILY_LIMIT_EXCEEDED", timedelta(hours=24)),
        ("MONTHLY_LIMIT_EXCEEDED", timedelta(days=30)),
    ],
)
def test_used_up_quota_waits(kind: str, wait: timedelta) -> None:
    """The schemes' quotas of attempts say until when another try is harmful."""
    answer = refusal({"message": "no", "type": kind})
    assert (answer.decline, answer.retry_not_before) == (SOFT, AT + wait)


@pytest.mark.parametrize("error", [None, {}, [], "no", {"type": 7, "retry_policy": []}])
def test_refusal_without_a_readable_reason_is_soft(error: Any) -> None:
    """A definite status without a reason carries the status as its code."""
    answer = refusal(error)
    assert (answer.decline, answer.code, answer.at) == (SOFT, "FAILED", AT)


def test_message_is_cut_and_holds_the_result_code() -> None:
    """The provider's words stay within 200 characters."""
    answer = refusal({"message": "Insufficient funds", "type": "DECLINED", "result_code": "51"})
    assert answer.message == "Insufficient funds (result code 51)"
    assert len(refusal({"message": "x" * 900}).message) == 200


def test_code_is_upper_case() -> None:
    """Codes are compared by case; Dintero's own `code` need not be upper case."""
    assert classify(read_error({"code": "auth_failed", "message": "no"})) == (SOFT, "AUTH_FAILED")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-01T10:00:00Z", AT),
        ("2026-03-01T10:00:00", AT),
        ("2026-03-01T12:00:00.000+02:00", AT),
        ("yesterday", None),
        (17, None),
    ],
)
def test_times_without_a_zone_are_utc(written: Any, meant: datetime | None) -> None:
    """Dintero's times are UTC unless they say otherwise."""
    assert instant(written) == meant
