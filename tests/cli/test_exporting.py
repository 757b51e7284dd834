"""The books as files from the command line: whole, and derived again from the log."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from infrastructure.books.chart_file import DEFAULT
from infrastructure.cli.exits import DIFFERENT, DONE, REFUSED, USAGE
from infrastructure.exports.formats import WRITERS
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, music
from tests.cli.test_finance import figures


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """31.00 USD for January 2025 is billed and paid."""
    begin(terminal, music())
    return terminal


def exported(terminal: Terminal, form: str) -> Path:
    """A folder with an export as of 10 January, when ten days are served."""
    folder = terminal.folder / form
    done = terminal.run("export", form, str(folder), "--as-of", "2025-01-10")
    assert done.exit_code == DONE, done.output
    return folder


@pytest.mark.parametrize("form", WRITERS)
def test_an_export_is_derived_again(running: Terminal, form: str) -> None:
    """Also when more is recorded since: what was known at its position stays."""
    folder = exported(running, form)
    running.run("credit", "s-1", "5.00", "--reason", "outage")
    verified = running.run("verify-export", str(folder))
    assert (verified.exit_code, "the same" in verified.stdout) == (DONE, True), verified.output
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        ["manifest.json", WRITERS[form][0]]
    )
    again = running.run("export", form, str(folder))
    assert (again.exit_code, "export-exists" in again.stderr) == (REFUSED, True)


def test_totals_are_those_of_the_trial_balance(running: Terminal) -> None:
    """By the manifest, and by whoever adds the file up."""
    folder = exported(running, "csv")
    manifest = json.loads((folder / "manifest.json").read_text())
    told = {each["number"]: each["minor"] for each in manifest["totals"]}
    assert told == figures(running, "--as-of", "2025-01-10")
    added: Counter[str] = Counter()
    for row in csv.DictReader((folder / "journal.csv").open(encoding="utf-8")):
        added[row["number"]] += int(row["minor"])
    assert {number: minor for number, minor in added.items() if minor} == told


def test_what_was_touched_is_found(running: Terminal) -> None:
    """A file changed; a file and its manifest changed together; no manifest."""
    folder = exported(running, "csv")
    file, manifest = folder / "journal.csv", folder / "manifest.json"
    whole, told = file.read_text(), manifest.read_text()
    file.write_text(whole.replace("3100", "3101", 1))
    assert running.run("verify-export", str(folder)).exit_code == DIFFERENT
    file.write_text(whole)
    for before, after in (('"lines": ', '"lines": 1'), ('"minor": 3100', '"minor": 3200')):
        assert before in told
        manifest.write_text(told.replace(before, after, 1))
        assert running.run("verify-export", str(folder)).exit_code == DIFFERENT
    for text in ("{}", "no json", told.replace("journal.csv", "../journal.csv")):
        manifest.write_text(text)
        ended = running.run("verify-export", str(folder))
        assert (ended.exit_code, "export-malformed" in ended.stderr) == (REFUSED, True)
    assert running.run("export", "pdf", str(folder)).exit_code == USAGE


def test_an_export_that_fails_leaves_nothing_behind(running: Terminal) -> None:
    """The chart has no place for an account."""
    chart = running.folder / "chart.toml"
    text = DEFAULT.read_text(encoding="utf-8")
    chart.write_text(text.replace('role = "revenue"', 'role = "revenue"\nof = "no|no"', 2))
    chart.write_text(chart.read_text().replace('of = "*|untaxed"\n', "", 1))
    folder = running.folder / "out"
    ended = running.run("export", "csv", str(folder), BILLING_CHART=str(chart))
    assert ended.exit_code == REFUSED, ended.output
    assert list(folder.iterdir()) == []
