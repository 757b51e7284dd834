"""Charges that are asked for beside the schedule, and auto-reload of a balance.

Each makes an invoice of the second series (identity.ON_DEMAND), which the worker collects as any
open one. The schedule does not notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from domain.calendar import Period, local_day
from domain.identity import checked_id
from domain.money import Money
from domain.plan import Kind, Reload
from domain.prices import Part
from domain.pricing import Share, line
from domain.refusals import Refused
from domain.subscription.beside import invoice_beside
from domain.subscription.demanded import Demanded
from domain.subscription.events import (
    BalanceReported,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve
from domain.subscription.standing import check_active, check_not_ended
from domain.subscription.state import Subscription
from domain.subscription.wording import checked_reason
from domain.taxes import TaxRate, check_rate

_AS_ASKED = Share(numerator=1, denominator=1, days=0, policy="on-demand")


@attrs.frozen(kw_only=True)
class Demand:
    """The wish to charge once. demand_id: the caller's own, one a charge.

    description: what for, 1-127 characters. amount: before tax that comes on top. tax: or None.
    reason: why it is asked for; stands behind the description on the invoice's line.
    """

    demand_id: str
    description: str
    amount: Money
    tax: TaxRate | None
    reason: str


@attrs.frozen(kw_only=True)
class BalanceReport:
    """What a customer has left with the merchant. report_id: the caller's own, one a report.

    balance: may be below nothing. at: UTC instant at which it was so.
    """

    report_id: str
    balance: Money
    at: datetime


def demand(state: Subscription, wish: Demand, *, now: datetime) -> tuple[SubscriptionEvent, ...]:
    """Bill what is asked for, and pay it from the customer's credit as far as that goes. Quiet
    when the same was asked for before; ids are remembered as long as those of usage.

    Refused: "demand-id-reused" where something else was asked for by that id; "amount-fixed" for
        another amount or tax than agreed, where the amount may not vary; "amount-not-positive";
        "currency-mixed"; "instalments-fixed"; "too-many-demands" in a local day;
        "subscription-not-active"; "subscription-ended"; "description-malformed";
        "tax-malformed"; "id-malformed"; "reason-malformed".
    """
    text = _check_words(wish)
    known = next((each for each in state.demands if each.demand_id == wish.demand_id), None)
    if known is not None:
        return _again(known, wish, text)
    _check_allowed(state, wish)
    day = local_day(now, state.zone)
    asked = _on_day((each.at for each in state.demands), state, day.isoformat())
    if asked >= state.terms.most_demands_a_day:
        raise Refused("too-many-demands", f"{asked} were made on {day}")
    part = Part(quantity=1, unit_price=wish.amount)
    billed = line(LineKind.DEMAND, text, part, _AS_ASKED, wish.tax)
    return _billed(state, billed, wish.demand_id, now)


def _check_words(wish: Demand) -> str:
    """The text of the line: what for, and why it was asked for."""
    checked_reason(wish.reason)
    checked_id("demand id", wish.demand_id)
    if not 1 <= len(wish.description) <= 127 or not wish.description.isprintable():
        raise Refused("description-malformed", "a description is 1-127 printable characters")
    if wish.tax is not None:
        check_rate(wish.tax)
    return f"{wish.description} ({wish.reason})"


def _again(known: Demanded, wish: Demand, text: str) -> tuple[SubscriptionEvent, ...]:
    if (known.description, known.amount, known.tax) != (text, wish.amount, wish.tax):
        raise Refused("demand-id-reused", f"{wish.demand_id} asked for something else")
    return ()


def _check_allowed(state: Subscription, wish: Demand) -> None:
    terms, amount = state.terms, wish.amount
    check_not_ended(state)
    check_active(state)
    if terms.kind is Kind.INSTALLMENT:
        raise Refused("instalments-fixed", "instalments add up to what was agreed")
    if amount.currency != state.currency:
        raise Refused("currency-mixed", f"{state.subscription_id} is billed in {state.currency}")
    if amount.minor <= 0:
        raise Refused("amount-not-positive", f"{amount} cannot be charged")
    if not terms.variable and (amount, wish.tax) != (terms.price, terms.tax):
        raise Refused("amount-fixed", f"{terms.price} was agreed to, and its tax")


def _on_day(instants: Iterable[datetime], state: Subscription, begins: str) -> int:
    """How many of these fall on local days whose ISO date begins so: a day, or a month."""
    days = (local_day(each, state.zone).isoformat() for each in instants)
    return sum(1 for day in days if day.startswith(begins))


def _billed(
    state: Subscription, billed: InvoiceLine, asked_by: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    day = local_day(now, state.zone)
    period = Period(day, day + timedelta(days=1))
    return invoice_beside(state, (billed,), asked_by, period, at=now, now=now)


def report_balance(
    state: Subscription, wish: BalanceReport, *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Take note of a balance, and reload it where it is too low.

    One reload a crossing: it is over when a later balance is at or above the threshold again. A
    crossing that finds no room under the caps waits for the next report. A report that is not
    later than the last one changes nothing, and nothing of it is kept; nor of a repeat.
    Refused: "report-id-reused" where the latest report, or a reload's, of that id was another;
        "reload-not-agreed"; "balance-in-the-future"; "currency-mixed"; "subscription-not-active";
        "subscription-ended"; "id-malformed".
    """
    checked_id("report id", wish.report_id)
    agreed, last = state.terms.reload, state.reloading
    if agreed is None:
        raise Refused("reload-not-agreed", f"{state.subscription_id} is not reloaded by itself")
    if wish.balance.currency != state.currency:
        raise Refused("currency-mixed", f"{state.subscription_id} is billed in {state.currency}")
    if last is not None and last.report_id == wish.report_id:
        if (last.balance, last.at) == (wish.balance, wish.at):
            return ()
        raise Refused("report-id-reused", f"{wish.report_id} is another report's")
    if wish.at > now:
        raise Refused("balance-in-the-future", f"{wish.at} has not come yet")
    if last is not None and wish.at <= last.at:
        return ()
    if any(each.report_id == wish.report_id for each in state.reloads):
        raise Refused("report-id-reused", f"{wish.report_id} is another report's")
    check_not_ended(state)
    check_active(state)
    noted = BalanceReported(
        customer_id=state.customer_id,
        report_id=wish.report_id,
        balance=wish.balance,
        effective_at=wish.at,
    )
    return (noted, *_reload(evolve(state, noted), agreed, now))


def _reload(state: Subscription, agreed: Reload, now: datetime) -> tuple[SubscriptionEvent, ...]:
    crossing = state.reloading
    if crossing is None or not crossing.below or crossing.reloaded:
        return ()
    if not has_room(state, agreed, now):
        return ()
    part = Part(quantity=1, unit_price=agreed.amount)
    text = f"{state.terms.description}, reload below {agreed.threshold}"
    billed = line(LineKind.RELOAD, text, part, _AS_ASKED)
    return _billed(state, billed, crossing.report_id, now)


def has_room(state: Subscription, agreed: Reload, now: datetime) -> bool:
    """Whether the caps of the local day and month allow one more reload."""
    today = local_day(now, state.zone).isoformat()
    instants = [each.at for each in state.reloads]
    return (
        _on_day(instants, state, today) < agreed.most_a_day
        and _on_day(instants, state, today[:7]) < agreed.most_a_month
    )
