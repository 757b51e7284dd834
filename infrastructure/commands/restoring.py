"""Say that these books were put back to a backup, and read what was said so.

A settlement may say it, too: every attempt is in the books before it is sent, so a capture under a
reference that only these books can have made, and that is not in them, was made by books that
were lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from domain.identity import RESTORED_STREAM, reference_parts, stream_of
from domain.restorations.events import BooksRestored
from domain.restorations.lost import is_ours
from domain.restorations.saying import Restored, restored, say_restored
from domain.settlement_ports import SettledKind, SettlementLine
from domain.subscription.events import ChargeAttempted
from infrastructure.commands.deciding import Deciding, Done
from infrastructure.store.ledger import Append, Appended, Ledger
from infrastructure.store.tracking import ViewMissing

if TYPE_CHECKING:
    from infrastructure.bootstrap import System

log = structlog.get_logger(__name__)

# Who restored them, where nobody said so.
NOTICED = "settlements"
_AT_A_TIME = 500


class Restoring(Deciding):
    """Commands about restorations of one set of books. Blocking; safe for many threads."""

    def __init__(self, system: System, *, actor: str) -> None:
        super().__init__(system, actor=actor)
        self._views = system.views

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

    def notice(self, lines: Iterable[SettlementLine], *, settlement: str) -> tuple[str, ...]:
        """Say it where a settlement shows charges that the books have lost; their references.

        Quiet where a restoration after these charges was said before. Raises: Unreadable.
        """
        known = read_restored(self._ledger)
        captured = {
            each.reference
            for each in lines
            if each.kind is SettledKind.CAPTURE
            and (known is None or each.on > known.until.astimezone(UTC).date())
        }
        lost = self._not_here(sorted(each for each in captured if reference_parts(each)))
        if lost:
            words = f"settlement {settlement}"[:100]
            reason = f"{words} has {lost[0][:60]}, which is not here; in all {len(lost)}"
            self.say(reason, by=NOTICED)
            log.error("these books were restored", settlement=settlement, charges=len(lost))
        return lost

    def _not_here(self, references: Sequence[str]) -> tuple[str, ...]:
        """Those that were made for our subscriptions, and that no attempt of ours bears."""
        found: list[str] = []
        for start in range(0, len(references), _AT_A_TIME):
            some = references[start : start + _AT_A_TIME]
            seen = self._seen(some)
            missing = [each for each in some if each not in seen]
            streams = {each: stream_of(_subscription_of(each)) for each in missing}
            loaded = self._ledger.load(sorted(set(streams.values())))
            found += [
                each
                for each in missing
                if is_ours(loaded[streams[each]].state, each)
                and not self._attempted(streams[each], each)
            ]
        return tuple(found)

    def _seen(self, references: Sequence[str]) -> Collection[str]:
        """Those that the stored projection knows; it may be behind the log, or not be there yet."""
        try:
            return self._views.keys_by("charges", "reference", references)
        except ViewMissing:
            return ()

    def _attempted(self, stream: str, reference: str) -> bool:
        facts = (each.event for each in self._ledger.read_stream(stream))
        return any(
            isinstance(each, ChargeAttempted) and each.reference == reference for each in facts
        )


def _subscription_of(reference: str) -> str:
    parts = reference_parts(reference)
    assert parts is not None, "only those are asked for"
    return parts.subscription_id


def read_restored(ledger: Ledger[Any]) -> Restored | None:
    """What was said of restorations up to now. Raises: Unreadable."""
    events: list[BooksRestored] = [each.event for each in ledger.read_stream(RESTORED_STREAM)]
    # Said of a log without any fact, it is about nothing that could be charged.
    return restored(
        (event, ledger.recorded_at(event.head) if event.head else event.effective_at)
        for event in events
    )
