"""Tokens that are let go, and customers who are forgotten, from the command line. 31.00 USD a month
from 1 January 2025 in Oslo; January is paid, it is 11 January."""

from __future__ import annotations

import pytest

from infrastructure.cli.exits import DONE, INCOMPLETE, REFUSED, USAGE
from tests.api.billing import music, work
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, now
from tests.replies import Reply

WHY = ("--reason", "asked by the payer")
DELETE = ("token", "s-1", "--delete", *WHY)
ERASE = ("erase", "c-1", "--yes", "--wait-s", "0")


@pytest.fixture
def running(terminal: Terminal) -> Terminal:
    """Prepaid, with January billed and paid."""
    begin(terminal, music())
    return terminal


def worked(terminal: Terminal, reply: Reply = Reply.YES) -> None:
    """A worker works, and the provider answers so."""
    with books_of(terminal) as system:
        work(system, reply)


def test_let_go_listed_and_gone(running: Terminal) -> None:
    """Said, due, shown, audited."""
    said = running.run(*DELETE)
    assert said.exit_code == DONE, said.output
    assert "charged no more" in said.stdout
    assert running.json(*DELETE)["changed"] is False
    assert "have the provider forget it: asked by the payer" in running.run("due").stdout
    assert "let-go; not charged again" in running.run("show", "s-1").stdout
    worked(running)
    shown = running.run("show", "s-1").stdout
    assert "gone; not charged again" in shown
    assert "cannot be charged any more: deleted by us, known by answer" in shown
    assert now(running)["token"]["held"] == 0
    assert running.run("audit").exit_code == DONE


def test_what_does_not_go_together(running: Terminal) -> None:
    """Usage errors, and a backup that there is not."""
    for more in (("--provider", "dintero"), ("--account", "x"), ("--backup", "--replaced")):
        assert running.run(*DELETE, *more).exit_code == USAGE
    assert running.run("token", "s-1", "--replaced").exit_code == USAGE
    refused = running.run(*DELETE, "--backup")
    assert (refused.exit_code, "token-missing" in refused.stderr) == (REFUSED, True)
    assert running.json(*DELETE, "--replaced")["changed"] is False


def test_a_customer_is_forgotten_there_and_then_here(running: Terminal) -> None:
    """First the provider, then the keys; run again in between it says what is missing."""
    running.run("cancel", "s-1", "--reason", "left")
    ended = running.run(*ERASE)
    assert (ended.exit_code, "tokens-not-deleted-yet" in ended.stderr) == (INCOMPLETE, True)
    with books_of(running) as system:
        assert system.vault.names is not None
    assert running.run(*ERASE).exit_code == INCOMPLETE
    worked(running)
    assert running.json(*ERASE)["erased"] is True
    assert running.json(*ERASE)["erased"] is False
    assert "erasure of the customer" in running.run("show", "s-1").stdout
    assert running.run("audit").exit_code == DONE


def test_the_keys_alone(running: Terminal) -> None:
    """Where the account is gone, nobody can be asked any more."""
    running.run("cancel", "s-1", "--reason", "left")
    assert running.json(*ERASE, "--keys-only")["erased"] is True
    assert now(running)["token"]["held"] == 1


def test_F40_nobody_is_forgotten_while_money_is_in_doubt(running: Terminal) -> None:
    """A charge, then a refund without an outcome; nothing is written."""
    running.run("refund", "s-1", "--amount", "10.00", "--grant", "--reason", "outage")
    running.run("cancel", "s-1", "--reason", "left")
    for more in ((), ("--keys-only",)):
        refused = running.run(*ERASE, *more)
        assert (refused.exit_code, "refund-without-outcome" in refused.stderr) == (REFUSED, True)
    worked(running)
    assert running.run(*ERASE).exit_code == INCOMPLETE


def test_F40_nor_while_a_charge_is(terminal: Terminal) -> None:
    """The token is still needed to tell what happened."""
    terminal.set_clock("2025-01-10T23")
    begin(terminal, music())
    terminal.set_clock("2025-02-01T23")
    worked(terminal, Reply.UNKNOWN)
    terminal.run("cancel", "s-1", "--reason", "left")
    refused = terminal.run(*ERASE)
    assert (refused.exit_code, "charge-without-outcome" in refused.stderr) == (REFUSED, True)
    assert "is let go" not in terminal.run("show", "s-1").stdout
