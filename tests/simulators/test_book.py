"""The simulators' book: what was really done, in totals and line by line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infrastructure.simulators.book import Book, Movement

AT = datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)


def written(path: Path | None = None) -> Book:
    book = Book(path)
    lines = (
        (Movement.AUTHORIZED, "r-1", 100, "USD"),
        (Movement.CAPTURED, "r-1", 100, "USD"),
        (Movement.CAPTURED, "r-2", 250, "USD"),
        (Movement.CAPTURED, "r-3", 70, "NOK"),
        (Movement.DECLINED, "r-4", 10, "USD"),
    )
    for number, (movement, reference, minor, currency) in enumerate(lines):
        book.write(
            movement,
            reference=reference,
            minor=minor,
            currency=currency,
            provider_id=f"ID{number}",
            at=AT + timedelta(seconds=number),
        )
    return book


def test_entry_is_what_was_written() -> None:
    """Nothing is lost by keeping it in columns, the microseconds included."""
    entry = written().entry(3)
    assert (entry.number, entry.movement, entry.reference) == (3, Movement.CAPTURED, "r-2")
    assert (entry.minor, entry.currency, entry.provider_id) == (250, "USD", "ID2")
    assert entry.at == AT + timedelta(seconds=2)


def test_totals_are_by_movement_and_currency() -> None:
    """Count and sum; what was never written is zero."""
    book = written()
    assert book.total(Movement.CAPTURED, "USD") == (2, 350)
    assert book.total(Movement.CAPTURED, "NOK") == (1, 70)
    assert book.total(Movement.VOIDED, "USD") == (0, 0)
    assert book.summary()["totals"]["declined"] == {"USD": {"count": 1, "minor": 10}}


def test_second_capture_of_a_reference_is_seen() -> None:
    """The one thing that must never happen is listed by reference."""
    book = written()
    assert book.captured_more_than_once() == {}
    for _ in range(2):
        book.write(
            Movement.CAPTURED, reference="r-2", minor=250, currency="USD", provider_id="X", at=AT
        )
    assert book.captured_more_than_once() == {"r-2": [3, 6, 7]}
    assert [entry.number for entry in book.captures("r-2")] == [3, 6, 7]
    assert book.summary()["captured_more_than_once"] == ["r-2"]


def test_parts_of_one_authorisation_are_no_second_capture() -> None:
    """Several captures of one authorisation are its parts; of another one, one too many."""
    book = Book()
    line: dict[str, Any] = {"minor": 10, "currency": "USD", "provider_id": "X", "at": AT}
    for part_of in ("A", "A"):
        book.write(Movement.CAPTURED, reference="r-1", part_of=part_of, **line)
    assert len(book.captures("r-1")) == 2
    assert book.captured_more_than_once() == {}
    for reference, parts in (("r-1", ("",)), ("r-2", ("A", "B")), ("r-3", ("", "A"))):
        for part_of in parts:
            book.write(Movement.CAPTURED, reference=reference, part_of=part_of, **line)
    assert set(book.captured_more_than_once()) == {"r-1", "r-2", "r-3"}


def test_second_refund_of_a_reference_is_seen() -> None:
    """Refunds and voids are found by reference; a refund made twice is listed."""
    book = Book()
    line: dict[str, Any] = {"minor": 10, "currency": "USD", "provider_id": "X", "at": AT}
    for reference in ("r-1-r1", "r-1-r2", "r-1-r2"):
        book.write(Movement.REFUNDED, reference=reference, **line)
    book.write(Movement.VOIDED, reference="r-2", **line)
    assert [len(book.refunds(name)) for name in ("r-1-r1", "r-1-r2", "r-2")] == [1, 2, 0]
    assert [len(book.voids(name)) for name in ("r-2", "r-1-r1")] == [1, 0]
    assert book.refunded_more_than_once() == {"r-1-r2": [2, 3]}
    assert book.summary()["refunded_more_than_once"] == ["r-1-r2"]
    assert book.summary()["totals"]["refunded"] == {"USD": {"count": 3, "minor": 30}}


def test_entries_are_paged() -> None:
    """After a number, at most so many, and none beyond the end."""
    book = written()
    assert [entry.number for entry in book.entries(after=1, limit=2)] == [2, 3]
    assert [entry.number for entry in book.entries(after=4, limit=9)] == [5]
    assert list(book.entries(after=9)) == []


def test_file_holds_each_line_at_once(tmp_path: Path) -> None:
    """A line is in the file before the book is closed: a killed simulator loses none."""
    path = tmp_path / "book.jsonl"
    book = written(path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines == [entry.as_json() for entry in book.entries()]
    book.close()
