"""Changes, pauses, credit and endings from the command line, on a subscription that is billed.

It costs 31.00 USD a month, prepaid, from 1 January 2025 in Oslo: 1.00 a day in January.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from domain.plan import Terms
from infrastructure.bootstrap import System, running_system
from infrastructure.cli.exits import DONE, REFUSED, USAGE
from infrastructure.settings import read_settings
from tests.api.billing import JAN_1, music, postpaid, taken, totals, work
from tests.cli.conftest import Terminal
from tests.specimens import signed_up
from tests.systems import write


@contextmanager
def books_of(terminal: Terminal) -> Iterator[System]:
    """The books that the terminal works on."""
    with running_system(read_settings(terminal.environment, None)) as system:
        yield system


def begin(terminal: Terminal, agreed: Terms) -> None:
    """The subscription s-1 on 11 January at midnight in Oslo, billed up to then."""
    terminal.set_clock("2025-01-10T23")
    with books_of(terminal) as system:
        write(system, signed_up(agreed, start=JAN_1))
        work(system)


def worked(terminal: Terminal, day: str) -> tuple[list[int], list[int]]:
    """What was invoiced and what was taken, once everything up to a day's midnight is worked."""
    terminal.set_clock(day)
    with books_of(terminal) as system:
        work(system)
        return totals(system), taken(system)


def now(terminal: Terminal) -> dict[str, Any]:
    """What `billing show` says of it."""
    state: dict[str, Any] = terminal.json("show", "s-1")["now"]
    return state


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """Prepaid, with January billed and paid."""
    begin(terminal, music())
    return terminal


def test_change_is_shown_and_then_made(running: Terminal) -> None:
    """The dry run writes nothing and says what the change then bills: 83.00 in February."""
    asked = ("change", "s-1", "--price", "62.00", "--reason", "upgrade")
    before = running.json("info")["head"]
    shown = running.json(*asked, "--dry-run")
    assert (shown["credited"]["minor"], shown["to_pay"]["minor"]) == (2100, 8300)
    for_people = running.run(*asked, "--dry-run").stdout
    assert "from invoice 2 on: 62.00 USD every 1 MONTH" in for_people
    assert "1 x 62.00 USD x 21/31 (BY_DAY)" in for_people
    assert running.json("info")["head"] == before
    assert running.json(*asked)["changed"] is True
    assert running.json(*asked)["changed"] is False
    assert "nothing to do" in running.run(*asked).stdout
    assert worked(running, "2025-02-01") == ([3100, 10400], [3100, 8300])


def test_change_at_period_end(running: Terminal) -> None:
    """Three units from February on; January stays as it is."""
    asked = ("change", "s-1", "--quantity", "3", "--at-period-end", "--reason", "seats")
    assert running.run(*asked).exit_code == DONE
    assert "93.00 USD every 1 MONTH (3 x 31.00 USD)" in running.run("show", "s-1").stdout
    assert worked(running, "2025-02-01")[0] == [3100, 9300]


def test_change_of_everything(running: Terminal) -> None:
    """Each option reaches its term."""
    options = {
        "--price": "7.00",
        "--quantity": "2",
        "--every": "2 weeks",
        "--plan": "platinum",
        "--plan-version": "4",
        "--description": "More music",
        "--rule": "by_second",
        "--proration": "none",
        "--reason": "all of it",
    }
    arguments = [text for option in options.items() for text in option]
    assert running.json("change", "s-1", *arguments)["changed"] is True
    terms = now(running)["terms"]
    assert terms["price"] == {"minor": 700, "currency": "USD"}
    assert terms["interval"] == {"unit": "WEEK", "count": 2}
    assert (terms["quantity"], terms["plan"], terms["plan_version"]) == (2, "platinum", 4)
    assert (terms["description"], terms["proration"]) == ("More music", "BY_SECOND")
    assert now(running)["credits"] == [], "the rule for this change was NONE"


def test_show_says_what_waits_for_a_postpaid_invoice(terminal: Terminal) -> None:
    """The terms to come, and both lines with their working."""
    begin(terminal, postpaid())
    terminal.run("change", "s-1", "--price", "62.00", "--reason", "upgrade")
    shown = terminal.run("show", "s-1").stdout
    assert "from invoice 2 on: 62.00 USD every 1 MONTH" in shown
    assert "-21.00 USD = -1 x 31.00 USD x 21/31 (BY_DAY)" in shown
    assert "42.00 USD = 1 x 62.00 USD x 21/31 (BY_DAY)" in shown


def test_pause_until_a_day_and_resume(running: Terminal) -> None:
    """A day is its first instant in the subscription's own zone."""
    asked = ("pause", "s-1", "--until", "2025-02-15", "--credit", "--reason", "travelling")
    assert running.json(*asked)["changed"] is True
    assert now(running)["pause"]["until"] == "2025-02-14T23:00:00Z"
    shown = running.run("show", "s-1").stdout
    assert "now paused" in shown
    assert "paused: 2025-02-14 23:00Z" in shown
    assert "credit: 21.00 USD" in shown
    assert running.json("resume", "s-1")["changed"] is True
    assert running.json("resume", "s-1")["changed"] is False
    # 21.00 are charged again in February, and the credit pays them.
    assert worked(running, "2025-02-01") == ([3100, 5200], [3100, 3100])


def test_resume_restarts(running: Terminal) -> None:
    """Whole months from the day of resuming on."""
    running.run("pause", "s-1", "--reason", "travelling")
    running.set_clock("2025-02-15")
    assert running.run("resume", "s-1", "--restart").exit_code == DONE
    assert now(running)["schedule"]["anchor"] == "2025-02-15"


def test_credit_adds_up(running: Terminal) -> None:
    """Each command is one more; it pays the next invoice."""
    for _ in range(2):
        assert "5.00 USD more credit" in running.run("credit", "s-1", "5", "--reason", "x").stdout
    assert now(running)["credit"]["minor"] == 1000
    assert worked(running, "2025-02-01") == ([3100, 3100], [3100, 2100])


@pytest.mark.parametrize(("policy", "credit"), [("by_day", 2100), ("full", 3100)])
def test_cancel_with_credit(running: Terminal, policy: str, credit: int) -> None:
    """By the rule that is named, upper case or not."""
    asked = ("cancel", "s-1", "--credit", policy, "--reason", "moved")
    assert running.json(*asked)["changed"] is True
    assert (now(running)["status"], now(running)["credit"]["minor"]) == ("CANCELLED", credit)


def test_cancel_later_and_take_it_back(running: Terminal) -> None:
    """At the end of the period, then at a day instead, then not at all."""
    assert (
        "is going to end"
        in running.run("cancel", "s-1", "--at-period-end", "--reason", "moved").stdout
    )
    assert "ends: 2025-01-31 23:00Z (moved)" in running.run("show", "s-1").stdout
    assert running.json("cancel", "s-1", "--at", "2025-02-10", "--reason", "moved")["changed"]
    assert now(running)["cancellation"]["at"] == "2025-02-09T23:00:00Z"
    due = running.json("due", "--until", "2025-02-09T23:00:00Z")["items"]
    assert [each["due_at"] for each in due] == ["2025-01-31T23:00:00Z", "2025-02-09T23:00:00Z"]
    assert running.json("reactivate", "s-1")["changed"] is True
    assert running.json("reactivate", "s-1")["changed"] is False
    assert worked(running, "2025-03-01")[0] == [3100, 3100, 3100]


def test_nobody_who_is_paused_is_erased(running: Terminal) -> None:
    """The token is needed again once it is resumed."""
    running.run("pause", "s-1", "--reason", "travelling")
    refused = running.run("erase", "c-1", "--yes")
    assert (refused.exit_code, "customer-still-billed" in refused.stderr) == (REFUSED, True)


def test_refusals_write_nothing(running: Terminal) -> None:
    """One line with a code, and the exit code of a refusal or of wrong usage."""
    head = running.json("info")["head"]
    cases = [
        (("change", "s-1", "--price", "0"), REFUSED, "price-not-positive"),
        (("change", "s-1", "--price", "1.234"), REFUSED, "money-too-precise"),
        (("change", "s-1", "--quantity", "0"), REFUSED, "quantity-malformed"),
        (("change", "s-1", "--every", "2 years"), REFUSED, "interval-out-of-range"),
        (("change", "s-1", "--quantity", "0", "--dry-run"), REFUSED, "quantity-malformed"),
        (("change", "nobody", "--quantity", "2"), REFUSED, "subscription-unknown"),
        (("pause", "s-1", "--until", "2025-01-10"), REFUSED, "pause-in-the-past"),
        (("pause", "s-1", "--until", "9999-01-01"), REFUSED, "start-out-of-range"),
        (("credit", "s-1", "0"), REFUSED, "credit-not-positive"),
        (("credit", "s-1", "much"), REFUSED, "money-not-decimal"),
        (("cancel", "s-1", "--at", "2025-01-10"), REFUSED, "cancellation-in-the-past"),
        (("cancel", "s-1", "--at-period-end", "--at", "2025-02-10"), USAGE, "usage"),
        (("cancel", "s-1", "--at-period-end", "--credit", "full"), USAGE, "usage"),
    ]
    for arguments, exit_code, code in cases:
        result = running.run(*arguments, "--reason", "x")
        assert (result.exit_code, result.stderr.split(":")[0]) == (exit_code, code), arguments
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    for arguments in (
        ("change", "s-1", "--every", "fortnight"),
        ("change", "s-1", "--proration", "guess"),
        ("pause", "s-1", "--until", "soon"),
        ("cancel", "s-1", "--at", "2025-02-10T00:00:00"),
    ):
        assert running.run(*arguments, "--reason", "x").exit_code == USAGE, arguments
    assert running.json("info")["head"] == head
