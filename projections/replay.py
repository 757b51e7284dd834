"""Any stored projection in memory: to any position, as of any date, for tests and what-if.

It is the plainest reading of what table.py promises, and so the reference for the store's runner.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from domain.recorded import Recorded
from projections.table import TableProjection

Row = TypeVar("Row")


def fold_in(
    projection: TableProjection[Row], rows: dict[str, Row], recorded: Recorded[Any]
) -> None:
    """Bring `rows` up to date with one more fact."""
    for key in projection.keys_of(recorded):
        row = projection.apply(rows.get(key), key, recorded)
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row


def replay(
    projection: TableProjection[Row],
    log: Iterable[Recorded[Any]],
    *,
    to_position: int | None = None,
    as_of: datetime | None = None,
) -> dict[str, Row]:
    """The rows that a log makes, by key.

    log: facts in the log's order.
    to_position: the last position that counts (what we had on record then); None: all.
    as_of: UTC; facts that took effect later in the world are left out, whenever they were
        recorded; None: all. Both together answer "as of E, known at R".
    """
    rows: dict[str, Row] = {}
    for recorded in log:
        if to_position is not None and recorded.position > to_position:
            break
        if as_of is None or recorded.effective_at <= as_of:
            fold_in(projection, rows, recorded)
    return rows
