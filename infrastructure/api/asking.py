"""What callers send: strict messages, where unknown fields and other types are errors.

Amounts are {"minor": integer, "currency": ISO 4217 code}; instants RFC 3339 with their offset;
days ISO dates. What terms are made of: asked_terms.py.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from domain.catalogue.offering import Choice
from domain.catalogue.starting import StartByPlan
from domain.percents import parse_percent
from domain.plan import Proration, Terms
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.discounting import Reduction
from domain.subscription.events import Resolution, When
from domain.subscription.letting_go import Which
from domain.subscription.metering import Report
from domain.subscription.pausing import Resume
from domain.subscription.starting import FirstPayment, Past, Start
from infrastructure.api.asked import Amount, Asked, Every, money_of
from infrastructure.api.asked_terms import AgreedTerms, ChangedTerms, PaidTrialAsked
from infrastructure.commands.wishes import UsageWish

__all__ = [
    "AgreedTerms",
    "Amount",
    "AmountWanted",
    "AnchorWanted",
    "Asked",
    "Because",
    "Cancellation",
    "ChangedTerms",
    "Correction",
    "CreditWanted",
    "Decision",
    "DiscountEnd",
    "DiscountWanted",
    "DiscrepancyDecision",
    "PauseWanted",
    "RefundDecision",
    "RefundWanted",
    "Release",
    "ResumeWanted",
    "ReversalSaid",
    "StartRequest",
    "TermsChange",
    "TokenWanted",
    "UsageBatch",
    "UsageReport",
    "Withdrawal",
]


# What a start by a plan's name may say of its terms.
_CHOICE = frozenset({"plan", "plan_version", "quantity"})
_NEEDED = ("interval", "description")
_OWN = frozenset({"price", *_NEEDED})


class StartRequest(AgreedTerms, kw_only=True):
    """Start a subscription: on a published plan, by its name alone, or on terms of its own.

    plan, plan_version, quantity: by a plan's name these are all that is said of the terms; without
        a version it is the one that is available. Else interval and description are needed.
    start: first local day of service, in `zone`.
    anchor: local day on which the first whole period begins; the days before it are a part of one.
    past: what becomes of periods that are due already: BILL, WAIVE (their invoices cost nothing)
        or SKIP (billing begins with the first period to come).
    request_token: also ask for the payer's approval, at once.
    first_payment: in-session: the payer is asked at once, and pays the first invoice on the page
        that makes the token; Dintero only.
    """

    subscription_id: str
    customer_id: str
    provider: Provider
    start: date
    zone: str
    account: str = "main"
    paid_trial: PaidTrialAsked | None = None
    anchor: date | None = None
    past: Past = Past.BILL
    request_token: bool = False
    first_payment: FirstPayment = FirstPayment.CHARGED
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
        return self.plan is not UNSET and all(getattr(self, name) is UNSET for name in _OWN)

    def terms(self) -> Terms:
        """As the domain has it, of terms of its own. Raises: Refused."""
        given = {name: getattr(self, name) for name in AgreedTerms.__struct_fields__}
        return AgreedTerms(**{k: v for k, v in given.items() if v is not UNSET}).terms()

    def choice(self) -> Choice:
        """The plan that is named. Refused: "terms-ambiguous" where more is said of the terms."""
        said = [
            each.name
            for each in msgspec.structs.fields(AgreedTerms)
            if each.name not in _CHOICE | _OWN and getattr(self, each.name) != each.default
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
            "paid_trial": None if self.paid_trial is None else self.paid_trial.paid_trial(),
            "anchor": self.anchor,
            "past": self.past,
            "first_payment": self.first_payment,
        }
        if self.by_plan:
            return StartByPlan(**asked, choice=self.choice())
        return Start(**asked, terms=self.terms())


class TokenWanted(Asked):
    """Ask the payer to approve. reason: for people, 1-200 characters.

    backup: a second method, tried when the first fails; it replaces nothing.
    provider, account: where, if not where the subscription is charged: once the token is there,
        what it is charged with is charged there.
    first_payment: in-session: the payer pays the oldest open invoice on the same page.
    """

    reason: str = "requested by the API"
    backup: bool = False
    provider: Provider | None = None
    account: str = ""
    first_payment: FirstPayment = FirstPayment.CHARGED


class TokenDeletion(Asked):
    """Have the provider forget tokens. reason: 1-200 characters, no personal data.

    which: ALL, the BACKUP alone, or those that were REPLACED.
    """

    reason: str
    which: Which = Which.ALL


class TermsChange(Asked):
    """Agree to other terms.

    when: NOW bills the rest of the running period anew; PERIOD_END leaves it as it is.
    proration: instead of the agreed rule, for this change only.
    refund: what days that are billed give back goes back to the payer, as far as money came.
    reason: 1-200 characters, kept in the ledger: no personal data.
    """

    terms: ChangedTerms
    reason: str
    when: When = When.NOW
    proration: Proration | None = None
    refund: bool = False


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


class AnchorWanted(Asked):
    """Let regular periods begin on another local day, after a part of one."""

    anchor: date
    reason: str


class Release(Asked):
    """Bill on, after a person has looked at what was parked."""

    reason: str


class CreditWanted(Asked):
    """Give credit that pays the invoices to come."""

    amount: Amount
    reason: str


class Cancellation(Asked):
    """End billing. reason: 1-200 characters, kept in the ledger: no personal data.

    at_period_end: not now, but when the running period is over. at: not now, but then.
    credit: how the rest of the paid period becomes credit, where it ends now.
    refund: whether that goes back, as far as money came; by the agreed rule where `credit` is NONE.
    """

    reason: str
    at_period_end: bool = False
    at: datetime | None = None
    credit: Proration = Proration.NONE
    refund: bool = False

    @property
    def later(self) -> bool:
        """Whether it is to end later. Refused: "cancellation-ambiguous"."""
        if self.at_period_end and self.at is not None:
            raise Refused("cancellation-ambiguous", "either at_period_end or at, not both")
        later = self.at_period_end or self.at is not None
        if later and self.credit is not Proration.NONE:
            raise Refused("cancellation-ambiguous", "a credit is given where it ends now")
        if later and self.refund:
            raise Refused("cancellation-ambiguous", "a refund is made where it ends now")
        return later


class Withdrawal(Asked):
    """Let a subscription go on that was going to end."""

    reason: str


class Because(Asked):
    """A decision that needs no more than a reason: 1-200 characters, no personal data."""

    reason: str


class DiscrepancyDecision(Asked):
    """ACCEPTED: what was received counts as it is booked, and a surplus becomes credit, which
    with `refund` goes back. DISMISSED: it was settled by other means. reason: 1-200 characters, no
    personal data."""

    resolution: Resolution
    reason: str
    refund: bool = False


class RefundWanted(Asked):
    """Pay credit out. amount: null: all that is left. attempt_id: through this charge alone.

    grant: what credit lacks is granted, out of goodwill. reason: 1-200 characters; kept in the
    ledger, and the payer may see it.
    """

    reason: str
    amount: Amount | None = None
    attempt_id: UUID | None = None
    grant: bool = False


class RefundDecision(Asked):
    """A person's evidence about a refund of unknown outcome.

    made: what really went back, at most what was asked for; null: nothing.
    provider_ref: the provider's id of the refund; needed with `made`.
    reason: where the evidence is, 1-150 characters.
    """

    reason: str
    made: Amount | None = None
    provider_ref: str = ""


class ReversalSaid(Asked):
    """Money that a provider took back of a charge.

    amount: more than zero. provider_ref: the provider's id of that, or "". reason: where it is
    known from, 1-200 characters; kept in the ledger.
    """

    amount: Amount
    reason: str
    provider_ref: str = ""


class Decision(Asked):
    """A person's evidence about an unknown outcome.

    received: what the provider took; null: it took nothing.
    provider_ref: the provider's id of the capture; needed with `received`.
    reason: where the evidence is, 1-150 characters.
    """

    reason: str
    received: Amount | None = None
    provider_ref: str = ""


class UsageReport(Asked):
    """Units of a meter that were used. usage_id: your own, one a report and subscription.

    at: instant of the usage.
    """

    subscription_id: str
    usage_id: str
    meter: str
    quantity: int
    at: datetime

    def wish(self) -> UsageWish:
        """As the commands have it."""
        return UsageWish(
            subscription_id=self.subscription_id,
            report=Report(
                usage_id=self.usage_id, meter=self.meter, quantity=self.quantity, at=self.at
            ),
        )


class UsageBatch(Asked):
    """Up to 1,000 reports, of any subscriptions, each judged by itself."""

    reports: tuple[UsageReport, ...]


class Correction(Asked):
    """What a report should have said. quantity: zero or more."""

    quantity: int
    reason: str


class AmountWanted(Asked):
    """What the next period costs, before tax that comes on top."""

    amount: Amount
    reason: str


class DiscountWanted(Asked):
    """Reduce invoices to come. coupon: your own name of it; counts once a subscription.

    percent: of every line, e.g. "12.5"; or amount: off each invoice, before tax.
    invoices: how many it reduces; null: all to come.
    """

    coupon: str
    reason: str
    percent: str | None = None
    amount: Amount | None = None
    invoices: int | None = None

    def reduction(self) -> Reduction:
        """As the domain has it. Raises: Refused."""
        return Reduction(
            coupon=self.coupon,
            ppm=None if self.percent is None else parse_percent(self.percent),
            amount=money_of(self.amount),
            invoices=self.invoices,
            reason=self.reason,
        )


class DiscountEnd(Asked):
    """Reduce no further invoice by a coupon."""

    reason: str
