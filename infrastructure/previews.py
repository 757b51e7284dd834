"""Ask before you act, in messages: the same for the API and the command line. Nothing is written.

Each question is a strict message with a function that answers it by domain.previews, so by the
functions that bill. Amounts, instants and days are written as in api/asking.py.

Refused, besides what domain.previews refuses: "start-out-of-range", "instant-without-offset",
"instant-out-of-range", "preview-too-long", "preview-ambiguous", "moment-missing",
"price-not-positive", "quantity-malformed".
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from domain.calendar import Period, local_day
from domain.money import Money, total
from domain.plan import LARGEST_QUANTITY, Proration, RetryPolicy, Terms, check_terms
from domain.ports import Declined
from domain.previews import (
    LARGEST_PREVIEW,
    PlannedRetry,
    as_if,
    preview_change,
    preview_proration,
    preview_retries,
    preview_schedule,
)
from domain.pricing import lines_of
from domain.recorded import stored_name
from domain.refusals import Refused
from domain.schedule import Schedule, schedule_of
from domain.subscription.changing import Change
from domain.subscription.events import (
    CreditGranted,
    DeclineClass,
    InvoiceIssued,
    InvoiceLine,
    TermsChanged,
    When,
)
from domain.subscription.state import Subscription
from infrastructure.api.asking import AgreedTerms, Amount, Asked, ChangedTerms
from infrastructure.wishes import NewTerms, agreed_terms, checked_instant, checked_start


class PreviewedTerms(AgreedTerms, kw_only=True):
    """Terms as they would be agreed to; a preview needs no description."""

    description: str = "Subscription"


# --- schedule ---------------------------------------------------------------------------------


class ScheduleAsked(Asked, kw_only=True):
    """Which invoices would come? start: first local day in `zone`. count: 1 to 1200 of them."""

    start: date
    zone: str
    terms: PreviewedTerms
    count: int = 12


class InvoiceToCome(msgspec.Struct, kw_only=True):
    """One invoice. period: local days, end exclusive; due_at: UTC instant."""

    invoice_number: int
    period: Period
    days: int
    due_on: date
    due_at: datetime
    lines: tuple[InvoiceLine, ...]
    total: Money


class ScheduleAnswer(msgspec.Struct, kw_only=True):
    """The invoices, soonest first; fewer than asked for where the terms end earlier."""

    items: tuple[InvoiceToCome, ...]


def answer_schedule(asked: ScheduleAsked) -> ScheduleAnswer:
    """The first invoices of a subscription. Raises: Refused."""
    terms = asked.terms.terms()
    found = preview_schedule(checked_start(asked.start), terms, asked.zone, count=asked.count)
    schedule = schedule_of(asked.start, terms)
    items = []
    for each in found:
        lines = lines_of(terms, each.invoice_number, schedule)
        items.append(
            InvoiceToCome(
                invoice_number=each.invoice_number,
                period=each.period,
                days=each.days,
                due_on=each.due_on,
                due_at=each.due_at,
                lines=lines,
                total=total((line.amount for line in lines), terms.price.currency),
            )
        )
    return ScheduleAnswer(items=tuple(items))


# --- change -----------------------------------------------------------------------------------


class Present(Asked, kw_only=True):
    """A subscription that never was, with a token and every period billed. See ScheduleAsked."""

    start: date
    zone: str
    terms: PreviewedTerms


class ChangeAsked(Asked, kw_only=True):
    """What would a change of terms write, and what would the next invoice come to?

    subscription_id: of the books; or present: of no books.
    at: the instant of the change; needed with `present`, else it is now.
    terms, when, proration: as in a change.
    """

    terms: ChangedTerms
    subscription_id: str | None = None
    present: Present | None = None
    at: datetime | None = None
    when: When = When.NOW
    proration: Proration | None = None


class FactToCome(msgspec.Struct, kw_only=True):
    """A fact as it would be written. name: its stored name; fact: its fields."""

    name: str
    fact: dict[str, Any]


class ChangeAnswer(msgspec.Struct, kw_only=True):
    """What a change would do.

    position: of the log, at which this holds; null where no books were asked.
    changed: false where these terms are agreed to already.
    facts: what would be written, the invoices that are due by then first.
    terms: those agreed to afterwards, billed from invoice `from_invoice` on; null: no change.
    credited: what becomes credit, by `credit_lines`.
    invoice: the next one afterwards; applied: what credit pays of it; to_pay: what is left.
    """

    position: int | None
    at: datetime
    changed: bool
    facts: tuple[FactToCome, ...]
    terms: Terms
    from_invoice: int | None
    credited: Money
    credit_lines: tuple[InvoiceLine, ...]
    invoice: InvoiceIssued | None
    applied: Money
    to_pay: Money


def stated(asked: ChangeAsked, zone_version: str) -> tuple[Subscription, datetime]:
    """The subscription that never was, at the moment of its change. Raises: Refused."""
    present = asked.present
    if present is None or asked.subscription_id is not None:
        raise Refused("preview-ambiguous", "give either subscription_id or present")
    if asked.at is None:
        raise Refused("moment-missing", "say at which instant it is changed")
    start, at, terms = (
        checked_start(present.start),
        checked_instant(asked.at),
        present.terms.terms(),
    )
    check_terms(terms)
    _check_length(schedule_of(start, terms), 0, at, present.zone)
    return as_if(start, terms, present.zone, now=at, zone_version=zone_version), at


def answer_change(
    asked: ChangeAsked,
    state: Subscription,
    *,
    now: datetime,
    zone_version: str,
    position: int | None = None,
) -> ChangeAnswer:
    """What the change that is asked about would do to a subscription. Raises: Refused."""
    return preview_of(
        state,
        asked.terms.new_terms(),
        when=asked.when,
        proration=asked.proration,
        now=now,
        zone_version=zone_version,
        position=position,
    )


def preview_of(
    state: Subscription,
    new: NewTerms,
    *,
    when: When,
    proration: Proration | None,
    now: datetime,
    zone_version: str,
    position: int | None,
) -> ChangeAnswer:
    """What a change of a subscription would do. Raises: Refused."""
    _check_length(state.schedule, state.invoices_issued, now, state.zone)
    wish = Change(
        terms=new.over(agreed_terms(state)), when=when, reason="preview", proration=proration
    )
    seen = preview_change(state, wish, now=now, zone_version=zone_version)
    changed = next((each for each in seen.facts if isinstance(each, TermsChanged)), None)
    credits = [each for each in seen.facts if isinstance(each, CreditGranted)]
    facts = [
        FactToCome(name=stored_name(type(each)), fact=msgspec.to_builtins(each))
        for each in seen.facts
    ]
    return ChangeAnswer(
        position=position,
        at=now,
        changed=changed is not None,
        facts=tuple(facts),
        terms=agreed_terms(state) if changed is None else changed.terms,
        from_invoice=None if changed is None else changed.from_invoice,
        credited=seen.credited,
        credit_lines=tuple(line for each in credits for line in each.lines),
        invoice=seen.invoice,
        applied=seen.applied,
        to_pay=seen.to_pay,
    )


def _check_length(schedule: Schedule, issued: int, at: datetime, zone: str) -> None:
    """Every period up to the moment is billed for the answer: a bounded number of them."""
    if local_day(at, zone) >= schedule.period(issued + LARGEST_PREVIEW).start:
        raise Refused("preview-too-long", f"more than {LARGEST_PREVIEW} periods lie before {at}")


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

    at: instant of the first decline. retry_days: of the terms. decline: the kind of the decline.
    retry_not_before: the provider's advice, or null.
    """

    at: datetime
    retry_days: tuple[int, ...] = RetryPolicy().wait_days
    decline: DeclineClass = DeclineClass.SOFT
    retry_not_before: datetime | None = None


class RetriesAnswer(msgspec.Struct, kw_only=True):
    """The attempts to come, and what happens after the last."""

    declined_at: datetime
    retries: tuple[PlannedRetry, ...]
    end: str


def answer_retries(asked: RetriesAsked) -> RetriesAnswer:
    """The retries of a decline. Raises: Refused."""
    at, advice = checked_instant(asked.at), asked.retry_not_before
    declined = Declined(
        decline=asked.decline,
        code="preview",
        message="",
        retry_not_before=None if advice is None else checked_instant(advice),
    )
    seen = preview_retries(RetryPolicy(asked.retry_days), declined, at=at)
    return RetriesAnswer(declined_at=at, retries=seen.retries, end=seen.end)
