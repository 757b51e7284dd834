"""A workbook, read by other means than it was written: cells of the XML inside."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.books.accounts import Account
from domain.books.chart import Chart
from domain.currencies import minor_digits
from domain.money import Money
from domain.refusals import Refused
from infrastructure.exports.source import Source, SteadyJournal
from infrastructure.exports.xlsx import write_xlsx
from projections.account_sums import Known, sums, trial_balance
from projections.journal import journal
from projections.statements import OWED
from projections.waterfall import waterfall
from tests.examples import LINES
from tests.exports.writing import MemoryLog, chart, invoice, recorded, whole, write
from tests.histories import History, histories, show

SOME = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
DAYS = st.integers(0, 500).map(lambda days: date(2024, 1, 10) + timedelta(days=days))
SHEETS = ("Parameters", "Trial balance", "Journal", "Waterfall", "Customers")
_N = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# Day 0 of a workbook, for days after February 1900.
_DAY_0 = date(1899, 12, 30)
Sheets = dict[str, list[list[str | Decimal | None]]]


def read(path: Path) -> Sheets:
    """Rows of each sheet, with the heading: texts, and numbers exactly as they were written."""
    with zipfile.ZipFile(path) as book:
        workbook = ElementTree.fromstring(book.read("xl/workbook.xml"))
        names = [each.attrib["name"] for each in workbook.iter(f"{_N}sheet")]
        return {
            name: [
                _row(row)
                for row in ElementTree.fromstring(
                    book.read(f"xl/worksheets/sheet{place}.xml")
                ).iter(f"{_N}row")
            ]
            for place, name in enumerate(names, 1)
        }


def _row(row: ElementTree.Element) -> list[str | Decimal | None]:
    """By column: a cell of nothing is not written. No sheet has more than 26."""
    cells = {cell.attrib["r"][0]: _cell(cell) for cell in row}
    return [cells.get(chr(place)) for place in range(ord("A"), ord(max(cells)) + 1)]


def _cell(cell: ElementTree.Element) -> str | Decimal | None:
    assert cell.find(f"{_N}f") is None, "a formula"
    if cell.attrib.get("t") == "inlineStr":
        text = "".join(each.text or "" for each in cell.iter(f"{_N}t"))
        return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)
    assert "t" not in cell.attrib
    value = cell.find(f"{_N}v")
    return None if value is None or value.text is None else Decimal(value.text)


def minor(cell: str | Decimal | None, currency: str | Decimal | None) -> int:
    """A number as minor units, exactly."""
    assert isinstance(cell, Decimal)
    exact = cell.scaleb(minor_digits(str(currency)))
    assert exact == int(exact)
    return int(exact)


def day(cell: str | Decimal | None) -> date:
    assert isinstance(cell, Decimal)
    return _DAY_0 + timedelta(days=int(cell))


@SOME
@given(histories(), DAYS)
def test_a_workbook_says_what_the_books_say(history: History, last: date) -> None:
    """Number by number; in the journal by day, account and currency."""
    show(history)
    known = Known(as_of=last, zone="Europe/Oslo")
    entries = list(journal(history.log))
    with tempfile.TemporaryDirectory() as name:
        told = write(history.log, Path(name), "xlsx", whole(known))
        found = read(Path(name) / told.file)
    assert tuple(found) == SHEETS
    balances = sums(entries, known)
    lines = trial_balance(balances, chart())
    assert [
        (row[0], row[1], row[2], minor(row[3], row[2])) for row in found["Trial balance"][1:]
    ] == [(each.number, each.name, each.currency, each.minor) for each in lines]
    added: Counter[tuple[object, object]] = Counter()
    for row in found["Journal"][1:]:
        assert day(row[0]) <= last
        added[row[8], row[11]] += minor(row[12], row[11])
    assert {key: each for key, each in added.items() if each} == {
        (each.number, each.currency): each.minor for each in lines
    }
    assert len(found["Journal"]) == told.lines + 1
    months = [
        (day(row[0]), f"{row[1]}|{row[2]}", row[3], minor(row[4], row[3]))
        for row in found["Waterfall"][1:]
    ]
    assert months == [
        (each.first, each.revenue, each.currency, each.minor) for each in waterfall(entries, known)
    ]
    for customer, currency, *held in found["Customers"][1:]:
        told_of = [minor(each, currency) for each in held]
        owed = [balances[Account(role, str(customer)), str(currency)] for role in OWED]
        event("a customer with a balance")
        assert told_of == [*owed, sum(owed)]
    listed = {(str(row[0]), str(row[1])) for row in found["Customers"][1:]}
    assert listed == {
        (account.of, currency)
        for (account, currency), each in balances.items()
        if account.role in OWED and each
    }


def test_the_same_parameters_make_the_same_bytes(tmp_path: Path) -> None:
    """Whenever and wherever it is written; another day of making is another file."""
    log = recorded("subscription-started", "invoice-issued", "charge-attempted", "charge-succeeded")
    asked = whole(Known(as_of=date(2026, 6, 30), zone="UTC"))
    one, two = (write(log, tmp_path / name, "xlsx", asked) for name in ("one", "two"))
    assert one == two
    later = attrs.evolve(asked, made_at=asked.made_at + timedelta(seconds=1))
    assert write(log, tmp_path / "three", "xlsx", later).sha256 != one.sha256
    assert sorted(each.name for each in (tmp_path / "one").iterdir()) == [
        "books.xlsx",
        "manifest.json",
    ]


def test_a_full_sheet_goes_on_in_the_next(tmp_path: Path) -> None:
    """Each with its heading, none with more rows than there may be, nothing lost."""
    log = recorded("subscription-started", "invoice-issued", "charge-attempted", "charge-succeeded")
    asked = whole(Known(as_of=date(2026, 6, 30), zone="UTC"))
    for rows in (3, 4, 7, 100):
        source = Source(SteadyJournal(MemoryLog(log), None), asked, chart())
        write_xlsx(source, tmp_path, rows=rows)
        found = read(tmp_path / "books.xlsx")
        parts = [found[name] for name in found if name.startswith("Journal")]
        assert all(part[0] == parts[0][0] and 2 <= len(part) <= rows for part in parts)
        assert sum(len(part) - 1 for part in parts) == source.written.lines > 6
        assert all(len(part) == rows for part in parts[:-1])
        names = [name for name in found if name.startswith("Journal")]
        assert names == ["Journal", *(f"Journal {n}" for n in range(2, len(parts) + 1))]


def test_texts_stay_texts(tmp_path: Path) -> None:
    """Also those that a spreadsheet would run, link, or count with."""
    texts = ("=1+1", "@SUM(A1)", "+1", "-1", "http://example.com", "007", "1e5", "{=x}", "<r>&\"'")
    for number, text in enumerate(texts):
        accounts = [
            attrs.evolve(each, name=text) if each.number == "1500" else each
            for each in chart().accounts
        ]
        log = recorded("subscription-started", "invoice-issued")
        asked = whole(Known(as_of=date(2026, 1, 31), zone="UTC"))
        told = write(log, tmp_path / str(number), "xlsx", asked, chart=Chart(accounts))
        rows = read(tmp_path / str(number) / told.file)["Trial balance"]
        assert text in [row[1] for row in rows]


def test_numbers_that_a_workbook_would_round_are_refused(tmp_path: Path) -> None:
    """Sixteen digits; fifteen are exact."""
    line = attrs.evolve(LINES[0], amount=Money(10**15 - 1, "USD"))
    asked = whole(Known(as_of=date(2026, 1, 31), zone="UTC"))
    told = write(recorded("subscription-started", invoice(line)), tmp_path / "15", "xlsx", asked)
    (owed,) = read(tmp_path / "15" / told.file)["Customers"][1:]
    assert minor(owed[2], "USD") == 10**15 - 1
    more = invoice(attrs.evolve(line, amount=Money(10**15, "USD")))
    with pytest.raises(Refused, match="xlsx-number-too-long"):
        write(recorded("subscription-started", more), tmp_path / "16", "xlsx", asked)
    assert list((tmp_path / "16").iterdir()) == []
