"""What a subscription is at one moment. How facts make it: folding.py."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from uuid import UUID

import attrs

from domain.money import Money
from domain.plan import Meter, Terms
from domain.providers import Provider
from domain.schedule import Schedule, last_invoice
from domain.subscription.demanded import Demanded, Reloaded, Reloading
from domain.subscription.disputes import Dispute, TakenBack
from domain.subscription.events import (
    InvoiceLine,
)
from domain.subscription.owed import Attempt, Credit, Difference, OpenInvoice
from domain.subscription.refunds import Collected, LateRefund, OpenRefund
from domain.subscription.served import Cancellation, Cost, Following, Pause, Settled, Suspension
from domain.subscription.used import Counted, Discount, Usage
from domain.subscription.vaulted import OpenTokenRequest, Token

# The shape of Subscription. Raise it with every change of a field: older snapshots are then
# ignored and made anew from the facts.
STATE_VERSION = 9


class Status(Enum):
    """PENDING: no token yet, nothing is billed but what the payer pays with the approval. ACTIVE:
    billed. PAUSED, SUSPENDED: no new period is billed, what is owed is collected. The others:
    billed no more."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"


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
    started_at_account: the provider and the account that it was started at.
    asked_for: how many invoices were issued beside the schedule. demands: asked for lately.
    settled: how all instalments that were left were billed at once, or None.
    reloading: how auto-reload stands. reloads: of this calendar month and the end of the last.
    next_due_at: announced UTC instant of the next invoice, or None after the last.
    token: charged first. backup: a second method, tried where the terms say so.
    replaced: tokens of before that the provider still holds; none of them is charged anew.
    ended_at: when it was cancelled or completed, UTC; None while it was not.
    open_invoices: oldest first.
    open_attempt: the one charge that may have been sent and has no outcome.
    failed_attempts: settled without money; kept to recognise money that turns up late.
    differences: every charge that was not the one asked for. unexplained: what of the latest
        payment no invoice needed, until the next fact says that it differs from what was asked.
    shaped_at: when it was last agreed, or billed, which periods are served; UTC.
    collected: charges that brought money in, lately. refunds: those without an outcome.
    failed_refunds: settled without money, lately; kept to recognise money that has gone after all.
    late_refunds: of which that turned out.
    closed_invoices: paid or given up, of charges that may be reversed, or found late.
    disputes: all that there were. reversals: all money that a provider took back.
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
    started_at_account: tuple[Provider, str]
    shaped_at: datetime
    schedule: Schedule
    invoices_issued: int = 0
    next_due_at: datetime | None = None
    token: Token | None = None
    backup: Token | None = None
    replaced: tuple[Token, ...] = ()
    ended_at: datetime | None = None
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
    failed_refunds: tuple[OpenRefund, ...] = ()
    late_refunds: tuple[LateRefund, ...] = ()
    closed_invoices: tuple[OpenInvoice, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    reversals: tuple[TakenBack, ...] = ()

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
    def tokens(self) -> tuple[Token, ...]:
        """Every token that the provider may still hold: the present ones, then those of before."""
        present = (each for each in (self.token, self.backup) if each is not None)
        return (*(each for each in present if not each.gone), *self.replaced)

    def held(self, token_ref: str) -> Token | None:
        """The token of that reference, unless it is gone; it need not be one that is charged."""
        return next((each for each in self.tokens if each.token_ref == token_ref), None)

    def may_send(self, attempt: Attempt) -> bool:
        """Whether an attempt that nobody has sent may be: its token is there, was not let go, and
        belongs to where this subscription is charged."""
        token = self.held(attempt.token_ref)
        return token is not None and token.usable and not self.moved_from(attempt)

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
    def unresolved_refunds(self) -> tuple[LateRefund, ...]:
        """The refunds found late that nobody has looked at, oldest first."""
        return tuple(each for each in self.late_refunds if each.resolution is None)

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
        """Whether billing goes on without a token that can be charged, and nobody is being asked
        for one: a payer who said no, or did not come, is not asked again by itself."""
        chargeable = self.token is not None and self.token.usable
        return self.collects and not chargeable and self.token_request is None

    def wants(self, attempt: Attempt) -> bool:
        """Whether an attempt's money is still to be collected: billing goes on, and the invoice
        is open, not in a person's hands and not waiting for a dispute."""
        invoice = self.invoice(attempt.invoice_number)
        if not self.bills or invoice is None:
            return False
        return not invoice.ended and not self.held_back(invoice)

    @property
    def open_disputes(self) -> tuple[Dispute, ...]:
        """Those without an outcome, oldest first."""
        return tuple(each for each in self.disputes if each.outcome is None)

    def held_back(self, invoice: OpenInvoice) -> bool:
        """Whether an invoice waits for a dispute: while a charge is contested nothing is collected,
        unless a person wants it."""
        return bool(self.open_disputes) and not invoice.despite_dispute

    def dispute(self, dispute_ref: str) -> Dispute | None:
        """The dispute of that reference, open or not."""
        return next((each for each in self.disputes if each.dispute_ref == dispute_ref), None)

    def disputed(self, attempt_id: UUID) -> bool:
        """Whether a dispute about that charge is open."""
        return any(each.attempt_id == attempt_id for each in self.open_disputes)

    def charge(self, attempt_id: UUID) -> Collected | None:
        """The charge of that attempt, if it brought money in lately."""
        return next((each for each in self.collected if each.attempt_id == attempt_id), None)

    def refund_held(self, refund: OpenRefund) -> bool:
        """Whether a refund that was not sent yet must not be: its charge is disputed."""
        return refund.attempted_at is None and self.disputed(refund.attempt_id)

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

    def late_refund(self, refund_id: UUID) -> LateRefund | None:
        """The refund of that key, if it was found late."""
        return next((each for each in self.late_refunds if each.refund_id == refund_id), None)
