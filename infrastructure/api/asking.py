"""What callers send: strict messages, where unknown fields and other types are errors.

Amounts are {"minor": integer, "currency": ISO 4217 code}; instants RFC 3339 with their offset;
days ISO dates.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from domain.calendar import Interval, Unit
from domain.catalogue.offering import Choice
from domain.catalogue.starting import StartByPlan
from domain.money import Money
from domain.plan import CaptureMode, DunningEnd, Kind, Proration, RetryPolicy, Terms, Timing
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.events import Resolution, When
from domain.subscription.pausing import Resume
from domain.subscription.starting import Start
from infrastructure.commands.wishes import NewTerms
from infrastructure.digests import digest_of


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


class AgreedTerms(Asked, kw_only=True):
    """What is agreed to at the start.

    price: of one unit and period. quantity: units. proration: the rule for parts of a period.
    cycles: number of payments; without it the end is open.
    retry_days: days from each decline to the next attempt.
    dunning: what follows when these are used up, grace_days later.
    backup: whether the backup method is tried when the first fails.
    """

    price: Amount
    interval: Every
    description: str
    plan: str = "standard"
    plan_version: int = 1
    quantity: int = 1
    timing: Timing = Timing.PREPAID
    capture: CaptureMode = CaptureMode.AT_ONCE
    trial: Every | None = None
    setup_fee: Amount | None = None
    cycles: int | None = None
    retry_days: tuple[int, ...] = RetryPolicy().wait_days
    dunning: DunningEnd = DunningEnd.LEAVE_OPEN
    grace_days: int = 0
    proration: Proration = Proration.BY_DAY
    backup: bool = False

    def terms(self) -> Terms:
        """As the domain has it. Raises: Refused."""
        return Terms(
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
            retry=RetryPolicy(self.retry_days, self.dunning, self.grace_days),
            quantity=self.quantity,
            proration=self.proration,
            backup=self.backup,
        )


# What a start by a plan's name may say of its terms.
_CHOICE = frozenset({"plan", "plan_version", "quantity"})
_NEEDED = ("price", "interval", "description")


class StartRequest(AgreedTerms, kw_only=True):
    """Start a subscription: on a published plan, by its name alone, or on terms of its own.

    plan, plan_version, quantity: by a plan's name these are all that is said of the terms; without
        a version it is the one that is available. Else price, interval and description are needed.
    start: first local day of service, in `zone`; days that lie in the past are billed.
    request_token: also ask for the payer's approval, at once.
    """

    subscription_id: str
    customer_id: str
    provider: Provider
    start: date
    zone: str
    account: str = "main"
    request_token: bool = False
    price: Amount | UnsetType = UNSET  # type: ignore[assignment]
    interval: Every | UnsetType = UNSET  # type: ignore[assignment]
    description: str | UnsetType = UNSET  # type: ignore[assignment]
    plan: str | UnsetType = UNSET  # type: ignore[assignment]
    plan_version: int | UnsetType = UNSET  # type: ignore[assignment]
    quantity: int | UnsetType = UNSET  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Raises: ValueError, which makes the request malformed."""
        missing = [name for name in _NEEDED if getattr(self, name) is UNSET]
        if missing and not self.by_plan:
            raise ValueError(f"Object missing required field `{missing[0]}`")

    @property
    def by_plan(self) -> bool:
        """Whether it names a plan, and says nothing of price, interval and description."""
        return self.plan is not UNSET and all(getattr(self, name) is UNSET for name in _NEEDED)

    def terms(self) -> Terms:
        """As the domain has it, of terms of its own. Raises: Refused."""
        given = {name: getattr(self, name) for name in AgreedTerms.__struct_fields__}
        return AgreedTerms(**{k: v for k, v in given.items() if v is not UNSET}).terms()

    def choice(self) -> Choice:
        """The plan that is named. Refused: "terms-ambiguous" where more is said of the terms."""
        said = [
            each.name
            for each in msgspec.structs.fields(AgreedTerms)
            if each.name not in {*_CHOICE, *_NEEDED} and getattr(self, each.name) != each.default
        ]
        if said:
            words = f"the plan says what {said[0]} is; give all terms, or its name alone"
            raise Refused("terms-ambiguous", words)
        return Choice(
            plan=str(self.plan),
            version=None if isinstance(self.plan_version, UnsetType) else self.plan_version,
            quantity=None if isinstance(self.quantity, UnsetType) else self.quantity,
        )

    def wish(self, namespace: UUID) -> Start | StartByPlan:
        """As the domain has it. Raises: Refused."""
        asked: dict[str, Any] = {
            "subscription_id": self.subscription_id,
            "customer_id": self.customer_id,
            "namespace": namespace,
            "provider": self.provider,
            "account": self.account,
            "zone": self.zone,
            "start": self.start,
        }
        if self.by_plan:
            return StartByPlan(**asked, choice=self.choice())
        return Start(**asked, terms=self.terms())


class TokenWanted(Asked):
    """Ask the payer to approve. reason: for people, 1-200 characters.

    backup: a second method, tried when the first fails; it replaces nothing.
    """

    reason: str = "requested by the API"
    backup: bool = False


class ChangedTerms(Asked):
    """What changes of the agreed terms; what is null or left out stays as it is."""

    plan: str | None = None
    plan_version: int | None = None
    description: str | None = None
    interval: Every | None = None
    price: Amount | None = None
    quantity: int | None = None
    proration: Proration | None = None
    capture: CaptureMode | None = None
    retry_days: tuple[int, ...] | None = None
    dunning: DunningEnd | None = None
    grace_days: int | None = None
    backup: bool | None = None

    def new_terms(self) -> NewTerms:
        """As the commands have it. Raises: Refused."""
        return NewTerms(
            plan=self.plan,
            plan_version=self.plan_version,
            description=self.description,
            interval=None if self.interval is None else self.interval.interval(),
            price=None if self.price is None else self.price.money(),
            quantity=self.quantity,
            proration=self.proration,
            capture=self.capture,
            wait_days=self.retry_days,
            end=self.dunning,
            grace_days=self.grace_days,
            backup=self.backup,
        )


class TermsChange(Asked):
    """Agree to other terms.

    when: NOW bills the rest of the running period anew; PERIOD_END leaves it as it is.
    proration: instead of the agreed rule, for this change only.
    reason: 1-200 characters, kept in the ledger: no personal data.
    """

    terms: ChangedTerms
    reason: str
    when: When = When.NOW
    proration: Proration | None = None


class PauseWanted(Asked):
    """Bill no period from now on.

    until: instant at which it resumes by itself; null: when it is told to.
    credit: whether the rest of the running period is given back.
    """

    reason: str
    until: datetime | None = None
    credit: bool = False


class ResumeWanted(Asked):
    """Bill periods again. how: KEEP_ANCHOR goes on at the old days, RESTART counts from today."""

    reason: str
    how: Resume = Resume.KEEP_ANCHOR


class CreditWanted(Asked):
    """Give credit that pays the invoices to come."""

    amount: Amount
    reason: str


class Cancellation(Asked):
    """End billing. reason: 1-200 characters, kept in the ledger: no personal data.

    at_period_end: not now, but when the running period is over. at: not now, but then.
    credit: how the rest of the paid period becomes credit, where it ends now.
    """

    reason: str
    at_period_end: bool = False
    at: datetime | None = None
    credit: Proration = Proration.NONE

    @property
    def later(self) -> bool:
        """Whether it is to end later. Refused: "cancellation-ambiguous"."""
        if self.at_period_end and self.at is not None:
            raise Refused("cancellation-ambiguous", "either at_period_end or at, not both")
        later = self.at_period_end or self.at is not None
        if later and self.credit is not Proration.NONE:
            raise Refused("cancellation-ambiguous", "a credit is given where it ends now")
        return later


class Withdrawal(Asked):
    """Let a subscription go on that was going to end."""

    reason: str


class Because(Asked):
    """A decision that needs no more than a reason: 1-200 characters, no personal data."""

    reason: str


class DiscrepancyDecision(Asked):
    """ACCEPTED: what was received counts as it is booked, and a surplus becomes credit.
    DISMISSED: it was settled by other means. reason: 1-200 characters, no personal data."""

    resolution: Resolution
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
