"""What goes over the wire: requests are strict (unknown fields are errors), answers are stable.

Amounts are {"minor": integer, "currency": ISO 4217 code}; instants RFC 3339 in UTC; days ISO
dates. `position` in an answer is the place in the log at which the answer is valid.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import CaptureMode, Kind, RetryPolicy, Terms, Timing
from domain.processes.agenda import Item, agenda_of
from domain.providers import Provider
from domain.subscription.events import Instrument
from domain.subscription.starting import Start
from domain.subscription.state import Attempt, OpenInvoice, OpenTokenRequest, Status, Subscription
from infrastructure.store.commands import digest_of
from projections.balances import Balance, OwedInvoice
from projections.charges import Charge
from projections.due_dates import DueLine
from projections.timeline import TimelineEntry


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of requests."""

    def digest(self, *where: str) -> bytes:
        """SHA-256 of what is asked, whatever the order and spacing of the JSON was."""
        return digest_of(*where, msgspec.json.encode(self, order="sorted"))


class Amount(Asked):
    """Minor units (cents, øre, whole yen) of a currency."""

    minor: int
    currency: str

    def money(self) -> Money:
        """As the domain has it. Raises: Refused."""
        return Money(self.minor, self.currency)


class Every(Asked):
    """An interval: every `count` units."""

    unit: Unit
    count: int = 1

    def interval(self) -> Interval:
        """As the domain has it."""
        return Interval(self.unit, self.count)


class StartRequest(Asked):
    """Start a subscription.

    start: first local day of service, in `zone`; days that lie in the past are billed.
    cycles: number of payments; without it the end is open.
    retry_days: days from each decline to the next attempt.
    request_token: also ask for the payer's approval, at once.
    """

    subscription_id: str
    customer_id: str
    provider: Provider
    price: Amount
    interval: Every
    start: date
    zone: str
    description: str
    account: str = "main"
    plan: str = "standard"
    plan_version: int = 1
    timing: Timing = Timing.PREPAID
    capture: CaptureMode = CaptureMode.AT_ONCE
    trial: Every | None = None
    setup_fee: Amount | None = None
    cycles: int | None = None
    retry_days: tuple[int, ...] = RetryPolicy().wait_days
    request_token: bool = False

    def wish(self, namespace: UUID) -> Start:
        """As the domain has it. Raises: Refused."""
        terms = Terms(
            plan=self.plan,
            plan_version=self.plan_version,
            description=self.description,
            kind=Kind.SUBSCRIPTION if self.cycles is None else Kind.INSTALLMENT,
            timing=self.timing,
            interval=self.interval.interval(),
            price=self.price.money(),
            trial=None if self.trial is None else self.trial.interval(),
            setup_fee=None if self.setup_fee is None else self.setup_fee.money(),
            cycles=self.cycles,
            capture=self.capture,
            retry=RetryPolicy(self.retry_days),
        )
        return Start(
            subscription_id=self.subscription_id,
            customer_id=self.customer_id,
            namespace=namespace,
            provider=self.provider,
            account=self.account,
            zone=self.zone,
            start=self.start,
            terms=terms,
        )


class TokenWanted(Asked):
    """Ask the payer to approve. reason: for people, 1-200 characters."""

    reason: str = "requested by the API"


class Cancellation(Asked):
    """End billing now. reason: 1-200 characters, kept in the ledger: no personal data."""

    reason: str


class Decision(Asked):
    """A person's evidence about an unknown outcome.

    received: what the provider took; null: it took nothing.
    provider_ref: the provider's id of the capture; needed with `received`.
    reason: where the evidence is, 1-150 characters.
    """

    reason: str
    received: Amount | None = None
    provider_ref: str = ""


# --- answers ----------------------------------------------------------------------------------


class Accepted(msgspec.Struct, kw_only=True):
    """Carried out. position: reads with `at_least` of it show the result.

    changed: false when there was nothing left to do.
    """

    position: int
    changed: bool


class TokenState(msgspec.Struct, kw_only=True):
    """The token and the open request for one. approve_url: "" until the provider has a page."""

    usable: bool
    instrument: Instrument | None
    request_id: UUID | None
    approve_url: str
    expires_at: datetime | None

    @classmethod
    def of(cls, state: Subscription) -> TokenState:
        """How a subscription stands with its token."""
        request: OpenTokenRequest | None = state.token_request
        return cls(
            usable=state.token is not None and state.token.usable,
            instrument=None if state.token is None else state.token.instrument,
            request_id=None if request is None else request.request_id,
            approve_url="" if request is None else request.approve_url,
            expires_at=None if request is None else request.expires_at,
        )


class TokenAnswer(msgspec.Struct, kw_only=True):
    """How a subscription stands with its token."""

    position: int
    subscription_id: str
    status: Status
    token: TokenState


class SubscriptionAnswer(msgspec.Struct, kw_only=True):
    """One subscription now, read from its facts. agenda: all that is open, and why it waits."""

    position: int
    subscription_id: str
    customer_id: str
    provider: Provider
    account: str
    zone: str
    start: date
    status: Status
    terms: Terms
    next_due_at: datetime | None
    invoices_issued: int
    token: TokenState
    open_invoices: tuple[OpenInvoice, ...]
    open_attempt: Attempt | None
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
            next_due_at=state.next_due_at,
            invoices_issued=state.invoices_issued,
            token=TokenState.of(state),
            open_invoices=state.open_invoices,
            open_attempt=state.open_attempt,
            agenda=agenda_of(state),
        )


class BalanceView(msgspec.Struct, kw_only=True):
    """One customer in one currency. overdue: open on invoices that fell due before `as_of`."""

    customer_id: str
    billed: Money
    paid: Money
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
    """Attempts to collect, oldest first."""

    position: int
    items: tuple[Charge, ...]


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
