"""Refunds from the command line. 31.00 USD a month from 1 January 2025 in Oslo; January is paid,
it is 11 January."""

from __future__ import annotations

import pytest

from infrastructure.cli.exits import DONE, REFUSED, USAGE
from tests.api.billing import find_late, work
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, music, now
from tests.replies import Reply

WHY = ("--reason", "outage")
TEN = ("refund", "s-1", "--amount", "10.00", "--grant", *WHY)


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """Prepaid, with January billed and paid."""
    begin(terminal, music())
    return terminal


def answered(terminal: Terminal, reply: Reply = Reply.YES) -> None:
    """A worker works, and the provider answers so."""
    with books_of(terminal) as system:
        work(system, reply)


def test_asked_for_and_gone(running: Terminal) -> None:
    """Said, listed, shown, explained."""
    said = running.run(*TEN)
    assert said.exit_code == DONE
    assert "10.00 USD through the charge of invoice 1" in said.stdout
    assert "send 10.00 USD back" in running.run("due", "--until", "2025-01-12").stdout
    assert "requested" in running.run("refunds").stdout
    answered(running)
    (refund,) = running.json("refunds", "s-1", "--status", "succeeded")["items"]
    assert refund["given_back"]["minor"] == 1000
    (balance,) = running.json("balances")["items"]
    assert balance["refunded"]["minor"] == 1000
    assert "10.00 USD went back to the payer" in running.run("show", "s-1").stdout
    for name in (refund["reference"], refund["refund_id"]):
        explained = running.run("explain", "refund", name)
        assert explained.exit_code == DONE, explained.output
        assert "gone back" in explained.stdout
    assert "the facts add up to it" in running.run("explain", "balance", "c-1").stdout
    assert running.run("audit").exit_code == DONE


def test_json_says_what_goes_back_and_what_stays(running: Terminal) -> None:
    """5.00 of credit, of which 2.00 go back."""
    running.run("credit", "s-1", "5.00", *WHY)
    said = running.json("refund", "s-1", "--amount", "2.00", *WHY)
    assert [each["amount"]["minor"] for each in said["refunds"]] == [200]
    assert (said["changed"], said["credit"]["minor"]) == (True, 300)


def test_what_is_refused(running: Terminal) -> None:
    """Nothing owed, more than came, a name that there is not."""
    for arguments, code in (
        (("refund", "s-1", *WHY), "nothing-to-refund"),
        (("refund", "s-1", "--amount", "1", *WHY), "credit-too-small"),
        (("refund", "s-1", "--amount", "31.01", "--grant", *WHY), "refund-too-large"),
        (("refund", "nobody", *WHY), "subscription-unknown"),
        (("explain", "refund", "nothing"), "refund-unknown"),
        (
            ("resolve-refund", "5a0d8f0c-7b1e-4f4e-9a44-0f8a4d1f5c11", "--not-made", *WHY),
            "refund-unknown",
        ),
    ):
        ended = running.run(*arguments)
        assert (ended.exit_code, code in ended.stderr) == (REFUSED, True), ended.output
    assert running.run("refunds", "--status", "lost").exit_code == USAGE


def test_a_person_settles_a_doubt(running: Terminal) -> None:
    """The provider named another amount: 4.00 really went back."""
    running.run(*TEN)
    answered(running, Reply.LESS)
    assert "a person has to decide" in running.run("due", "--waiting").stdout
    (refund,) = running.json("refunds", "--status", "needs-person")["items"]
    settle = ("resolve-refund", refund["refund_id"], *WHY)
    assert running.run(*settle).exit_code == USAGE
    assert running.run(*settle, "--made", "4.00", "--not-made").exit_code == USAGE
    done = running.run(*settle, "--made", "4.00", "--provider-ref", "R-7")
    assert done.exit_code == DONE, done.output
    assert now(running)["credit"]["minor"] == 600
    assert running.run(*settle, "--not-made").exit_code == REFUSED


def test_a_refund_that_was_made_after_all(running: Terminal) -> None:
    """Listed as due, shown, in the audit until somebody has looked; then explained."""
    for reply in (Reply.HARD, Reply.YES):
        running.run(*TEN)
        answered(running, reply)
    with books_of(running) as system:
        find_late(system)
    (refund,) = running.json("refunds", "--status", "found-late")["items"]
    told = "10.00 USD went back by a refund that had failed, 10.00 USD of it without credit"
    assert told in running.run("due", "--waiting").stdout
    shown = running.run("show", "s-1").stdout
    assert f"discrepancy of refund {refund['refund_id']}: 10.00 USD went back after all" in shown
    assert "10.00 USD went back for invoice 1 after all (R-9), known by callback" in shown
    audited = running.run("audit")
    assert (audited.exit_code, "refund-not-covered" in audited.stdout) == (1, True)
    resolve = ("discrepancy", "s-1", refund["refund_id"], "accept", *WHY)
    assert running.run(*resolve).exit_code == DONE
    assert running.run("audit").exit_code == DONE
    explained = running.run("explain", "balance", "c-1")
    assert "given up of what no credit covered" in explained.stdout
    assert "the facts add up to it" in explained.stdout
    assert "gone back after all" in running.run("explain", "refund", refund["refund_id"]).stdout


def test_cancel_with_refund(running: Terminal) -> None:
    """21 of 31 days at 1.00; what was refunded before stays credit, and is said."""
    running.run(*TEN)
    answered(running)
    assert running.run("cancel", "s-1", "--refund", "--at-period-end", *WHY).exit_code == USAGE
    said = running.run("cancel", "s-1", "--refund", *WHY).stdout
    assert "21.00 USD through the charge of invoice 1" in said
    answered(running)
    assert now(running)["credit"]["minor"] == 0


def test_cancel_with_more_than_came(running: Terminal) -> None:
    """25.00 went back before: 6.00 of the 21.00 go back, 15.00 stay credit."""
    running.run("refund", "s-1", "--amount", "25.00", "--grant", *WHY)
    said = running.run("cancel", "s-1", "--refund", *WHY).stdout
    assert "6.00 USD through the charge of invoice 1" in said
    assert "15.00 USD stays credit" in said


def test_change_with_refund(running: Terminal) -> None:
    """To half the price: 21.00 back."""
    said = running.run("change", "s-1", "--price", "15.50", "--refund", *WHY).stdout
    assert "21.00 USD through the charge of invoice 1" in said


def test_change_with_refund_is_shown_first(running: Terminal) -> None:
    """21.00 back, and 26.00 to pay (10.50 for the rest of January): the same as is done then."""
    asked = ("change", "s-1", "--price", "15.50", "--refund", *WHY)
    shown = running.json(*asked, "--dry-run")
    assert (shown["refunded"]["minor"], shown["to_pay"]["minor"]) == (2100, 2600)
    lines = running.run(*asked, "--dry-run").stdout.splitlines()
    assert any("goes back to the payer" in line and "-21.00 USD" in line for line in lines)
    netted = running.run(*asked[:-3], *WHY, "--dry-run").stdout
    assert "goes back to the payer" not in netted
    assert running.json("refunds")["items"] == []
    assert [each["amount"]["minor"] for each in running.json(*asked)["refunds"]] == [2100]
