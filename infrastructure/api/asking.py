"""What callers send: strict messages, where unknown fields and other types are errors.

Amounts are {"minor": integer, "currency": ISO 4217 code}; instants RFC 3339 with their offset;
days ISO dates. What terms are made of: asked_terms.py.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from domain.percents import parse_percent
from domain.plan import Proration
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.discounting import Reduction
from domain.subscription.events import When
from domain.subscription.metering import Report
from domain.subscription.pausing import Resume
from domain.subscription.starting import Start
from infrastructure.api.asked import Amount, Asked, money_of
from infrastructure.api.asked_terms import AgreedTerms, ChangedTerms
from infrastructure.commands.wishes import UsageWish

__all__ = [
    "AgreedTerms",
    "Amount",
    "AmountWanted",
    "Asked",
    "Cancellation",
    "ChangedTerms",
    "Correction",
    "CreditWanted",
    "Decision",
    "DiscountEnd",
    "DiscountWanted",
    "PauseWanted",
    "ResumeWanted",
    "StartRequest",
    "TermsChange",
    "TokenWanted",
    "UsageBatch",
    "UsageReport",
    "Withdrawal",
]


class StartRequest(AgreedTerms, kw_only=True):
    """Start a subscription.

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

    def wish(self, namespace: UUID) -> Start:
        """As the domain has it. Raises: Refused."""
        return Start(
            subscription_id=self.subscription_id,
            customer_id=self.customer_id,
            namespace=namespace,
            provider=self.provider,
            account=self.account,
            zone=self.zone,
            start=self.start,
            terms=self.terms(),
        )


class TokenWanted(Asked):
    """Ask the payer to approve. reason: for people, 1-200 characters."""

    reason: str = "requested by the API"


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
