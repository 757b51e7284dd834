"""Usage that is billed at once, because it comes to the agreed threshold.

The threshold is one of what usage costs with tax, before discounts. What counts towards it is the
usage that the next invoice would count; what was reported late, for a time that is billed
already, waits for the period's end. There the rest is billed, however little it is.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.calendar import Period, local_day
from domain.money import total
from domain.subscription.beside import invoice_beside
from domain.subscription.discounting import with_discounts
from domain.subscription.events import THRESHOLD_REACHED, InvoiceLine, SubscriptionEvent
from domain.subscription.folding_usage import not_billed
from domain.subscription.invoicing import invoice_due
from domain.subscription.state import Status, Subscription
from domain.subscription.usage_pricing import first_day, stretch_lines


def threshold_invoice(state: Subscription, *, now: datetime) -> tuple[SubscriptionEvent, ...]:
    """Bill the usage so far, and pay it from the customer's credit as far as that goes. Quiet
    while it is below the threshold; and while a period, or the end, is due, whose invoice takes
    its part first.

    Each unit is billed once: it is counted towards one stretch, and each stretch has one invoice.
    """
    lines = reached(state)
    stretch = not_billed(state)
    if not lines or stretch is None or invoice_due(state, now=now) or _over(state, now):
        return ()
    period = Period(first_day(state, stretch), _day_after(state, stretch.ends))
    return invoice_beside(
        state,
        with_discounts(state.discounts, lines),
        THRESHOLD_REACHED,
        period,
        at=stretch.ends,
        now=now,
    )


def reached(state: Subscription) -> tuple[InvoiceLine, ...]:
    """What the usage so far costs, where that is to be billed now; empty where it is not.

    While it is suspended, billing stands still: usage waits for the last invoice, or for its end.
    """
    threshold = state.terms.threshold
    if threshold is None or not state.collects or state.status is Status.SUSPENDED:
        return ()
    stretch = not_billed(state)
    if stretch is None:
        return ()
    lines = stretch_lines(state, stretch, _day_after(state, stretch.ends))
    amount = total((each.amount for each in lines), state.currency)
    return lines if amount.minor >= threshold.minor else ()


def _over(state: Subscription, now: datetime) -> bool:
    planned = state.cancellation
    return planned is not None and planned.at is not None and planned.at <= now


def _day_after(state: Subscription, instant: datetime) -> date:
    return local_day(instant, state.zone) + timedelta(days=1)
