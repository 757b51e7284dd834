"""What was agreed: price, rhythm, trial, and what is tried when a payment is declined.

The terms are written into the fact that starts a subscription, so a stream explains itself even
when the catalogue has moved on.
"""

from __future__ import annotations

from enum import Enum

import attrs

from domain.calendar import Interval
from domain.money import Money, total
from domain.prices import Part, Tier, Tiering, priced
from domain.refusals import Refused
from domain.taxes import TaxRate, gross


class Kind(Enum):
    """What may vary; the table is in plan_rules.py.

    SUBSCRIPTION: fixed price, open end. RECURRING: the amount may vary, by usage or because it is
        set for each invoice; open end. INSTALLMENT: fixed amounts, n payments.
    THRESHOLD: usage, billed when it comes to an amount or at the period's end, whichever is first.
    UNSCHEDULED: when it is asked for, or when a balance falls below a threshold (auto-reload).
    IMMEDIATE, DEFERRED: when it is asked for; paid at once, or after delivery.
    """

    SUBSCRIPTION = "SUBSCRIPTION"
    RECURRING = "RECURRING"
    INSTALLMENT = "INSTALLMENT"
    THRESHOLD = "THRESHOLD"
    UNSCHEDULED = "UNSCHEDULED"
    IMMEDIATE = "IMMEDIATE"
    DEFERRED = "DEFERRED"


_WITHOUT_SCHEDULE = frozenset({Kind.UNSCHEDULED, Kind.IMMEDIATE, Kind.DEFERRED})
# Their names say when they are paid; PayPal has no other pattern of them.
_WITHOUT_SUFFIX = frozenset({Kind.IMMEDIATE, Kind.DEFERRED})


class Timing(Enum):
    """When a period is billed: PREPAID at its start, POSTPAID at its end."""

    PREPAID = "PREPAID"
    POSTPAID = "POSTPAID"


class CaptureMode(Enum):
    """AT_ONCE: one call takes the money. AFTER_AUTHORIZATION: reserve first, then capture."""

    AT_ONCE = "AT_ONCE"
    AFTER_AUTHORIZATION = "AFTER_AUTHORIZATION"


class Proration(Enum):
    """What a part of a period costs, when what is billed changes in the middle of it.

    BY_DAY: local days left / days of the whole period. BY_SECOND: seconds left / seconds of the
    whole. NONE: nothing is charged or credited for the rest. FULL: the whole period's price,
    however little of it is left.
    """

    BY_DAY = "BY_DAY"
    BY_SECOND = "BY_SECOND"
    NONE = "NONE"
    FULL = "FULL"


class DunningEnd(Enum):
    """When retries are used up and the grace is over.

    LEAVE_OPEN: nothing more by itself, a person is told. SUSPEND: no period is billed until it is
    paid. CANCEL: the subscription ends. WRITE_OFF: the invoice is given up, billing goes on.
    """

    LEAVE_OPEN = "LEAVE_OPEN"
    SUSPEND = "SUSPEND"
    CANCEL = "CANCEL"
    WRITE_OFF = "WRITE_OFF"


LONGEST_GRACE_DAYS = 365


@attrs.frozen
class RetryPolicy:
    """When a soft decline is tried again, and what follows when it was tried often enough. Which
    policies can be agreed to: `checked_retry`.

    wait_days: days from each decline to the next attempt, in order; when they are used up,
        collection of that invoice ends and a person is told. Empty: never retried.
    end: what follows then.
    grace_days: days from the end of retries to `end` taking effect, 0 to LONGEST_GRACE_DAYS.
    """

    wait_days: tuple[int, ...] = (3, 5, 7)
    end: DunningEnd = DunningEnd.LEAVE_OPEN
    grace_days: int = 0


def checked_retry(policy: RetryPolicy) -> RetryPolicy:
    """Up to 12 waits of 1 to 60 days, and a grace of 0 to LONGEST_GRACE_DAYS days.

    Raises: Refused("retry-policy-malformed"), Refused("grace-malformed").
    """
    waits, grace = policy.wait_days, policy.grace_days
    if len(waits) > 12 or any(type(days) is not int or not 1 <= days <= 60 for days in waits):
        raise Refused("retry-policy-malformed", "up to 12 waits of 1 to 60 days each")
    if type(grace) is not int or not 0 <= grace <= LONGEST_GRACE_DAYS:
        raise Refused("grace-malformed", f"a grace is 0 to {LONGEST_GRACE_DAYS} days")
    return policy


@attrs.frozen(kw_only=True)
class Meter:
    """Something whose usage is billed afterwards, whichever way the period itself is billed.

    code: what usage is reported for; unique in its terms.
    description: what was used, 1-127 characters. unit: e.g. "GB", 1-16 characters.
    tiers, tiering: what the units used in a period cost.
    minimum, cap: of what a period's usage comes to before tax, or None.
    tax: of its lines, or None.
    """

    code: str
    description: str
    unit: str
    tiers: tuple[Tier, ...]
    tiering: Tiering = Tiering.GRADUATED
    minimum: Money | None = None
    cap: Money | None = None
    tax: TaxRate | None = None


class OneTimeKind(Enum):
    """What a charge on the first invoice is for; PayPal's billing plan knows the same."""

    PRODUCT = "PRODUCT"
    SHIPPING = "SHIPPING"


@attrs.frozen(kw_only=True)
class OneTime:
    """A charge on the first invoice alone. amount: before tax, more than zero."""

    kind: OneTimeKind
    description: str
    amount: Money
    tax: TaxRate | None = None


@attrs.frozen(kw_only=True)
class Reload:
    """Auto-reload: what is charged when a customer's balance with the merchant is too low.

    threshold: a balance below it is too low. amount: charged then, as it is, without tax.
    most_a_day, most_a_month: reloads in a local day, and in a local calendar month.
    """

    threshold: Money
    amount: Money
    most_a_day: int
    most_a_month: int


@attrs.frozen(kw_only=True)
class Terms:
    """One version of a plan, as one subscription agreed to it.

    plan, plan_version: the catalogue's code (1-64 characters) and version number.
    price: per unit and period, minor units; more than zero, unless the amount may vary. With
        tiers, a unit's price in the first; with stated instalments, the largest of them.
    trial: length of one free period before the first paid one, or None.
    setup_fee: once, on the first invoice (for a trial: the trial's), or None.
    cycles: number of paid periods (INSTALLMENT), or None for an open end (SUBSCRIPTION).
    description: what the customer bought, 1-127 characters, shown to the payer.
    quantity: units billed each period, 1 to plan_rules.LARGEST_QUANTITY.
    proration: the rule for parts of a period; repeated in every line that it makes.
    tiers, tiering: price the quantity instead of `price`; empty: `price` does.
    tax: of the period and the setup fee, or None.
    one_time: charged on the first invoice beside the setup fee.
    variable: whether the period's amount may be set for each invoice; `price` where it is not.
    meters: whose usage is billed beside the period.
    instalments: the amount of each payment (INSTALLMENT), or empty: each is `price`.
    most_demands_a_day: charges that may be asked for in a local day.
    reload: auto-reload (UNSCHEDULED, prepaid), or None.
    threshold: what usage comes to, with tax, when it is billed at once (THRESHOLD), or None.
    backup: whether the backup method is tried after a hard or payer-action decline, and when
        retries of the first are used up.
    """

    plan: str
    plan_version: int
    description: str
    kind: Kind
    timing: Timing
    interval: Interval
    price: Money
    trial: Interval | None = None
    setup_fee: Money | None = None
    cycles: int | None = None
    capture: CaptureMode = CaptureMode.AT_ONCE
    retry: RetryPolicy = RetryPolicy()
    quantity: int = 1
    proration: Proration = Proration.BY_DAY
    tiers: tuple[Tier, ...] = ()
    tiering: Tiering = Tiering.GRADUATED
    tax: TaxRate | None = None
    one_time: tuple[OneTime, ...] = ()
    variable: bool = False
    meters: tuple[Meter, ...] = ()
    instalments: tuple[Money, ...] = ()
    most_demands_a_day: int = 10
    reload: Reload | None = None
    threshold: Money | None = None
    backup: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        """What a whole period costs before tax and discounts."""
        if self.tiers:
            return priced(self.quantity, self.tiers, self.tiering)
        return (Part(quantity=self.quantity, unit_price=self.price),)

    @property
    def amount(self) -> Money:
        """What a whole period costs with tax, without discounts and usage."""
        stated = (
            Money(each.quantity * each.unit_price.minor, self.currency) for each in self.parts
        )
        return total((gross(each, self.tax) for each in stated), self.currency)

    @property
    def currency(self) -> str:
        """ISO 4217 code of every amount."""
        return self.price.currency

    @property
    def metered(self) -> bool:
        """Whether usage is billed."""
        return bool(self.meters)

    @property
    def scheduled(self) -> bool:
        """Whether periods are billed. Where not, `interval` bills nothing."""
        return self.kind not in _WITHOUT_SCHEDULE

    @property
    def usage_pattern(self) -> str:
        """PayPal's name for kind and timing, one of 12, e.g. "SUBSCRIPTION_PREPAID"."""
        if self.kind in _WITHOUT_SUFFIX:
            return self.kind.value
        return f"{self.kind.value}_{self.timing.value}"


def one_time_total(terms: Terms) -> Money:
    """All that the first invoice charges once, with tax: setup fee, products, shipping."""
    fee = () if terms.setup_fee is None else (gross(terms.setup_fee, terms.tax),)
    others = (gross(each.amount, each.tax) for each in terms.one_time)
    return total((*fee, *others), terms.currency)


def split_total(amount: Money, payments: int) -> tuple[Money, ...]:
    """A total in equal payments that add up to it; where it does not divide, the first ones are
    one minor unit larger."""
    each, left = divmod(amount.minor, payments)
    return tuple(Money(each + (1 if n < left else 0), amount.currency) for n in range(payments))


@attrs.frozen(kw_only=True)
class PaidTrial:
    """Periods at another price, before the regular ones and after a free trial.

    price: per unit and period. cycles: how many, 1-999, of the length of `interval`.
    """

    price: Money
    interval: Interval
    cycles: int


def on_trial(terms: Terms, trial: PaidTrial) -> Terms:
    """The terms of a paid trial: those that follow it, at its price and rhythm."""
    return attrs.evolve(terms, price=trial.price, interval=trial.interval, tiers=())
