"""Terms as callers send them: price lists, tax, meters, one-time charges, instalments.

Amounts are {"minor": integer, "currency": ISO 4217 code}; rates are decimal percentages as text,
e.g. "25" or "8.875", with up to four decimals.

Refused, besides what plan_rules.check_terms refuses: "percent-malformed", "percent-too-precise";
"price-missing" where nothing says the price; "price-ambiguous" where two things say it;
"instalments-ambiguous" for instalments and a total; "cycles-missing" for a total of no payments;
"one-time-total-wrong" where the stated total is not what the charges with their tax come to;
"tax-ambiguous" for a tax and none.
"""

from __future__ import annotations

import msgspec

from domain.money import Money
from domain.percents import parse_percent
from domain.plan import (
    CaptureMode,
    DunningEnd,
    Kind,
    Meter,
    OneTime,
    OneTimeKind,
    PaidTrial,
    Proration,
    Reload,
    RetryPolicy,
    Terms,
    Timing,
)
from domain.prices import Tier, Tiering
from domain.refusals import Refused
from domain.taxes import TaxRate
from infrastructure.api.asked import Amount, Asked, Every, money_of
from infrastructure.commands.agreeing import (
    check_one_time_total,
    instalments_of,
    kind_of,
    price_of,
)
from infrastructure.commands.wishes import NewTerms


class Tax(Asked):
    """A tax rate. code: what the books call it. percent: of the net, e.g. "25", "8.875".

    included: whether prices state it; else it comes on top of them.
    """

    code: str
    percent: str
    included: bool

    def rate(self) -> TaxRate:
        """As the domain has it. Raises: Refused."""
        return TaxRate(code=self.code, ppm=parse_percent(self.percent), included=self.included)


class PriceTier(Asked):
    """A step of a price list. up_to: its last unit; null: the last step.

    unit_price: of `per` units. flat: once, when a unit falls into it.
    """

    unit_price: Amount
    up_to: int | None = None
    per: int = 1
    flat: Amount | None = None

    def tier(self) -> Tier:
        """As the domain has it. Raises: Refused."""
        return Tier(
            up_to=self.up_to,
            unit_price=self.unit_price.money(),
            per=self.per,
            flat=money_of(self.flat),
        )


class Metered(Asked):
    """Something whose usage is billed afterwards. code: what usage is reported for.

    minimum, cap: of what a period's usage comes to before tax.
    """

    code: str
    description: str
    unit: str
    tiers: tuple[PriceTier, ...]
    tiering: Tiering = Tiering.GRADUATED
    minimum: Amount | None = None
    cap: Amount | None = None
    tax: Tax | None = None

    def meter(self) -> Meter:
        """As the domain has it. Raises: Refused."""
        return Meter(
            code=self.code,
            description=self.description,
            unit=self.unit,
            tiers=tiers_of(self.tiers),
            tiering=self.tiering,
            minimum=money_of(self.minimum),
            cap=money_of(self.cap),
            tax=_rate(self.tax),
        )


class Once(Asked):
    """A charge on the first invoice alone. amount: before tax that comes on top."""

    kind: OneTimeKind
    description: str
    amount: Amount
    tax: Tax | None = None

    def one_time(self) -> OneTime:
        """As the domain has it. Raises: Refused."""
        return OneTime(
            kind=self.kind,
            description=self.description,
            amount=self.amount.money(),
            tax=_rate(self.tax),
        )


class AutoReload(Asked):
    """What is charged when a customer's balance with you is below the threshold.

    most_a_day, most_a_month: reloads in a local day, and in a local calendar month.
    """

    threshold: Amount
    amount: Amount
    most_a_day: int = 1
    most_a_month: int = 10

    def reload(self) -> Reload:
        """As the domain has it. Raises: Refused."""
        return Reload(
            threshold=self.threshold.money(),
            amount=self.amount.money(),
            most_a_day=self.most_a_day,
            most_a_month=self.most_a_month,
        )


class AgreedTerms(Asked, kw_only=True):
    """What is agreed to at the start.

    price: of one unit and period; left out where tiers or instalments say it.
    quantity: units. tiers, tiering: price the quantity. tax: of the period and the setup fee.
    kind: SUBSCRIPTION, RECURRING (the amount may vary), INSTALLMENT, THRESHOLD, UNSCHEDULED,
        IMMEDIATE, DEFERRED (billed when it is asked for); left out: as the rest says.
    proration: the rule for parts of a period.
    cycles: number of payments; without it the end is open.
    instalments: the amount of each payment; or instalment_total, split into `cycles` equal ones.
    one_time: charged on the first invoice beside the setup fee. one_time_total: what these and the
        fee come to with tax; refused where it is another.
    variable: whether the amount may be set for each invoice. meters: whose usage is billed.
    most_demands_a_day: charges that may be asked for in a local day. reload: auto-reload.
    threshold: what usage comes to, with tax, when it is billed at once.
    retry_days: days from each decline to the next attempt.
    dunning: what follows when these are used up, grace_days later.
    backup: whether the backup method is tried when the first fails.
    """

    interval: Every
    description: str
    price: Amount | msgspec.UnsetType = msgspec.UNSET
    plan: str = "standard"
    plan_version: int = 1
    quantity: int = 1
    kind: Kind | None = None
    timing: Timing = Timing.PREPAID
    capture: CaptureMode = CaptureMode.AT_ONCE
    trial: Every | None = None
    setup_fee: Amount | None = None
    cycles: int | None = None
    retry_days: tuple[int, ...] = RetryPolicy().wait_days
    dunning: DunningEnd = DunningEnd.LEAVE_OPEN
    grace_days: int = 0
    proration: Proration = Proration.BY_DAY
    tiers: tuple[PriceTier, ...] = ()
    tiering: Tiering = Tiering.GRADUATED
    tax: Tax | None = None
    one_time: tuple[Once, ...] = ()
    one_time_total: Amount | None = None
    variable: bool = False
    meters: tuple[Metered, ...] = ()
    instalments: tuple[Amount, ...] = ()
    instalment_total: Amount | None = None
    most_demands_a_day: int = 10
    reload: AutoReload | None = None
    threshold: Amount | None = None
    backup: bool = False

    def terms(self) -> Terms:
        """As the domain has it. Raises: Refused."""
        tiers = tiers_of(self.tiers)
        instalments = self._instalments()
        stated = None if self.price is msgspec.UNSET else self.price.money()
        terms = Terms(
            plan=self.plan,
            plan_version=self.plan_version,
            description=self.description,
            kind=kind_of(
                self.kind,
                variable=self.variable,
                metered=bool(self.meters),
                cycles=self.cycles,
                instalments=bool(instalments),
                threshold=self.threshold is not None,
                reload=self.reload is not None,
            ),
            timing=self.timing,
            interval=self.interval.interval(),
            price=price_of(stated, tiers, instalments),
            trial=None if self.trial is None else self.trial.interval(),
            setup_fee=money_of(self.setup_fee),
            cycles=self._payments(instalments),
            capture=self.capture,
            retry=RetryPolicy(self.retry_days, self.dunning, self.grace_days),
            quantity=self.quantity,
            proration=self.proration,
            tiers=tiers,
            tiering=self.tiering,
            tax=_rate(self.tax),
            one_time=tuple(each.one_time() for each in self.one_time),
            variable=self.variable,
            meters=tuple(each.meter() for each in self.meters),
            instalments=instalments,
            most_demands_a_day=self.most_demands_a_day,
            reload=None if self.reload is None else self.reload.reload(),
            threshold=money_of(self.threshold),
            backup=self.backup,
        )
        check_one_time_total(terms, money_of(self.one_time_total))
        return terms

    def _payments(self, instalments: tuple[Money, ...]) -> int | None:
        """Stated instalments say how many there are."""
        return len(instalments) if self.cycles is None and instalments else self.cycles

    def _instalments(self) -> tuple[Money, ...]:
        stated = tuple(each.money() for each in self.instalments)
        if self.instalment_total is None:
            return stated
        if stated:
            raise Refused("instalments-ambiguous", "give either instalments or instalment_total")
        return instalments_of(self.instalment_total.money(), self.cycles)


def tiers_of(tiers: tuple[PriceTier, ...]) -> tuple[Tier, ...]:
    """As the domain has them. Raises: Refused."""
    return tuple(each.tier() for each in tiers)


def _rate(tax: Tax | None) -> TaxRate | None:
    return None if tax is None else tax.rate()


class ChangedTerms(Asked):
    """What changes of the agreed terms; what is null or left out stays as it is.

    tiers, meters: all of them; an empty list takes them away. untaxed: the tax ends.
    """

    plan: str | None = None
    plan_version: int | None = None
    description: str | None = None
    interval: Every | None = None
    price: Amount | None = None
    quantity: int | None = None
    proration: Proration | None = None
    capture: CaptureMode | None = None
    retry_days: tuple[int, ...] | None = None
    dunning: DunningEnd | None = None
    grace_days: int | None = None
    tiers: tuple[PriceTier, ...] | None = None
    tiering: Tiering | None = None
    tax: Tax | None = None
    untaxed: bool = False
    variable: bool | None = None
    meters: tuple[Metered, ...] | None = None
    threshold: Amount | None = None
    backup: bool | None = None

    def new_terms(self) -> NewTerms:
        """As the commands have it. Raises: Refused."""
        return NewTerms(
            plan=self.plan,
            plan_version=self.plan_version,
            description=self.description,
            interval=None if self.interval is None else self.interval.interval(),
            price=money_of(self.price),
            quantity=self.quantity,
            proration=self.proration,
            capture=self.capture,
            wait_days=self.retry_days,
            end=self.dunning,
            grace_days=self.grace_days,
            tiers=None if self.tiers is None else tiers_of(self.tiers),
            tiering=self.tiering,
            tax=_rate(self.tax),
            untaxed=self.untaxed,
            variable=self.variable,
            meters=None if self.meters is None else tuple(each.meter() for each in self.meters),
            threshold=money_of(self.threshold),
            backup=self.backup,
        )


class PaidTrialAsked(Asked):
    """Periods at another price, between a free trial and the regular ones. cycles: how many."""

    price: Amount
    interval: Every
    cycles: int

    def paid_trial(self) -> PaidTrial:
        """As the domain has it. Raises: Refused."""
        return PaidTrial(
            price=self.price.money(), interval=self.interval.interval(), cycles=self.cycles
        )
