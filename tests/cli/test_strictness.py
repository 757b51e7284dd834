"""What cannot be carried out, from the command line: a code on one line, an exit status, nothing
written, and no stack trace. 31.00 USD a month; January is paid."""

from __future__ import annotations

import pytest

from infrastructure.cli.exits import REFUSED, USAGE
from tests.api.billing import music
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """Prepaid, with January billed and paid."""
    begin(terminal, music())
    return terminal


WHY = ("--reason", "outage")
PUBLISH = ("plan", "publish", "gold", "--price", "5.00", *WHY)
MALFORMED = {
    "not a number": ("credit", "s-1", "NaN", *WHY),
    "infinite": ("credit", "s-1", "Infinity", *WHY),
    "1e309": ("credit", "s-1", "1e309", *WHY),
    "1e2": ("credit", "s-1", "1e2", *WHY),
    "negative": ("credit", "s-1", "--reason", "outage", "--", "-5.00"),
    "nothing": ("credit", "s-1", "0.00", *WHY),
    "three decimals": ("credit", "s-1", "5.001", *WHY),
    "too much": ("credit", "s-1", "9" * 40, *WHY),
    "other digits": ("credit", "s-1", "٥.00", *WHY),
    "a currency that is none": (
        "plan",
        "publish",
        "gold",
        "--price",
        "5.00",
        "--currency",
        "XXX",
        *WHY,
    ),
    "turned round": ("credit", "s-1", "5.00", "--reason", "a\u202eb"),
    "NUL": ("credit", "s-1", "5.00", "--reason", "a\0b"),
    "a memo of ten megabytes": ("credit", "s-1", "5.00", "--reason", "x" * 10_000_000),
    "no reason": ("credit", "s-1", "5.00", "--reason", ""),
    "no id": ("credit", "s 1", "5.00", *WHY),
    "a path": ("credit", "../../etc/passwd", "5.00", *WHY),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_F36_malformed_command_is_refused(running: Terminal, case: str) -> None:
    """With its code; the log is as it was."""
    with books_of(running) as system:
        before = system.ledger.head()
    said = running.run(*MALFORMED[case])
    assert said.exit_code in (REFUSED, USAGE), said.output[-500:]
    assert "No such option" not in said.output
    assert "Traceback" not in said.output
    assert len(said.stderr) < 2_000
    with books_of(running) as system:
        assert system.ledger.head() == before
