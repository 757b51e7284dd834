"""One line of a customer file: its values read by type, then judged by the rules of starting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import attrs

from domain.calendar import Interval, Unit, count_from
from domain.catalogue.offering import Choice
from domain.catalogue.starting import StartByPlan
from domain.identity import checked_id
from domain.money import Money
from domain.plan import Kind, PaidTrial, Terms, Timing
from domain.providers import Provider
from domain.subscription.starting import FirstPayment, Past, Start, start
from infrastructure.commands.customer_terms import (
    PRICED_BY,
    TERMS_COLUMNS,
    PlanFiles,
    terms_of_line,
)
from infrastructure.commands.line_fields import Fields
from infrastructure.commands.wishes import checked_wish

# A later day is not in every month: counting back and then on again would lose it.
LAST_DAY_OF_EVERY_MONTH = 28
NOT_MONTHLY = (
    "months-not-monthly",
    "months count the payments of a monthly plan without a trial; give start instead",
)
# What a line may say of its terms that names a published plan; what says them otherwise.
_CHOICE = frozenset({"plan", "plan_version", "quantity"})
_PRICED_OTHERWISE = (*PRICED_BY, "plan_file")
# What is of terms that are not known yet.
_OF_TERMS = (*TERMS_COLUMNS, "paid_trial_price", "paid_trial_cycles")
_NOT_DRAWN = UUID(int=0)
_ANY_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
# Stands in for what the catalogue will say.
_ANY_TERMS = Terms(
    plan="any",
    plan_version=1,
    description="any",
    kind=Kind.SUBSCRIPTION,
    timing=Timing.PREPAID,
    interval=Interval(Unit.MONTH),
    price=Money(1, "USD"),
)


@attrs.frozen(kw_only=True)
class CustomerRow:
    """One line that can be started; its columns as customers.py explains them.

    line: as an editor counts it, from 1 (the header).
    start: first local day of service; months: None where the file gave `start` itself.
    terms: None where the line names a published plan, which is `choice` then.
    """

    line: int
    customer_id: str
    subscription_id: str
    provider: Provider
    account: str
    zone: str
    start: date
    terms: Terms | None
    paid_trial: PaidTrial | None
    anchor: date | None
    past: Past
    months: int | None
    churned: bool
    state: str
    choice: Choice | None = None
    first_payment: FirstPayment = FirstPayment.CHARGED

    def wish(self, namespace: UUID) -> Start | StartByPlan:
        """The wish to start it. namespace: drawn by whoever starts it, and kept from then on."""
        asked: dict[str, Any] = {
            "subscription_id": self.subscription_id,
            "customer_id": self.customer_id,
            "namespace": namespace,
            "provider": self.provider,
            "account": self.account,
            "zone": self.zone,
            "start": self.start,
            "paid_trial": self.paid_trial,
            "anchor": self.anchor,
            "past": self.past,
            "first_payment": self.first_payment,
        }
        if self.choice is not None:
            return StartByPlan(**asked, choice=self.choice)
        assert self.terms is not None, "a line has terms, or names a plan"
        return Start(**asked, terms=self.terms)


@attrs.frozen(kw_only=True)
class Defaults:
    """What a file leaves open.

    end: the date that `months` are counted back from, and the start where neither is given.
    accounts: (provider, account's name) taken in turn by lines that name no provider.
    first_payment: how the first invoice is paid.
    """

    end: date
    zone: str = "UTC"
    accounts: Sequence[tuple[Provider, str]] = (
        (Provider.PAYPAL, "main"),
        (Provider.DINTERO, "main"),
    )
    first_payment: FirstPayment = FirstPayment.CHARGED


def read_line(
    line: int,
    values: Mapping[str, str],
    defaults: Defaults,
    turn: int,
    plans: PlanFiles,
) -> tuple[CustomerRow | None, list[tuple[str, str]]]:
    """The row of a line, or None with (code, reason) of everything that is wrong.

    values: our columns to the file's text, stripped. turn: counts lines that name no provider.
    plans: where `plan_file` names terms.
    """
    fields = Fields(values)
    provider, account = _account(fields, defaults, turn)
    choice = _choice(fields)
    terms = terms_of_line(fields, plans) if choice is None else None
    first_day = _start(fields, terms, choice, defaults)
    churned = fields.yes_no("churned")
    if (terms is None and choice is None) or first_day is None or fields.problems:
        return None, fields.problems
    row = CustomerRow(
        line=line,
        customer_id=fields.text("customer_id"),
        subscription_id=fields.text("subscription_id") or fields.text("customer_id"),
        provider=provider,
        account=account,
        zone=fields.text("zone", defaults.zone),
        start=first_day,
        terms=terms,
        paid_trial=None if terms is None else _paid_trial(fields, terms),
        anchor=fields.day("anchor"),
        past=fields.choice("past", Past, Past.BILL),
        months=fields.number("months"),
        churned=churned,
        state=fields.text("state"),
        choice=choice,
        first_payment=fields.choice("first_payment", FirstPayment, defaults.first_payment),
    )
    fields.checked(lambda: _judge(row.wish(_NOT_DRAWN)))
    return (None if fields.problems else row), fields.problems


def read_terms(
    values: Mapping[str, str], plans: PlanFiles
) -> tuple[Terms | None, list[tuple[str, str]]]:
    """The terms alone, as a line of a customer file says them, with everything that is wrong."""
    fields = Fields(values)
    return terms_of_line(fields, plans), fields.problems


def _judge(wish: Start | StartByPlan) -> None:
    """Raises: Refused, by the very rules that would judge the wish if it were started now.

    What a plan's name comes to is judged where the catalogue is at hand.
    """
    if isinstance(wish, StartByPlan):
        checked_id("plan", wish.choice.plan)
        wish = attrs.evolve(wish.on(_ANY_TERMS), anchor=None, past=Past.BILL)
    start(None, checked_wish(wish), now=_ANY_INSTANT, zone_version="")


def _paid_trial(fields: Fields, terms: Terms) -> PaidTrial | None:
    price = fields.money("paid_trial_price", terms.currency)
    if price is None:
        return None
    cycles = fields.number("paid_trial_cycles")
    return PaidTrial(price=price, interval=terms.interval, cycles=1 if cycles is None else cycles)


def _choice(fields: Fields) -> Choice | None:
    """The plan that a line names instead of terms of its own."""
    plan = fields.text("plan")
    if not plan or any(fields.text(name) for name in _PRICED_OTHERWISE):
        return None
    said = [name for name in _OF_TERMS if name not in _CHOICE and fields.text(name)]
    if said:
        reason = f"the plan says what {said[0]} is; give a price, or the plan's name alone"
        fields.problems.append(("terms-ambiguous", reason))
    return Choice(
        plan=plan, version=fields.number("plan_version"), quantity=fields.number("quantity")
    )


def _account(fields: Fields, defaults: Defaults, turn: int) -> tuple[Provider, str]:
    in_turn, name = defaults.accounts[turn % len(defaults.accounts)]
    if fields.text("provider"):
        in_turn, name = fields.choice("provider", Provider, in_turn), "main"
    return in_turn, fields.text("account", name)


def _start(
    fields: Fields, terms: Terms | None, choice: Choice | None, defaults: Defaults
) -> date | None:
    given, months = fields.day("start"), fields.number("months")
    if fields.text("start") and fields.text("months"):
        fields.problems.append(("start-ambiguous", "give start or months, not both"))
    if given is not None or months is None:
        return given or defaults.end
    if terms is None and choice is None:
        return None
    if terms is not None and not is_monthly(terms):
        fields.problems.append(NOT_MONTHLY)
        return None
    if defaults.end.day > LAST_DAY_OF_EVERY_MONTH:
        reason = f"months are counted back from a day up to the 28th, not from {defaults.end}"
        fields.problems.append(("end-not-in-every-month", reason))
        return None
    return fields.checked(lambda: count_from(defaults.end, Interval(Unit.MONTH), -months))


def is_monthly(terms: Terms) -> bool:
    """Whether months can be counted back from payments."""
    return terms.interval == Interval(Unit.MONTH) and terms.trial is None
