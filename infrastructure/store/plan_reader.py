"""Plans as their streams make them. They are short, and read whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from domain.catalogue.folding import plan_of_facts
from domain.catalogue.state import WITHDRAWAL_TAKES, Plan
from domain.identity import plan_stream
from infrastructure.store.ledger import Ledger

# Older than this by the books' clock, a plan is read anew before anything is billed by it. A move
# is announced hours before it takes anybody along, and a withdrawal holds a minute later, so what
# is this old decides the same.
FRESH_FOR: timedelta = WITHDRAWAL_TAKES / 2


class PlanReader:
    """Reads plans from the ledger. Safe to use from many threads."""

    def __init__(self, ledger: Ledger[Any], clock: Callable[[], datetime]) -> None:
        self._ledger, self._clock = ledger, clock
        self._read: dict[str, tuple[datetime, Plan | None]] = {}

    def load(self, code: str) -> tuple[Plan | None, int]:
        """A plan, or None, and the version of its stream. Raises: Unreadable."""
        facts = self._ledger.read_stream(plan_stream(code))
        return plan_of_facts(each.event for each in facts), len(facts)

    def at_hand(self, code: str) -> tuple[Plan | None] | None:
        """What `recent` gives, alone in a tuple, where nothing has to be read for it; else None."""
        read = self._read.get(code)
        if read is None or not read[0] <= self._clock() < read[0] + FRESH_FOR:
            return None
        return (read[1],)

    def recent(self, code: str) -> Plan | None:
        """A plan as it was at most FRESH_FOR ago. Raises: Unreadable."""
        known = self.at_hand(code)
        if known is None:
            now = self._clock()
            known = (self.load(code)[0],)
            self._read[code] = (now, known[0])
        return known[0]
