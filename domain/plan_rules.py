"""Which terms can be agreed to.

What each kind may vary, as PayPal's usage patterns have it. (Its text on UNSCHEDULED_POSTPAID
repeats, in one version of its specification, the one on instalments; nothing here follows it.)

kind          timing            amount           meters  schedule  end         besides
SUBSCRIPTION  pre- or postpaid  fixed            no      yes       open
RECURRING     pre- or postpaid  fixed, variable  may     yes       open
INSTALLMENT   pre- or postpaid  fixed            no      yes       n payments
THRESHOLD     pre- or postpaid  fixed            must    yes       open        threshold
UNSCHEDULED   pre- or postpaid  fixed, variable  no      no        open        prepaid: reload
IMMEDIATE     prepaid           fixed, variable  no      no        open
DEFERRED      postpaid          fixed, variable  no      no        open
"""

from __future__ import annotations

import attrs

from domain.calendar import checked_interval
from domain.identity import checked_id
from domain.money import Money
from domain.plan import Kind, Terms, Timing, checked_retry, one_time_total
from domain.prices import check_tiers
from domain.refusals import Refused
from domain.taxes import check_rate

LARGEST_QUANTITY = 1_000_000
MOST_METERS, MOST_ONE_TIME = 20, 10
MOST_DEMANDS_A_DAY, MOST_RELOADS_A_MONTH = 100, 1000


@attrs.frozen(kw_only=True)
class Allowed:
    """What a kind may vary; a row of the table above. ends: after a number of payments."""

    timings: tuple[Timing, ...] = tuple(Timing)
    variable: bool = False
    metered: bool = False
    ends: bool = False


ALLOWED = {
    Kind.SUBSCRIPTION: Allowed(),
    Kind.RECURRING: Allowed(variable=True, metered=True),
    Kind.INSTALLMENT: Allowed(ends=True),
    Kind.THRESHOLD: Allowed(metered=True),
    Kind.UNSCHEDULED: Allowed(variable=True),
    Kind.IMMEDIATE: Allowed(timings=(Timing.PREPAID,), variable=True),
    Kind.DEFERRED: Allowed(timings=(Timing.POSTPAID,), variable=True),
}


def check_terms(terms: Terms) -> None:
    """Refuse terms that cannot be billed.

    A decision's check, not a validator of the stored classes: old facts are never refused.
    Raises: Refused with the code of the first rule that is broken.
    """
    if not 1 <= len(terms.plan) <= 64 or not terms.plan.isprintable():
        raise Refused("plan-malformed", "a plan's code is 1-64 printable characters")
    if not 1 <= len(terms.description) <= 127 or not terms.description.isprintable():
        raise Refused("description-malformed", "a description is 1-127 printable characters")
    _check_price(terms)
    _check_one_time(terms)
    _check_meters(terms)
    if terms.tax is not None:
        check_rate(terms.tax)
    checked_interval(terms.interval)
    if terms.trial is not None:
        checked_interval(terms.trial)
    checked_retry(terms.retry)
    if terms.plan_version < 1:
        raise Refused("plan-version-malformed", "plan versions count from 1")
    _check_kind(terms)


def check_same_arrangement(old: Terms, new: Terms) -> None:
    """Refuse to turn an arrangement into another one: that would be a new subscription.

    Refused: "currency-fixed", "kind-fixed", "timing-fixed".
    """
    if new.currency != old.currency:
        raise Refused("currency-fixed", f"{old.currency} cannot become {new.currency}")
    if new.kind is not old.kind:
        raise Refused("kind-fixed", f"{old.kind.value} cannot become {new.kind.value}")
    if new.timing is not old.timing:
        raise Refused("timing-fixed", f"{old.timing.value} cannot become {new.timing.value}")


def check_not_in_instalments(terms: Terms) -> None:
    """Refused: "instalments-fixed" where all payments were agreed to at once."""
    if terms.kind is Kind.INSTALLMENT:
        raise Refused("instalments-fixed", "what was agreed to pay in instalments stays")


def _check_price(terms: Terms) -> None:
    may_vary = terms.variable or terms.metered
    if terms.price.minor < 0 or (terms.price.minor == 0 and not may_vary):
        raise Refused("price-not-positive", f"a price of {terms.price} cannot be charged")
    if type(terms.quantity) is not int or not 1 <= terms.quantity <= LARGEST_QUANTITY:
        raise Refused("quantity-malformed", f"a quantity is 1 to {LARGEST_QUANTITY}")
    if terms.tiers:
        check_tiers(terms.tiers, terms.currency)
        first = terms.tiers[0]
        if any(each.per != 1 for each in terms.tiers) or first.unit_price != terms.price:
            raise Refused("tiers-malformed", "the price is a unit's in the first tier, of 1 unit")
    _ = terms.amount  # what is too large for money is refused now


def _check_one_time(terms: Terms) -> None:
    fee = terms.setup_fee
    if fee is not None and fee.minor <= 0:
        raise Refused("setup-fee-not-positive", "leave the setup fee out instead of zero")
    if fee is not None and fee.currency != terms.currency:
        raise Refused("currency-mixed", "the setup fee is in another currency than the price")
    if len(terms.one_time) > MOST_ONE_TIME:
        raise Refused("one-time-malformed", f"up to {MOST_ONE_TIME} one-time charges")
    for each in terms.one_time:
        _check_words("one-time-malformed", each.description, 127)
        if each.amount.currency != terms.currency:
            raise Refused("currency-mixed", f"a one-time charge is not in {terms.currency}")
        if each.amount.minor <= 0:
            raise Refused("one-time-malformed", "leave a charge out instead of zero")
        if each.tax is not None:
            check_rate(each.tax)
    _ = terms.amount + one_time_total(terms)


def _check_meters(terms: Terms) -> None:
    codes = [checked_id("meter", each.code) for each in terms.meters]
    if len(set(codes)) != len(codes) or len(codes) > MOST_METERS:
        raise Refused("meters-malformed", f"up to {MOST_METERS} meters, each with its own code")
    for meter in terms.meters:
        _check_words("meters-malformed", meter.description, 127)
        _check_words("meters-malformed", meter.unit, 16)
        check_tiers(meter.tiers, terms.currency)
        if meter.tax is not None:
            check_rate(meter.tax)
        least, most = meter.minimum, meter.cap
        for bound in (least, most):
            if bound is not None and bound.currency != terms.currency:
                raise Refused("currency-mixed", f"a bound of usage is not in {terms.currency}")
            if bound is not None and bound.minor <= 0:
                raise Refused("meters-malformed", "leave a bound out instead of zero")
        if least is not None and most is not None and least.minor > most.minor:
            raise Refused("meters-malformed", "the minimum is above the cap")


def _check_words(code: str, words: str, longest: int) -> None:
    if not 1 <= len(words) <= longest or not words.isprintable():
        raise Refused(code, f"words are 1-{longest} printable characters")


def _check_kind(terms: Terms) -> None:
    kind, allowed = terms.kind, ALLOWED[terms.kind]
    if terms.timing not in allowed.timings:
        raise Refused("timing-fixed", f"{kind.value} is not {terms.timing.value}")
    if (terms.variable and not allowed.variable) or (terms.metered and not allowed.metered):
        raise Refused("amount-fixed", f"the amount of {kind.value} does not vary so")
    _check_schedule(terms)
    _check_demands(terms)
    _check_threshold(terms)
    if not allowed.ends:
        if terms.cycles is not None or terms.instalments:
            raise Refused("cycles-not-allowed", f"{kind.value} has an open end; use INSTALLMENT")
        return
    if not (terms.cycles and 1 <= terms.cycles <= 999):
        raise Refused("cycles-missing", "an instalment plan has 1 to 999 payments")
    stated = terms.instalments
    if stated and not (
        len(stated) == terms.cycles
        and all(each.currency == terms.currency and each.minor > 0 for each in stated)
        and max(each.minor for each in stated) == terms.price.minor
        and terms.quantity == 1
        and not terms.tiers
    ):
        raise Refused("instalments-malformed", "one amount a payment; the largest is the price")


def _check_schedule(terms: Terms) -> None:
    """What belongs to periods, where there are none."""
    if terms.scheduled:
        return
    once = terms.setup_fee is not None or terms.one_time
    if terms.trial is not None or once or terms.quantity != 1 or terms.tiers:
        raise Refused("kind-schedule", f"{terms.kind.value} bills no periods, and none of a first")


def _check_demands(terms: Terms) -> None:
    most = terms.most_demands_a_day
    if type(most) is not int or not 1 <= most <= MOST_DEMANDS_A_DAY:
        raise Refused("demands-malformed", f"1 to {MOST_DEMANDS_A_DAY} demands a day")
    reload = terms.reload
    if reload is None:
        return
    if (terms.kind, terms.timing) != (Kind.UNSCHEDULED, Timing.PREPAID):
        raise Refused("reload-not-allowed", "auto-reload is UNSCHEDULED, and prepaid")
    _check_amount("reload-malformed", reload.threshold, terms)
    _check_amount("reload-malformed", reload.amount, terms)
    day, month = reload.most_a_day, reload.most_a_month
    whole = type(day) is int and type(month) is int
    if not whole or not 1 <= day <= month <= MOST_RELOADS_A_MONTH or day > MOST_DEMANDS_A_DAY:
        raise Refused("reload-malformed", "at least one reload a day, and not more than a month")


def _check_threshold(terms: Terms) -> None:
    """Usage that is billed in parts must cost the same in parts: one price a unit."""
    threshold = terms.threshold
    if terms.kind is not Kind.THRESHOLD:
        if threshold is not None:
            raise Refused("threshold-not-allowed", f"{terms.kind.value} is not billed by one")
        return
    if threshold is None:
        raise Refused("threshold-missing", "say at which amount usage is billed")
    _check_amount("threshold-malformed", threshold, terms)
    if not terms.metered:
        raise Refused("meters-missing", "a threshold is one of usage")
    for meter in terms.meters:
        if len(meter.tiers) != 1 or meter.tiers[0].flat or meter.minimum or meter.cap:
            raise Refused("threshold-malformed", f"{meter.code} does not cost the same in parts")


def _check_amount(code: str, amount: Money, terms: Terms) -> None:
    if amount.currency != terms.currency:
        raise Refused("currency-mixed", f"{amount} is not in {terms.currency}")
    if amount.minor <= 0:
        raise Refused(code, f"{amount} is not more than nothing")
