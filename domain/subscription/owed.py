"""What a customer owes, and how far it is collected.

Parts of the state; see state.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import attrs

from domain.money import Money
from domain.plan import CaptureMode
from domain.providers import Provider
from domain.subscription.events import Discrepancy, Resolution

# Why an invoice is not collected by itself, beside the codes of declines.
DISCREPANCY = "discrepancy"
RETRIES_USED_UP = "retries-used-up"
REVERSED = "reversed"
# Those of which a person has to decide first, whatever else happens.
FOR_A_PERSON = (DISCREPANCY, REVERSED)


@attrs.frozen(kw_only=True)
class TaxedPart:
    """What of an invoice is taxed at one rate.

    ppm: parts per million of the net; 0 of what bears no tax. amount: with the tax.
    """

    ppm: int
    amount: Money
    tax: Money


@attrs.frozen(kw_only=True)
class OpenInvoice:
    """An invoice with something left to pay.

    parts: its total by rate of tax; none where no line has any.
    credited: what credits paid of it. paid: what charges paid. written_off: what was given up.
    reversed: what a provider took back of charges for it since.
    retry_at: UTC instant of the planned retry; None: collected as soon as it is due.
    postponed: the instrument's budget for which `retry_at` is awaited, or "".
    ended: why it is no longer collected by itself, or "".
    first_failed: the first method was declined for it, and no retry on it is planned.
    backup_tried: it was tried on the backup method. Both, like `retries`, begin anew with a new
        token, when a person has it collected again, and when a discrepancy is resolved.
    used_up_at: when its retries were used up last; None where they never were, or where a person
        has reinstated the subscription since. Kept when it is collected again.
    despite_dispute: whether a person has it collected although a charge is disputed.
    """

    number: int
    due_at: datetime
    total: Money
    paid: Money
    credited: Money
    written_off: Money
    reversed: Money
    attempts: int = 0
    retries: int = 0
    retry_at: datetime | None = None
    ended: str = ""
    postponed: str = ""
    first_failed: bool = False
    backup_tried: bool = False
    used_up_at: datetime | None = None
    parts: tuple[TaxedPart, ...] = ()
    despite_dispute: bool = False

    @property
    def open(self) -> Money:
        """What is left to pay."""
        return self.total - self.credited - self.paid - self.written_off + self.reversed

    @property
    def collect_at(self) -> datetime:
        """Not collected before this UTC instant: its due instant, or the planned retry."""
        return self.due_at if self.retry_at is None else max(self.due_at, self.retry_at)


@attrs.frozen(kw_only=True)
class Attempt:
    """One try to collect an invoice: the open one, or one that was settled without money.

    unknown: its outcome was recorded as unknown; then it is only looked up.
    next_look_up_at: None with `unknown` means that a person has to decide.
    captures: how many captures of its authorisation were attempted.
    capture_id: key of the latest of these, or None.
    amount: what is asked for; of a capture in part, that part. ordered: what was asked for at
        first, once a capture was begun, else None.
    authorized_at: UTC instant of the reservation. expires_at: when it ends, or None.
    renewed: whether it was renewed since.
    voids: how many voids of it were begun. void_id: key of the latest of these, or None; then
        nothing of it is captured any more. voided_at: UTC instant of that intention.
    provider, account: where it was attempted, and is looked up.
    token_ref: "" where the payer pays on the page that makes the token. page_until: UTC instant
        until which the payer may begin to, once the page was offered, else None.
    """

    provider: Provider
    account: str
    attempt_id: UUID
    invoice_number: int
    attempt_number: int
    amount: Money
    reference: str
    token_ref: str
    capture: CaptureMode
    attempted_at: datetime
    key_expires_at: datetime
    unknown: bool = False
    looks: int = 0
    next_look_up_at: datetime | None = None
    provider_ref: str = ""
    authorization_ref: str = ""
    order_ref: str = ""
    captures: int = 0
    capture_id: UUID | None = None
    ordered: Money | None = None
    authorized_at: datetime | None = None
    expires_at: datetime | None = None
    renewed: bool = False
    voids: int = 0
    void_id: UUID | None = None
    voided_at: datetime | None = None
    page_until: datetime | None = None

    @property
    def waits_for_payer(self) -> bool:
        """Whether the payer may yet pay it on a page; nobody charges a token for it."""
        return not self.token_ref and self.capture_id is None and self.void_id is None


@attrs.frozen(kw_only=True)
class Difference:
    """A charge that was not the one asked for; see ChargeDiscrepancyFound for the fields.

    surplus: what of `received` no invoice needed, in the currency received.
    resolution: what a person made of it; None: nobody has looked.
    """

    attempt_id: UUID
    invoice_number: int
    discrepancy: Discrepancy
    expected: Money
    received: Money
    surplus: Money
    resolution: Resolution | None = None


@attrs.frozen(kw_only=True)
class Credit:
    """What is left of a credit; more than zero."""

    credit_number: int
    left: Money


def oldest_first(credits: Iterable[Credit], minor: int) -> Iterator[tuple[int, int]]:
    """By which credits so many minor units are met, as far as they go: number, and how many."""
    for credit in credits:
        taken = min(credit.left.minor, minor)
        if taken <= 0:
            return
        minor -= taken
        yield credit.credit_number, taken
