"""A changed copy of a frozen value, for folding: `attrs.evolve` without a new initialisation.

Folding a fact copies the whole state to change two fields of it, and is most of what a replay
does. Copying the slots as they are takes half the time of building the value anew; copying the
dict of a class with many fields that is kept without slots, an eighth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import attrs

__all__ = ["with_"]

if TYPE_CHECKING:
    from attrs import evolve as with_  # checked by the type checker as what it stands for
else:

    def with_(value: Any, **changes: Any) -> Any:
        """A copy of an attrs value of two fields or more, with some of them changed.

        No validator and no converter runs: the changes are of the fields' own types.
        Raises: KeyError for a field that it does not have.
        """
        return _copying(type(value))(value, changes)


@cache
def _copying(cls: type) -> Callable[[Any, dict[str, Any]], Any]:
    """How values of a class are copied."""
    names = [field.name for field in attrs.fields(cls)]
    return _dict_copying(cls, names) if cls.__dictoffset__ else _slots_copying(cls, names)


def _dict_copying(cls: type, names: list[str]) -> Callable[[Any, dict[str, Any]], Any]:
    known = frozenset(names)

    def copied(value: Any, changes: dict[str, Any]) -> Any:
        if not changes.keys() <= known:
            raise KeyError(*changes.keys() - known)
        copy: Any = object.__new__(cls)
        copy.__dict__.update(value.__dict__, **changes)
        return copy

    return copied


def _slots_copying(cls: type, names: list[str]) -> Callable[[Any, dict[str, Any]], Any]:
    read, setters = attrgetter(*names), {name: getattr(cls, name).__set__ for name in names}

    def copied(value: Any, changes: dict[str, Any]) -> Any:
        copy: Any = object.__new__(cls)
        for setter, field in zip(setters.values(), read(value), strict=True):
            setter(copy, field)
        for name, field in changes.items():
            setters[name](copy, field)
        return copy

    return copied
