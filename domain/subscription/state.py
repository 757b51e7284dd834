"""What a subscription is at one moment. How facts make it: folding.py."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from uuid import UUID

import attrs

from domain.calendar import Period
from domain.money import Money
from domain.plan import CaptureMode, Meter, Terms
from domain.prices import Part
from domain.providers import Provider
from domain.schedule import Schedule, last_invoice
from domain.subscription.demanded import Demanded, Reloaded, Reloading
from domain.subscription.events import (
    Discrepancy,
    Instrument,
    InvoiceLine,
    Resolution,
    TokenPurpose,
)
from domain.subscription.refunds import Collected, OpenRefund
from domain.taxes import TaxRate

# The shape of Subscription. Raise it with every change of a field: older snapshots are then
# ignored and made anew from the facts.
STATE_VERSION = 5

# Why an invoice is not collected by itself, beside the codes of declines.
DISCREPANCY = "discrepancy"
RETRIES_USED_UP = "retries-used-up"


class Status(Enum):
    """PENDING: no token yet, nothing is billed. ACTIVE: billed. PAUSED, SUSPENDED: no new period is
    billed, what is owed is collected. The others: billed no more."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"


@attrs.frozen(kw_only=True)
class Token:
    """The vaulted token. usable: False after a decline that asks for a new one.

    provider, account: who made it, and can charge it.
    """

    provider: Provider
    account: str
    token_ref: str
    instrument: Instrument
    usable: bool


@attrs.frozen(kw_only=True)
class OpenTokenRequest:
    """A token request nobody has answered. provider_ref, approve_url: "" until it is offered.

    provider, account: who is asked.
    """

    provider: Provider
    account: str
    request_id: UUID
    number: int
    purpose: TokenPurpose
    requested_at: datetime
    key_expires_at: datetime
    expires_at: datetime
    provider_ref: str = ""
    approve_url: str = ""


@attrs.frozen(kw_only=True)
class OpenInvoice:
    """An invoice with something left to pay.

    credited: what credits paid of it. paid: what charges paid.
    retry_at: UTC instant of the planned retry; None: collected as soon as it is due.
    postponed: the instrument's budget for which `retry_at` is awaited, or "".
    ended: why it is no longer collected by itself, or "".
    first_failed: the first method was declined for it, and no retry on it is planned.
    backup_tried: it was tried on the backup method. Both, like `retries`, begin anew with a new
        token, when a person has it collected again, and when a discrepancy is resolved.
    used_up_at: when its retries were used up last; None where they never were, or where a person
        has reinstated the subscription since. Kept when it is collected again.
    """

    number: int
    due_at: datetime
    total: Money
    paid: Money
    credited: Money
    attempts: int = 0
    retries: int = 0
    retry_at: datetime | None = None
    ended: str = ""
    postponed: str = ""
    first_failed: bool = False
    backup_tried: bool = False
    used_up_at: datetime | None = None

    @property
    def open(self) -> Money:
        """What is left to pay."""
        return self.total - self.credited - self.paid

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
    provider, account: where it was attempted, and is looked up.
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


@attrs.frozen(kw_only=True)
class Cost:
    """What a stretch of service costs: `parts` for `whole_days` days of it, what discounts take
    off among them. No parts: a trial."""

    period: Period
    whole_days: int
    parts: tuple[Part, ...]
    tax: TaxRate | None


@attrs.frozen(kw_only=True)
class Following:
    """Terms that are agreed to and not yet billed: from invoice `from_invoice` on."""

    terms: Terms
    schedule: Schedule
    from_invoice: int


@attrs.frozen(kw_only=True)
class Pause:
    """See SubscriptionPaused for the fields."""

    until: datetime | None
    last_invoice: int
    unused_from: date | None


@attrs.frozen(kw_only=True)
class Suspension:
    """See SubscriptionSuspended for the fields. since: from when on.

    paid: the invoice whose payment brought in the last of what had led to it, or None.
    """

    invoice_number: int
    last_invoice: int
    since: datetime
    paid: int | None = None


@attrs.frozen(kw_only=True)
class Settled:
    """All instalments that were left are billed by the invoice `invoice_number`.

    last_invoice: number of the last invoice that the schedule issued before that; 0: none.
    """

    invoice_number: int
    last_invoice: int


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
class Cancellation:
    """A scheduled one; see CancellationScheduled for the fields."""

    at: datetime | None
    last_invoice: int | None
    reason: str


@attrs.frozen(kw_only=True)
class Credit:
    """What is left of a credit; more than zero."""

    credit_number: int
    left: Money


@attrs.frozen(kw_only=True)
class Discount:
    """See DiscountGranted for the fields. invoices: how many it still reduces; None: all.

    spares: how many of the lines that wait for the next invoice, from the first on, it leaves
        alone: their days had been given back, at what was to be paid for them, when it was granted.
    """

    discount_number: int
    coupon: str
    ppm: int | None
    amount: Money | None
    granted: int | None
    invoices: int | None
    spares: int = 0


@attrs.frozen(kw_only=True)
class Usage:
    """One report. reported: as it was first made; quantity: as it stands."""

    usage_id: str
    meter: str
    reported: int
    quantity: int
    at: datetime


@attrs.frozen(kw_only=True)
class Bill:
    """An invoice with usage on it, as far as the discounts that it was issued under concern it.

    before, after: its lines around those of usage, without discounts. discounts: in the order of
        their grant; those for a number of invoices where they reduced this one. All three are
        empty where there were none.
    """

    invoice_number: int
    before: tuple[InvoiceLine, ...] = ()
    after: tuple[InvoiceLine, ...] = ()
    discounts: tuple[Discount, ...] = ()


@attrs.frozen(kw_only=True)
class Counted:
    """A stretch of time whose usage is counted to its end.

    begins, ends: UTC instants; begins None: since the start. meters: by which it was counted.
    bounded: whether minimum and cap held for it. free: whether it was a trial's.
    bill: of the invoice that billed it; None: the next one is going to.
    """

    begins: datetime | None
    ends: datetime
    meters: tuple[Meter, ...]
    usage: tuple[Usage, ...]
    bounded: bool
    free: bool
    bill: Bill | None = None


@attrs.frozen(kw_only=True, slots=False)
class Subscription:
    """One subscription now. Without slots: it is copied at every fact (see copying).

    terms, schedule: of the next invoice. following: agreed to for a later one, or None.
    billed: what the latest period that was billed costs; None before the first.
    repriced: terms under which the running period is served since they were changed, or None.
    lines_to_come: put on the next invoice beside its own. given_back: how many of them, from the
        first on, stand for days that were given back since.
    credits: with something left, oldest first.
    discounts: all that were granted. amounts: set for invoices to come, by number.
    meters: by which usage is counted since `counted_from` (None: since the start).
    usage: counted now. counted: stretches before that, as long as a late report may change them,
        and until they are billed.
    lines_on: the latest local day on which invoices fell due, and how many lines they have.
    parked: whether billing waits for a person.
    provider, account: where the first method is charged; a new token may be another one's.
    asked_for: how many invoices were issued beside the schedule. demands: asked for lately.
    settled: how all instalments that were left were billed at once, or None.
    reloading: how auto-reload stands. reloads: of this calendar month and the end of the last.
    next_due_at: announced UTC instant of the next invoice, or None after the last.
    token: charged first. backup: a second method, tried where the terms say so.
    open_invoices: oldest first.
    open_attempt: the one charge that may have been sent and has no outcome.
    failed_attempts: settled without money; kept to recognise money that turns up late.
    differences: every charge that was not the one asked for. unexplained: what of the latest
        payment no invoice needed, until the next fact says that it differs from what was asked.
    shaped_at: when it was last agreed, or billed, which periods are served; UTC.
    collected: charges that brought money in, lately. refunds: those without an outcome.
    """

    subscription_id: str
    customer_id: str
    namespace: UUID
    provider: Provider
    account: str
    currency: str
    zone: str
    start: date
    terms: Terms
    status: Status
    started_at: datetime
    shaped_at: datetime
    schedule: Schedule
    invoices_issued: int = 0
    next_due_at: datetime | None = None
    token: Token | None = None
    backup: Token | None = None
    token_request: OpenTokenRequest | None = None
    token_requests: int = 0
    open_invoices: tuple[OpenInvoice, ...] = ()
    open_attempt: Attempt | None = None
    failed_attempts: tuple[Attempt, ...] = ()
    following: Following | None = None
    billed: Cost | None = None
    repriced: Terms | None = None
    lines_to_come: tuple[InvoiceLine, ...] = ()
    given_back: int = 0
    credits: tuple[Credit, ...] = ()
    credits_granted: int = 0
    pause: Pause | None = None
    suspension: Suspension | None = None
    cancellation: Cancellation | None = None
    discounts: tuple[Discount, ...] = ()
    amounts: tuple[tuple[int, Money], ...] = ()
    meters: tuple[Meter, ...] = ()
    counted_from: datetime | None = None
    usage: tuple[Usage, ...] = ()
    counted: tuple[Counted, ...] = ()
    lines_on: tuple[date, int] | None = None
    parked: bool = False
    asked_for: int = 0
    demands: tuple[Demanded, ...] = ()
    reloading: Reloading | None = None
    reloads: tuple[Reloaded, ...] = ()
    differences: tuple[Difference, ...] = ()
    unexplained: Money | None = None
    settled: Settled | None = None
    collected: tuple[Collected, ...] = ()
    refunds: tuple[OpenRefund, ...] = ()

    def on_backup(self, attempt: Attempt) -> bool:
        """Whether an attempt charges the backup method."""
        return self.backup is not None and self.backup.token_ref == attempt.token_ref

    def token_of(self, token_ref: str) -> Token | None:
        """The token of that reference, if it may be charged by this subscription."""
        tokens = (self.token, self.backup)
        return next((each for each in tokens if each and each.token_ref == token_ref), None)

    def moved_from(self, attempt: Attempt) -> bool:
        """Whether an attempt is at a provider or an account that this subscription has left: what
        was sent there is looked up there, nothing more is sent."""
        if self.token_of(attempt.token_ref) is not None:
            return False
        return (attempt.provider, attempt.account) != (self.provider, self.account)

    @property
    def agreed(self) -> Terms:
        """The latest terms that were agreed to, whether or not anything is billed by them yet."""
        return self.terms if self.following is None else self.following.terms

    @property
    def bills(self) -> bool:
        """Whether it has not ended."""
        return self.status not in (Status.CANCELLED, Status.COMPLETED)

    @property
    def collects(self) -> bool:
        """Whether what is owed is collected."""
        return self.status in (Status.ACTIVE, Status.PAUSED, Status.SUSPENDED)

    @property
    def lifted_by(self) -> int | None:
        """The invoice whose payment ends the suspension; None while there is none: something
        whose retries were used up is open, or was not paid but given up."""
        if self.suspension is None or any(each.used_up_at for each in self.open_invoices):
            return None
        return self.suspension.paid

    @property
    def unresolved(self) -> tuple[Difference, ...]:
        """The discrepancies that nobody has looked at, oldest first."""
        return tuple(each for each in self.differences if each.resolution is None)

    @property
    def ends_before_next(self) -> bool:
        """Whether it is going to be cancelled by the time the next invoice falls due."""
        planned, due = self.cancellation, self.next_due_at
        return (
            planned is not None and planned.at is not None and due is not None and planned.at <= due
        )

    @property
    def last_invoice(self) -> int | None:
        """The number of the last invoice before billing ends or stops; None: none is the last."""
        lasts = (
            last_invoice(self.terms),
            None if self.pause is None else self.pause.last_invoice,
            None if self.suspension is None else self.suspension.last_invoice,
            None if self.cancellation is None else self.cancellation.last_invoice,
            None if self.settled is None else self.settled.last_invoice,
        )
        return min((each for each in lasts if each is not None), default=None)

    def plan_of(self, invoice_number: int) -> tuple[Terms, Schedule]:
        """The terms and the schedule of an invoice to come."""
        later = self.following
        if later is not None and invoice_number >= later.from_invoice:
            return later.terms, later.schedule
        return self.terms, self.schedule

    @property
    def lacks_token(self) -> bool:
        """Whether billing goes on with a token that cannot be charged, and nobody is being asked
        for another: a payer who said no, or did not come, is not asked again by itself."""
        return (
            self.collects
            and self.token is not None
            and not self.token.usable
            and self.token_request is None
        )

    def wants(self, attempt: Attempt) -> bool:
        """Whether an attempt's money is still to be collected: billing goes on, and the invoice
        is open and not in a person's hands."""
        invoice = self.invoice(attempt.invoice_number)
        return self.collects and invoice is not None and not invoice.ended

    def lines_due_on(self, day: date) -> int:
        """How many lines of invoices fell due on a local day, if it is the latest such day."""
        return self.lines_on[1] if self.lines_on is not None and self.lines_on[0] == day else 0

    def set_amount(self, invoice_number: int) -> Money | None:
        """What was set for the period of an invoice to come, or None."""
        return dict(self.amounts).get(invoice_number)

    def invoice(self, number: int) -> OpenInvoice | None:
        """The open invoice of that number, if it is still open."""
        return next((each for each in self.open_invoices if each.number == number), None)

    def refund(self, refund_id: UUID) -> OpenRefund | None:
        """The refund of that key, if it has no outcome yet."""
        return next((each for each in self.refunds if each.refund_id == refund_id), None)
