"""What goes into the ledger and what comes out of it."""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

from domain.recorded import Event, Stamp

S = TypeVar("S")


@attrs.frozen
class Append:
    """Facts for the end of a stream that their writer believes to be at `expected_version`.

    expected_version: 0 for a new stream. events: at least one.
    """

    stream: str
    expected_version: int
    events: tuple[Event, ...]
    stamp: Stamp


@attrs.frozen
class Appended:
    """Written. version, position: of the last of its facts."""

    stream: str
    version: int
    position: int


@attrs.frozen
class Conflict:
    """Not written: the stream is not where the writer believed."""

    stream: str
    expected_version: int
    actual_version: int


@attrs.frozen
class Poison:
    """A recorded event that this code cannot read. reason: what is wrong, without the body."""

    position: int
    stream: str
    version: int
    name: str
    reason: str


class Unreadable(Exception):
    """A stream holds an event that this code cannot read."""

    def __init__(self, poison: Poison) -> None:
        super().__init__(
            f"{poison.stream} version {poison.version} (position {poison.position}): "
            f"{poison.reason}"
        )
        self.poison = poison


class StreamBroken(Exception):
    """The versions of a stream have a gap. The append function does not allow that to happen."""


@attrs.frozen
class Loaded(Generic[S]):
    """A stream, folded. version: 0 when there is no such stream.

    poison: the first event that cannot be read; then there is no state, and asking for it raises
        Unreadable, so that nobody decides on half a stream. Other streams of the same load are
        not touched by that.
    """

    stream: str
    _state: S | None
    version: int
    poison: Poison | None = None

    @property
    def state(self) -> S | None:
        """What the facts add up to; None when there are none. Raises: Unreadable."""
        if self.poison is not None:
            raise Unreadable(self.poison)
        return self._state
