"""Move the clock from one due instant to the next, never before the present one is worked off."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import httpx

from infrastructure.bootstrap import System
from infrastructure.clock import SteppingClock
from infrastructure.rehearsal.payers import Payers
from infrastructure.rehearsal.stage import Stage

LOOK_EVERY_S = 0.05
# Without any fact written for this long, something is stuck; better to say so than to wait.
STUCK_AFTER_S = 300.0
# Longer than a worker takes to look again at a callback that had come too early; those that it puts
# back for longer (their account is out of order) wait for the clock.
UNPLACED_AFTER_S = 5.0
# Longer than it puts any back for.
PUT_BACK_AFTER_S = 20.0


class Stuck(Exception):
    """The rehearsal does not come to rest; the text says what is left."""


@attrs.define(slots=False)
class Director:
    """Leads one rehearsal.

    tell: called with the rehearsal's time and the log's length, for a progress bar.
    stuck_after_s: seconds without a new fact after which `Stuck` is raised.
    """

    system: System
    stage: Stage
    tell: Callable[[datetime, int], None]
    stuck_after_s: float = STUCK_AFTER_S

    def __attrs_post_init__(self) -> None:
        clock = self.system.clock
        assert isinstance(clock, SteppingClock), "a rehearsal has a stepping clock"
        self._clock = clock
        self._payers = Payers(self.system.views)
        self._http = httpx.Client(timeout=30.0)

    def set_time(self, now: datetime) -> None:
        """Move the books' clock and both simulators' clocks."""
        self._clock.set(now)
        for url in self.stage.simulators().values():
            self._http.post(f"{url}/_clock", json={"now": now.isoformat()}).raise_for_status()

    def play(self, until: datetime) -> int:
        """Work everything that falls due up to `until`; how many times the clock moved."""
        steps = 0
        while True:
            self.come_to_rest()
            following = self.system.agenda.next_due(self._clock())
            if following is None or following > until:
                self.set_time(until)
                self.come_to_rest(final=True)
                return steps
            # At least a second, so that waits of fractions do not become steps of their own.
            self.set_time(max(following, self._clock() + timedelta(seconds=1)))
            steps += 1

    def come_to_rest(self, *, final: bool = False) -> None:
        """Until nothing is due, under way, unread or unprojected, and no payer has a page.

        final: the clock moves no further: callbacks that were put back for long are awaited, too.
        """
        last, since = (-1, -1), time.monotonic()
        while True:
            head = self.system.ledger.head()
            unread = self.system.inbox.pending_within(UNPLACED_AFTER_S)
            self.tell(self._clock(), head)
            self.stage.check()
            # A callback that nobody can place yet waits for the clock, not the clock for it.
            quiet_s = time.monotonic() - since
            placed = unread == 0 or quiet_s > UNPLACED_AFTER_S
            if final and self.system.inbox.pending() > unread:
                placed = quiet_s > PUT_BACK_AFTER_S
            if placed and self._at_rest(head):
                pages = self._payers.offered()
                if not pages:
                    return
                self._payers.approve(pages)
                since = time.monotonic()
            if (head, unread) != last:
                last, since = (head, unread), time.monotonic()
            if time.monotonic() - since > self.stuck_after_s:
                raise Stuck(self._what_is_left(head))
            time.sleep(LOOK_EVERY_S)

    def _at_rest(self, head: int) -> bool:
        """Asked in the order in which one thing makes the next; all must be quiet at once."""
        return (
            self._deliveries() == 0
            and self._projected(head)
            and self.system.agenda.idle(self._clock())
            and self.system.ledger.head() == head
        )

    def _deliveries(self) -> int:
        pending = 0
        for url in self.stage.simulators().values():
            answer = self._http.get(f"{url}/_quiet").raise_for_status().json()
            pending += int(answer["callbacks_pending"])
        return pending

    def _projected(self, head: int) -> bool:
        return all(stands >= head for stands in self.system.views.positions().values())

    def _what_is_left(self, head: int) -> str:
        return (
            f"at {self._clock().isoformat()}: {self._deliveries()} callbacks undelivered, "
            f"{self.system.inbox.pending()} unread, projections caught up: "
            f"{self._projected(head)}, agenda idle: "
            f"{self.system.agenda.idle(self._clock())}"
        )
