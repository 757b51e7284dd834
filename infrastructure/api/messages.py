"""What is answered: stable messages.

Amounts are {"minor": integer, "currency": ISO 4217 code}; instants RFC 3339 in UTC; days ISO
dates. `position` in an answer is the place in the log at which the answer is valid.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from domain.money import Money, total
from domain.plan import Terms
from domain.processes.agenda import Item, agenda_of
from domain.providers import Provider
from domain.schedule import Schedule
from domain.subscription.disputes import Dispute
from domain.subscription.events import Instrument, InvoiceLine, TokenPurpose
from domain.subscription.owed import Attempt, Credit, Difference, OpenInvoice
from domain.subscription.refunds import LateRefund, OpenRefund
from domain.subscription.served import Cancellation, Following, Pause, Suspension
from domain.subscription.state import Status, Subscription
from domain.subscription.usage_pricing import waiting_usage
from domain.subscription.used import Discount
from domain.subscription.vaulted import OpenTokenRequest
from infrastructure.api.usage_messages import MeterReading, SetAmount
from infrastructure.commands.trying import InstrumentUse
from infrastructure.operator_words import Told
from projections.balances import Balance, OwedInvoice
from projections.charges import Charge
from projections.disputes import DisputeRow
from projections.due_dates import DueLine
from projections.refunds import Refund
from projections.timeline import TimelineEntry


class Accepted(msgspec.Struct, kw_only=True):
    """Carried out. position: reads with `at_least` of it show the result.

    changed: false when there was nothing left to do.
    """

    position: int
    changed: bool


class TokenState(msgspec.Struct, kw_only=True):
    """The token and the open request for one. approve_url: "" until the provider has a page.

    backup, backup_usable: the second method, null where there is none. purpose: of the request.
    standing, backup_standing: "usable", "declined", "let-go", "gone"; "" where there is none.
    held: how many tokens of this subscription the provider may still hold, those of before
        included.
    """

    usable: bool
    instrument: Instrument | None
    backup: Instrument | None
    backup_usable: bool
    purpose: TokenPurpose | None
    request_id: UUID | None
    approve_url: str
    expires_at: datetime | None
    standing: str
    backup_standing: str
    held: int

    @classmethod
    def of(cls, state: Subscription) -> TokenState:
        """How a subscription stands with its token."""
        request: OpenTokenRequest | None = state.token_request
        return cls(
            usable=state.token is not None and state.token.usable,
            instrument=None if state.token is None else state.token.instrument,
            backup=None if state.backup is None else state.backup.instrument,
            backup_usable=state.backup is not None and state.backup.usable,
            purpose=None if request is None else request.purpose,
            request_id=None if request is None else request.request_id,
            approve_url="" if request is None else request.approve_url,
            expires_at=None if request is None else request.expires_at,
            standing="" if state.token is None else state.token.standing,
            backup_standing="" if state.backup is None else state.backup.standing,
            held=len(state.tokens),
        )


class TokenAnswer(msgspec.Struct, kw_only=True):
    """How a subscription stands with its token."""

    position: int
    subscription_id: str
    status: Status
    token: TokenState


class SubscriptionAnswer(msgspec.Struct, kw_only=True):
    """One subscription now, read from its facts.

    terms, schedule: of the next invoice; `amount` is what a whole period costs by them.
    following: terms that are agreed to for a later invoice. lines_to_come: put on the next one.
    pause, suspension, cancellation: while it is paused or suspended, or going to end.
        last_invoice: before any of them.
    discrepancies: charges that were not those asked for, as far as nobody has looked at them.
    late_refunds: the same of refunds that were made although they had failed.
    credit: what is left in all; `credits` oldest first. refunds: without an outcome.
    disputes: those that are open.
    discounts: all that were granted. amounts: set for invoices to come. usage: not billed yet.
    agenda: all that is open, and why it waits.
    """

    position: int
    subscription_id: str
    customer_id: str
    provider: Provider
    account: str
    zone: str
    start: date
    status: Status
    terms: Terms
    amount: Money
    schedule: Schedule
    following: Following | None
    lines_to_come: tuple[InvoiceLine, ...]
    pause: Pause | None
    suspension: Suspension | None
    cancellation: Cancellation | None
    discrepancies: tuple[Difference, ...]
    late_refunds: tuple[LateRefund, ...]
    credit: Money
    credits: tuple[Credit, ...]
    discounts: tuple[Discount, ...]
    amounts: tuple[SetAmount, ...]
    usage: tuple[MeterReading, ...]
    last_invoice: int | None
    next_due_at: datetime | None
    invoices_issued: int
    token: TokenState
    open_invoices: tuple[OpenInvoice, ...]
    open_attempt: Attempt | None
    refunds: tuple[OpenRefund, ...]
    disputes: tuple[Dispute, ...]
    agenda: tuple[Item, ...]

    @classmethod
    def of(cls, state: Subscription, position: int) -> SubscriptionAnswer:
        """The answer for a state that is valid at a position."""
        return cls(
            position=position,
            subscription_id=state.subscription_id,
            customer_id=state.customer_id,
            provider=state.provider,
            account=state.account,
            zone=state.zone,
            start=state.start,
            status=state.status,
            terms=state.terms,
            amount=state.terms.amount,
            schedule=state.schedule,
            following=state.following,
            lines_to_come=(*waiting_usage(state), *state.lines_to_come),
            pause=state.pause,
            suspension=state.suspension,
            discrepancies=state.unresolved,
            late_refunds=state.unresolved_refunds,
            cancellation=state.cancellation,
            credit=total((each.left for each in state.credits), state.currency),
            credits=state.credits,
            discounts=state.discounts,
            amounts=tuple(
                SetAmount(invoice_number=number, amount=amount) for number, amount in state.amounts
            ),
            usage=MeterReading.all_of(state),
            last_invoice=state.last_invoice,
            next_due_at=state.next_due_at,
            invoices_issued=state.invoices_issued,
            token=TokenState.of(state),
            open_invoices=state.open_invoices,
            open_attempt=state.open_attempt,
            refunds=state.refunds,
            disputes=state.open_disputes,
            agenda=agenda_of(state),
        )


class BalanceView(msgspec.Struct, kw_only=True):
    """One customer in one currency. overdue: open on invoices that fell due before `as_of`.

    refunded: gone back to the payer. reversed: taken back by a provider. refunding: credit taken by
    refunds without an outcome. open holds what went back without credit for it, too.
    """

    customer_id: str
    billed: Money
    paid: Money
    written_off: Money
    refunded: Money
    refunding: Money
    reversed: Money
    open: Money
    overdue: Money
    credit: Money
    as_of: datetime
    oldest_due_at: datetime | None
    open_invoices: tuple[OwedInvoice, ...]

    @classmethod
    def of(cls, row: Balance, as_of: datetime) -> BalanceView:
        """A row of the projection as it stands at an instant."""
        return cls(
            customer_id=row.customer_id,
            billed=Money(row.billed, row.currency),
            paid=Money(row.paid, row.currency),
            written_off=Money(row.written_off, row.currency),
            refunded=Money(row.refunded, row.currency),
            refunding=Money(row.refunding, row.currency),
            reversed=Money(row.reversed, row.currency),
            open=Money(row.open, row.currency),
            overdue=Money(row.overdue(as_of), row.currency),
            credit=Money(row.credit, row.currency),
            as_of=as_of,
            oldest_due_at=row.oldest_due_at,
            open_invoices=row.open_invoices,
        )


class BalancesAnswer(msgspec.Struct, kw_only=True):
    """Balances; `items` is empty when nothing was billed yet."""

    position: int
    items: tuple[BalanceView, ...]


class ChargesAnswer(msgspec.Struct, kw_only=True):
    """Attempts to collect, oldest first. told: of each code of a decline among them."""

    position: int
    items: tuple[Charge, ...]
    told: tuple[Told, ...]


class RefundsAnswer(msgspec.Struct, kw_only=True):
    """Refunds, oldest first."""

    position: int
    items: tuple[Refund, ...]


class DisputesAnswer(msgspec.Struct, kw_only=True):
    """Disputes, oldest first."""

    position: int
    items: tuple[DisputeRow, ...]


class AttemptsAnswer(msgspec.Struct, kw_only=True):
    """What was tried on instruments, and how far their budgets are used."""

    position: int
    items: tuple[InstrumentUse, ...]


class DueAnswer(msgspec.Struct, kw_only=True):
    """What falls due up to `until`, soonest first."""

    position: int
    until: datetime
    items: tuple[DueLine, ...]


class TimelineAnswer(msgspec.Struct, kw_only=True):
    """A subscription's life, fact by fact."""

    position: int
    subscription_id: str
    items: tuple[TimelineEntry, ...]
