"""What tests of crashes share: random moments, and the way back to rest."""

from __future__ import annotations

import random
import time

from domain.subscription.events import (
    ChargeAttempted,
    ChargeSucceeded,
)
from tests.system import oracle
from tests.system.house import House


class Moments:
    """Random moments in real time. left: how many are to come. between: seconds apart."""

    def __init__(self, chance: random.Random, *, count: int, between: tuple[float, float]) -> None:
        self._chance, self._between, self.left = chance, between, count
        self._next = time.monotonic() + chance.uniform(*between)

    def now(self) -> bool:
        """Whether one has come."""
        if self.left == 0 or time.monotonic() < self._next:
            return False
        self.left -= 1
        self._next = time.monotonic() + self._chance.uniform(*self._between)
        return True


def recovered(home: House, *, charges: int, attempts: int | None = None, days: float = 1) -> None:
    """With workers that nothing happens to, all comes to rest, and the oracle agrees."""
    home.send_home()
    with home.helper():
        home.play(days=days)
    assert len(home.facts(ChargeSucceeded)) == charges
    if attempts is not None:
        assert len(home.facts(ChargeAttempted)) == attempts
    oracle.check(home)
