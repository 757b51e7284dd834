"""The facts of refunds: credit paid out through a charge that brought money in.

A refund re-opens no invoice. What goes back is owed as credit before it is asked for; it is taken
of that credit with the request, and is credit again where the refund fails. See events.py for what
holds of every fact.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.money import Money
from domain.providers import Provider
from domain.recorded import stored_as


@attrs.frozen(kw_only=True)
class CreditPart:
    """What a refund takes of a credit. amount: more than zero."""

    credit_number: int
    amount: Money


@stored_as("refund-requested.v1")
@attrs.frozen(kw_only=True)
class RefundRequested:
    """Somebody wants money to go back; nothing is sent yet, and the credit is taken already.

    refund_id: the key; derives from attempt_id and refund_number.
    refund_number: counts the refunds of this charge, from 1.
    attempt_id: the charge whose money goes back. invoice_number: what that charge collected.
    amount: more than zero; with the charge's other refunds at most what it brought in.
    credits: what it takes of which credit, oldest first; they make the amount.
    reference: what both books call it (PayPal invoice_id, Dintero refund_reference).
    reason: the caller's words; the payer may see them.
    """

    refund_id: UUID
    refund_number: int
    attempt_id: UUID
    customer_id: str
    invoice_number: int
    amount: Money
    credits: tuple[CreditPart, ...]
    reference: str
    reason: str
    effective_at: datetime


@stored_as("refund-attempted.v1")
@attrs.frozen(kw_only=True)
class RefundAttempted:
    """We are about to send a refund, under this key; from now on it may have been sent.

    refund_id: sent as PayPal-Request-Id.
    charge_reference: ChargeAttempted.reference. charge_ref: the provider's id of what was
        captured. account: as in ChargeAttempted.
    key_expires_at: from this instant on it is looked up, never sent.
    """

    refund_id: UUID
    attempt_id: UUID
    amount: Money
    provider: Provider
    account: str
    charge_reference: str
    charge_ref: str
    key_expires_at: datetime
    effective_at: datetime


@stored_as("refund-succeeded.v1")
@attrs.frozen(kw_only=True)
class RefundSucceeded:
    """Money went back to the payer.

    amount: as the provider states it: what was asked for. Where a person decided, what really
        went back, at most that; the rest is credit again, of the newest parts.
    provider_ref: the provider's id of the refund.
    evidence: how we know: "answer", "look-up", "callback", or a person's reason.
    effective_at: the provider's own time of the refund.
    """

    refund_id: UUID
    customer_id: str
    attempt_id: UUID
    invoice_number: int
    amount: Money
    provider_ref: str
    evidence: str
    effective_at: datetime


@stored_as("refund-failed.v1")
@attrs.frozen(kw_only=True)
class RefundFailed:
    """No money went back by this refund, and it is not sent again.

    amount: all that was asked for; it is credit again, under the same numbers.
    code: the provider's own, upper case; "NOT-MADE" where it is established that it never was;
        "CHARGE-REVERSED" where it was never sent, because the provider took the money back.
    message: the provider's words, cut at 200 characters.
    provider_ref: the provider's id of what failed, or "".
    evidence: as in RefundSucceeded; of NOT-MADE "look-up: ..." after the provider's own longest
        delay, or a person's reason; of CHARGE-REVERSED "reversal".
    """

    refund_id: UUID
    customer_id: str
    attempt_id: UUID
    invoice_number: int
    amount: Money
    code: str
    message: str
    provider_ref: str
    evidence: str
    effective_at: datetime


@stored_as("refund-found-late.v1")
@attrs.frozen(kw_only=True)
class RefundFoundLate:
    """The provider made a refund that we had recorded as failed or not made.

    The money has gone, so it is booked: it takes credit, the oldest first. Where less is left, the
    rest is what the customer owes us, and credit that comes covers it first. A person is shown the
    contradiction either way; from then on what is missing stays as it is.
    amount: what the provider gave back, as it states it; it may be other than was asked for.
    provider_ref, evidence, effective_at: as in RefundSucceeded.
    """

    refund_id: UUID
    attempt_id: UUID
    customer_id: str
    invoice_number: int
    amount: Money
    provider_ref: str
    evidence: str
    effective_at: datetime


@stored_as("refund-outcome-unknown.v1")
@attrs.frozen(kw_only=True)
class RefundOutcomeUnknown:
    """We do not know whether money went back; from now on it is only looked up.

    reason: what happened to the answer (time-out, pending at the provider, another amount).
    provider_ref: the provider's id of the refund if we got one, or "".
    next_look_up_at: when the provider is asked; None: a person has to decide.
    """

    refund_id: UUID
    reason: str
    provider_ref: str
    next_look_up_at: datetime | None
    effective_at: datetime


@stored_as("refund-looked-up.v1")
@attrs.frozen(kw_only=True)
class RefundLookedUp:
    """We asked the provider and still do not know.

    look_number: counts the looks at this refund, from 1.
    finding: what the provider showed, in words.
    provider_ref: the provider's id of what it showed, or ""; the next look goes by it.
    next_look_up_at: when it is asked again; None: a person has to decide.
    """

    refund_id: UUID
    look_number: int
    finding: str
    provider_ref: str
    next_look_up_at: datetime | None
    effective_at: datetime


RefundEvent = (
    RefundRequested
    | RefundAttempted
    | RefundSucceeded
    | RefundFailed
    | RefundFoundLate
    | RefundOutcomeUnknown
    | RefundLookedUp
)
