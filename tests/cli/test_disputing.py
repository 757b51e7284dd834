"""Reversals from the command line. 31.00 USD a month from 1 January 2025 in Oslo; January is
paid, it is 11 January."""

from __future__ import annotations

import pytest

from infrastructure.cli.exits import DONE, REFUSED
from tests.api.test_disputing import seen
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, music

WHY = ("--reason", "settlement 12")


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """Prepaid, with January billed and paid."""
    begin(terminal, music())
    return terminal


def attempt_of(terminal: Terminal) -> str:
    """January's charge."""
    (charge,) = terminal.json("charges")["items"]
    return str(charge["attempt_id"])


def test_taken_back_and_owed_again(running: Terminal) -> None:
    """Said, shown, due for a person, explained; written off, all is well."""
    said = running.run("reverse", attempt_of(running), "--amount", "10.00", *WHY)
    assert said.exit_code == DONE, said.output
    assert "10.00 USD taken back" in said.stdout
    assert "not collected by itself: reversed" in running.run("due", "--waiting").stdout
    (balance,) = running.json("balances")["items"]
    assert (balance["reversed"]["minor"], balance["open"]["minor"]) == (1000, 1000)
    assert "The provider took 10.00 USD back" in running.run("show", "s-1").stdout
    for what in (("invoice", "s-1", "1"), ("balance", "c-1")):
        explained = running.run("explain", *what)
        assert explained.exit_code == DONE, explained.output
        assert "taken back by the provider" in explained.stdout
    assert running.run("write-off", "s-1", "1", "--reason", "let it go").exit_code == DONE
    assert running.run("audit").exit_code == DONE


def test_what_is_refused(running: Terminal) -> None:
    """More than came, nothing, a charge that there is not."""
    attempt = attempt_of(running)
    nobody = "5a0d8f0c-7b1e-4f4e-9a44-0f8a4d1f5c11"
    for arguments, code in (
        ((attempt, "--amount", "31.01"), "reversal-above-captured"),
        ((attempt, "--amount", "0"), "reversal-not-positive"),
        ((nobody, "--amount", "1"), "attempt-unknown"),
    ):
        ended = running.run("reverse", *arguments, *WHY)
        assert (ended.exit_code, code in ended.stderr) == (REFUSED, True), ended.output


def test_disputes_are_listed(running: Terminal) -> None:
    """All, or those that are open; a person can have collected what waits."""
    assert running.json("disputes")["items"] == []
    with books_of(running) as system:
        seen(system)
    (dispute,) = running.json("disputes", "--open")["items"]
    assert (dispute["dispute_ref"], dispute["subscription_id"]) == ("PP-1", "s-1")
    shown = running.run("disputes", "s-1")
    assert "DUPLICATE_TRANSACTION" in shown.stdout
    assert "31.00 USD disputed" in running.run("due", "--waiting").stdout
