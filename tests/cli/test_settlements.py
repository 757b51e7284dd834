"""Settlements and exceptions from the command line. 31.00 USD a month from 1 January 2025, prepaid;
January is paid through PayPal; it is 10 January."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from infrastructure.cli.exits import DIFFERENT, DONE, REFUSED, USAGE
from infrastructure.simulators.book import Book, Movement
from infrastructure.simulators.dintero.app import DinteroSimulatorOptions, build_dintero_simulator
from infrastructure.simulators.dintero.payouts import Payouts, report_xml
from infrastructure.simulators.paypal.app import build_paypal_simulator
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.serving import running
from tests.api.billing import music
from tests.cli.conftest import CLIENT_SECRET, Terminal
from tests.cli.test_changing import begin
from tests.gateways.test_paypal_settlements import file, row

PAYPAL = ("--provider", "paypal")
WHY = ("--reason", "looked into it")


@pytest.fixture
def billed(terminal: Terminal) -> Terminal:
    """With January billed and paid."""
    begin(terminal, music())
    return terminal


def charge(terminal: Terminal) -> dict[str, Any]:
    """January's charge."""
    (found,) = terminal.json("charges")["items"]
    return dict(found)


def stl(terminal: Terminal, *rows: str, footer: str, name: str = "stl.csv") -> str:
    """A settlement file of 10 January 2025."""
    path = terminal.folder / name
    content = file(*rows, footer=footer)
    path.write_bytes(content.replace(b"2026/03/01", b"2025/01/10"))
    return str(path)


def january(terminal: Terminal, minor: int = 3100, fee: int = 109) -> str:
    """January's charge with its fee, and the rest to the bank."""
    it = charge(terminal)
    rest = minor - fee
    return stl(
        terminal,
        row(it["provider_ref"], it["reference"], "", "T0003", "CR", minor, str(fee)),
        row("TR1", "", "", "T0400", "DR", rest),
        footer=f"{minor},{rest},0,{fee}",
    )


def exceptions(terminal: Terminal, *more: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and what is listed."""
    result = terminal.run("reconcile", "--json", *more)
    import msgspec

    return result.exit_code, msgspec.json.decode(result.stdout)["exceptions"]


def test_an_imported_file_matches_and_comes_once(billed: Terminal) -> None:
    """Before it the charge is waited for; with it all is matched; again it is nothing new."""
    code, (waiting,) = exceptions(billed, "--as-of", "2025-01-12")
    assert (code, waiting["code"], waiting["difference_minor"]) == (DONE, "TIMING", 3100)
    code, (stale,) = exceptions(billed, "--as-of", "2025-01-25")
    assert (code, stale["code"]) == (DIFFERENT, "STALE")
    assert stale["exception_id"] == waiting["exception_id"]
    name = january(billed)
    first = billed.run("settlement", "import", *PAYPAL, name)
    assert first.exit_code == DONE, first.output
    assert "paypal/main 2025-01-10: version 1" in first.stdout
    again = billed.run("settlement", "import", *PAYPAL, name)
    assert "known, nothing new" in again.stdout
    said = billed.run("reconcile")
    assert said.exit_code == DONE, said.output
    assert "3 matches, 0 listed" in said.stdout
    assert "all of the money is matched or listed" in said.stdout
    (listed,) = billed.json("settlement", "list")["items"]
    assert (listed["settlement_id"], listed["version"], listed["lines"]) == ("2025-01-10", 1, 3)
    assert "29.91" in billed.run("settlement", "list").stdout
    assert billed.run("audit").exit_code == DONE


def test_f42_a_reissued_file_is_a_version_with_its_differences(billed: Terminal) -> None:
    """The fee was 1.09, is 1.19; a truncated file between them is refused."""
    assert billed.run("settlement", "import", *PAYPAL, january(billed)).exit_code == DONE
    cut = billed.folder / "cut.csv"
    cut.write_bytes(Path(january(billed)).read_bytes()[:-200])
    ended = billed.run("settlement", "import", *PAYPAL, str(cut))
    assert (ended.exit_code, "nothing of the file was used" in ended.stderr) == (REFUSED, True), (
        ended.output
    )
    anew = billed.run("settlement", "import", *PAYPAL, january(billed, fee=119))
    assert "version 2" in anew.stdout
    assert "fee 1.09 USD" in anew.stdout
    assert "-> fee 1.19 USD" in anew.stdout
    shown = billed.run("settlement", "show", "2025-01-10", *PAYPAL)
    assert "version 2, file:stl.csv: 2 differences" in shown.stdout
    assert "Version 1 was read from stl.csv, 3 lines: 31.00 USD came" in shown.stdout
    assert len(billed.json("settlement", "show", "2025-01-10", *PAYPAL)["changes"]) == 1
    assert billed.run("settlement", "show", "nope", *PAYPAL).exit_code == REFUSED
    balances = {each["name"]: each["minor"] for each in billed.json("trial-balance")["lines"]}
    assert sum(balances.values()) == 0
    (fees,) = [minor for name, minor in balances.items() if "fee" in name.lower()]
    assert fees == 119
    (before,) = billed.json("settlement", "list", "--known-at", "2020-01-01T00:00Z")["items"] or [0]
    assert before == 0
    assert billed.run("audit").exit_code == DONE


def test_an_exception_gets_an_owner_and_a_decision(billed: Terminal) -> None:
    """30.90 came of 31.00: assigned, decided as cost once, and then nothing is unexplained."""
    billed.run("settlement", "import", *PAYPAL, january(billed, minor=3090))
    code, (one,) = exceptions(billed)
    assert (code, one["code"], one["difference_minor"]) == (DIFFERENT, "AMOUNT", 10)
    name = one["exception_id"]
    for _ in range(2):
        assert billed.run("exception", "assign", name, "--owner", "kari", *WHY).exit_code == DONE
    decided = ("exception", "decide", name, "--evidence", "case 7", *WHY, "--as")
    assert billed.run(*decided, "cost").exit_code == DONE
    assert "nothing to do" in billed.run(*decided, "cost").stdout
    assert billed.run(*decided, "explained").exit_code == REFUSED
    code, (told,) = exceptions(billed)
    assert (code, told["owner"], told["decision"], told["evidence"]) == (
        DONE,
        "kari",
        "COST",
        "case 7",
    )
    said = billed.run("reconcile", "--csv")
    (line,) = csv.DictReader(io.StringIO(said.stdout))
    assert (line["exception_id"], line["decision"]) == (name, "COST")
    assert "cost: case 7" in billed.run("reconcile").stdout
    said = billed.run("exception", "history", "paypal/main").stdout
    assert "cli:tester  kari looks after" in said
    assert "cost the merchant 0.10 USD, by case 7" in said
    assert billed.run("exception", "assign", "none", "--owner", "x", *WHY).exit_code == REFUSED
    assert billed.run("audit").exit_code == DONE


def test_a_person_confirms_a_proposal(billed: Terminal) -> None:
    """The file names neither reference nor id of ours; the amount and the day fit."""
    name = stl(
        billed, row("OTHERID", "", "", "T0006", "CR", 3100), footer="3100,0,0,0", name="odd.csv"
    )
    billed.run("settlement", "import", *PAYPAL, name)
    result = billed.run("reconcile", "--json")
    import msgspec

    answer = msgspec.json.decode(result.stdout)
    (proposal,) = answer["proposals"]
    assert (result.exit_code, len(answer["exceptions"])) == (DIFFERENT, 2)
    line, movement = proposal["line_id"], proposal["movements"][0]
    assert movement == f"charge {charge(billed)['attempt_id']}"
    assert f"billing match {line}" in billed.run("reconcile").stdout
    for _ in range(2):
        assert billed.run("match", line, charge(billed)["attempt_id"], *WHY).exit_code == DONE
    assert exceptions(billed) == (DONE, [])
    assert billed.run("match", "nothing", movement, *WHY).exit_code == REFUSED
    assert billed.run("match", line, "charge x", *WHY).exit_code == REFUSED
    assert billed.run("audit").exit_code == DONE


def test_dintero_s_file_needs_to_be_told_its_units(terminal: Terminal) -> None:
    """The same file, major or minor: a hundred-fold; without the word it is not read."""
    assert terminal.run("clock", "--set", "2025-01-11T00:00:00Z").exit_code == DONE
    book = Book()
    at = datetime(2025, 1, 2, tzinfo=UTC)
    book.write(
        Movement.CAPTURED, reference="x", minor=3100, currency="NOK", provider_id="T1", at=at
    )
    (payout,) = Payouts("T12345678").make(book, at)
    path = terminal.folder / "dintero.xml"
    path.write_bytes(report_xml(payout, major=True))
    asked = ("settlement", "import", "--provider", "dintero", str(path))
    assert terminal.run(*asked).exit_code == USAGE
    refused = terminal.run(*asked, "--amounts", "minor")
    assert refused.exit_code in (DONE, REFUSED)
    assert terminal.run(*asked, "--amounts", "major").exit_code == DONE
    totals = [each["totals"] for each in terminal.json("settlement", "list")["items"]]
    assert totals[0][0]["captured"] == {"currency": "NOK", "minor": 3100}
    path.write_bytes(report_xml(payout, major=True)[:-30])
    assert terminal.run(*asked, "--amounts", "major").exit_code == REFUSED


@attrs.frozen
class Providers:
    """Both simulators, by their books and addresses."""

    terminal: Terminal
    paypal: Any
    dintero: Any


@pytest.fixture
def providers(terminal: Terminal) -> Iterator[Providers]:
    """A terminal whose accounts are simulators; it is 11 January 2025 everywhere."""
    now = datetime(2025, 1, 11, tzinfo=UTC)
    paypal = PayPalOptions(
        client_id="x", client_secret=CLIENT_SECRET, fee_permille=35, transfers=True
    )
    from domain.ports import Secret

    dintero = DinteroSimulatorOptions(
        account_id="T12345678",
        client_id="x",
        client_secret=Secret(CLIENT_SECRET),
        signature_secret=None,
    )
    with (
        running(lambda: build_paypal_simulator(paypal)) as one,
        running(lambda: build_dintero_simulator(dintero)) as other,
    ):
        for each in (one, other):
            each.controls.clock.set(now)
        config = Path(terminal.environment["BILLING_CONFIG"])
        text = config.read_text(encoding="utf-8")
        for url in (one.base_url, other.base_url):
            text = text.replace("http://127.0.0.1:9", url, 1)
        config.write_text(text, encoding="utf-8")
        assert terminal.run("clock", "--set", "2025-01-11T00:00:00Z").exit_code == DONE
        yield Providers(terminal, one, other)


def test_settlements_are_fetched_from_both(providers: Providers) -> None:
    """Charges that our books know nothing of: every one is listed, of both, and not twice."""
    terminal, at = providers.terminal, datetime(2025, 1, 3, 8, tzinfo=UTC)
    import httpx

    write = providers.dintero.controls.book.write
    write(Movement.CAPTURED, reference="d-1", minor=4000, currency="NOK", provider_id="T1", at=at)
    made = httpx.post(f"{providers.dintero.base_url}/_payouts")
    assert made.json() == {"made": 1}
    span = ("--since", "2025-01-01", "--until", "2025-01-11")
    first = terminal.run("settlement", "fetch", *span)
    assert first.exit_code == DONE, first.output
    assert "dintero/main" in first.stdout
    assert "known, nothing new" in terminal.run("settlement", "fetch", *span).stdout
    code, listed = exceptions(terminal)
    assert code == DIFFERENT
    assert sorted(each["code"] for each in listed) == ["FEE", "MISSING_OURS"]
    assert terminal.run("settlement", "fetch", *span, "--of", "paypal/main").stdout == ""
    assert terminal.run("settlement", "fetch", *span, "--of", "nobody").exit_code == USAGE
    turned = ("--since", "2025-01-11", "--until", "2025-01-01")
    assert terminal.run("settlement", "fetch", *turned).exit_code == USAGE


def test_an_account_that_cannot_be_read_is_named(terminal: Terminal) -> None:
    """Nobody answers: exit 1, and nothing is written."""
    terminal.run("clock", "--set", "2025-01-11T00:00:00Z")
    span = ("--since", "2025-01-01", "--until", "2025-01-11")
    ended = terminal.run("settlement", "fetch", *span)
    assert ended.exit_code == DIFFERENT
    assert "paypal/main: " in ended.stderr
    assert terminal.json("settlement", "list")["items"] == []
