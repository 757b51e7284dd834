"""Whose payers dispute a charge in a rehearsal, drawn by a seed: one in ten of PayPal's customers.

At noon of the fourteenth day of one of their months the payer contests the latest charge at the
provider, in whole; a week later the provider decides: for the payer, in part, or for the merchant.
Dintero has no disputes to look at; see the reference notes on it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta

import httpx

from domain.calendar import Interval, Unit, count_from
from domain.providers import Provider
from domain.refusals import Refused
from infrastructure.commands.customers import CustomerRow
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.rehearsal.changes import Kinds, PlannedChange
from infrastructure.rehearsal.plan import Window

ONE_IN = 10
_FOURTEENTH_DAY = timedelta(days=13)
_DECIDED_AFTER = timedelta(days=7)
_CONTESTED = "charge disputed"
_DECISIONS = ("dispute lost", "dispute lost", "dispute lost in part", "dispute won")
_FOR_THE_PAYER, _FOR_THE_MERCHANT = "RESOLVED_BUYER_FAVOUR", "RESOLVED_SELLER_FAVOUR"


def planned_disputes(
    rows: Iterable[CustomerRow], plan: Window, seed: str
) -> tuple[PlannedChange, ...]:
    """Openings and decisions, in the order of time; the same seed, the same disputes."""
    drawn = random.Random(f"disputes/{seed}")  # noqa: S311 - a rehearsal's dice
    found = []
    for row in rows:
        months = min(row.months or 0, plan.months)
        if months < 1 or row.provider is not Provider.PAYPAL or drawn.randrange(ONE_IN):
            continue
        first = count_from(row.start, Interval(Unit.MONTH), drawn.randrange(months))
        at = datetime.combine(first + _FOURTEENTH_DAY, time(12), tzinfo=UTC)
        steps = ((at, _CONTESTED), (at + _DECIDED_AFTER, drawn.choice(_DECISIONS)))
        found += [
            PlannedChange(at=then, subscription_id=row.subscription_id, kind=kind)
            for then, kind in steps
            if then <= plan.until
        ]
    return tuple(sorted(found, key=lambda each: (each.at, each.subscription_id)))


class Contenders:
    """The payers who dispute, and the provider who decides, by the simulator's controls."""

    def __init__(self, paypal_url: str) -> None:
        self._url = paypal_url
        # By subscription: what is open, and over how much, minor units.
        self._open: dict[str, tuple[str, int]] = {}

    def kinds(self) -> Kinds:
        """What `carry_out` needs for a planned dispute."""
        return {
            _CONTESTED: self._contest,
            "dispute lost": lambda _, wish: self._decide(wish, _FOR_THE_PAYER, 1),
            "dispute lost in part": lambda _, wish: self._decide(wish, _FOR_THE_PAYER, 2),
            "dispute won": lambda _, wish: self._decide(wish, _FOR_THE_MERCHANT, 1),
        }

    def _contest(self, commands: Subscriptions, wish: PlannedChange) -> None:
        state, _ = commands.find(wish.subscription_id)
        charge = next((each for each in reversed(state.collected) if each.left.minor > 0), None)
        if charge is None:
            raise Refused("charge-unknown", "nothing is left of what came")
        minor = charge.left.minor
        body = {"capture_id": charge.provider_ref, "minor": minor}
        answer = self._told("/_disputes", body).raise_for_status()
        self._open[wish.subscription_id] = (str(answer.json()["dispute_id"]), minor)

    def _decide(self, wish: PlannedChange, outcome: str, part: int) -> None:
        """Refused where nothing is disputed any more: a refund of all of it closes a dispute."""
        ref, minor = self._open.pop(wish.subscription_id, ("", 0))
        body = {"outcome": outcome, "minor": max(1, minor // part)}
        answer = self._told(f"/_disputes/{ref}", body) if ref else None
        if answer is None or answer.status_code == httpx.codes.NOT_FOUND:
            raise Refused("dispute-unknown", "nothing is disputed")
        answer.raise_for_status()

    def _told(self, path: str, body: Mapping[str, object]) -> httpx.Response:
        return httpx.post(f"{self._url}{path}", json=body, timeout=30.0)
