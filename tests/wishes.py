"""What is wished for in a history: changes, pauses, credit, usage, discounts, demands, settlements,
ends, and tokens that are let go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum

import attrs

from domain.calendar import Interval, Unit
from domain.dispute_ports import DisputeSeen
from domain.money import Money
from domain.plan import Proration, Terms
from domain.ports import Reversal
from domain.subscription.aligning import change_anchor
from domain.subscription.changing import Change, change_terms
from domain.subscription.crediting import grant_credit
from domain.subscription.demanding import BalanceReport, Demand, demand, report_balance
from domain.subscription.discounting import Reduction, end_discount, grant_discount
from domain.subscription.discrepancies import resolve
from domain.subscription.dispute_events import DisputeOutcome
from domain.subscription.disputing import dispute_seen, reverse_charge, taken_back
from domain.subscription.dunning import collect_again, reinstate, write_off
from domain.subscription.ending import cancel, schedule_cancellation, withdraw_cancellation
from domain.subscription.events import Resolution, SubscriptionEvent, When
from domain.subscription.letting_go import Which, request_deletion
from domain.subscription.metering import Report, correct_usage, report_usage
from domain.subscription.pausing import Resume, pause, resume
from domain.subscription.refunding import request_refund
from domain.subscription.setting_amounts import set_amount
from domain.subscription.settling import settle_early
from domain.subscription.state import Subscription
from tests.books import ZONE_VERSION
from tests.prices import RATES, dearer_meters

Events = tuple[SubscriptionEvent, ...]


class Wish(Enum):
    """What is wished for; which one of its kinds is drawn as a number."""

    CHANGE = "change"
    PAUSE = "pause"
    RESUME = "resume"
    CREDIT = "credit"
    END_LATER = "end-later"
    GO_ON = "go-on"
    CANCEL_WITH_CREDIT = "cancel-with-credit"
    DEMAND = "demand"
    BALANCE = "balance"
    USE = "use"
    CORRECT = "correct"
    DISCOUNT = "discount"
    END_DISCOUNT = "end-discount"
    SET_AMOUNT = "set-amount"
    ANCHOR = "anchor"
    RESOLVE = "resolve"
    COLLECT = "collect"
    WRITE_OFF = "write-off"
    REINSTATE = "reinstate"
    SETTLE = "settle"
    REFUND = "refund"
    CANCEL_WITH_REFUND = "cancel-with-refund"
    LET_GO = "let-go"
    DISPUTE = "dispute"
    TAKE_BACK = "take-back"


def decide(state: Subscription, wish: Wish, which: int, now: datetime) -> Events:
    """What the rules make of a wish. Raises: Refused."""
    return _DECISIONS[wish](state, which, now)


def _change(state: Subscription, which: int, now: datetime) -> Events:
    wish = Change(
        terms=other_terms(state.terms, which),
        when=When.NOW if which % 3 else When.PERIOD_END,
        reason="asked for another plan",
        proration=[None, None, *Proration][which % 6],
        refund=which % 4 == 1,
    )
    return change_terms(state, wish, now=now, zone_version=ZONE_VERSION)


def other_terms(terms: Terms, which: int) -> Terms:
    """Other terms than these: more, less, another quantity, another rhythm."""
    price = terms.price.minor
    return (
        _at(terms, "more", price * 2 + 1),
        _at(terms, "less", price // 3 + 1),
        attrs.evolve(terms, quantity=terms.quantity % 7 + 1),
        attrs.evolve(terms, interval=Interval(Unit.MONTH, terms.interval.count % 3 + 1)),
        attrs.evolve(terms, interval=Interval(Unit.WEEK, 2), price=Money(price, "USD")),
        dearer_meters(terms),
        attrs.evolve(terms, tax=RATES[which % len(RATES)], variable=terms.metered),
    )[which % 7]


def _at(terms: Terms, plan: str, minor: int) -> Terms:
    """Another price; in the first tier, where there are tiers."""
    price = Money(minor, terms.currency)
    tiers = tuple(
        attrs.evolve(tier, unit_price=price) if place == 0 else tier
        for place, tier in enumerate(terms.tiers)
    )
    return attrs.evolve(terms, plan=plan, price=price, tiers=tiers)


def _anchor(state: Subscription, which: int, now: datetime) -> Events:
    """Some days after a period begins that is still to come, or after the one after it."""
    number = state.invoices_issued + 1 + which % 2
    begins = state.plan_of(number)[1].period(number).start
    day = begins + timedelta(days=(1, 5, 12, 20)[which % 4])
    return change_anchor(state, day, reason="pay day", now=now, zone_version=ZONE_VERSION)


def _pause(state: Subscription, which: int, now: datetime) -> Events:
    until = now + timedelta(days=(3, 20, 75)[which % 3]) if which % 2 else None
    return pause(
        state,
        until=until,
        credit=which % 5 < 3,
        reason="away",
        now=now,
        zone_version=ZONE_VERSION,
    )


def _resume(state: Subscription, which: int, now: datetime) -> Events:
    how = list(Resume)[which % 2]
    return resume(state, how=how, reason="back", now=now, zone_version=ZONE_VERSION)


def _credit(state: Subscription, which: int, now: datetime) -> Events:
    share = (1, state.terms.price.minor // 2 + 1, state.terms.price.minor * 3)[which % 3]
    return grant_credit(state, Money(share, state.currency), reason="sorry", now=now)


def _end_later(state: Subscription, which: int, now: datetime) -> Events:
    at = now + timedelta(days=40) if which % 2 else None
    return schedule_cancellation(
        state, at=at, reason="moves away", now=now, zone_version=ZONE_VERSION
    )


def _go_on(state: Subscription, _: int, now: datetime) -> Events:
    return withdraw_cancellation(state, reason="stays", now=now, zone_version=ZONE_VERSION)


def _cancel_with_credit(state: Subscription, which: int, now: datetime) -> Events:
    return cancel(state, reason="moved", now=now, credit=list(Proration)[which % 4])


def _demand(state: Subscription, which: int, now: datetime) -> Events:
    varies = state.terms.variable
    wish = Demand(
        demand_id=f"d-{now:%m%d%H%M}-{which % 3}",
        description="something more",
        amount=Money(which * 7 + 1, state.currency) if varies else state.terms.price,
        tax=state.terms.tax,
        reason="asked for",
    )
    return demand(state, wish, now=now)


def _balance(state: Subscription, which: int, now: datetime) -> Events:
    """Below the threshold, above it, late, or once more."""
    agreed = state.terms.reload
    below = 0 if agreed is None else agreed.threshold.minor - (1, 0, 0, -5000)[which % 4]
    at = now - timedelta(minutes=(0, 0, 0, 600)[which % 4])
    wish = BalanceReport(
        report_id=f"r-{at:%m%d%H%M%S}", balance=Money(below, state.currency), at=at
    )
    return report_balance(state, wish, now=now)


def _use(state: Subscription, which: int, now: datetime) -> Events:
    """Today, yesterday, long ago; the same report again where the clock stands still."""
    meters = state.terms.meters
    report = Report(
        usage_id=f"u-{now:%Y%m%d%H%M%S}-{which % 12}",
        meter=meters[which % len(meters)].code if meters else "data",
        quantity=(1, 3, 7, 60, 150, 1000, 12345)[which % 7],
        at=now - timedelta(hours=(0, 0, 5, 30, 300, 900, 1500)[which // 2 % 7]),
    )
    return report_usage(state, report, now=now)


def _correct(state: Subscription, which: int, now: datetime) -> Events:
    known = [*state.usage, *(each for stretch in state.counted for each in stretch.usage)]
    name = known[which % len(known)].usage_id if known else "u-none"
    quantity = (0, 1, 100, 5, 2000)[which % 5]
    return correct_usage(state, name, quantity, reason="read wrong", now=now)


def _discount(state: Subscription, which: int, now: datetime) -> Events:
    wish = Reduction(
        coupon=f"C{which % 5}",
        ppm=(100_000, 333_333, 1_000_000, 500_000)[which % 4] if which % 2 else None,
        amount=None
        if which % 2
        else Money((1, 700, 12_345, 10**9)[which // 2 % 4], state.currency),
        invoices=(None, 1, 2)[which % 3],
        reason="campaign",
    )
    return grant_discount(state, wish, now=now)


def _end_discount(state: Subscription, which: int, now: datetime) -> Events:
    return end_discount(state, f"C{which % 5}", reason="over", now=now)


def _set_amount(state: Subscription, which: int, now: datetime) -> Events:
    amount = Money((0, 1, 4321, 99_999)[which % 4], state.currency)
    return set_amount(state, amount, reason="read", now=now, zone_version=ZONE_VERSION)


def _resolve(state: Subscription, which: int, now: datetime) -> Events:
    """The latest discrepancy, of those that nobody has looked at while there are any; of refunds
    before charges."""
    how = list(Resolution)[which % 2]
    if state.unresolved_refunds:
        late = state.unresolved_refunds[-1].refund_id
        return resolve(state, late, how, reason="seen", now=now)
    found = state.unresolved or state.differences
    if not found:
        return ()
    back = how is Resolution.ACCEPTED and which % 4 < 2
    return resolve(state, found[-1].attempt_id, how, reason="seen", now=now, refund=back)


def _oldest_open(state: Subscription) -> int:
    return state.open_invoices[0].number if state.open_invoices else 1


def _collect(state: Subscription, _: int, now: datetime) -> Events:
    return collect_again(state, _oldest_open(state), reason="asked nicely", now=now)


def _write_off(state: Subscription, which: int, now: datetime) -> Events:
    """Rare: what is given up is paid no more."""
    if which % 3:
        return ()
    return write_off(state, _oldest_open(state), reason="moved abroad", now=now)


def _reinstate(state: Subscription, _: int, now: datetime) -> Events:
    return reinstate(state, reason="pays by bank", now=now, zone_version=ZONE_VERSION)


def _settle(state: Subscription, _: int, now: datetime) -> Events:
    return settle_early(state, reason="pays it all", now=now, zone_version=ZONE_VERSION)


def _refund(state: Subscription, which: int, now: datetime) -> Events:
    """A part or all of what is owed, or of what came; through one charge or several."""
    room = sum(each.left.minor for each in state.collected)
    parts = (None, 1, max(room // 2, 1), max(room, 1), room + 1, max(room // 3, 1))
    minor = parts[which % 6] if state.credits or which % 5 else max(room // 4, 1)
    named = state.collected[which % len(state.collected)] if state.collected else None
    return request_refund(
        state,
        None if minor is None else Money(minor, state.currency),
        attempt_id=named.attempt_id if named is not None and which % 4 == 3 else None,
        reason="sent back",
        credit_missing=which % 5 < 4,
        now=now,
    )


def _cancel_with_refund(state: Subscription, which: int, now: datetime) -> Events:
    rule = list(Proration)[which % 4]
    return cancel(state, reason="moved", now=now, credit=rule, refund=True)


def _let_go(state: Subscription, which: int, now: datetime) -> Events:
    return request_deletion(state, list(Which)[which % 3], reason="asked by the payer", now=now)


def _dispute(state: Subscription, which: int, now: datetime) -> Events:
    """Nobody wishes for it: a payer contests a charge, and the provider decides sooner or later.

    Never is more taken back than is left: what a provider takes beyond is told in scenes.
    """
    before = state.open_disputes
    charge = state.charge(before[0].attempt_id) if before else None
    if before and charge is None:
        return ()
    if charge is None:
        charges = [each for each in state.collected if each.left.minor]
        if not charges:
            return ()
        charge = charges[which % len(charges)]
    outcome = (None, None, *DisputeOutcome, DisputeOutcome.LOST)[which % 6]
    lost = outcome is DisputeOutcome.LOST
    part = charge.left.minor if which % 2 else (charge.left.minor + 1) // 2
    reasons = ("CANCELED_RECURRING_BILLING", "DUPLICATE_TRANSACTION", "UNAUTHORISED")
    seen = DisputeSeen(
        dispute_ref=before[0].dispute_ref if before else f"PP-{len(state.disputes) + 1}",
        charge_ref=charge.provider_ref,
        amount=charge.captured,
        reason=reasons[which % 3],
        stage=("INQUIRY", "CHARGEBACK")[which % 2],
        status="RESOLVED" if outcome else ("OPEN", "UNDER_REVIEW")[which // 2 % 2],
        outcome=outcome,
        provider_outcome=outcome.value if outcome else "",
        returned=Money(part if lost else 0, state.currency),
        opened_at=now,
        at=now,
    )
    return dispute_seen(state, seen, evidence="callback", now=now)


def _take_back(state: Subscription, which: int, now: datetime) -> Events:
    """A callback tells of a reversal, once more or another; or a person reads of one."""
    charges = [each for each in state.collected if each.left.minor]
    if not charges:
        return ()
    charge = charges[which % len(charges)]
    amount = Money(max(charge.left.minor // (1 + which % 3), 1), state.currency)
    if which % 5 == 0:
        return reverse_charge(state, charge.attempt_id, amount, reason="settlement", now=now)
    ref = f"rev-{charge.reference}-{which % 2}"
    told = Reversal(charge_ref=charge.provider_ref, amount=amount, provider_ref=ref, at=now)
    return taken_back(state, told, evidence="callback", now=now)


_DECISIONS: Mapping[Wish, Callable[[Subscription, int, datetime], Events]] = {
    Wish.CHANGE: _change,
    Wish.PAUSE: _pause,
    Wish.RESUME: _resume,
    Wish.CREDIT: _credit,
    Wish.END_LATER: _end_later,
    Wish.GO_ON: _go_on,
    Wish.CANCEL_WITH_CREDIT: _cancel_with_credit,
    Wish.DEMAND: _demand,
    Wish.BALANCE: _balance,
    Wish.USE: _use,
    Wish.CORRECT: _correct,
    Wish.DISCOUNT: _discount,
    Wish.END_DISCOUNT: _end_discount,
    Wish.SET_AMOUNT: _set_amount,
    Wish.ANCHOR: _anchor,
    Wish.RESOLVE: _resolve,
    Wish.COLLECT: _collect,
    Wish.WRITE_OFF: _write_off,
    Wish.REINSTATE: _reinstate,
    Wish.SETTLE: _settle,
    Wish.REFUND: _refund,
    Wish.CANCEL_WITH_REFUND: _cancel_with_refund,
    Wish.LET_GO: _let_go,
    Wish.DISPUTE: _dispute,
    Wish.TAKE_BACK: _take_back,
}
