"""Usage: reported once, billed with the next invoice, and never lost when it comes late.

Usage before an invoice's due instant is on that invoice. What is reported later belongs to a
stretch that is billed already: what it adds there, by the prices and the discounts of that time,
is put on the next invoice; what a correction takes away becomes credit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from domain.calendar import Period, start_of_day
from domain.identity import checked_id
from domain.money import total
from domain.plan import Meter
from domain.pricing import given_back
from domain.refusals import Refused
from domain.subscription.events import (
    CreditKind,
    InvoiceLine,
    SubscriptionEvent,
    UsageCorrected,
    UsageReported,
)
from domain.subscription.folding import evolve_all
from domain.subscription.folding_usage import (
    REMEMBERED,
    meters_at,
    stretch_of,
)
from domain.subscription.restating import difference
from domain.subscription.running import credit_for
from domain.subscription.standing import check_not_ended
from domain.subscription.state import Subscription
from domain.subscription.threshold import threshold_invoice
from domain.subscription.usage_pricing import billed
from domain.subscription.used import Counted, Usage
from domain.subscription.wording import checked_reason

LARGEST_USAGE = 10**12
# What the credit says where late usage makes all of it cheaper (volume prices).
CHEAPER = "late usage reached a cheaper tier"


@attrs.frozen(kw_only=True)
class Report:
    """The wish to count usage. usage_id: the caller's own, one a report.

    quantity: units of the meter, 1 to LARGEST_USAGE. at: UTC instant of the usage.
    """

    usage_id: str
    meter: str
    quantity: int
    at: datetime


def report_usage(
    state: Subscription, wish: Report, *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Count usage; where it comes to the agreed threshold, bill it at once. Quiet when the same
    report was made before.

    Refused: "usage-id-reused" where another report has the id; "usage-malformed"; "meter-unknown"
        by the terms of that time; "usage-in-the-future"; "usage-before-start"; "usage-too-late"
        where that time was billed more than REMEMBERED ago; "subscription-ended", also where no
        invoice is to come; "id-malformed".
    """
    checked_id("usage id", wish.usage_id)
    if type(wish.quantity) is not int or not 1 <= wish.quantity <= LARGEST_USAGE:
        raise Refused("usage-malformed", f"usage is 1 to {LARGEST_USAGE} units")
    known = _known(state, wish.usage_id)
    if known is not None:
        if (known.meter, known.reported, known.at) == (wish.meter, wish.quantity, wish.at):
            return ()
        raise Refused("usage-id-reused", f"{wish.usage_id} is another report's")
    check_not_ended(state)
    if not invoice_to_come(state):
        raise Refused("subscription-ended", f"{state.subscription_id} has its last invoice")
    _check_time(state, wish.at, now)
    stretch = stretch_of(state, wish.at)
    meters = meters_at(state, wish.at) if stretch is None else stretch.meters
    if all(each.code != wish.meter for each in meters):
        raise Refused("meter-unknown", f"{wish.meter} was not agreed to for {wish.at}")
    lines: tuple[InvoiceLine, ...] = ()
    credits: tuple[SubscriptionEvent, ...] = ()
    if stretch is not None and stretch.bill is not None:
        usage = Usage(
            usage_id=wish.usage_id,
            meter=wish.meter,
            reported=wish.quantity,
            quantity=wish.quantity,
            at=wish.at,
        )
        lines = difference(state, stretch, (*stretch.usage, usage), "late")
        credits, lines = _less_is_credit(state, lines, CHEAPER, now)
    reported = UsageReported(
        customer_id=state.customer_id,
        usage_id=wish.usage_id,
        meter=wish.meter,
        quantity=wish.quantity,
        lines=lines,
        effective_at=wish.at,
    )
    facts = (*credits, reported)
    return (*facts, *threshold_invoice(evolve_all(state, facts), now=now))


def correct_usage(
    state: Subscription, usage_id: str, quantity: int, *, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Say what a report should have said. Quiet when it says so already.

    quantity: 0 to LARGEST_USAGE.
    Refused: "usage-unknown", also where it was billed more than REMEMBERED ago;
        "usage-malformed"; "subscription-ended"; "reason-malformed".
    """
    checked_reason(reason)
    if type(quantity) is not int or not 0 <= quantity <= LARGEST_USAGE:
        raise Refused("usage-malformed", f"usage is 0 to {LARGEST_USAGE} units")
    known = _known(state, usage_id)
    stretch = next((each for each in state.counted if known in each.usage), None)
    if known is None or (stretch is not None and stretch.ends < now - REMEMBERED):
        raise Refused("usage-unknown", f"{usage_id[:64]!r} was not reported, or is too old")
    if known.quantity == quantity:
        return ()
    check_not_ended(state)
    lines: tuple[InvoiceLine, ...] = ()
    credits: tuple[SubscriptionEvent, ...] = ()
    if stretch is not None and stretch.bill is not None:
        right = attrs.evolve(known, quantity=quantity)
        usage = tuple(right if each is known else each for each in stretch.usage)
        lines = difference(state, stretch, usage, "corrected")
        credits, lines = _less_is_credit(state, lines, reason, now)
        if not invoice_to_come(state) and not sum(each.amount.minor for each in lines):
            lines = ()  # no invoice has to say that nothing is owed
        if lines and not invoice_to_come(state):
            raise Refused("subscription-ended", f"{state.subscription_id} has its last invoice")
    corrected = UsageCorrected(
        customer_id=state.customer_id,
        usage_id=usage_id,
        meter=known.meter,
        previous=known.quantity,
        quantity=quantity,
        lines=lines,
        reason=reason,
        effective_at=now,
    )
    facts = (*credits, corrected)
    return (*facts, *threshold_invoice(evolve_all(state, facts), now=now))


def invoice_to_come(state: Subscription) -> bool:
    """Whether there is an invoice that can bill what is reported now."""
    return state.next_due_at is not None or state.pause is not None


def _less_is_credit(
    state: Subscription, lines: tuple[InvoiceLine, ...], reason: str, now: datetime
) -> tuple[tuple[SubscriptionEvent, ...], tuple[InvoiceLine, ...]]:
    """What a billed stretch costs less is credit: no invoice gives back more than it charges."""
    if total((each.amount for each in lines), state.currency).minor >= 0:
        return (), lines
    back = tuple(given_back(each) for each in lines)
    return credit_for(state, back, CreditKind.CORRECTION, reason, now), ()


def _known(state: Subscription, usage_id: str) -> Usage | None:
    reports = (*state.usage, *(each for stretch in state.counted for each in stretch.usage))
    return next((each for each in reports if each.usage_id == usage_id), None)


def _check_time(state: Subscription, at: datetime, now: datetime) -> None:
    if at > now:
        raise Refused("usage-in-the-future", f"{at} has not come yet")
    if at < start_of_day(state.start, state.zone):
        raise Refused("usage-before-start", f"{state.subscription_id} begins on {state.start}")
    if state.counted_from is None or at >= state.counted_from:
        return
    stretch = stretch_of(state, at)
    if stretch is None or stretch.ends < now - REMEMBERED:
        raise Refused("usage-too-late", f"{at} was billed too long ago")


def usage_of_period(
    meters: tuple[Meter, ...], usage: Mapping[str, int], period: Period
) -> tuple[InvoiceLine, ...]:
    """What units of each meter come to, used in a whole period.

    Refused: "meter-unknown", "usage-malformed".
    """
    codes = {each.code for each in meters}
    for code, quantity in usage.items():
        if code not in codes:
            raise Refused("meter-unknown", f"{code[:64]!r} is not in the terms")
        if type(quantity) is not int or not 0 <= quantity <= LARGEST_USAGE:
            raise Refused("usage-malformed", f"usage is 0 to {LARGEST_USAGE} units")
    # Any instants do: nothing is looked up by them.
    ends = start_of_day(period.end, "UTC")
    used = tuple(
        Usage(usage_id=code, meter=code, reported=quantity, quantity=quantity, at=ends)
        for code, quantity in usage.items()
    )
    stretch = Counted(begins=None, ends=ends, meters=meters, usage=used, bounded=True, free=False)
    words = f"{period.start} to {period.end} (end exclusive)"
    return tuple(each for meter in meters for each in billed(stretch, meter, words))
