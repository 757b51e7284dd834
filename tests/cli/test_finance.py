"""Finance's questions from the command line. 31.00 USD a month, prepaid, from 1 January 2025 in
Oslo: 1.00 a day in January, which is paid."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import timedelta

import pytest

from domain.recorded import Recorded
from infrastructure.books.chart_file import DEFAULT
from infrastructure.cli.exits import DONE, REFUSED, USAGE
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, music

OSLO = {"BILLING_CUT_OFF_ZONE": "Europe/Oslo"}


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """January is billed and paid; it is 11 January in Oslo."""
    begin(terminal, music())
    return terminal


def figures(terminal: Terminal, *question: str) -> dict[str, int]:
    """The trial balance by number."""
    answer = terminal.json("trial-balance", *question)
    assert answer["totals"] == {"USD": 0}
    return {each["number"]: each["minor"] for each in answer["lines"]}


def test_trial_balance_as_of_a_day(running: Terminal) -> None:
    """Ten days are served by the end of the tenth; at the end of the month all of it is revenue."""
    assert figures(running, "--as-of", "2025-01-10") == {"1570": 3100, "2970": -2100, "3100": -1000}
    assert figures(running, "--as-of", "2025-01-31") == {"1570": 3100, "3100": -3100}
    said = running.run("trial-balance", "--as-of", "2025-01-10")
    assert said.exit_code == DONE
    assert "Deferred revenue" in said.stdout
    assert "-21.00" in said.stdout
    assert "total 0.00 USD" in said.stdout


def test_what_was_known_at_a_position_stays(running: Terminal) -> None:
    """A credit that is recorded later changes no answer of before."""
    with books_of(running) as system:
        head = system.ledger.head()
        (last,) = system.ledger.read_log(head - 1, 1)
    assert isinstance(last, Recorded)
    before = figures(running, "--as-of", "2025-01-31")
    running.run("credit", "s-1", "5.00", "--reason", "outage")
    assert figures(running, "--as-of", "2025-01-31") == {**before, "2900": -500, "3090": 500}
    assert figures(running, "--as-of", "2025-01-31", "--known-at", str(head)) == before
    early = running.json("trial-balance", "--known-at", "2024-12-01T00:00+01:00")
    assert (early["lines"], early["position"]) == ([], 0)
    just_before = (last.recorded_at - timedelta(microseconds=1)).isoformat()
    early = running.json("trial-balance", "--known-at", just_before)
    assert early["position"] < head


def test_ledger_statement_and_cash_drill_down(running: Terminal) -> None:
    """Each line names the fact; what it is about is what `billing explain` takes."""
    (line,) = running.json("ledger", "1570")["lines"]
    assert (line["fact"], line["minor"], line["of"]) == ("charge-succeeded.v1", 3100, "paypal/main")
    assert running.json("ledger", "1570", "--of", "dintero/main")["lines"] == []
    told = running.json("statement", "c-1")
    assert [each["minor"] for each in told["lines"]] == [3100, -3100]
    assert [each["balance"] for each in told["lines"]] == [3100, 0]
    assert [each["document"] for each in told["lines"]] == ["I-2025-000001", ""]
    assert [each["voucher"] for each in told["lines"]] == ["2025-000001", "2025-000002"]
    assert told["totals"] == {"USD": 0}
    later = running.run("statement", "c-1", "--since", "2025-01-02")
    assert "opening" in later.stdout
    assert "I-2025" not in later.stdout
    (came,) = running.json("cash")["lines"]
    assert (came["first"], came["account"], came["minor"]) == ("2025-01", "paypal/main", 3100)


def test_a_ledger_goes_on_where_a_page_ended(running: Terminal) -> None:
    """Told to programs in `next`, to people beside the lines; --since makes an opening."""
    first = running.json("ledger", "1500", "--limit", "1")
    assert [each["minor"] for each in first["lines"]] == [3100]
    assert first["totals"] == {"USD": 3100}
    assert "opening" not in first
    rest = running.json("ledger", "1500", "--after", first["next"])
    assert [each["minor"] for each in rest["lines"]] == [-3100]
    assert (rest["opening"], rest["totals"], rest["next"]) == ({"USD": 3100}, {"USD": 0}, None)
    said = running.run("ledger", "1500", "--limit", "1")
    assert f"--after {first['next']}" in said.stderr
    later = running.json("ledger", "1500", "--since", "2025-01-02")
    assert (later["lines"], later["opening"]) == (rest["lines"], {"USD": 3100})
    for wrong in ("2025-01-31", "2025-02-30/1", "2025-01-31/-1", "x/1", "2025-01-31/" + 20 * "9"):
        assert running.run("ledger", "1500", "--after", wrong).exit_code == USAGE
    assert running.run("ledger", "1500", "--limit", "0").exit_code == USAGE
    assert running.json("ledger", "1500", "--since", "0001-01-01")["opening"] == {}


def test_statements_chain(running: Terminal) -> None:
    """The closing of one is the opening of the next, told to people and to programs."""
    days = [f"2025-01-{day:02}" for day in range(1, 13)]
    for last, first in itertools.pairwise(days):
        closing = running.json("statement", "c-1", "--as-of", last)["totals"]
        told = running.json("statement", "c-1", "--since", first, "--as-of", first)
        assert told["opening"] == closing
        moved = sum(each["minor"] for each in told["lines"])
        assert told["totals"].get("USD", 0) == closing.get("USD", 0) + moved
        shown = running.run("statement", "c-1", "--since", first, "--as-of", first).stdout
        assert ("opening 31.00 USD" in shown) == (closing == {"USD": 3100})
    whole = running.json("statement", "c-1")
    assert (whole["opening"], whole["totals"]) == ({}, {"USD": 0})


def test_revenue_and_waterfall_share_the_month(running: Terminal) -> None:
    """What is earned and what is deferred come to the invoice."""
    (earned,) = running.json("revenue", "--as-of", "2025-01-10")["lines"]
    (deferred,) = running.json("waterfall", "--as-of", "2025-01-10")["lines"]
    assert (earned["month"], earned["minor"]) == ("2025-01", 1000)
    assert (deferred["month"], deferred["minor"], deferred["tax_class"]) == (
        "2025-01",
        2100,
        "untaxed",
    )


def test_ageing_of_what_is_not_paid(terminal: Terminal) -> None:
    """Due on 31 December in UTC, on 1 January in Oslo: 31 days at the end of January."""
    terminal.set_clock("2025-01-02")
    from tests.api.billing import JAN_1, work
    from tests.replies import Reply
    from tests.specimens import signed_up
    from tests.systems import write

    with books_of(terminal) as system:
        write(system, signed_up(music(), start=JAN_1))
        work(system, Reply.SOFT)

    def ages(**zone: str) -> list[tuple[int, int]]:
        asked = terminal.run("ageing", "--as-of", "2025-01-31", "--csv", **zone)
        rows = csv.DictReader(io.StringIO(asked.stdout))
        return [(int(each["age"]), int(each["minor"])) for each in rows]

    assert (ages(), ages(**OSLO)) == ([(31, 3100)], [(0, 3100)])


def test_a_chart_of_ones_own(running: Terminal) -> None:
    """Numbers and names come from a file; one with a hole is refused."""
    text = DEFAULT.read_text(encoding="utf-8")
    chart = running.folder / "chart.toml"
    chart.write_text(text.replace('number = "1570"', 'number = "1580"'), encoding="utf-8")
    answer = running.run("trial-balance", "--json", BILLING_CHART=str(chart))
    assert '"1580"' in answer.stdout
    chart.write_text(text.replace('role = "clearing"', 'role = "clearing"\nof = "dintero/*"'))
    ended = running.run("trial-balance", BILLING_CHART=str(chart))
    assert (ended.exit_code, "account-unmapped" in ended.stderr) == (REFUSED, True)
    chart.write_text("[[account]]\nnumber = 1\n", encoding="utf-8")
    ended = running.run("trial-balance", BILLING_CHART=str(chart))
    assert (ended.exit_code, "chart-malformed" in ended.stderr) == (REFUSED, True)


def test_what_is_refused(running: Terminal) -> None:
    """An account that there is not, an instant without offset, a zone that there is not."""
    ended = running.run("ledger", "9999")
    assert (ended.exit_code, "account-unknown" in ended.stderr) == (REFUSED, True)
    for wrong in ("2025-01-31T12:00", "yesterday", "-4", "²"):
        assert running.run("trial-balance", "--known-at", wrong).exit_code == USAGE
    ended = running.run("trial-balance", BILLING_CUT_OFF_ZONE="Mars/Base")
    assert ended.exit_code != DONE
    assert "Traceback" not in ended.output
