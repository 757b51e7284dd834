"""A log with a restoration in it, and faults to plant there."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import attrs

from domain.identity import RESTORED_STREAM, event_id
from domain.recorded import Recorded
from domain.restorations.events import BooksRestored
from domain.restorations.saying import say_restored
from domain.subscription.events import InvoiceIssued
from tests.books import Books
from tests.due_runs.running import run_story
from tests.projections.forging import Forger, Log, changed, renumbered

_SPACE = UUID("6a0c6b3c-2f0b-4b1c-8d43-0d3f3a1b7f20")


def restored_story() -> Books:
    """Two months of a customer, and then the books were restored twice."""
    books = run_story()
    for reason in ("the disk died", "the first backup was too old"):
        record_restored(books, reason)
    return books


def record_restored(books: Books, reason: str) -> None:
    """Somebody says that these books were restored."""
    log: list[Any] = books.log
    event = say_restored(reason, by="kari", head=len(log), now=books.now)
    version = books.versions[RESTORED_STREAM] = books.versions.get(RESTORED_STREAM, 0) + 1
    command = uuid5(_SPACE, reason)
    log.append(
        Recorded(
            position=len(log) + 1,
            stream=RESTORED_STREAM,
            version=version,
            event_id=event_id(command, RESTORED_STREAM, version),
            recorded_at=books.now,
            actor="cli:kari",
            cause="command:restored",
            command_id=command,
            event=event,
        )
    )


def _moved(kind: type, stream: str) -> Forger:
    def forge(log: Log) -> Log | None:
        place = next(n for n, each in enumerate(log) if isinstance(each.event, kind))
        other = attrs.evolve(log[place], stream=stream)
        return renumbered([*log[:place], other, *log[place + 1 :]])

    return forge


PLANTS_OF_RESTORATIONS: list[tuple[str, str, Forger]] = [
    ("in a subscription's stream", "restoration-misnamed", _moved(BooksRestored, "subscription-9")),
    ("a bill in their stream", "restoration-misnamed", _moved(InvoiceIssued, RESTORED_STREAM)),
    (
        "an earlier head",
        "restoration-head-wrong",
        changed(BooksRestored, head=lambda event: event.head - 1),
    ),
]
