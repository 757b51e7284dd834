"""The instants inside an event: all of them must have a zone, and are stored in UTC.

msgspec writes and reads an instant without a zone as it is. That would be a time that everybody
reads differently, so each class's instants are found once, by its types, and checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, get_args, get_type_hints

import attrs

T = TypeVar("T")
_ZERO = timedelta(0)


class InstantCheck:
    """Checks the instants of one attrs class."""

    __slots__ = ("_nested", "_own")

    def __init__(self, event_class: type) -> None:
        hints = get_type_hints(event_class)
        self._own = tuple(name for name, hint in hints.items() if datetime in _leaves(hint))
        # Rare: a value inside the event that holds instants in turn; it is walked each time.
        self._nested = any(
            attrs.has(leaf) and _holds_instants(leaf, frozenset())
            for hint in hints.values()
            for leaf in _leaves(hint)
        )

    def are_utc(self, event: object) -> bool:
        """Whether every instant is in UTC."""
        for name in self._own:
            value = getattr(event, name)
            # The same object in nearly every case; others may still be UTC under another name.
            if value is None or (type(value) is datetime and value.tzinfo is UTC):
                continue
            if any(found.utcoffset() != _ZERO for found in _instants(value)):
                return False
        return not self._nested or all(v.utcoffset() == _ZERO for v in _instants(event))

    def are_zoned(self, event: object) -> bool:
        """Whether every instant has a zone."""
        for name in self._own:
            value = getattr(event, name)
            if value is None or (type(value) is datetime and value.tzinfo is not None):
                continue
            if any(found.utcoffset() is None for found in _instants(value)):
                return False
        return not self._nested or all(v.utcoffset() is not None for v in _instants(event))


def in_utc(value: T) -> T:
    """The same value with every instant in it turned to UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, tuple):
        return tuple(in_utc(item) for item in value)  # type: ignore[return-value]
    if attrs.has(type(value)):
        fields = attrs.fields(type(value))  # type: ignore[arg-type]
        changes = {f.alias: in_utc(getattr(value, f.name)) for f in fields if f.init}
        return attrs.evolve(value, **changes)  # type: ignore[misc]
    return value


def _instants(value: Any) -> Iterator[datetime]:
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _instants(item)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _instants(getattr(value, field.name))


def _leaves(hint: Any) -> Iterator[Any]:
    """The types that a type is made of: X | None gives X and None, tuple[X, ...] gives X."""
    arguments = get_args(hint)
    if not arguments:
        yield hint
    for argument in arguments:
        yield from _leaves(argument)


def _holds_instants(attrs_class: type, above: frozenset[type]) -> bool:
    if attrs_class in above:
        return False
    for hint in get_type_hints(attrs_class).values():
        for leaf in _leaves(hint):
            if leaf is datetime:
                return True
            if attrs.has(leaf) and _holds_instants(leaf, above | {attrs_class}):
                return True
    return False
