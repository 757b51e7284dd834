"""The simulator's clock: real time, or the instant that a rehearsal has set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count


class SimulatorClock:
    """Tells the time and does what falls due as it passes.

    There is no timer behind it: what is due is done when somebody asks for `due`, which every
    request does first. So a rehearsal that steps by a month gets the same order each time.
    """

    def __init__(self) -> None:
        self._set_to: datetime | None = None
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = count()

    def now(self) -> datetime:
        """UTC."""
        return self._set_to or datetime.now(UTC)

    def set(self, instant: datetime | None) -> None:
        """Stand still at an instant; None: run with real time again."""
        self._set_to = None if instant is None else instant.astimezone(UTC)

    def at(self, instant: datetime, action: Callable[[datetime], None]) -> None:
        """Do something once the clock has reached an instant; it is given that instant."""
        heappush(self._agenda, (instant, next(self._order), action))

    def due(self) -> None:
        """Do everything whose time has come, in order of time."""
        if not self._agenda:
            return
        now = self.now()
        while self._agenda and self._agenda[0][0] <= now:
            instant, _, action = heappop(self._agenda)
            action(instant)

    @property
    def waiting(self) -> int:
        """How many actions lie ahead."""
        return len(self._agenda)
