"""The books as files from the command line: whole, and derived again from the log."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from infrastructure.books.chart_file import DEFAULT
from infrastructure.cli.exits import DIFFERENT, DONE, REFUSED, USAGE
from infrastructure.exports.kinds import FORMATS
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, music
from tests.cli.test_finance import figures
from tests.exports.writing import COMPANY_TABLE, read_saft


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """31.00 USD for January 2025 is billed and paid."""
    begin(terminal, music())
    return terminal


def exported(terminal: Terminal, form: str) -> Path:
    """A folder with an export as of 10 January, when ten days are served."""
    tell_company(terminal)
    folder = terminal.folder / form
    done = terminal.run("export", form, str(folder), "--as-of", "2025-01-10")
    assert done.exit_code == DONE, done.output
    return folder


def tell_company(terminal: Terminal, **changes: str) -> None:
    """Add the company to the settings, which say it last."""
    config = Path(terminal.environment["BILLING_CONFIG"])
    table = {name: text for name, text in {**COMPANY_TABLE, **changes}.items() if text != ""}
    rows = (f"{name} = {json.dumps(value)}" for name, value in table.items())
    before = config.read_text(encoding="utf-8").partition("[company]")[0]
    config.write_text("\n".join((before, "[company]", *rows)), encoding="utf-8")


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_is_derived_again(running: Terminal, form: str) -> None:
    """Also when more is recorded since: what was known at its position stays."""
    folder = exported(running, form)
    running.run("credit", "s-1", "5.00", "--reason", "outage")
    verified = running.run("verify-export", str(folder))
    assert (verified.exit_code, "the same" in verified.stdout) == (DONE, True), verified.output
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        ["manifest.json", FORMATS[form].files[0]]
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


@pytest.mark.parametrize("form", FORMATS)
def test_any_file_of_an_export_names_it(running: Terminal, form: str) -> None:
    """The folder, the manifest, the file; nothing else that lies there."""
    folder = exported(running, form)
    for path in (folder, folder / "manifest.json", folder / FORMATS[form].files[0]):
        assert running.run("verify-export", str(path)).exit_code == DONE
    other = folder / "notes.txt"
    other.write_text("seen", encoding="utf-8")
    ended = running.run("verify-export", str(other))
    assert (ended.exit_code, "export-malformed" in ended.stderr) == (REFUSED, True)


def test_a_manifest_tells_from_which_log(running: Terminal) -> None:
    """Its hash is the one that checkpoints sign; another log, or a shorter one, is not the same."""
    folder = exported(running, "jsonl")
    manifest = folder / "manifest.json"
    whole = manifest.read_text()
    told = json.loads(whole)
    with books_of(running) as system:
        assert told["position"] == system.ledger.head()
        assert told["head_hash"] == system.sealer.seal_to(told["position"]).chain
    assert (told["as_of"], told["zone"], told["since"]) == ("2025-01-10", "UTC", None)
    assert told["turnover"] == [{"currency": "USD", "debit": 7200, "credit": 7200}]
    assert told["made_at"] == "2025-01-10T23:00:00Z"
    other = "0" if told["head_hash"][0] != "0" else "1"
    for before, after, words in (
        (told["head_hash"], other + told["head_hash"][1:], "is not the one of the export"),
        (f'"position": {told["position"]}', '"position": 999999', "the log ends at"),
        (told["chart"], "0" * 64, "chart"),
        ('"debit": 7200', '"debit": 7201', "turnover"),
    ):
        manifest.write_text(whole.replace(before, after))
        ended = running.run("verify-export", str(folder))
        assert (ended.exit_code, words in ended.stdout) == (DIFFERENT, True), ended.output
    manifest.write_text(whole.replace('"position": ', '"position": -'))
    assert running.run("verify-export", str(folder)).exit_code == REFUSED


def test_saf_t_of_a_period(running: Terminal) -> None:
    """The invoice is in the opening; it is paid on the tenth, and nine days are earned."""
    tell_company(running)
    folder = running.folder / "saf-t"
    asked = ("--since", "2025-01-02", "--as-of", "2025-01-10")
    done = running.run("export", "saf-t", str(folder), *asked)
    assert done.exit_code == DONE, done.output
    assert "debits 40.00, credits 40.00 USD" in done.stdout
    found = read_saft(folder / "saf-t.xml")
    opening = {number: minor for number, minor in found.opening.items() if minor}
    closing = {number: minor for number, minor in found.closing.items() if minor}
    assert opening == {"1500": 3100, "2970": -3000, "3100": -100}
    assert closing == figures(running, "--as-of", "2025-01-10")
    assert len(found.transactions) == 2
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["since"], manifest["currency"]) == ("2025-01-02", "USD")
    totals = {each["number"]: each["opening"] + each["minor"] for each in manifest["totals"]}
    assert {number: minor for number, minor in totals.items() if minor} == closing
    assert manifest["company"]["name"] == COMPANY_TABLE["name"]
    tell_company(running, name="Moved AS")
    assert running.run("verify-export", str(folder)).exit_code == DONE


def test_saf_t_needs_a_company_and_a_period(running: Terminal) -> None:
    """What is missing is named, and nothing is written; the other formats have no period."""
    folder = running.folder / "saf-t"
    ended = running.run("export", "saf-t", str(folder))
    assert (ended.exit_code, "company-missing" in ended.stderr) == (REFUSED, True)
    assert "registration_number" in ended.stderr
    tell_company(running, registration_number="123456789")
    ended = running.run("export", "saf-t", str(folder))
    assert (ended.exit_code, "company-malformed" in ended.stderr) == (REFUSED, True)
    tell_company(running)
    for options, code in (
        (("--since", "2025-02-01", "--as-of", "2025-01-31"), "period-malformed"),
        (("--currency", "XXX"), "currency-unknown"),
        (("--currency", "KWD"), "money-needs-decimals"),
    ):
        ended = running.run("export", "saf-t", str(folder), *options)
        assert (ended.exit_code, code in ended.stderr) == (REFUSED, True), ended.output
        assert not folder.exists() or list(folder.iterdir()) == []
    for options in (("--since", "2025-01-01"), ("--currency", "USD")):
        assert running.run("export", "csv", str(folder), *options).exit_code == USAGE


def test_books_without_a_fact_can_be_exported(terminal: Terminal) -> None:
    """Every format, of nothing."""
    terminal.set_clock("2025-01-10")
    tell_company(terminal)
    for form in FORMATS:
        done = terminal.run("export", form, str(terminal.folder / form))
        assert done.exit_code == DONE, done.output
        assert terminal.run("verify-export", str(terminal.folder / form)).exit_code == DONE
