"""Say that these books were put back to a backup, and read what was said so."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from domain.identity import RESTORED_STREAM
from domain.restorations.events import BooksRestored
from domain.restorations.saying import Restored, restored, say_restored
from infrastructure.commands.deciding import Deciding, Done
from infrastructure.store.ledger import Append, Appended, Ledger


class Restoring(Deciding):
    """Commands about restorations of one set of books. Blocking; safe for many threads."""

    def say(self, reason: str, *, by: str, command_id: UUID | None = None) -> Done:
        """Record a restoration; from now on workers look for what the lost books charged.

        Refused: see saying.say_restored.
        """
        stamp, now = self._stamp("command:restored", command_id), self._clock()
        say_restored(reason, by=by, head=0, now=now)  # refused before anybody has to wait
        before: int | None = None

        def append(head: int) -> Append | None:
            nonlocal before
            before = self._written(RESTORED_STREAM, stamp)
            if before is not None:
                return None
            version = len(self._ledger.read_stream(RESTORED_STREAM))
            event = say_restored(reason, by=by, head=head, now=now)
            return Append(RESTORED_STREAM, version, (event,), stamp)

        result = self._ledger.append_held(append, now=now)
        if isinstance(result, Appended):
            return Done(position=result.position, changed=True)
        assert before is not None, "nobody else adds to the log meanwhile"
        return Done(position=before, changed=True)


def read_restored(ledger: Ledger[Any]) -> Restored | None:
    """What was said of restorations up to now. Raises: Unreadable."""
    events: list[BooksRestored] = [each.event for each in ledger.read_stream(RESTORED_STREAM)]
    # Said of a log without any fact, it is about nothing that could be charged.
    return restored(
        (event, ledger.recorded_at(event.head) if event.head else event.effective_at)
        for event in events
    )
