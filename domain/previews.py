"""Ask before you act: what would be billed, by the same functions that bill. Nothing is written.

Everything is computed from the arguments alone. A change is previewed on a subscription as it
stands, or on one that never was (`as_if`): begun, vaulted and billed up to a moment.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import attrs

from domain.calendar import Period, local_day, start_of_day
from domain.catalogue.moving import move_due
from domain.catalogue.state import Plan
from domain.identity import token_request_id
from domain.money import Money
from domain.plan import DunningEnd, PaidTrial, Proration, RetryPolicy, Terms, checked_retry
from domain.ports import Declined
from domain.prices import Part
from domain.pricing import line, lines_of, share_of_rest
from domain.providers import Provider
from domain.refusals import Refused
from domain.schedule import due_day
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import (
    CreditApplied,
    CreditGranted,
    DeclineClass,
    Instrument,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
    TokenVaulted,
)
from domain.subscription.folding import evolve_all
from domain.subscription.invoicing import bill_what_is_due, due_at, issue_invoice
from domain.subscription.refund_events import RefundRequested
from domain.subscription.retrying import next_retry
from domain.subscription.starting import Start, start
from domain.subscription.state import Subscription

LARGEST_PREVIEW = 1200


@attrs.frozen(kw_only=True)
class ScheduledInvoice:
    """One invoice to come. due_at: UTC instant; period: local days, end exclusive.

    lines: without usage, which nobody knows yet. plan_version: of the terms that it bills.
    """

    invoice_number: int
    period: Period
    days: int
    due_on: date
    due_at: datetime
    lines: tuple[InvoiceLine, ...]
    plan_version: int


def preview_schedule(
    first_day: date,
    terms: Terms,
    zone: str,
    *,
    count: int,
    paid_trial: PaidTrial | None = None,
    anchor: date | None = None,
    plan: Plan | None = None,
) -> tuple[ScheduledInvoice, ...]:
    """The first `count` invoices (fewer where the terms end earlier) of a subscription.

    paid_trial, anchor: as starting.Start has them. plan: that of the terms, if its announced moves
        are to be carried out, or None.
    Refused: "count-out-of-range" beyond 1 to LARGEST_PREVIEW; "kind-schedule" where no periods
        are billed; the codes of starting.
    """
    if not terms.scheduled:
        raise Refused("kind-schedule", f"{terms.kind.value} is billed when it is asked for")
    if not 1 <= count <= LARGEST_PREVIEW:
        raise Refused("count-out-of-range", f"1 to {LARGEST_PREVIEW} invoices can be previewed")
    begun = start_of_day(first_day, zone)
    wish = _as_if(first_day, terms, zone, paid_trial=paid_trial, anchor=anchor)
    state = evolve_all(None, start(None, wish, now=begun, zone_version=""))
    if plan is not None:
        return _with_moves(_vaulted(state, wish.namespace, begun), plan, count)
    last = min(count, state.last_invoice or count)
    return tuple(_scheduled(state, number) for number in range(1, last + 1))


def _with_moves(state: Subscription, plan: Plan, count: int) -> tuple[ScheduledInvoice, ...]:
    """Each invoice as it falls due, after the moves that are carried out by then."""
    found = []
    for number in range(1, count + 1):
        due = state.next_due_at
        if due is None:
            break
        state = evolve_all(state, move_due(state, plan, now=due, zone_version=""))
        found.append(_scheduled(state, number))
        state = evolve_all(state, issue_invoice(state, now=due, zone_version=""))
    return tuple(found)


def _scheduled(state: Subscription, number: int) -> ScheduledInvoice:
    agreed, schedule = state.plan_of(number)
    period = schedule.period(number)
    return ScheduledInvoice(
        invoice_number=number,
        period=period,
        days=period.days,
        due_on=due_day(agreed, period),
        due_at=due_at(state, number),
        lines=lines_of(agreed, number, schedule),
        plan_version=agreed.plan_version,
    )


@attrs.frozen(kw_only=True)
class ProrationPreview:
    """What is left of a period, and what is used up: together the whole price."""

    rest: InvoiceLine
    used: Money
    whole: Money


def preview_proration(
    price: Money,
    period: Period,
    *,
    at: datetime,
    zone: str,
    policy: Proration,
    quantity: int = 1,
) -> ProrationPreview:
    """What the rest of a period is worth from an instant (UTC) on.

    Refused: "period-empty"; "not-in-period" where the instant lies outside of it.
    """
    if period.days < 1:
        raise Refused("period-empty", f"{period.start} to {period.end} holds no day")
    day = local_day(at, zone)
    if not period.start <= day < period.end:
        raise Refused("not-in-period", f"{day} is not in {period.start} to {period.end}")
    share = share_of_rest(period, period.days, day=day, now=at, zone=zone, policy=policy)
    text = f"rest {day} to {period.end} (end exclusive)"
    rest = line(LineKind.REST, text, Part(quantity=quantity, unit_price=price), share)
    whole = Money(price.minor * quantity, price.currency)
    return ProrationPreview(rest=rest, used=whole - rest.amount, whole=whole)


@attrs.frozen(kw_only=True)
class ChangePreview:
    """What a change writes, and the next invoice as it will then be issued.

    facts: exactly those of `change_terms`. credited: what becomes credit; refunded: what of that
    goes back. invoice: the next one, or None; applied: what credit pays of it; to_pay: what is
    left to charge.
    """

    facts: tuple[SubscriptionEvent, ...]
    credited: Money
    refunded: Money
    invoice: InvoiceIssued | None
    applied: Money
    to_pay: Money


def preview_change(
    state: Subscription, wish: Change, *, now: datetime, zone_version: str
) -> ChangePreview:
    """What a change would write now, and what the next invoice would come to.

    Refused: what `change_terms` refuses.
    """
    facts = change_terms(state, wish, now=now, zone_version=zone_version)
    after = evolve_all(state, facts)
    granted = [each.amount.minor for each in facts if isinstance(each, CreditGranted)]
    back = [each.amount.minor for each in facts if isinstance(each, RefundRequested)]
    due = after.next_due_at
    billed: tuple[SubscriptionEvent, ...] = ()
    if due is not None:
        billed = issue_invoice(after, now=max(due, now), zone_version=zone_version)
    invoice = next((each for each in billed if isinstance(each, InvoiceIssued)), None)
    applied = sum(each.amount.minor for each in billed if isinstance(each, CreditApplied))
    total = 0 if invoice is None else invoice.total.minor
    return ChangePreview(
        facts=facts,
        credited=Money(sum(granted), state.currency),
        refunded=Money(sum(back), state.currency),
        invoice=invoice,
        applied=Money(applied, state.currency),
        to_pay=Money(total - applied, state.currency),
    )


def as_if(
    first_day: date, terms: Terms, zone: str, *, now: datetime, zone_version: str
) -> Subscription:
    """A subscription that never was: begun, vaulted, and billed for every period due by `now`.

    Refused: what starting refuses.
    """
    begun = start_of_day(first_day, zone)
    wish = _as_if(first_day, terms, zone)
    state = evolve_all(None, start(None, wish, now=begun, zone_version=zone_version))
    state = _vaulted(state, wish.namespace, begun)
    return bill_what_is_due(state, now=now, zone_version=zone_version)[1]


def _vaulted(state: Subscription, namespace: UUID, begun: datetime) -> Subscription:
    """The same, once its payer has approved."""
    vaulted = TokenVaulted(
        request_id=token_request_id(namespace, 1),
        token_ref="preview",  # noqa: S106
        instrument=Instrument(kind="preview"),
        replaces=None,
        effective_at=begun,
    )
    return evolve_all(state, (vaulted,))


def _as_if(
    first_day: date,
    terms: Terms,
    zone: str,
    *,
    paid_trial: PaidTrial | None = None,
    anchor: date | None = None,
) -> Start:
    return Start(
        subscription_id="preview",
        customer_id="preview",
        namespace=UUID(int=0),
        provider=Provider.PAYPAL,
        account="preview",
        zone=zone,
        start=first_day,
        terms=terms,
        paid_trial=paid_trial,
        anchor=anchor,
    )


@attrs.frozen(kw_only=True)
class PlannedRetry:
    """One more attempt. retry_number: from 1; at: the earliest UTC instant."""

    retry_number: int
    at: datetime


@attrs.frozen(kw_only=True)
class RetryPreview:
    """What follows from a decline that is repeated at every attempt. end: what happens then.

    end_at: the UTC instant at which the plan's end of dunning takes effect; None where it has none,
        or where it is not for the plan to say.
    """

    retries: tuple[PlannedRetry, ...]
    end: str
    end_at: datetime | None


_ENDS = {
    DunningEnd.LEAVE_OPEN: "collection ends; a person has to look",
    DunningEnd.SUSPEND: "collection ends; after the grace nothing is billed until it is paid",
    DunningEnd.CANCEL: "collection ends; after the grace the subscription is cancelled",
    DunningEnd.WRITE_OFF: "collection ends; after the grace the invoice is written off",
}


def preview_retries(policy: RetryPolicy, declined: Declined, *, at: datetime) -> RetryPreview:
    """The retries of an invoice whose every attempt is declined in the same way, from `at` on.

    Refused: "retry-policy-malformed", "grace-malformed".
    """
    checked_retry(policy)
    match declined.decline:
        case DeclineClass.HARD | DeclineClass.PAYER_ACTION:
            end = "a new token is asked for; this one is not charged"
            return RetryPreview(retries=(), end=end, end_at=None)
        case DeclineClass.MERCHANT:
            return RetryPreview(
                retries=(), end="collection ends; a person has to look", end_at=None
            )
        case DeclineClass.SOFT:
            pass
    retries: list[PlannedRetry] = []
    while (moment := next_retry(policy, len(retries), declined, now=at)) is not None:
        retries.append(PlannedRetry(retry_number=len(retries) + 1, at=moment))
        at = moment
    leave_open = policy.end is DunningEnd.LEAVE_OPEN
    return RetryPreview(
        retries=tuple(retries),
        end=_ENDS[policy.end],
        end_at=None if leave_open else at + timedelta(days=policy.grace_days),
    )
