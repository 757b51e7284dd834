"""`billing restored` from a shell."""

from __future__ import annotations

from domain.restorations.events import BooksRestored
from infrastructure.cli.exits import DONE, REFUSED
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, music


def test_a_restoration_is_said_and_shown(terminal: Terminal) -> None:
    """Each one that is said is one more; `info` shows the last."""
    begin(terminal, music())
    assert terminal.json("info")["restored"] is None
    said = terminal.json("restored", "--reason", "the disk died", "--by", "kari")
    assert said["changed"] is True
    terminal.set_clock("2025-02-02")
    assert "on record" in terminal.run("restored", "--reason", "again").stdout
    assert terminal.json("info")["restored"].startswith("2025-02-02")
    with books_of(terminal) as system:
        facts = [each.event for each in system.ledger.read_stream("books-restored")]
    first, second = facts
    assert isinstance(first, BooksRestored)
    assert (first.restored_by, first.reason, first.head) == (
        "kari",
        "the disk died",
        said["position"] - 1,
    )
    assert second.head == first.head + 1
    assert terminal.run("audit").exit_code == DONE


def test_it_is_refused_without_a_reason(terminal: Terminal) -> None:
    """Nothing is written."""
    begin(terminal, music())
    result = terminal.run("restored", "--reason", "")
    assert result.exit_code == REFUSED
    assert "reason-malformed" in result.stderr
    assert terminal.json("info")["restored"] is None
