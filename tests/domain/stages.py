"""Stages of one charge, each reached by the decisions themselves."""

from __future__ import annotations

from domain.plan import CaptureMode, Terms
from domain.ports import ChargeAnswer
from domain.subscription.charging import ANSWER, CALLBACK, attempt_charge, settle
from domain.subscription.ending import cancel
from domain.subscription.invoicing import issue_invoice
from domain.subscription.looking_up import looked_up
from tests.specimens import (
    DUE,
    MINUTE,
    NOT_FOUND,
    REPORT_DELAY,
    TIME_OUT,
    ZONE_VERSION,
    captured,
    key,
    signed_up,
    terms,
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


def cancelled(start: Given) -> Given:
    """The subscription was cancelled."""
    return start.and_(*cancel(start.state, reason="moved", now=LATER))


def second_attempt_after_not_made(agreed: Terms | None = None) -> Given:
    """The first attempt was found not to have been made, and the second is on the ledger."""
    first = answered(attempted(agreed), TIME_OUT)
    closed = first.and_(*looked_up(first.state, key(), NOT_FOUND, now=DUE + REPORT_DELAY))
    return closed.and_(*attempt_charge(closed.state, now=DUE + REPORT_DELAY))


def late_money(start: Given) -> Given:
    """The first attempt turns out to have been made after all."""
    return start.and_(*settle(start.state, key(), captured(), evidence=CALLBACK, now=LATER))
