"""What the audit remembers of one subscription: little, however long its stream.

It is kept apart from domain.subscription.state on purpose. The audit follows the same facts by
other means, so that a fault in the fold does not hide itself.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import attrs

from domain.calendar import Period
from domain.money import Money
from domain.plan import Meter, Terms, Timing
from domain.providers import Provider
from domain.schedule import Schedule
from domain.subscription.events import CreditKind, InvoiceLine, SubscriptionStarted, TokenPurpose
from domain.subscription.refund_events import RefundRequested
from domain.subscription.state import Status
from domain.taxes import TaxRate
from projections.auditing.beside import Beside
from projections.auditing.prices import Price


@attrs.define
class Owed:
    """An invoice with something left to pay. total, paid, credited, written_off, reversed: minor
    units.

    paid: by charges; credited: by credit; written_off: given up; reversed: taken back since.
    taken_back: whether a person has to decide, because of that. despite: whether a person has it
        collected although a charge is disputed.
    charged: whether a charge of it succeeded. disputed: whether a person has to look first.
    first_failed: the first method was declined and no retry planned. backup_tried: in this cycle.
    used_up_at: when its retries were used up, unless a person has reinstated it since.
    """

    total: int
    currency: str
    paid: int = 0
    credited: int = 0
    written_off: int = 0
    reversed: int = 0
    attempts: int = 0
    retries: int = 0
    retry_at: datetime | None = None
    ended: bool = False
    disputed: bool = False
    charged: bool = False
    first_failed: bool = False
    backup_tried: bool = False
    used_up_at: datetime | None = None
    taken_back: bool = False
    despite: bool = False

    @property
    def open(self) -> int:
        """What is left to pay, minor units."""
        return self.total - self.credited - self.paid - self.written_off + self.reversed

    def begin_anew(self) -> None:
        """It is collected again: retries are counted anew, and either method may be tried."""
        self.ended, self.retries, self.retry_at = False, 0, None
        self.first_failed = self.backup_tried = False


@attrs.define
class OpenAttempt:
    """The attempt that has no outcome yet. amount: asked for, or of its capture in part.

    unknown: whether its outcome is in doubt. reserved_ref, reserved_at, expires_at: of its
        reservation; renewed: whether there was one before. voids, void_id: as begun last.
    """

    attempt_id: UUID
    invoice_number: int
    amount: Money
    token_ref: str
    provider: Provider
    captures: int = 0
    looks: int = 0
    unknown: bool = False
    reserved_ref: str = ""
    reserved_at: datetime | None = None
    expires_at: datetime | None = None
    renewed: bool = False
    voids: int = 0
    void_id: UUID | None = None


@attrs.define
class Captured:
    """Money that came by one charge; minor units. refunds: how many were asked for.

    provider, account: which took it, and give it back. token_ref: what was charged.
    """

    invoice_number: int
    reference: str
    provider: Provider
    account: str
    token_ref: str
    provider_ref: str
    minor: int
    currency: str
    at: datetime
    refunds: int = 0
    refunded: int = 0
    refunding: int = 0
    reversed: int = 0

    @property
    def left(self) -> int:
        """What may still go back, minor units; below zero where more went back than came."""
        return self.minor - self.refunded - self.refunding - self.reversed


@attrs.define
class Refunding:
    """A refund that has no outcome yet. attempted: whether it was about to be sent."""

    asked: RefundRequested
    attempted: bool = False
    unknown: bool = False
    looks: int = 0


@attrs.define
class LateRefund:
    """A refund that was found late. missing: minor units of it that no credit was left for."""

    attempt_id: UUID
    invoice_number: int
    amount: Money
    missing: int
    resolved: bool = False


@attrs.define
class Contested:
    """A dispute. reason, stage, status: the provider's words. open: whether it has no outcome."""

    attempt_id: UUID
    reason: str
    stage: str
    status: str = ""
    open: bool = True


@attrs.frozen
class Returned:
    """Money that a provider took back; see ChargeReversed for the fields."""

    attempt_id: UUID
    minor: int
    provider_ref: str
    dispute_ref: str


@attrs.frozen
class Difference:
    """A discrepancy that the next fact of the stream must be."""

    attempt_id: UUID
    expected: Money
    received: Money


@attrs.frozen
class Contradiction:
    """A discrepancy on record. surplus: minor units of `received` that no invoice needed."""

    invoice_number: int
    received: Money
    surplus: int
    resolved: bool = False


@attrs.frozen
class Agreed:
    """What was agreed to for the invoices from a number on."""

    from_invoice: int
    terms: Terms
    schedule: Schedule


@attrs.frozen
class Service:
    """A period at what it costs. whole_days: length of the period that it is all or a part of.

    prices: of a whole period, with tax at one rate or none; empty for a free trial.
    """

    period: Period
    whole_days: int
    prices: tuple[Price, ...]
    tax: TaxRate | None


@attrs.define
class Coupon:
    """A discount. ppm, minor: of the price, or minor units; left: how many invoices, None: all.

    spares: how many of the first lines that wait are not its: their days were given back before.
    """

    name: str
    ppm: int | None
    minor: int | None
    left: int | None
    spares: int = 0


@attrs.define
class Use:
    """A report of usage, with the quantity as it stands."""

    meter: str
    quantity: int
    at: datetime


@attrs.frozen
class Issued:
    """An invoice with usage on it. own, others: its lines before and after those of usage, without
    discounts. coupons: what reduced it, or would have."""

    own: tuple[InvoiceLine, ...]
    others: tuple[InvoiceLine, ...]
    coupons: dict[int, Coupon]


@attrs.define
class Stretch:
    """A time whose usage is billed together; UTC instants, begins None: since the start.

    uses: by the caller's own name of each report. whole: whether the minimum holds.
    free: whether it is a trial's. issued: the invoice that billed it, None: the next one will.
    """

    begins: datetime | None
    ends: datetime
    meters: tuple[Meter, ...]
    uses: dict[str, Use]
    whole: bool
    free: bool
    issued: Issued | None = None


@attrs.frozen
class Paused:
    """See SubscriptionPaused for the fields."""

    last_invoice: int
    unused_from: date | None


@attrs.frozen
class Suspended:
    """A suspension. paid: the invoice whose payment was the last of what led to it, or None."""

    last_invoice: int
    paid: int | None = None


@attrs.frozen
class Ending:
    """A planned cancellation; see CancellationScheduled for the fields."""

    at: datetime | None
    last_invoice: int | None
    reason: str


@attrs.frozen
class Unused:
    """A credit for days or usage, which the next fact of the stream must explain."""

    kind: CreditKind
    amount: Money
    policy: str
    at: datetime
    lines: tuple[InvoiceLine, ...]


@attrs.define
class Totals:
    """One currency, minor units.

    open - credit - refunding == billed - credited - paid - written_off + refunded + reversed
    kept, paid_out: what settlements took of it as fees (and people as cost), and paid to the bank.
    """

    billed: int = 0
    credited: int = 0
    paid: int = 0
    written_off: int = 0
    refunded: int = 0
    refunding: int = 0
    reversed: int = 0
    open: int = 0
    credit: int = 0
    kept: int = 0
    paid_out: int = 0


@attrs.define
class Book:
    """One subscription, as far as the next fact can be judged by it.

    version, position: of the last fact read.
    blind: the stream cannot be judged, because its start or an event in it cannot be read.
    agreed: for the invoices to come, in order; the first is that of the next one.
    next_start: the local day on which the next period begins.
    billed: the latest period on an invoice, until it is given back. repriced: the terms under
        which the running period is served since they were changed, or None.
    closed: whether what waited was billed because it ends.
    lines_to_come: announced for the next invoice. given_back: how many of them waited when days
        were given back. credits: what is left of each, minor units.
    applying: the invoice just issued, while credit may pay it.
    beside: what is billed beside the schedule.
    amounts: set for invoices to come, minor units. coupons: every discount, by its number.
    token_at, backup_at, request_at: the provider and account of each. tokens: those that may
        still be at the provider, and whether we meant to have them deleted.
    first_charge: what is paid on the page of the open request, or None. named_next: that of a
        request, whose attempt the next fact must be. billed_early: an invoice of before there was
        a token, which a request must follow that has it paid.
    ask_anew: whether the payer is to be asked for another token by the facts that follow at once.
    meters: by which usage is counted since `counted_from` (None: the start). uses: not billed yet.
    stretches: counted to their end: not billed yet, or not too old for a late report.
    lines_on: lines on the latest due day. parked: whether billing waits for a person.
    late: invoices for which money turned up late. failed: attempts settled without money.
    surplus: minor units of the latest payment that no invoice needed. contradictions: every
        discrepancy, by its attempt. overpaid: a surplus that the next fact must credit.
    references: of attempts that may bring money in, with the provider and the account that were
        asked, and the token. captured: what came, by its attempt.
    refunds: without outcome. failed_refunds: settled as failed. late_refunds: of which that turned
        out to be wrong. to_go_back: minor units of credit that may be left once a credit
        after the end has gone back.
    closed_ones: invoices that may be open again, because money came for them, or may turn up.
    disputes: by the provider's ids. returned: all that was taken back. awaited: a dispute whose
        reversal the next fact must be, unless it was told before.
    """

    subscription_id: str
    version: int = 0
    position: int = 0
    blind: bool = False
    started: SubscriptionStarted | None = None
    status: Status = Status.PENDING
    agreed: tuple[Agreed, ...] = ()
    invoices: int = 0
    next_start: date | None = None
    announced: datetime | None = None
    billed: Service | None = None
    repriced: Terms | None = None
    lines_to_come: tuple[InvoiceLine, ...] = ()
    given_back: int = 0
    closed: bool = False
    credits: dict[int, int] = attrs.field(factory=dict)
    granted: int = 0
    unused: Unused | None = None
    applying: int | None = None
    amounts: dict[int, int] = attrs.field(factory=dict)
    coupons: dict[int, Coupon] = attrs.field(factory=dict)
    meters: tuple[Meter, ...] = ()
    counted_from: datetime | None = None
    uses: dict[str, Use] = attrs.field(factory=dict)
    stretches: list[Stretch] = attrs.field(factory=list)
    pause: Paused | None = None
    suspension: Suspended | None = None
    ending: Ending | None = None
    owed: dict[int, Owed] = attrs.field(factory=dict)
    late: set[int] = attrs.field(factory=set)
    attempt: OpenAttempt | None = None
    failed: dict[UUID, int] = attrs.field(factory=dict)
    token_ref: str | None = None
    token_usable: bool = False
    backup_ref: str | None = None
    backup_usable: bool = False
    token_at: tuple[Provider, str] | None = None
    backup_at: tuple[Provider, str] | None = None
    tokens: dict[str, bool] = attrs.field(factory=dict)
    ask_anew: bool = False
    request: UUID | None = None
    request_at: tuple[Provider, str] | None = None
    request_purpose: TokenPurpose | None = None
    requests: int = 0
    first_charge: UUID | None = None
    named_next: UUID | None = None
    billed_early: int | None = None
    difference: Difference | None = None
    lines_on: tuple[date, int] | None = None
    parked: bool = False
    beside: Beside = attrs.field(factory=Beside)
    surplus: int = 0
    contradictions: dict[UUID, Contradiction] = attrs.field(factory=dict)
    overpaid: Money | None = None
    references: dict[UUID, tuple[str, Provider, str, str]] = attrs.field(factory=dict)
    captured: dict[UUID, Captured] = attrs.field(factory=dict)
    refunds: dict[UUID, Refunding] = attrs.field(factory=dict)
    failed_refunds: dict[UUID, RefundRequested] = attrs.field(factory=dict)
    late_refunds: dict[UUID, LateRefund] = attrs.field(factory=dict)
    to_go_back: int | None = None
    closed_ones: dict[int, Owed] = attrs.field(factory=dict)
    disputes: dict[str, Contested] = attrs.field(factory=dict)
    returned: list[Returned] = attrs.field(factory=list)
    awaited: Returned | None = None

    @property
    def beginning(self) -> SubscriptionStarted:
        """The start; only asked for where the stream has begun."""
        assert self.started is not None
        return self.started

    def agreed_for(self, invoice_number: int) -> Agreed:
        """What was agreed to for an invoice to come."""
        fitting = [each for each in self.agreed if each.from_invoice <= invoice_number]
        return fitting[-1] if fitting else self.agreed[0]

    def close(self, number: int) -> None:
        """Nothing of an invoice is open any more. It is remembered while money came for it."""
        self.closed_ones[number] = self.owed.pop(number)
        named = {each.invoice_number for each in self.captured.values()} | {number}
        named.update(self.failed.values())
        self.closed_ones = {key: each for key, each in self.closed_ones.items() if key in named}

    @property
    def contested(self) -> bool:
        """Whether a dispute is open."""
        return any(each.open for each in self.disputes.values())

    @property
    def charged_at(self) -> tuple[Provider, str]:
        """Where the first method is charged: where it was started, until a token is elsewhere."""
        return self.token_at or (self.beginning.provider, self.beginning.account)

    @property
    def prepaid(self) -> bool:
        """Whether periods are billed at their start."""
        return self.beginning.terms.timing is Timing.PREPAID

    @property
    def has_ended(self) -> bool:
        """Whether it is billed no more."""
        return self.status in (Status.CANCELLED, Status.COMPLETED)
