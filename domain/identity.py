"""Names and keys, derived from what they belong to, never drawn at random.

The same charge has the same key whoever computes it, so a second worker, a repeat after a crash
and a restored backup all ask the provider about one thing.
"""

from __future__ import annotations

import re
from uuid import UUID, uuid5

import attrs

from domain.refusals import Refused

SUBSCRIPTION_STREAMS = "subscription-"
# Invoices of the schedule count 1, 2, 3, ...; those asked for in between, from this plus 1 on. The
# two series never meet: the first would need 2,700 years of daily periods.
ON_DEMAND = 1_000_000
PLAN_STREAMS = "plan-"
PERIOD_STREAMS = "period-"
SETTLEMENT_STREAMS = "settlement-"
RECONCILIATION_STREAMS = "reconciliation-"
DUE_RUN_STREAMS = "due-run-"
# One stream for all restorations of these books.
RESTORED_STREAM = "books-restored"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_id(what: str, value: str) -> str:
    """An id of the merchant's own: 1 to 64 letters, digits, dots, dashes, underscores.

    Raises: Refused("id-malformed").
    """
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Refused("id-malformed", f"{what} {str(value)[:70]!r} is not 1-64 of A-Za-z0-9._-")
    return value


def on_demand(invoice_number: int) -> bool:
    """Whether an invoice was asked for in between, and belongs to no period of the schedule."""
    return invoice_number > ON_DEMAND


def stream_of(subscription_id: str) -> str:
    """The stream of a subscription."""
    return SUBSCRIPTION_STREAMS + subscription_id


def subscription_of(stream: str) -> str:
    """The subscription that a stream belongs to."""
    return stream.removeprefix(SUBSCRIPTION_STREAMS)


def plan_stream(code: str) -> str:
    """The stream of a plan."""
    return PLAN_STREAMS + code


def plan_of(stream: str) -> str:
    """The plan that a stream belongs to."""
    return stream.removeprefix(PLAN_STREAMS)


def period_stream(period: str) -> str:
    """The stream of an accounting period."""
    return PERIOD_STREAMS + period


def period_named(stream: str) -> str:
    """The accounting period that a stream belongs to."""
    return stream.removeprefix(PERIOD_STREAMS)


def settlement_stream(provider: str, account: str, settlement_id: str) -> str:
    """The stream of one settlement of a merchant account. provider: e.g. "paypal"."""
    return f"{SETTLEMENT_STREAMS}{provider}-{account}-{settlement_id}"


def reconciliation_stream(provider: str, account: str) -> str:
    """The stream of what people said about a merchant account's settlements."""
    return f"{RECONCILIATION_STREAMS}{provider}-{account}"


def due_run_stream(run_id: UUID) -> str:
    """The stream of a due run."""
    return f"{DUE_RUN_STREAMS}{run_id}"


def event_id(command_id: UUID, stream: str, version: int) -> UUID:
    """The id of the event that a command wrote at this place."""
    return uuid5(command_id, f"{stream}@{version}")


def token_request_id(namespace: UUID, number: int) -> UUID:
    """The key of a subscription's nth token request (from 1)."""
    return uuid5(namespace, f"token/{number}")


def attempt_id(namespace: UUID, invoice_number: int, attempt_number: int) -> UUID:
    """The key of the nth attempt (from 1) to collect an invoice."""
    return uuid5(namespace, f"charge/{invoice_number}/{attempt_number}")


def capture_id(attempt: UUID, number: int) -> UUID:
    """The key of the nth capture (from 1) tried on an attempt's authorisation."""
    return uuid5(attempt, f"capture/{number}")


def refund_id(attempt: UUID, number: int) -> UUID:
    """The key of the nth refund (from 1) of what an attempt collected."""
    return uuid5(attempt, f"refund/{number}")


def void_id(attempt: UUID, number: int) -> UUID:
    """The key of the nth request (from 1) to void an attempt's authorisation."""
    return uuid5(attempt, f"void/{number}")


@attrs.frozen
class ReferenceParts:
    """Where a charge's reference comes from."""

    subscription_id: str
    invoice_number: int
    attempt_number: int


def charge_reference(subscription_id: str, invoice_number: int, attempt: int, key: UUID) -> str:
    """What both sides' books call one attempt; unique per merchant account, at most 100 chars.

    It goes out as PayPal's invoice_id and Dintero's merchant_reference. The key's first digits
    keep two sets of books on one merchant account apart.
    """
    return f"{subscription_id}-{invoice_number}-{attempt}-{key.hex[:10]}"


_REFERENCE = re.compile(r"(.{1,64})-([1-9][0-9]{0,8})-([1-9][0-9]{0,5})-[0-9a-f]{10}")


def reference_parts(reference: str) -> ReferenceParts | None:
    """The parts of a charge's reference, or None when it is not one of ours."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    return ReferenceParts(match[1], int(match[2]), int(match[3]))


_REFUND_REFERENCE = re.compile(r"(.+)-r([1-9][0-9]{0,3})")


def refund_reference(of_charge: str, number: int) -> str:
    """What both sides' books call the nth refund (from 1) of a charge; at most 106 characters.

    It goes out as PayPal's invoice_id of the refund and as Dintero's refund_reference.
    """
    return f"{of_charge}-r{number}"


def refunded_charge(reference: str) -> str | None:
    """The reference of the charge that a refund's reference names, or None."""
    match = _REFUND_REFERENCE.fullmatch(reference)
    return None if match is None else match[1]


def reference_of_charge(reference: str) -> ReferenceParts | None:
    """The charge that a reference names, or that the refund which it names goes back through."""
    return reference_parts(refunded_charge(reference) or reference)
