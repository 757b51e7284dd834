"""What was agreed: price, rhythm, trial, and what is tried when a payment is declined.

The terms are written into the fact that starts a subscription, so a stream explains itself even
when the catalogue has moved on.
"""

from __future__ import annotations

from enum import Enum

import attrs

from domain.calendar import Interval, checked_interval
from domain.money import Money
from domain.refusals import Refused


class Kind(Enum):
    """What may vary. SUBSCRIPTION: fixed price, open end. INSTALLMENT: fixed price, n payments."""

    SUBSCRIPTION = "SUBSCRIPTION"
    INSTALLMENT = "INSTALLMENT"


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


LARGEST_QUANTITY = 1_000_000


@attrs.frozen(kw_only=True)
class Terms:
    """One version of a plan, as one subscription agreed to it.

    plan, plan_version: the catalogue's code (1-64 characters) and version number.
    price: per unit and period, minor units; more than zero.
    trial: length of one free period before the first paid one, or None.
    setup_fee: once, on the first invoice (for a trial: the trial's), or None.
    cycles: number of paid periods (INSTALLMENT), or None for an open end (SUBSCRIPTION).
    description: what the customer bought, 1-127 characters, shown to the payer.
    quantity: units billed each period, 1 to LARGEST_QUANTITY.
    proration: the rule for parts of a period; repeated in every line that it makes.
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
    backup: bool = False

    @property
    def amount(self) -> Money:
        """What a whole period costs: price times quantity."""
        return Money(self.price.minor * self.quantity, self.price.currency)

    @property
    def usage_pattern(self) -> str:
        """PayPal's name for kind and timing, e.g. "SUBSCRIPTION_PREPAID"."""
        return f"{self.kind.value}_{self.timing.value}"


def check_terms(terms: Terms) -> None:
    """Refuse terms that cannot be billed.

    A decision's check, not a validator of the stored classes: old facts are never refused.
    Raises: Refused with the code of the first rule that is broken.
    """
    if not 1 <= len(terms.plan) <= 64 or not terms.plan.isprintable():
        raise Refused("plan-malformed", "a plan's code is 1-64 printable characters")
    if not 1 <= len(terms.description) <= 127 or not terms.description.isprintable():
        raise Refused("description-malformed", "a description is 1-127 printable characters")
    if terms.price.minor <= 0:
        raise Refused("price-not-positive", f"a price of {terms.price} cannot be charged")
    if type(terms.quantity) is not int or not 1 <= terms.quantity <= LARGEST_QUANTITY:
        raise Refused("quantity-malformed", f"a quantity is 1 to {LARGEST_QUANTITY}")
    if terms.setup_fee is not None and terms.setup_fee.minor <= 0:
        raise Refused("setup-fee-not-positive", "leave the setup fee out instead of zero")
    if terms.setup_fee is not None and terms.setup_fee.currency != terms.price.currency:
        raise Refused("currency-mixed", "the setup fee is in another currency than the price")
    _ = terms.amount
    if terms.setup_fee is not None:
        _ = terms.amount + terms.setup_fee  # an invoice too large for money is refused now
    checked_interval(terms.interval)
    if terms.trial is not None:
        checked_interval(terms.trial)
    checked_retry(terms.retry)
    if terms.plan_version < 1:
        raise Refused("plan-version-malformed", "plan versions count from 1")
    if terms.kind is Kind.INSTALLMENT and not (terms.cycles and 1 <= terms.cycles <= 999):
        raise Refused("cycles-missing", "an instalment plan has 1 to 999 payments")
    if terms.kind is Kind.SUBSCRIPTION and terms.cycles is not None:
        raise Refused("cycles-not-allowed", "a subscription has an open end; use INSTALLMENT")
