"""Attempt budgets: how often a card may be tried before its network, or the acquirer, blocks it.

A card network counts what a merchant tries on one card, whichever subscription it is for. So the
count belongs to the instrument, and every attempt needs a place in it before it is sent.

What counts: an attempt that was declined, and one whose outcome is open or unknown, for it may yet
be declined. What succeeded, and what was never made, does not count.

Sources of the figures (reference notes on Dintero, section 8; on PayPal, section 4):
  visa-30-days            Visa: 20 reattempts in 30 days
  mastercard-day          Mastercard: 10 reattempts in 24 hours
  mastercard-30-days      Mastercard: 35 reattempts in 30 days
  dintero-mastercard-day  Dintero: 10 failed attempts in 24 hours, per acquiring agreement and card
  dintero-visa-30-days    Dintero: 15 failed attempts in 30 days, likewise
The networks count reattempts; we count the first attempt too, which is stricter by one. Dintero's
counts begin anew with a success, the networks' do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256

import attrs

from domain.providers import Provider
from domain.subscription.events import Instrument


class Outcome(Enum):
    """What became of an attempt, as far as a budget asks."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    NOT_MADE = "not-made"


@attrs.frozen(kw_only=True)
class Scope:
    """Which attempts one budget counts together, beside the instrument itself.

    network: "visa" or "mastercard". provider: through which it must go, or None for any.
    """

    network: str
    provider: Provider | None = None


@attrs.frozen(kw_only=True)
class Budget:
    """At most `limit` attempts that count, in any stretch as long as `window`.

    name: stable; CollectionPostponed.reason gives it. limit: at least 1.
    reset_by_success: whether attempts made before the latest successful one count no more.
    """

    name: str
    scope: Scope
    limit: int
    window: timedelta
    reset_by_success: bool = False


_VISA, _MASTERCARD = Scope(network="visa"), Scope(network="mastercard")
_DAY, _MONTH = timedelta(hours=24), timedelta(days=30)

BUDGETS: tuple[Budget, ...] = (
    Budget(name="visa-30-days", scope=_VISA, limit=20, window=_MONTH),
    Budget(name="mastercard-day", scope=_MASTERCARD, limit=10, window=_DAY),
    Budget(name="mastercard-30-days", scope=_MASTERCARD, limit=35, window=_MONTH),
    Budget(
        name="dintero-mastercard-day",
        scope=Scope(network="mastercard", provider=Provider.DINTERO),
        limit=10,
        window=_DAY,
        reset_by_success=True,
    ),
    Budget(
        name="dintero-visa-30-days",
        scope=Scope(network="visa", provider=Provider.DINTERO),
        limit=15,
        window=_MONTH,
        reset_by_success=True,
    ),
)
LONGEST_WINDOW = max(each.window for each in BUDGETS)

# Where doubts use a budget up, it is looked at again after so long: their outcome may free it.
DOUBT_WAIT = {Outcome.OPEN: timedelta(minutes=15), Outcome.UNKNOWN: timedelta(days=1)}
_COUNTED = frozenset({Outcome.OPEN, Outcome.DECLINED, Outcome.UNKNOWN})


@attrs.frozen
class Tried:
    """One attempt on an instrument. attempted_at: UTC instant of the intention."""

    attempted_at: datetime
    outcome: Outcome


@attrs.frozen
class Wait:
    """No place before `until` (UTC, later than the question), because `budget` is used up."""

    until: datetime
    budget: Budget


def network_of(instrument: Instrument) -> str:
    """The card network whose budgets count, e.g. "visa"; "" for wallets and brands without one."""
    if instrument.kind != "card":
        return ""
    letters = "".join(each for each in instrument.brand.casefold() if each.isalpha())
    networks = {each.scope.network for each in BUDGETS}
    return next((each for each in sorted(networks) if letters.startswith(each)), "")


def instrument_key(
    provider: Provider, account: str, customer_id: str, instrument: Instrument, token_ref: str
) -> str:
    """One key for what a network would count as one card; 32 hex digits.

    No card number exists anywhere here, so a card is recognised by provider, account, customer,
    brand, last digits and expiry, a wallet by its token. That recognises one card behind several
    tokens and subscriptions of a customer. It cannot recognise a card that two customers use, that
    is used through two accounts or providers, or that was renewed (a new expiry, often the same
    number); and it counts two cards of one customer as one where all of these agree.

    The hash keeps the parts out of tables and logs; short as they are, it is no secret.
    """
    card = (instrument.brand.casefold(), instrument.last_digits, instrument.expires)
    what = ("card", customer_id, *card) if instrument.kind == "card" else ("token", token_ref)
    text = "\x1f".join((provider.value, account, *what))
    return sha256(text.encode()).hexdigest()[:32]


def budgets_of(
    network: str, provider: Provider, budgets: Iterable[Budget] = BUDGETS
) -> tuple[Budget, ...]:
    """The budgets that an attempt through a provider on a card of a network has to keep."""
    return tuple(
        each
        for each in budgets
        if each.scope.network == network and each.scope.provider in (None, provider)
    )


def counted(history: Iterable[Tried], budget: Budget, now: datetime) -> list[Tried]:
    """The attempts that use a budget at `now`, oldest first."""
    tried = sorted(history, key=lambda each: each.attempted_at)
    if budget.reset_by_success:
        won = [n for n, each in enumerate(tried) if each.outcome is Outcome.SUCCEEDED]
        tried = tried[won[-1] + 1 :] if won else tried
    begins = now - budget.window
    return [each for each in tried if each.outcome in _COUNTED and each.attempted_at > begins]


def wait_for(history: Sequence[Tried], budgets: Iterable[Budget], now: datetime) -> Wait | None:
    """Until when an instrument has no place for one more attempt; None: it has one now.

    history: its attempts, at least those of the longest window and the latest success.
    Where doubts use it up, the wait ends when their outcome may be known, to ask again.
    """
    waits = [_wait(counted(history, each, now), each, now) for each in budgets]
    return max((each for each in waits if each is not None), key=_until, default=None)


def allowed_at(
    history: Sequence[Tried], budgets: Iterable[Budget], now: datetime
) -> datetime | None:
    """When the next attempt may be within all budgets; None: it is so now."""
    wait = wait_for(history, budgets, now)
    return None if wait is None else wait.until


def _wait(used: Sequence[Tried], budget: Budget, now: datetime) -> Wait | None:
    too_many = len(used) - budget.limit + 1
    if too_many <= 0:
        return None
    free_again = sorted(_counts_until(each, budget, now) for each in used)
    return Wait(free_again[too_many - 1], budget)


def _counts_until(tried: Tried, budget: Budget, now: datetime) -> datetime:
    leaves = tried.attempted_at + budget.window
    doubt = DOUBT_WAIT.get(tried.outcome)
    return leaves if doubt is None else min(leaves, now + doubt)


def _until(wait: Wait) -> datetime:
    return wait.until
