"""An export in a folder, and the manifest that lets anyone hold it against the books again.

The file is written beside its place and moved there when it is whole; the manifest comes last. So a
manifest never speaks of a file that is not.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from domain.books.chart import Chart
from domain.refusals import Refused
from infrastructure.books.reading import KnownAt, KnownJournal, Log
from infrastructure.exports.formats import WRITERS
from infrastructure.exports.transactions import Transaction, transactions
from projections.account_sums import Known

MANIFEST = "manifest.json"


class Total(msgspec.Struct, frozen=True):
    """A control total: what an account of the chart comes to, minor units."""

    number: str
    currency: str
    minor: int


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """What was exported. position: the last fact that was read. sha256: of the file, hex.

    transactions, lines: how many. totals: by account and currency, those of nothing left out.
    """

    format: str
    file: str
    as_of: date
    zone: str
    position: int
    transactions: int
    lines: int
    totals: tuple[Total, ...]
    sha256: str


class Differs(Exception):
    """An export that is not what the books say; the text says in what."""


def export(
    log: Log,
    folder: Path,
    *,
    format: str,
    known: Known,
    chart: Chart,
    known_at: KnownAt = None,
) -> Manifest:
    """Write the books in a format of WRITERS, and the manifest beside them.

    known_at: a position or a UTC instant; None: all that is recorded.
    Refused: "account-unmapped", "export-exists" where the folder holds a manifest already.
    """
    if (folder / MANIFEST).exists():
        raise Refused("export-exists", f"{folder} holds an export already")
    folder.mkdir(parents=True, exist_ok=True)
    name = WRITERS[format][0]
    made = folder / f"{name}.part"
    try:
        found = _written(log, made, format=format, known=known, chart=chart, known_at=known_at)
        made.replace(folder / name)
    finally:
        made.unlink(missing_ok=True)
    whole = msgspec.json.format(msgspec.json.encode(found, order="deterministic"), indent=2)
    (folder / MANIFEST).write_bytes(whole + b"\n")
    return found


def verify(log: Log, folder: Path, *, chart: Chart) -> Manifest:
    """Derive an export again and compare. The manifest. Raises: Differs.

    Refused: "export-malformed" where there is no manifest that can be read.
    """
    try:
        told = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        writer = WRITERS[told.format]
        holds = _digest(folder / told.file)
    except (OSError, msgspec.MsgspecError, KeyError) as error:
        raise Refused("export-malformed", f"{folder}: {error}") from error
    if told.file != writer[0]:
        raise Refused("export-malformed", f"{told.file!r} is not how {told.format} is called")
    if holds != told.sha256:
        raise Differs(f"{told.file} is not the file that the manifest was written for")
    known = Known(as_of=told.as_of, zone=told.zone)
    again = folder / f"{told.file}.again"
    try:
        found = _written(
            log, again, format=told.format, known=known, chart=chart, known_at=told.position
        )
    finally:
        again.unlink(missing_ok=True)
    if found != told:
        names = [each for each in Manifest.__struct_fields__ if _differ(found, told, each)]
        raise Differs(f"the books of position {told.position} say otherwise: {', '.join(names)}")
    return told


def _differ(one: Manifest, other: Manifest, name: str) -> bool:
    same: bool = getattr(one, name) == getattr(other, name)
    return not same


def _written(
    log: Log,
    path: Path,
    *,
    format: str,
    known: Known,
    chart: Chart,
    known_at: KnownAt,
) -> Manifest:
    journal = KnownJournal(log, known_at)
    counted, lines = Counter[str](), Counter[tuple[str, str]]()

    def seen() -> Iterator[Transaction]:
        for each in transactions(journal, known, chart):
            counted["transactions"] += 1
            counted["lines"] += len(each.lines)
            for line in each.lines:
                lines[line.account.number, line.currency] += line.minor
            yield each

    name, write = WRITERS[format]
    with path.open("w", encoding="utf-8", newline="\n") as out:
        write(seen(), out)
    return Manifest(
        format=format,
        file=name,
        as_of=known.as_of,
        zone=known.zone,
        position=journal.position,
        transactions=counted["transactions"],
        lines=counted["lines"],
        totals=tuple(
            Total(number, currency, minor)
            for (number, currency), minor in sorted(lines.items())
            if minor
        ),
        sha256=_digest(path),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
