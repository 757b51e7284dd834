"""Files of usage: read as they stream, every bad line with its number and code."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from domain.refusals import Refused
from infrastructure.commands.usage_file import UsageLine, read_usage
from infrastructure.commands.wishes import UsageWish

HEADER = "subscription_id,usage_id,meter,quantity,at"
GOOD = "s-1,u-1,data,25,2025-01-31T12:00:00+01:00"


def read(*lines: str, columns: dict[str, str] | None = None) -> list[UsageLine]:
    """The lines of a file."""
    return list(read_usage(io.StringIO("\n".join(lines), newline=""), columns or {}))


def codes(*lines: str) -> list[tuple[int, str]]:
    """(line, code) of what is wrong."""
    return [(each.line, each.wish.code) for each in read(*lines) if isinstance(each.wish, Refused)]


def test_line_is_a_report() -> None:
    """Every column has its place; other columns are passed over, empty lines too."""
    first, second = read(f"note,{HEADER}", f"x,{GOOD}", "", f"y,{GOOD.replace('u-1', 'u-2')}")
    assert isinstance(first.wish, UsageWish)
    report = first.wish.report
    assert (first.line, first.wish.subscription_id) == (2, "s-1")
    assert (report.usage_id, report.meter, report.quantity) == ("u-1", "data", 25)
    assert report.at == datetime(2025, 1, 31, 11, tzinfo=UTC)
    assert second.line == 4


def test_names_of_the_files_own() -> None:
    """And a byte order mark before the first of them."""
    (line,) = read(
        "\ufeffaccount,id,what,units,when",
        GOOD,
        columns={
            "subscription_id": "account",
            "usage_id": "id",
            "meter": "what",
            "quantity": "units",
            "at": "when",
        },
    )
    assert isinstance(line.wish, UsageWish)


def test_bad_lines_leave_their_neighbours_alone() -> None:
    """Numbers as an editor shows them."""
    lines = (
        GOOD,
        GOOD.replace("25,", "2.5,"),
        GOOD.replace("25,", "-5,"),
        GOOD.replace("25,", "٢٥,"),
        GOOD.replace("25,", f"{'9' * 21},"),
        "s-1,u-1,data,25,yesterday",
        "s-1,u-1,data,25",
        GOOD,
    )
    assert codes(HEADER, *lines) == [
        (3, "number-malformed"),
        (4, "number-malformed"),
        (5, "number-malformed"),
        (6, "number-malformed"),
        (7, "instant-malformed"),
        (8, "fields-miscounted"),
    ]
    assert len(read(HEADER, *lines)) == 8


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "column-missing"),
        ("subscription_id,usage_id,meter,quantity", "column-missing"),
        (f"{HEADER},at", "column-repeated"),
    ],
)
def test_bad_header(header: str, code: str) -> None:
    """Nothing of the file is counted."""
    assert codes(header, GOOD) == [(1, code)]


def test_file_that_is_no_csv_or_no_utf8() -> None:
    """The lines before are read."""
    assert codes(HEADER, GOOD, '"s-1,u-1')[-1][1] == "csv-malformed"
    raw = io.BytesIO(f"{HEADER}\n{GOOD}\n".encode() + b"s-\xff,u,data,1,x\n")
    found = list(read_usage(io.TextIOWrapper(raw, encoding="utf-8", newline=""), {}))
    assert isinstance(found[-1].wish, Refused)
    assert found[-1].wish.code == "not-utf-8"


def test_file_is_not_read_into_memory() -> None:
    """An endless one gives its first lines."""

    class Endless(io.TextIOBase):
        def __iter__(self) -> Iterator[str]:
            return itertools.chain([f"{HEADER}\n"], itertools.repeat(f"{GOOD}\n"))

    lines = read_usage(Endless(), {})  # type: ignore[arg-type]
    assert len(list(itertools.islice(lines, 5000))) == 5000
