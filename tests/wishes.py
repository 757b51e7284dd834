"""What customers and operators wish for in a history: changes, pauses, credits, endings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum

import attrs

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Proration, Terms
from domain.subscription.changing import Change, change_terms
from domain.subscription.crediting import grant_credit
from domain.subscription.discrepancies import resolve
from domain.subscription.dunning import collect_again, reinstate, write_off
from domain.subscription.ending import cancel, schedule_cancellation, withdraw_cancellation
from domain.subscription.events import Resolution, SubscriptionEvent, When
from domain.subscription.pausing import Resume, pause, resume
from domain.subscription.state import Subscription
from tests.books import ZONE_VERSION

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
    RESOLVE = "resolve"
    COLLECT = "collect"
    WRITE_OFF = "write-off"
    REINSTATE = "reinstate"


def decide(state: Subscription, wish: Wish, which: int, now: datetime) -> Events:
    """What the rules make of a wish. Raises: Refused."""
    return _DECISIONS[wish](state, which, now)


def _change(state: Subscription, which: int, now: datetime) -> Events:
    wish = Change(
        terms=other_terms(state.terms, which),
        when=When.NOW if which % 3 else When.PERIOD_END,
        reason="asked for another plan",
        proration=[None, None, *Proration][which % 6],
    )
    return change_terms(state, wish, now=now, zone_version=ZONE_VERSION)


def other_terms(terms: Terms, which: int) -> Terms:
    """Other terms than these: more, less, another quantity, another rhythm."""
    price = terms.price.minor
    return (
        attrs.evolve(terms, plan="more", price=Money(price * 2 + 1, terms.price.currency)),
        attrs.evolve(terms, plan="less", price=Money(price // 3 + 1, terms.price.currency)),
        attrs.evolve(terms, quantity=terms.quantity % 7 + 1),
        attrs.evolve(terms, interval=Interval(Unit.MONTH, terms.interval.count % 3 + 1)),
        attrs.evolve(terms, interval=Interval(Unit.WEEK, 2), price=Money(price, "USD")),
    )[which % 5]


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


def _resolve(state: Subscription, which: int, now: datetime) -> Events:
    """The latest discrepancy, of those that nobody has looked at while there are any."""
    found = state.unresolved or state.differences
    if not found:
        return ()
    how = list(Resolution)[which % 2]
    return resolve(state, found[-1].attempt_id, how, reason="seen", now=now)


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


_DECISIONS: Mapping[Wish, Callable[[Subscription, int, datetime], Events]] = {
    Wish.CHANGE: _change,
    Wish.PAUSE: _pause,
    Wish.RESUME: _resume,
    Wish.CREDIT: _credit,
    Wish.END_LATER: _end_later,
    Wish.GO_ON: _go_on,
    Wish.CANCEL_WITH_CREDIT: _cancel_with_credit,
    Wish.RESOLVE: _resolve,
    Wish.COLLECT: _collect,
    Wish.WRITE_OFF: _write_off,
    Wish.REINSTATE: _reinstate,
}
