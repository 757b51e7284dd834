"""One line of a customer file: its values read by type, then judged by the rules of starting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import attrs

from domain.calendar import Interval, Unit, checked_interval, count_from
from domain.catalogue.offering import Choice
from domain.catalogue.starting import StartByPlan
from domain.identity import checked_id
from domain.money import Money, parse_money
from domain.plan import CaptureMode, DunningEnd, Kind, RetryPolicy, Terms, Timing, checked_retry
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.starting import Start, start
from infrastructure.commands.wishes import checked_wish

# A later day is not in every month: counting back and then on again would lose it.
LAST_DAY_OF_EVERY_MONTH = 28
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
NOT_MONTHLY = (
    "months-not-monthly",
    "months count the payments of a monthly plan without a trial; give start instead",
)
# What a line does not say that names a published plan.
_OF_TERMS = (
    *("currency", "description", "interval_unit", "interval_count", "timing", "trial_days"),
    *("setup_fee", "cycles", "capture", "retry_days"),
)
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

Chosen = TypeVar("Chosen", bound=Enum)
Made = TypeVar("Made")


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
    months: int | None
    churned: bool
    state: str
    choice: Choice | None = None

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
    """

    end: date
    zone: str = "UTC"
    accounts: Sequence[tuple[Provider, str]] = (
        (Provider.PAYPAL, "main"),
        (Provider.DINTERO, "main"),
    )


def read_line(
    line: int, values: Mapping[str, str], defaults: Defaults, turn: int
) -> tuple[CustomerRow | None, list[tuple[str, str]]]:
    """The row of a line, or None with (code, reason) of everything that is wrong.

    values: our columns to the file's text, stripped. turn: counts lines that name no provider.
    """
    fields = _Fields(values)
    provider, account = _account(fields, defaults, turn)
    choice = _choice(fields)
    terms = _terms(fields) if choice is None else None
    first_day = _start(fields, terms, choice, defaults)
    churned = _churned(fields)
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
        months=fields.number("months"),
        churned=churned,
        state=fields.text("state"),
        choice=choice,
    )
    fields.checked(lambda: _judge(row.wish(_NOT_DRAWN)))
    return (None if fields.problems else row), fields.problems


def read_terms(values: Mapping[str, str]) -> tuple[Terms | None, list[tuple[str, str]]]:
    """The terms alone, as a line of a customer file says them, with everything that is wrong."""
    fields = _Fields(values)
    return _terms(fields), fields.problems


def _judge(wish: Start | StartByPlan) -> None:
    """Raises: Refused, by the very rules that would judge the wish if it were started now.

    What a plan's name comes to is judged where the catalogue is at hand.
    """
    if isinstance(wish, StartByPlan):
        checked_id("plan", wish.choice.plan)
        wish = wish.on(_ANY_TERMS)
    start(None, checked_wish(wish), now=_ANY_INSTANT, zone_version="")


def _choice(fields: _Fields) -> Choice | None:
    """The plan that a line names instead of terms of its own."""
    plan = fields.text("plan")
    if not plan or fields.text("price"):
        return None
    said = [name for name in _OF_TERMS if fields.text(name)]
    if said:
        reason = f"the plan says what {said[0]} is; give a price, or the plan's name alone"
        fields.problems.append(("terms-ambiguous", reason))
    return Choice(
        plan=plan, version=fields.number("plan_version"), quantity=fields.number("quantity")
    )


def _account(fields: _Fields, defaults: Defaults, turn: int) -> tuple[Provider, str]:
    in_turn, name = defaults.accounts[turn % len(defaults.accounts)]
    if fields.text("provider"):
        in_turn, name = fields.choice("provider", Provider, in_turn), "main"
    return in_turn, fields.text("account", name)


def _terms(fields: _Fields) -> Terms | None:
    currency = fields.text("currency", "USD")
    price = fields.money("price", currency)
    if not fields.text("price"):
        fields.problems.append(("value-missing", "price is empty"))
    plan = fields.text("plan", "standard")
    version, quantity = fields.number("plan_version"), fields.number("quantity")
    trial_days, cycles = fields.number("trial_days"), fields.number("cycles")
    unit = fields.choice("interval_unit", Unit, Unit.MONTH)
    count = fields.number("interval_count")
    every = Interval(unit, 1 if count is None else count)
    interval = fields.checked(lambda: checked_interval(every))
    free = Interval(Unit.DAY, trial_days) if trial_days else None
    trial = None if free is None else fields.checked(lambda: checked_interval(free))
    timing = fields.choice("timing", Timing, Timing.PREPAID)
    capture = fields.choice("capture", CaptureMode, CaptureMode.AT_ONCE)
    fee = fields.money("setup_fee", currency)
    retry = _retry(fields)
    if price is None or interval is None or retry is None:
        return None
    return Terms(
        plan=plan,
        plan_version=1 if version is None else version,
        description=fields.text("description", plan),
        kind=Kind.SUBSCRIPTION if cycles is None else Kind.INSTALLMENT,
        timing=timing,
        interval=interval,
        price=price,
        trial=trial,
        setup_fee=fee,
        cycles=cycles,
        capture=capture,
        retry=retry,
        quantity=1 if quantity is None else quantity,
    )


def _retry(fields: _Fields) -> RetryPolicy | None:
    end = fields.choice("dunning", DunningEnd, DunningEnd.LEAVE_OPEN)
    grace = fields.number("grace_days") or 0
    waits = _wait_days(fields)
    if waits is None:
        return None
    return fields.checked(lambda: checked_retry(RetryPolicy(waits, end, grace)))


def _wait_days(fields: _Fields) -> tuple[int, ...] | None:
    text = fields.text("retry_days")
    if not text:
        return RetryPolicy().wait_days
    if text.lower() == "none":
        return ()
    parts = text.split()
    if not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        reason = f"retry_days: {text[:40]!r} is neither days such as '3 5 7' nor none"
        fields.problems.append(("number-malformed", reason))
        return None
    return tuple(int(part) for part in parts)


def _start(
    fields: _Fields, terms: Terms | None, choice: Choice | None, defaults: Defaults
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


def _churned(fields: _Fields) -> bool:
    text = fields.text("churned", "no").lower()
    if text not in _YES_NO:
        fields.problems.append(("choice-unknown", f"churned: {text[:40]!r} is neither Yes nor No"))
    return _YES_NO.get(text, False)


class _Fields:
    """One line's values, read by type; what cannot be read is noted once and becomes None."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[tuple[str, str]] = []

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name) or default

    def number(self, name: str) -> int | None:
        text = self.text(name)
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) <= 9:
            return int(text)
        self._note("number-malformed", f"{name}: {text[:40]!r} is not a whole number")
        return None

    def day(self, name: str) -> date | None:
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            self._note("date-malformed", f"{name}: {text[:40]!r} is not an ISO date")
            return None

    def choice(self, name: str, choices: type[Chosen], default: Chosen) -> Chosen:
        text = self.text(name)
        for each in choices:
            if each.value.lower() == text.lower():
                return each
        if text:
            known = ", ".join(each.value for each in choices)
            self._note("choice-unknown", f"{name}: {text[:40]!r} is none of {known}")
        return default

    def money(self, name: str, currency: str) -> Money | None:
        text = self.text(name)
        return self.checked(lambda: parse_money(text, currency)) if text else None

    def checked(self, make: Callable[[], Made]) -> Made | None:
        """What `make` makes; its refusal is noted."""
        try:
            return make()
        except Refused as refused:
            self._note(refused.code, refused.reason)
            return None

    def _note(self, code: str, reason: str) -> None:
        if (code, reason) not in self.problems:
            self.problems.append((code, reason))
