"""Usage, amounts and discounts from the command line: files, progress, refused lines, repeats.

31.00 USD a month, prepaid, from 1 January 2025 in Oslo, and 0.40 a GB; it is 11 January.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infrastructure.cli.exits import DONE, REFUSED, USAGE
from infrastructure.cli.main import billing
from tests.api.billing import music
from tests.api.test_metering import metered
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, now, worked

HEADER = "subscription_id,usage_id,meter,quantity,at\n"
PLAN: dict[str, Any] = {
    "interval": {"unit": "MONTH"},
    "price": {"minor": 0, "currency": "USD"},
    "description": "Calls",
    "tax": {"code": "NO-25", "percent": "25", "included": False},
    "meters": [
        {
            "code": "calls",
            "description": "Calls",
            "unit": "call",
            "tiers": [{"unit_price": {"minor": 1, "currency": "USD"}, "per": 10}],
            "cap": {"minor": 5000, "currency": "USD"},
        }
    ],
}


def line(usage_id: str, quantity: str = "25", **changes: str) -> str:
    """A line of a file."""
    values = {"subscription_id": "s-1", "usage_id": usage_id, "meter": "data"}
    values |= {"quantity": quantity, "at": "2025-01-10T12:00:00Z", **changes}
    return ",".join(values.values()) + "\n"


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """Prepaid, with January billed and paid."""
    begin(terminal, metered())
    return terminal


def test_file_is_counted_once(running: Terminal) -> None:
    """The same file again counts nothing twice; the invoice has it."""
    file = running.file(HEADER + line("u-1") + line("u-2", "5"))
    assert running.json("usage", file)["accepted"] == 2
    again = running.json("usage", file)
    assert (again["accepted"], again["known"], again["refused"]) == (0, 2, [])
    assert "2 known" in running.run("usage", file).stdout
    shown = running.run("show", "s-1").stdout
    assert "used of data, not billed yet: 30 GB in 2 reports" in shown
    assert "meter data: Data, a GB 0.40 USD" in shown
    assert worked(running, "2025-02-01")[0] == [3100, 4300]


def test_refused_lines_are_listed_with_their_numbers(running: Terminal) -> None:
    """The others count; the exit code says that some did not."""
    text = HEADER + line("u-1") + line("u-2", "2.5") + "\n" + line("u-3", meter="voice")
    file = running.file(text + line("u-1", "26") + line("u-4") + "s-1,u-5\n")
    result = running.run("usage", file)
    assert result.exit_code == REFUSED
    assert result.stdout == "2 accepted, 4 refused\n"
    told = [each.split(": ")[:2] for each in result.stderr.splitlines()]
    assert told == [
        ["line 3", "number-malformed"],
        ["line 5", "meter-unknown"],
        ["line 6", "usage-id-reused"],
        ["line 8", "fields-miscounted"],
        ["some-refused", "4 of 6 lines were refused"],
    ]
    shown = json.loads(running.run("usage", file, "--json").stdout)
    assert [(each["line"], each["usage_id"], each["code"]) for each in shown["refused"]] == [
        (3, "", "number-malformed"),
        (5, "u-3", "meter-unknown"),
        (6, "u-1", "usage-id-reused"),
        (8, "", "fields-miscounted"),
    ]
    assert shown["known"] == 2


def test_file_of_many_batches(running: Terminal) -> None:
    """2,500 lines from standard input, under names of the file's own."""
    lines = "".join(line(f"u-{number}", "1") for number in range(2500))
    text = HEADER.replace("quantity", "units") + lines
    asked = ["usage", "-", "--columns", "quantity=units", "--json"]
    result = CliRunner().invoke(billing, asked, env=dict(running.environment), input=text)
    assert (result.exit_code, json.loads(result.stdout)["accepted"]) == (DONE, 2500)
    assert now(running)["usage"][0] == {
        "meter": "data",
        "unit": "GB",
        "quantity": 2500,
        "reports": 2500,
    }


def test_one_report_and_its_correction(running: Terminal) -> None:
    """A day is its first instant in the subscription's zone; the same again is known."""
    one = ("usage", "--subscription", "s-1", "--meter", "data", "--quantity", "25")
    one = (*one, "--at", "2025-01-10", "--id", "u-1")
    assert "25 of data count" in running.run(*one).stdout
    assert running.json(*one)["changed"] is False
    corrected = ("usage-correct", "s-1", "u-1", "5", "--reason", "counted twice")
    assert running.json(*corrected)["changed"] is True
    assert "nothing to do" in running.run(*corrected).stdout
    assert worked(running, "2025-02-01")[0] == [3100, 3300]


def test_wrong_use_of_usage(running: Terminal) -> None:
    """A file or one report, and the whole of it."""
    file = running.file(HEADER)
    for arguments in ((), (file, "--meter", "data"), ("--subscription", "s-1", "--meter", "data")):
        result = running.run("usage", *arguments)
        assert (result.exit_code, result.stderr.split(":")[0]) == (USAGE, "usage"), arguments
    assert running.run("usage", "/nowhere.csv").exit_code == USAGE
    assert running.run("usage", file, "--columns", "price=x").exit_code == REFUSED
    empty = running.run("usage", file)
    assert (empty.exit_code, empty.stdout) == (DONE, "no line\n")
    bad = running.run("usage", running.file("a,b\n1,2\n"))
    assert (bad.exit_code, "line 1: column-missing" in bad.stderr) == (REFUSED, True)
    one = ("--subscription", "s-1", "--meter", "voice", "--quantity", "1", "--at", "2025-01-10")
    refused = running.run("usage", *one, "--id", "u-1")
    assert (refused.exit_code, refused.stderr.split(":")[0]) == (REFUSED, "meter-unknown")


def test_amount_is_set(terminal: Terminal) -> None:
    """In the subscription's currency; shown until it is billed."""
    begin(terminal, metered(meters=(), variable=True))
    asked = ("set-amount", "s-1", "48.20", "--reason", "meter read")
    assert "the next period of s-1 costs 48.20 USD" in terminal.run(*asked).stdout
    assert terminal.json(*asked)["changed"] is False
    assert "set for invoice 2: 48.20 USD" in terminal.run("show", "s-1").stdout
    assert worked(terminal, "2025-02-01")[0] == [3100, 4820]


def test_discounts(running: Terminal) -> None:
    """12.5 % of 31.00 is 3.88, then 5.00 off, once; the first is ended."""
    percent = ("discount", "s-1", "spring", "12.5%", "--reason", "spring")
    amount = ("discount", "s-1", "sorry", "5.00", "--invoices", "1", "--reason", "outage")
    assert running.json(*percent)["changed"] is True
    assert "sorry takes 5.00 off" in running.run(*amount).stdout
    assert running.json(*percent)["changed"] is False
    shown = running.run("show", "s-1").stdout
    assert "discount spring: 12.5 % off every invoice to come" in shown
    assert "discount sorry: 5.00 USD off the next invoice" in shown
    assert worked(running, "2025-02-01")[0] == [3100, 3100 - 388 - 500]
    ended = ("discount-end", "s-1", "spring", "--reason", "over")
    assert running.json(*ended)["changed"] is True
    assert running.json(*ended)["changed"] is False
    assert worked(running, "2025-03-01")[0][2] == 3100


def test_refusals_write_nothing(running: Terminal) -> None:
    """One line with a code."""
    head = running.json("info")["head"]
    cases = [
        (("set-amount", "s-1", "1"), "amount-fixed"),
        (("set-amount", "s-1", "x"), "money-not-decimal"),
        (("usage-correct", "s-1", "u-9", "1"), "usage-unknown"),
        (("discount", "s-1", "spring", "x%"), "percent-malformed"),
        (("discount", "s-1", "spring", "0"), "discount-malformed"),
        (("discount", "s-1", "a b", "1%"), "id-malformed"),
        (("discount-end", "s-1", "spring"), "coupon-unknown"),
        (("discount", "nobody", "spring", "1%"), "subscription-unknown"),
    ]
    for arguments, code in cases:
        result = running.run(*arguments, "--reason", "x")
        assert (result.exit_code, result.stderr.split(":")[0]) == (REFUSED, code), arguments
    assert running.json("info")["head"] == head


def test_change_of_price_list_and_tax(terminal: Terminal) -> None:
    """Twelve units by steps, with tax on top; then plain again, without."""
    begin(terminal, music())
    change = ("change", "s-1", "--at-period-end", "--reason", "new plan")
    steps = ("--tiers", "10:5.00 *:3.00", "--quantity", "12")
    tax = ("--tax-percent", "25", "--tax-code", "NO-25")
    assert terminal.json(*change, *steps, *tax)["changed"] is True
    shown = terminal.run("show", "s-1").stdout
    assert "70.00 USD every 1 MONTH (12 units: GRADUATED: up to 10 5.00 USD" in shown
    assert "+ 25 % tax NO-25)" in shown
    assert worked(terminal, "2025-02-01")[0] == [3100, 7000]
    plain = ("--tiers", "none", "--price", "31", "--quantity", "1", "--untaxed")
    assert terminal.json(*change, *plain)["changed"] is True
    assert worked(terminal, "2025-03-01")[0] == [3100, 7000, 3100]


def test_change_by_a_file(terminal: Terminal, tmp_path: Path) -> None:
    """What options cannot say: meters."""
    begin(terminal, music(kind=metered().kind))
    file = tmp_path / "terms.json"
    file.write_text(json.dumps({"meters": PLAN["meters"]}), encoding="utf-8")
    asked = ("change", "s-1", "--terms", str(file), "--reason", "new plan")
    assert terminal.json(*asked)["changed"] is True
    assert [each["code"] for each in now(terminal)["terms"]["meters"]] == ["calls"]
    assert terminal.run(*asked, "--price", "1").exit_code == USAGE
    file.write_text("{", encoding="utf-8")
    assert terminal.run(*asked).exit_code == USAGE


def test_import_with_plan_file_and_tax(terminal: Terminal, tmp_path: Path) -> None:
    """Terms beside the customer file, and terms in its columns."""
    terminal.set_clock("2025-01-01")
    (tmp_path / "calls.json").write_text(json.dumps(PLAN), encoding="utf-8")
    file = terminal.file(
        "customer_id,price,plan_file,tax_code,tax_percent,tax_included,quantity\n"
        "c-1,,calls.json,,,,2\n"
        "c-2,100,,NO-25,25,yes,\n"
    )
    assert terminal.json("import", file)["started"] == 2
    first = terminal.json("show", "c-1")["now"]["terms"]
    assert (first["kind"], first["quantity"]) == ("RECURRING", 2)
    assert "(100.00 USD with 25 % tax NO-25 within)" in terminal.run("show", "c-2").stdout
