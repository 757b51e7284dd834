"""An export in a folder, and the manifest that lets anyone hold it against the books again.

The files are written in a folder beside their place and moved there when they are whole; the
manifest comes last. So a manifest never speaks of a file that is not.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import msgspec

from domain.books.chart import Chart
from domain.refusals import Refused
from infrastructure.books.reading import KnownAt, Log
from infrastructure.exports.company import Company
from infrastructure.exports.kinds import FORMATS
from infrastructure.exports.source import Source, SteadyJournal, Wanted
from projections.account_sums import Known

MANIFEST = "manifest.json"
# The log's chain hash after a position, hex.
HashAt = Callable[[int], str]
_PACKAGE = "billing-ledger"


class Total(msgspec.Struct, frozen=True):
    """A control total: what the file's lines of an account come to, minor units.

    opening: what it stood at before them, in a format that tells (SAF-T).
    """

    number: str
    currency: str
    minor: int
    opening: int = 0


class Turnover(msgspec.Struct, frozen=True):
    """A control total: all debits and all credits of a currency, minor units; they are equal."""

    currency: str
    debit: int
    credit: int


class Part(msgspec.Struct, frozen=True):
    """A file that lies beside the first. sha256: hex."""

    file: str
    sha256: str


class Manifest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What was exported: the parameters, what came of them, and from which log.

    position: the last fact that was read; head_hash: the log's chain after it, hex.
    made_at, software, since, currency, company: as in Wanted. chart: SHA-256 of the chart's lines.
    transactions, lines: how many. totals: by account and currency, those of nothing left out.
    sha256: of the file, hex. beside: more files of the same export.
    """

    format: str
    file: str
    as_of: date
    zone: str
    made_at: datetime
    software: str
    since: date | None = None
    currency: str | None = None
    company: Company | None = None
    chart: str
    position: Annotated[int, msgspec.Meta(ge=0)]
    head_hash: str
    transactions: int
    lines: int
    totals: tuple[Total, ...]
    turnover: tuple[Turnover, ...]
    sha256: str
    beside: tuple[Part, ...] = ()


class Differs(Exception):
    """An export that is not what the books say; the text says in what."""


def software() -> str:
    """Name and version of what makes the files."""
    try:
        return f"{_PACKAGE} {version(_PACKAGE)}"
    except PackageNotFoundError:
        return f"{_PACKAGE} unpacked"


def export(
    log: Log,
    folder: Path,
    *,
    format: str,
    wanted: Wanted,
    chart: Chart,
    hash_at: HashAt,
    known_at: KnownAt = None,
) -> Manifest:
    """Write the books in a format of FORMATS, and the manifest beside them.

    known_at: a position or a UTC instant; None: all that is recorded.
    Refused: "account-unmapped", "export-exists" where the folder holds a manifest already, and
        what the format refuses.
    """
    if (folder / MANIFEST).exists():
        raise Refused("export-exists", f"{folder} holds an export already")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as scratch:
        made = Path(scratch)
        found = _written(
            log,
            made,
            format=format,
            wanted=wanted,
            chart=chart,
            known_at=known_at,
            hash_at=hash_at,
        )
        for name in (found.file, *(each.file for each in found.beside)):
            (made / name).replace(folder / name)
    whole = msgspec.json.format(msgspec.json.encode(found, order="deterministic"), indent=2)
    (folder / MANIFEST).write_bytes(whole + b"\n")
    return found


def verify(log: Log, path: Path, *, chart: Chart, hash_at: HashAt) -> Manifest:
    """Derive an export again and compare. path: its folder, or any of its files. The manifest.

    Raises: Differs.
    Refused: "export-malformed" where there is no manifest that can be read.
    """
    folder = path if path.is_dir() else path.parent
    told = _read(folder)
    named = {MANIFEST, told.file, *(each.file for each in told.beside)}
    if folder != path and path.name not in named:
        raise Refused("export-malformed", f"the manifest beside it does not name {path.name!r}")
    for name, sha256 in ((told.file, told.sha256), *((x.file, x.sha256) for x in told.beside)):
        if _digest(folder / name) != sha256:
            raise Differs(f"{name} is not the file that the manifest was written for")
    if told.position > log.head():
        raise Differs(
            f"the log ends at {log.head()}, and the export is of position {told.position}"
        )
    if hash_at(told.position) != told.head_hash:
        raise Differs(f"the log up to position {told.position} is not the one of the export")
    wanted = Wanted(
        known=Known(as_of=told.as_of, zone=told.zone),
        made_at=told.made_at,
        software=told.software,
        since=told.since,
        currency=told.currency,
        company=told.company,
    )
    # Elsewhere: what an auditor was given may not be written to.
    with tempfile.TemporaryDirectory(prefix="billing-export-") as scratch:
        found = _written(
            log,
            Path(scratch),
            format=told.format,
            wanted=wanted,
            chart=chart,
            known_at=told.position,
            hash_at=hash_at,
        )
    if found != told:
        names = [each for each in Manifest.__struct_fields__ if _differ(found, told, each)]
        raise Differs(f"the books of position {told.position} say otherwise: {', '.join(names)}")
    return told


def _read(folder: Path) -> Manifest:
    try:
        told = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        names = FORMATS[told.format].files
    except (OSError, msgspec.MsgspecError, KeyError, RecursionError) as error:
        raise Refused("export-malformed", f"{folder}: {error}") from error
    named = (told.file, *(each.file for each in told.beside))
    if named != names[: len(named)]:
        raise Refused("export-malformed", f"{named!r} is not how {told.format} is called")
    for name in named:
        if not (folder / name).is_file():
            raise Refused("export-malformed", f"{folder} has no {name}")
    return told


def _differ(one: Manifest, other: Manifest, name: str) -> bool:
    same: bool = getattr(one, name) == getattr(other, name)
    return not same


def _written(
    log: Log,
    folder: Path,
    *,
    format: str,
    wanted: Wanted,
    chart: Chart,
    known_at: KnownAt,
    hash_at: HashAt,
) -> Manifest:
    journal = SteadyJournal(log, known_at)
    source = Source(journal, wanted, chart)
    names = FORMATS[format].write(source, folder)
    written, told = source.written, source.wanted
    return Manifest(
        format=format,
        file=names[0],
        as_of=told.known.as_of,
        zone=told.known.zone,
        made_at=told.made_at,
        software=told.software,
        since=told.since,
        currency=told.currency,
        company=told.company,
        chart=chart_digest(chart),
        position=journal.position,
        head_hash=hash_at(journal.position),
        transactions=written.transactions,
        lines=written.lines,
        totals=tuple(
            Total(
                number, currency, written.sums[number, currency], source.opening[number, currency]
            )
            for number, currency in sorted({*written.sums, *source.opening})
            if written.sums[number, currency] or source.opening[number, currency]
        ),
        turnover=tuple(
            Turnover(currency, written.debit[currency], written.credit[currency])
            for currency in sorted(written.debit)
        ),
        sha256=_digest(folder / names[0]),
        beside=tuple(Part(name, _digest(folder / name)) for name in names[1:]),
    )


def chart_digest(chart: Chart) -> str:
    """SHA-256 of a chart's accounts and tax codes in their order, hex."""
    rows = (chart.accounts, tuple(chart.tax_codes.values()))
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
