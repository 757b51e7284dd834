"""Dunning and discrepancies from the command line. 31.00 USD a month from 1 January 2025 in Oslo;
no retries, a grace of ten days after a decline on 11 January."""

from __future__ import annotations

from uuid import uuid4

import pytest

from domain.plan import DunningEnd, RetryPolicy
from infrastructure.cli.exits import DONE, REFUSED, USAGE
from tests.api.billing import JAN_1, music, work
from tests.cli.conftest import Terminal
from tests.cli.test_changing import books_of, now, worked
from tests.replies import Reply
from tests.specimens import signed_up
from tests.systems import write

WHY = ("--reason", "talked on the phone")


def begin(terminal: Terminal, reply: Reply, end: DunningEnd = DunningEnd.LEAVE_OPEN) -> Terminal:
    """The first charge was answered so, on 11 January at midnight in Oslo."""
    terminal.set_clock("2025-01-10T23")
    with books_of(terminal) as system:
        write(system, signed_up(music(retry=RetryPolicy((), end, 10)), start=JAN_1))
        work(system, reply)
    return terminal


def test_suspended_and_reinstated(terminal: Terminal) -> None:
    """Shown as such; billed again once a person says so."""
    begin(terminal, Reply.SOFT, DunningEnd.SUSPEND)
    assert worked(terminal, "2025-02-10") == ([3100], [])
    shown = terminal.run("show", "s-1").stdout
    assert "Suspended because invoice 1 was not paid" in shown
    assert "suspended: invoice 1 was not paid; invoice 1 is the last before" in shown
    assert "end of dunning, suspension" in terminal.run("due", "--until", "2025-03-01").stdout
    assert terminal.run("reinstate", "s-1", *WHY).stdout.startswith("s-1 is billed again")
    assert terminal.run("reinstate", "s-1", *WHY).stdout.startswith("nothing to do")
    assert now(terminal)["status"] == "ACTIVE"


def test_collected_again(terminal: Terminal) -> None:
    """And paid this time; that ends the suspension, too."""
    begin(terminal, Reply.SOFT, DunningEnd.SUSPEND)
    worked(terminal, "2025-01-25")
    assert terminal.run("collect", "s-1", "1", *WHY).exit_code == DONE
    assert worked(terminal, "2025-01-26") == ([3100], [3100])
    assert now(terminal)["status"] == "ACTIVE"


def test_written_off(terminal: Terminal) -> None:
    """The balances show it, and so does the explanation."""
    begin(terminal, Reply.SOFT)
    assert terminal.json("write-off", "s-1", "1", *WHY)["changed"] is True
    (balance,) = terminal.json("balances")["items"]
    assert (balance["written_off"]["minor"], balance["open"]["minor"]) == (3100, 0)
    assert "written off" in terminal.run("balances").stdout
    explained = terminal.run("explain", "invoice", "s-1", "1").stdout
    assert "written off: talked on the phone" in explained
    assert "the facts add up to it" in terminal.run("explain", "balance", "c-1").stdout
    assert terminal.run("write-off", "s-1", "1", *WHY).exit_code == REFUSED


@pytest.mark.parametrize(("decision", "credit"), [("accept", 100), ("dismiss", 0)])
def test_discrepancy(terminal: Terminal, decision: str, credit: int) -> None:
    """1.00 too much; `billing due` shows whom to ask about, until it is resolved."""
    begin(terminal, Reply.MORE)
    (found,) = now(terminal)["discrepancies"]
    attempt = found["attempt_id"]
    assert attempt in terminal.run("due").stdout
    done = terminal.run("discrepancy", "s-1", attempt, decision, *WHY)
    assert done.exit_code == DONE, done.output
    assert attempt not in terminal.run("due").stdout
    assert now(terminal)["credit"]["minor"] == credit
    assert terminal.run("audit").exit_code == DONE


def test_what_is_refused_and_what_is_no_command(terminal: Terminal) -> None:
    """Codes as everywhere."""
    begin(terminal, Reply.YES)
    for words in (("collect", "s-1", "1"), ("write-off", "s-1", "1")):
        refused = terminal.run(*words, *WHY)
        assert (refused.exit_code, refused.stderr.split(":")[0]) == (REFUSED, "invoice-not-open")
    unknown = terminal.run("discrepancy", "s-1", str(uuid4()), "accept", *WHY)
    assert unknown.stderr.startswith("discrepancy-unknown")
    assert terminal.run("discrepancy", "s-1", str(uuid4()), "forget", *WHY).exit_code == USAGE
    assert terminal.run("write-off", "s-1", "1").exit_code == USAGE


def test_preview_of_the_end(terminal: Terminal) -> None:
    """No database is needed."""
    asked = ("preview", "retries", "--at", "2025-01-11", "--days", "3")
    shown = terminal.run(*asked, "--end", "write_off", "--grace-days", "10").stdout
    assert "after the grace the invoice is written off, at 2025-01-24" in shown
    assert "a person has to look" in terminal.run(*asked).stdout
