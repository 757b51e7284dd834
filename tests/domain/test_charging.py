"""Attempt, authorise and capture, settle: once each."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import ChargeAnswer
from domain.processes.answers import follow
from domain.processes.steps import LookUp
from domain.providers import RULES, Provider
from domain.subscription.charging import ANSWER, CALLBACK, LOOK_UP, attempt_charge, settle
from domain.subscription.ending import cancel
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeAuthorized,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    CollectionEnded,
    DeclineClass,
    Discrepancy,
    RetryScheduled,
    SubscriptionCancelled,
    SubscriptionCompleted,
    TokenRequested,
)
from domain.subscription.invoicing import issue_invoice
from domain.subscription.looking_up import decide_by_person, looked_up
from domain.subscription.state import Status
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    HOUR,
    KEY_WINDOW,
    MERCHANT,
    MINUTE,
    NEXT_DUE,
    NOT_DONE,
    NOT_FOUND,
    PAYER_ACTION,
    PRICE,
    REPORT_DELAY,
    TIME_OUT,
    ZONE_VERSION,
    capture_key,
    captured,
    declined,
    instalments,
    key,
    reserved,
    signed_up,
    terms,
    token_ref,
    vaulted,
)
from tests.vocabulary import Given, given

LATER = DUE + MINUTE
TWO_STEPS = terms(capture=CaptureMode.AFTER_AUTHORIZATION)


def invoiced(agreed: object = None, **changes: object) -> Given:
    """The first invoice is open and nothing was attempted."""
    start = given(*signed_up(agreed, **changes))  # type: ignore[arg-type]
    return start.and_(*issue_invoice(start.state, now=DUE, zone_version=ZONE_VERSION))


def attempted(agreed: object = None, **changes: object) -> Given:
    """The first charge is on the ledger and may have been sent."""
    start = invoiced(agreed, **changes)
    return start.and_(*attempt_charge(start.state, now=DUE))


def answered(start: Given, answer: ChargeAnswer, invoice: int = 1, attempt: int = 1) -> Given:
    """An answer to an attempt was recorded."""
    return start.and_(
        *settle(start.state, key(invoice, attempt), answer, evidence=ANSWER, now=LATER)
    )


# --- authorise, then capture ------------------------------------------------------------------


def test_a_reservation_is_followed_by_the_intention_to_capture() -> None:
    """Both facts in one append: the reservation, and the capture under a key of its own."""
    attempted(TWO_STEPS).when(settle, key(), reserved(), evidence=ANSWER, now=LATER).then(
        ChargeAuthorized(
            attempt_id=key(),
            amount=PRICE,
            authorization_ref="auth-1",
            order_ref="order-1",
            expires_at=None,
            effective_at=LATER,
        ),
        CaptureAttempted(
            attempt_id=key(),
            capture_id=capture_key(),
            amount=PRICE,
            key_expires_at=LATER + RULES[Provider.PAYPAL].capture_key_window,
            effective_at=LATER,
        ),
    )


@pytest.mark.parametrize("evidence", [ANSWER, CALLBACK, LOOK_UP])
def test_F11_a_reservation_told_twice_is_captured_once(evidence: str) -> None:
    """A second word of the same reservation starts no second capture."""
    reserved_once = answered(attempted(TWO_STEPS), reserved())
    reserved_once.when(settle, key(), reserved(), evidence=evidence, now=LATER).then_nothing()


def test_F11_a_callback_does_not_disturb_a_capture_under_way() -> None:
    """A callback of the reservation that overtakes the capture's answer leaves no trace."""
    reserved_once = answered(attempted(TWO_STEPS), reserved())
    look = LookUp(reserved_once.attempt, CALLBACK)
    reserved_once.when(follow, look, reserved(), now=LATER).then_nothing()


def test_F11_a_callback_does_not_disturb_a_charge_under_way() -> None:
    """Where one call takes the money, a callback that shows it reserved settles nothing."""
    under_way = attempted()
    look = LookUp(under_way.attempt, CALLBACK)
    under_way.when(follow, look, reserved(), now=LATER).then_nothing()
    doubtful = answered(under_way, TIME_OUT)
    doubtful.when(follow, look, reserved(), now=LATER).then_nothing()
