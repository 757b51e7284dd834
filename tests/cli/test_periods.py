"""`billing period` from a shell. 31.00 USD a month, prepaid, from 1 January 2025 in Oslo, paid."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.money import Money
from infrastructure.cli.exits import DONE, REFUSED
from infrastructure.commands.subscriptions import Subscriptions
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, music

WHY = ("--reason", "month end")


@pytest.fixture
def january(terminal: Terminal) -> Terminal:
    """January is billed and paid; it is 2 February."""
    begin(terminal, music())
    terminal.set_clock("2025-02-02")
    return terminal


def refused(terminal: Terminal, code: str, *arguments: str) -> None:
    result = terminal.run("period", *arguments)
    assert (result.exit_code, result.stderr.split(":")[0]) == (REFUSED, code)


def test_close_list_and_show(january: Terminal) -> None:
    """Quiet a second time; the seal is told with its figures and who did it."""
    closed = january.json("period", "close", "2025-01", *WHY)
    assert closed["changed"] is True
    assert january.json("period", "close", "2025-01", *WHY)["changed"] is False
    (item,) = january.json("period", "list")["items"]
    assert (item["period"], item["standing"], item["closed_by"]) == ("2025-01", "closed", "tester")
    assert item["sealed_position"] == closed["position"] - 1
    shown = january.json("period", "show", "2025-01")["period"]
    assert shown == item
    figures = {each["role"]: each["closing"] for each in shown["totals"]}
    assert figures == {"clearing": 3100, "deferred": 0, "receivable": 0, "revenue": -3100}
    words = january.run("period", "show", "2025-01").stdout
    assert "Closed by tester at position" in words
    assert "[cli:tester]" in words
    assert "-31.00" in words
    assert "2025-01" in january.run("period", "list").stdout


def test_a_late_fact_is_linked_and_january_stays(january: Terminal) -> None:
    """A credit of 20 January, recorded in February."""
    before = january.run("trial-balance", "--as-of", "2025-01-31").stdout
    january.json("period", "close", "2025-01", *WHY)
    with books_of(january) as system:
        system.__dict__["clock"] = lambda: datetime(2025, 1, 20, 12, tzinfo=UTC)
        Subscriptions(system, actor="test").grant_credit("s-1", Money(500, "USD"), reason="outage")
    (line,) = january.json("ledger", "2900")["lines"]
    assert (line["belongs_to"], line["day"]) == ("2025-01", "2025-02-01")
    after = january.run("trial-balance", "--as-of", "2025-01-31").stdout
    assert before.splitlines()[:-1] == after.splitlines()[:-1]


def test_two_people_reopen_and_a_lock_is_for_good(january: Terminal) -> None:
    """Each refusal has its code."""
    refused(january, "period-not-over", "close", "2025-02", *WHY)
    refused(january, "period-unknown", "show", "2025-01")
    refused(january, "period-not-closed", "lock", "2025-01", *WHY)
    january.json("period", "close", "2025-01", *WHY)
    refused(january, "reopening-not-asked", "reopen", "2025-01", *WHY)
    january.json("period", "ask-reopen", "2025-01", *WHY)
    refused(january, "same-person", "reopen", "2025-01", *WHY)
    assert january.json("period", "show", "2025-01")["period"]["asked_by"] == "tester"
    said = january.run("period", "reopen", "2025-01", "--by", "ola", *WHY)
    assert (said.exit_code, "is open again" in said.stdout) == (DONE, True)
    january.json("period", "close", "2025-01", *WHY)
    january.json("period", "lock", "2025-01", *WHY)
    refused(january, "period-locked", "ask-reopen", "2025-01", *WHY)
    assert january.json("period", "list")["items"][0]["standing"] == "locked"
    audited = january.run("audit")
    assert audited.exit_code == DONE, audited.stdout


def test_another_zone_than_that_of_the_seals(january: Terminal) -> None:
    """The setting may not move the days of closed periods."""
    january.json("period", "close", "2024-12", *WHY)
    result = january.run("period", "close", "2025-01", *WHY, BILLING_CUT_OFF_ZONE="Europe/Oslo")
    assert (result.exit_code, "period-zone-mixed" in result.stderr) == (REFUSED, True)
