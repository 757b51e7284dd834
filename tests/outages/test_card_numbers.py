"""Card numbers in files and on the command line."""

from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from domain.refusals import Refused
from infrastructure.card_numbers import found_in
from infrastructure.cli.main import billing
from infrastructure.commands.customer_line import Defaults
from infrastructure.commands.customers import read_customers
from infrastructure.commands.usage_file import read_usage


@pytest.mark.parametrize(
    "text", ['{"a": "\\u0034111111111111111"}', "\N{FULLWIDTH DIGIT FOUR}111111111111111"]
)
def test_no_way_of_writing_hides_one(text: str) -> None:
    """An escape, or digits of another width."""
    (finding,) = found_in(text)
    assert finding.last_digits == "1111"


def test_a_line_of_a_customer_file_is_refused(tmp_path: Path) -> None:
    """In any column, also one that nobody reads; the other lines are as they were."""
    file = tmp_path / "customers.csv"
    file.write_text(
        "customer_id,price,note\nC1,10.00,x\nC2,10.00,4111 1111 1111 1111\n"
        "378282246310005,10.00,x\n",
        encoding="utf-8",
    )
    with capture_logs() as logs:
        read = read_customers(file, {}, Defaults(end=date(2025, 2, 1)))
    assert len(read.rows) == 1
    assert [(each.line, each.code, each.customer_id) for each in read.problems] == [
        (3, "card-number-found", ""),
        (4, "card-number-found", ""),
    ]
    shown = str(read.problems) + str(logs)
    assert "4111" not in shown
    assert "37828" not in shown
    assert [each["last_digits"] for each in logs] == ["1111", "0005"]


def test_a_line_of_a_usage_file_is_refused() -> None:
    """A usage id is stored."""
    text = StringIO(
        "subscription_id,usage_id,meter,quantity,at\n"
        "s-1,4111111111111111,calls,1,2025-01-31T12:00:00Z\n"
    )
    (line,) = read_usage(text, {})
    assert isinstance(line.wish, Refused)
    assert line.wish.code == "card-number-found"


@pytest.mark.parametrize("text", ["4111111111111111", "card 5500 0000 0000 0004"])
def test_on_the_command_line_it_is_refused(text: str) -> None:
    """Before the books are opened; exit 4."""
    with capture_logs() as logs:
        ended = CliRunner().invoke(billing, ["credit", "s-1", "5.00", "--reason", text])
    assert ended.exit_code == 4
    assert "card-number-found" in ended.output
    assert text not in ended.output + str(logs)
    assert logs[0]["security"] is True
