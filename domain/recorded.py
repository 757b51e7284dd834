"""Facts as they are recorded: what happened, and who, when and why beside it.

`stored_as` gives an event class the one name under which it is kept for good.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import attrs


class Event(Protocol):
    """What every event class has: the instant from which it counts."""

    @property
    def effective_at(self) -> datetime:
        """UTC instant at which it happened in the world; may lie before it was recorded."""


E = TypeVar("E", covariant=True)
C = TypeVar("C", bound=type)

STORED_NAMES: dict[str, type] = {}
_NAME_OF: dict[type, str] = {}


def stored_as(name: str) -> Callable[[C], C]:
    """Class decorator: the stored name of an event, for ever. Names are unique."""

    def register(event_class: C) -> C:
        known = STORED_NAMES.setdefault(name, event_class)
        if known.__qualname__ != event_class.__qualname__:
            raise TypeError(f"stored name {name!r} is taken by {known.__qualname__}")
        # attrs with slots makes a second class of the same name: the last one is the real one.
        STORED_NAMES[name] = event_class
        _NAME_OF[event_class] = name
        return event_class

    return register


def stored_name(event_class: type) -> str:
    """The stored name of an event class."""
    return _NAME_OF[event_class]


@attrs.frozen(kw_only=True)
class Stamp:
    """Who caused facts, and by what; given with every append.

    actor: who decided, e.g. "worker", "api:checkout", "operator:kari". No personal data.
    cause: what it reacts to, e.g. "agenda:invoice", "callback:812", "command:import".
    command_id: one decision's id. The ids of its events derive from it, so that a repeated append
        whose first answer was lost is recognised.
    """

    actor: str
    cause: str
    command_id: UUID


@attrs.frozen(kw_only=True)
class Recorded(Generic[E]):
    """One fact in the log.

    position: place in the whole log, from 1, without gaps.
    stream: e.g. "subscription-7590-VHVEG".
    version: place in its stream, from 1, without gaps.
    event_id: derived from the command id and the version.
    recorded_at: UTC; never earlier than that of the position before.
    actor, cause, command_id: see Stamp.
    """

    position: int
    stream: str
    version: int
    event_id: UUID
    recorded_at: datetime
    actor: str
    cause: str
    command_id: UUID
    event: E

    @property
    def effective_at(self) -> datetime:
        """UTC instant from which the fact counts in the world."""
        effective: datetime = self.event.effective_at  # type: ignore[attr-defined]
        return effective
