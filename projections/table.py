"""What a stored projection is: a keyed fold of the facts, one row in, one row out.

The live view, the rebuild and the audit all run the same `apply`; the store only knows how to
keep rows. A projection holds no SQL: it names the columns people filter by, and how to get them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, Generic, TypeVar

import attrs

from domain.recorded import Recorded

Row = TypeVar("Row")


class ColumnType(Enum):
    """Types of the columns that rows can be filtered and sorted by."""

    TEXT = "text"
    INTEGER = "bigint"
    INSTANT = "timestamptz"
    DAY = "date"
    FLAG = "boolean"


ColumnValue = str | int | datetime | date | bool | None


@attrs.frozen
class Column(Generic[Row]):
    """A column beside the row. indexed: people or workers look rows up by it."""

    type: ColumnType
    value: Callable[[Row], ColumnValue]
    indexed: bool = False


@attrs.frozen(kw_only=True)
class TableProjection(Generic[Row]):
    """A keyed fold with a name and a version; a new version is built beside the old one.

    name: lower case, also the name of its table.
    row_type: attrs class of one row; it is stored whole, as JSON.
    keys_of: the keys of the rows that a fact touches; empty when it touches none.
    apply: the row after one more fact; None removes it. Called once per key, in log order.
    by_family: whether no row is touched by streams of two families (projections/families.py), so
        that rows can be made anew family by family.
    """

    name: str
    version: int
    row_type: type[Row]
    keys_of: Callable[[Recorded[Any]], tuple[str, ...]]
    apply: Callable[[Row | None, str, Recorded[Any]], Row | None]
    columns: Mapping[str, Column[Row]]
    by_family: bool = False
