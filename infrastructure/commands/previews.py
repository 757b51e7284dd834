"""Ask before you act, in messages: the same for the API and the command line. Nothing is written.

Each question is a strict message with a function that answers it by domain.previews, so by the
functions that bill. Amounts, instants and days are written as in api/asking.py. Questions about a
change of terms: change_previews.py.

Refused, besides what domain.previews refuses: "start-out-of-range", "instant-without-offset",
"instant-out-of-range", "price-not-positive", "quantity-malformed".
"""

from __future__ import annotations

from datetime import date, datetime

import attrs
import msgspec

from domain.calendar import Period
from domain.catalogue.offering import Choice
from domain.catalogue.state import Plan
from domain.money import Money, total
from domain.percents import parse_percent
from domain.plan import DunningEnd, Proration, RetryPolicy, Terms
from domain.plan_rules import LARGEST_QUANTITY
from domain.ports import Declined
from domain.previews import (
    PlannedRetry,
    ScheduledInvoice,
    preview_proration,
    preview_retries,
    preview_schedule,
)
from domain.price_previews import preview_price
from domain.refusals import Refused
from domain.subscription.discounting import Reduction
from domain.subscription.events import (
    DeclineClass,
    InvoiceLine,
)
from infrastructure.api.asked import Amount, Asked, money_of
from infrastructure.api.asked_terms import AgreedTerms, PaidTrialAsked
from infrastructure.commands.wishes import checked_instant, checked_start


class PreviewedTerms(AgreedTerms, kw_only=True):
    """Terms as they would be agreed to; a preview needs no description."""

    description: str = "Subscription"


# --- schedule ---------------------------------------------------------------------------------


class ScheduleAsked(Asked, kw_only=True):
    """Which invoices would come? start: first local day in `zone`. count: 1 to 1200 of them.

    terms; or plan, and if wanted plan_version and quantity, of a published one: with its announced
        moves, as who starts on it now will be moved.
    paid_trial, anchor: as in POST /v1/subscriptions.
    """

    start: date
    zone: str
    terms: PreviewedTerms | None = None
    count: int = 12
    paid_trial: PaidTrialAsked | None = None
    anchor: date | None = None
    plan: str | None = None
    plan_version: int | None = None
    quantity: int | None = None

    def __post_init__(self) -> None:
        """Raises: ValueError, which makes the request malformed."""
        if (self.terms is None) == (self.plan is None):
            raise ValueError("Object has either `terms` or `plan`")
        if self.plan is None and (self.plan_version, self.quantity) != (None, None):
            raise ValueError("Object has `plan_version` and `quantity` with `plan` alone")

    def choice(self) -> Choice:
        """The plan that is named."""
        return Choice(plan=self.plan or "", version=self.plan_version, quantity=self.quantity)


class InvoiceToCome(msgspec.Struct, kw_only=True):
    """One invoice. period: local days, end exclusive; due_at: UTC instant. plan_version: of the
    terms that it bills."""

    invoice_number: int
    period: Period
    days: int
    due_on: date
    due_at: datetime
    lines: tuple[InvoiceLine, ...]
    total: Money
    plan_version: int


class ScheduleAnswer(msgspec.Struct, kw_only=True):
    """The invoices, soonest first; fewer than asked for where the terms end earlier.

    position: at which this is the plan that was named, or null.
    """

    items: tuple[InvoiceToCome, ...]
    position: int | None = None


def answer_schedule(asked: ScheduleAsked) -> ScheduleAnswer:
    """The first invoices of a subscription on stated terms. Raises: Refused."""
    assert asked.terms is not None, "by a plan's name: plan_previews.py"
    terms = asked.terms.terms()
    return answered(seen(asked, terms), terms.currency)


def seen(
    asked: ScheduleAsked, terms: Terms, plan: Plan | None = None
) -> tuple[ScheduledInvoice, ...]:
    """What is asked for, of terms; plan: whose moves are carried out. Raises: Refused."""
    trial = asked.paid_trial
    return preview_schedule(
        checked_start(asked.start),
        terms,
        asked.zone,
        count=asked.count,
        paid_trial=None if trial is None else trial.paid_trial(),
        anchor=asked.anchor,
        plan=plan,
    )


def answered(
    found: tuple[ScheduledInvoice, ...], currency: str, *, position: int | None = None
) -> ScheduleAnswer:
    """The invoices, as the message has them."""
    items = [
        InvoiceToCome(
            invoice_number=each.invoice_number,
            period=each.period,
            days=each.days,
            due_on=each.due_on,
            due_at=each.due_at,
            lines=each.lines,
            total=total((line.amount for line in each.lines), currency),
            plan_version=each.plan_version,
        )
        for each in found
    ]
    return ScheduleAnswer(items=tuple(items), position=position)


# --- price ------------------------------------------------------------------------------------


class Reduced(Asked, kw_only=True):
    """A discount: percent, e.g. "12.5", of every line; or amount, before tax."""

    coupon: str
    percent: str | None = None
    amount: Amount | None = None


class PriceAsked(Asked, kw_only=True):
    """What does one period cost? start: its first local day.

    quantity: instead of the terms'. usage: units of each meter. set_amount: where it varies.
    discounts: in the order in which they count. first: whether what is charged once is on it.
    """

    start: date
    terms: PreviewedTerms
    quantity: int | None = None
    usage: dict[str, int] = {}
    set_amount: Amount | None = None
    discounts: tuple[Reduced, ...] = ()
    first: bool = False


class PriceAnswer(msgspec.Struct, kw_only=True):
    """The lines of the period with their working. tax: a part of the total; null where no line
    has any."""

    period: Period
    days: int
    lines: tuple[InvoiceLine, ...]
    tax: Money | None
    total: Money


def answer_price(asked: PriceAsked) -> PriceAnswer:
    """What one period costs. Raises: Refused."""
    terms = asked.terms.terms()
    if asked.quantity is not None:
        terms = attrs.evolve(terms, quantity=asked.quantity)
    seen = preview_price(
        checked_start(asked.start),
        terms,
        usage=asked.usage,
        set_amount=money_of(asked.set_amount),
        reductions=tuple(
            Reduction(
                coupon=each.coupon,
                ppm=None if each.percent is None else parse_percent(each.percent),
                amount=money_of(each.amount),
                reason="preview",
            )
            for each in asked.discounts
        ),
        first=asked.first,
    )
    return PriceAnswer(
        period=seen.period,
        days=seen.period.days,
        lines=seen.lines,
        tax=seen.tax,
        total=seen.total,
    )


# --- proration --------------------------------------------------------------------------------


class ServicePeriod(Asked, kw_only=True):
    """Local days, end exclusive."""

    start: date
    end: date


class ProrationAsked(Asked, kw_only=True):
    """What is left of a period worth, from an instant on? price: of one unit and period."""

    price: Amount
    period: ServicePeriod
    at: datetime
    zone: str
    policy: Proration = Proration.BY_DAY
    quantity: int = 1


class ProrationAnswer(msgspec.Struct, kw_only=True):
    """The rest with its working, and what is used up: together the whole price."""

    at: datetime
    rest: InvoiceLine
    used: Money
    whole: Money


def answer_proration(asked: ProrationAsked) -> ProrationAnswer:
    """What the rest of a period is worth. Raises: Refused."""
    price, at = asked.price.money(), checked_instant(asked.at)
    if price.minor <= 0:
        raise Refused("price-not-positive", f"a price of {price} cannot be charged")
    if not 1 <= asked.quantity <= LARGEST_QUANTITY:
        raise Refused("quantity-malformed", f"a quantity is 1 to {LARGEST_QUANTITY}")
    period = Period(checked_start(asked.period.start), checked_start(asked.period.end))
    seen = preview_proration(
        price, period, at=at, zone=asked.zone, policy=asked.policy, quantity=asked.quantity
    )
    return ProrationAnswer(at=at, rest=seen.rest, used=seen.used, whole=seen.whole)


# --- retries ----------------------------------------------------------------------------------


class RetriesAsked(Asked, kw_only=True):
    """When would a declined charge be tried again, if every attempt is declined like this?

    at: instant of the first decline. retry_days, dunning, grace_days: of the terms.
    decline: the kind of the decline.
    retry_not_before: the provider's advice, or null.
    """

    at: datetime
    retry_days: tuple[int, ...] = RetryPolicy().wait_days
    dunning: DunningEnd = DunningEnd.LEAVE_OPEN
    grace_days: int = 0
    decline: DeclineClass = DeclineClass.SOFT
    retry_not_before: datetime | None = None


class RetriesAnswer(msgspec.Struct, kw_only=True):
    """The attempts to come, and what happens after the last; end_at: when, where the plan says."""

    declined_at: datetime
    retries: tuple[PlannedRetry, ...]
    end: str
    end_at: datetime | None


def answer_retries(asked: RetriesAsked) -> RetriesAnswer:
    """The retries of a decline. Raises: Refused."""
    at, advice = checked_instant(asked.at), asked.retry_not_before
    declined = Declined(
        decline=asked.decline,
        code="preview",
        message="",
        retry_not_before=None if advice is None else checked_instant(advice),
    )
    policy = RetryPolicy(asked.retry_days, asked.dunning, asked.grace_days)
    seen = preview_retries(policy, declined, at=at)
    return RetriesAnswer(declined_at=at, retries=seen.retries, end=seen.end, end_at=seen.end_at)
