"""What hledger and beancount make of the books that we write."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from domain.books.accounts import Role
from domain.books.chart import ChartAccount
from domain.money import parse_money
from infrastructure.exports.formats import WRITERS
from infrastructure.exports.transactions import Posted, Transaction

# What a plan's code or a chart's name may hold, and a ledger's reader could take for its own.
AWKWARD = ("a  b", "a;b", '"quoted\\"', "(x) *!", "30%", "a:b", "æøå|NO-25", "=1+1", "#tag, ,")


def awkward() -> tuple[list[Transaction], Counter[str]]:
    """Transactions full of awkward words; what they come to, by account number."""
    found, totals = [], Counter[str]()
    for place, words in enumerate(AWKWARD, 1):
        one, other = (
            ChartAccount(
                number=f"{number}{place}",
                name=words,
                role=role,
                grouping_category="x",
                grouping_code="1",
            )
            for number, role in (("15", Role.RECEIVABLE), ("29", Role.DEFERRED))
        )
        found.append(
            Transaction(
                day=date(2025, 1, place),
                voucher=f"2025-{place:06}",
                document="",
                position=place,
                stream=f"subscription-{words}",
                fact="invoice-issued.v1",
                about="invoice 1",
                lines=(Posted(one, words, place, "NOK"), Posted(other, words, -place, "NOK")),
            )
        )
        totals[one.number] += place
        totals[other.number] -= place
    return found, totals


def test_hledger_reads_what_we_wrote(tmp_path: Path) -> None:
    """Balance by balance, whatever the names hold."""
    if shutil.which("hledger") is None:
        pytest.skip("hledger is not installed")
    found, totals = awkward()
    path = tmp_path / "books.journal"
    with path.open("w", encoding="utf-8") as out:
        WRITERS["hledger"][1](found, out)
    command = ["hledger", "-f", str(path), "balance", "--depth", "2", "--flat", "-O", "csv"]
    read = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"LANG": "C.UTF-8"}
    )
    told = Counter[str]()
    for account, amount in list(csv.reader(io.StringIO(read.stdout)))[1:]:
        if ":" in account:
            number = account.split(":")[1].split(" ")[0]
            told[number] += parse_money(amount.split(" ")[0], "NOK").minor
    assert told == totals


def test_bean_check_accepts_what_we_wrote(tmp_path: Path) -> None:
    """It balances each transaction by itself; totals are asserted in the file."""
    if shutil.which("bean-check") is None:
        pytest.skip("beancount is not installed")
    found, totals = awkward()
    path = tmp_path / "books.beancount"
    with path.open("w", encoding="utf-8") as out:
        WRITERS["beancount"][1](found, out)
        for number, minor in totals.items():
            root = "Assets" if number.startswith("15") else "Liabilities"
            out.write(f"2025-02-01 balance {root}:A{number}  {minor / 100:.2f} NOK\n")
    read = subprocess.run(["bean-check", str(path)], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
