"""What the runner keeps up with the log: projections row by row, and the journal.

The one place that knows which of them has which table and which writer.
"""

from __future__ import annotations

from typing import Any

from infrastructure.store.journal_table import JournalBooks, JournalTable
from infrastructure.store.journal_writer import JournalWriter
from infrastructure.store.view_table import Kept, ViewTable, live_name, shadow_name
from infrastructure.store.view_writer import ViewWriter

KeptTable = ViewTable[Any] | JournalTable
KeptWriter = ViewWriter[Any] | JournalWriter


def live_table(kept: Kept, schema: str) -> KeptTable:
    """The tables that people read."""
    return _table(kept, schema, live_name(kept))


def shadow_table(kept: Kept, schema: str) -> KeptTable:
    """The tables that a rebuild fills."""
    return _table(kept, schema, shadow_name(kept))


def temporary_table(kept: Kept, schema: str) -> KeptTable:
    """Tables of this connection alone, that an audit fills."""
    name = f"audit_{kept.name}"
    if isinstance(kept, JournalBooks):
        return JournalTable(kept, schema, name, temporary=True)
    return ViewTable(kept, None, name)


def writer_of(table: KeptTable, log: Any) -> KeptWriter:
    """Who writes to it. log: of the journal, one that also reads streams."""
    if isinstance(table, JournalTable):
        return JournalWriter(table, log)
    return ViewWriter(table.projection, table)


def _table(kept: Kept, schema: str, name: str) -> KeptTable:
    if isinstance(kept, JournalBooks):
        return JournalTable(kept, schema, name)
    return ViewTable(kept, schema, name)
