"""The formats of an export by name, each with the files that it writes.

The libraries of a format are loaded when it is written: a command that only reads waits for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

import attrs

from infrastructure.exports.formats import WRITERS
from infrastructure.exports.source import Source
from infrastructure.exports.transactions import Transaction


@attrs.frozen
class Format:
    """files: the names that it may write, the first one always.

    write: into a folder; returns which of them it wrote.
    """

    files: tuple[str, ...]
    write: Callable[[Source, Path], tuple[str, ...]]


def _text(name: str, write: Callable[[Iterable[Transaction], TextIO], None]) -> Format:
    def written(source: Source, folder: Path) -> tuple[str, ...]:
        with (folder / name).open("w", encoding="utf-8", newline="\n") as out:
            write(source.transactions(), out)
        return (name,)

    return Format((name,), written)


def _saft(source: Source, folder: Path) -> tuple[str, ...]:
    from infrastructure.exports.saft import write_saft

    return write_saft(source, folder)


def _xlsx(source: Source, folder: Path) -> tuple[str, ...]:
    from infrastructure.exports.xlsx import write_xlsx

    return write_xlsx(source, folder)


SAFT = "saf-t"
FORMATS: dict[str, Format] = {
    **{format: _text(name, write) for format, (name, write) in WRITERS.items()},
    SAFT: Format(("saf-t.xml", "saf-t-ids.csv"), _saft),
    "xlsx": Format(("books.xlsx",), _xlsx),
}
