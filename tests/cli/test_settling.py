"""Instalments settled early from the command line; it is 11 January 2025 in Oslo."""

from __future__ import annotations

from infrastructure.cli.exits import DONE, REFUSED
from tests.api.billing import music
from tests.api.test_settling import in_three
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, worked

REASON = ("--reason", "sold the car")


def test_settle_bills_what_it_has_shown(terminal: Terminal) -> None:
    """62.00 for two of three; nothing is written by --dry-run; paid, it is complete."""
    begin(terminal, in_three())
    shown = terminal.run("settle", "s-1", "--dry-run", *REASON)
    assert (shown.exit_code, "instalments 2 to 3 at once" in shown.stdout) == (DONE, True)
    assert "instalment 2 of 3: Music, 2025-02-01 to 2025-03-01 (end exclusive)" in shown.stdout
    asked = terminal.json("settle", "s-1", "--dry-run", *REASON)
    assert (asked["to_pay"]["minor"], asked["first"], asked["last"]) == (6200, 2, 3)
    done = terminal.json("settle", "s-1", *REASON)
    assert (done["changed"], asked["position"] < done["position"]) == (True, True)
    assert worked(terminal, "2025-12-31") == ([3100, 6200], [3100, 6200])
    told = terminal.run("show", "s-1").stdout
    assert "Settled early (sold the car): instalments 2 to 3 are billed" in told
    assert "Completed" in told
    explained = terminal.run("explain", "invoice", "s-1", "1000001").stdout
    assert "instalment 3 of 3" in explained
    assert terminal.run("audit").exit_code == DONE


def test_settle_refuses_what_it_cannot_bill(terminal: Terminal) -> None:
    """A plan with an open end."""
    begin(terminal, music())
    refused = terminal.run("settle", "s-1", *REASON)
    assert (refused.exit_code, "not-instalments" in refused.stderr) == (REFUSED, True)
