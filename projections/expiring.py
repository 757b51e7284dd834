"""Cards that are about to expire, of subscriptions that still bill.

An expired card is not treated as declined: it is tried like any other, because issuers renew cards
behind a token that stays. The list is for asking the payer in time, not for stopping.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, datetime

import attrs

from domain.calendar import local_day
from domain.subscription.events import Instrument
from domain.subscription.state import Subscription
from domain.subscription.vaulted import Token

DEFAULT_DAYS = 45


@attrs.frozen(kw_only=True)
class ExpiringCard:
    """One card. which: "primary" or "backup".

    last_day: local day after which it has expired. days_left: local days until then, below zero
    once it has. next_due_at: UTC instant of the subscription's next invoice, or None.
    """

    subscription_id: str
    customer_id: str
    which: str
    instrument: Instrument
    last_day: date
    days_left: int
    next_due_at: datetime | None

    def __str__(self) -> str:
        card = " ".join(
            part for part in (self.instrument.brand, self.instrument.last_digits) if part
        )
        if self.days_left < 0:
            return (
                f"the {self.which} card {card} expired on {self.last_day}; it is tried all the "
                "same, for issuers renew cards behind a token"
            )
        return f"the {self.which} card {card} expires on {self.last_day}, in {self.days_left} days"


def last_day_of(instrument: Instrument) -> date | None:
    """The last day of the month in which a card expires; None: it has none, or none we can read."""
    if not instrument.expires:
        return None  # a wallet; this is asked for at every fact
    try:
        month = date.fromisoformat(f"{instrument.expires}-01")
    except ValueError:
        return None
    return month.replace(day=monthrange(month.year, month.month)[1])


def first_expiry(state: Subscription) -> date | None:
    """When the first of a subscription's cards expires; None where none is to be charged."""
    days = [day for _, token in _charged(state) if (day := last_day_of(token.instrument))]
    return min(days, default=None)


def expiring(state: Subscription, *, now: datetime, days: int) -> Iterator[ExpiringCard]:
    """The subscription's cards whose last day comes within so many local days of `now`."""
    today = local_day(now, state.zone)
    for which, token in _charged(state):
        last_day = last_day_of(token.instrument)
        if last_day is not None and (left := (last_day - today).days) <= days:
            yield ExpiringCard(
                subscription_id=state.subscription_id,
                customer_id=state.customer_id,
                which=which,
                instrument=token.instrument,
                last_day=last_day,
                days_left=left,
                next_due_at=state.next_due_at,
            )


def expiring_cards(
    states: Iterable[Subscription], *, now: datetime, days: int
) -> tuple[ExpiringCard, ...]:
    """The cards of many subscriptions, the first to expire first."""
    found = [card for state in states for card in expiring(state, now=now, days=days)]
    return tuple(sorted(found, key=lambda each: (each.last_day, each.subscription_id, each.which)))


def _charged(state: Subscription) -> Iterator[tuple[str, Token]]:
    """The tokens that a subscription which still bills goes on to charge."""
    if not state.bills:
        return
    for which, token in (("primary", state.token), ("backup", state.backup)):
        if token is not None and token.usable:
            yield which, token
