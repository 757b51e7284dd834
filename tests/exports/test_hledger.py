"""Exported, read by hledger and by beancount: their balances are ours."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.money import Money, decimal_text, parse_money
from projections.account_sums import Known, sums, trial_balance
from projections.journal import journal
from tests.exports.writing import chart, whole, write
from tests.histories import History, histories, show

# Each example starts the other program once.
FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
DAYS = st.integers(0, 500).map(lambda days: date(2024, 1, 10) + timedelta(days=days))
Balances = dict[tuple[str, str], int]


def ours(history: History, known: Known) -> Balances:
    """The trial balance, by account number and currency."""
    lines = trial_balance(sums(journal(history.log), known), chart())
    return {(each.number, each.currency): each.minor for each in lines}


def run(*command: str) -> str:
    """What a program says; it must be content."""
    plain = {**os.environ, "LANG": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=plain)
    assert done.returncode == 0, done.stderr
    return done.stdout


def hledgers(path: Path) -> Balances:
    """The same as hledger makes it of a journal."""
    command = ("hledger", "-f", str(path), "balance", "--flat", "-O", "csv", "--layout", "tidy")
    found: Counter[tuple[str, str]] = Counter()
    for row in csv.DictReader(io.StringIO(run(*command))):
        if row["account"] != "total" and row["commodity"]:
            number = row["account"].split(":")[1].split(" ")[0]
            found[number, row["commodity"]] += parse_money(row["value"], row["commodity"]).minor
    return {key: minor for key, minor in found.items() if minor}


@FEW
@given(histories(), DAYS)
def test_hledgers_balances_are_ours(history: History, day: date) -> None:
    """Of any history on any day, to the minor unit."""
    if shutil.which("hledger") is None:
        pytest.skip("hledger is not installed")
    show(history)
    known = Known(as_of=day, zone="Europe/Oslo")
    with tempfile.TemporaryDirectory() as name:
        told = write(history.log, Path(name), "hledger", whole(known))
        balances = hledgers(Path(name) / told.file)
    event(f"accounts: {len(balances)}")
    assert balances == ours(history, known)
    assert balances == {(each.number, each.currency): each.minor for each in told.totals}


@FEW
@given(histories(), DAYS)
def test_beancounts_balances_are_ours(history: History, day: date) -> None:
    """Asserted in the file for every account that is in it; beancount checks them itself."""
    if shutil.which("bean-check") is None:
        pytest.skip("beancount is not installed")
    known = Known(as_of=day, zone="UTC")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / write(history.log, Path(name), "beancount", whole(known)).file
        opened = [line.split()[2] for line in path.read_text().splitlines() if " open " in line]
        balances = ours(history, known)
        currencies = {currency for _, currency in balances} or {"NOK"}
        with path.open("a", encoding="utf-8") as out:
            for account in opened:
                for currency in currencies:
                    minor = balances.pop((account.partition(":A")[2], currency), 0)
                    text = decimal_text(Money(minor, currency))
                    out.write(f"{day + timedelta(days=1)} balance {account}  {text} {currency}\n")
        assert not balances
        run("bean-check", str(path))
