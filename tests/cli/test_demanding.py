"""Charges on demand and balances from the command line; it is 11 January 2025 in Oslo."""

from __future__ import annotations

from infrastructure.cli.exits import DONE, REFUSED
from tests.api.test_demanding import on_demand, reloaded
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, worked

BAG = ("--id", "d-1", "--description", "Bag", "--reason", "at the desk")


def test_demand_is_charged_once(terminal: Terminal) -> None:
    """12.50 with its tax; again, there is nothing to do."""
    begin(terminal, on_demand())
    command = ("demand", "s-1", "10.00", *BAG, "--tax-percent", "25")
    assert "are billed as d-1" in terminal.run(*command).stdout
    assert "nothing to do" in terminal.run(*command).stdout
    assert worked(terminal, "2025-01-12") == ([1250], [1250])
    refused = terminal.run("demand", "s-1", "11.00", *BAG)
    assert refused.exit_code == REFUSED
    assert "demand-id-reused" in refused.stderr
    assert "asked for as d-1" in terminal.run("show", "s-1").stdout


def test_low_balance_is_reloaded(terminal: Terminal) -> None:
    """Below 5.00, 20.00 are charged, once."""
    begin(terminal, reloaded())
    command = ("report-balance", "s-1", "4.99", "--id", "r-1", "--at", "2025-01-10T22:00:00Z")
    told = terminal.run(*command)
    assert (told.exit_code, "had 4.99 USD left" in told.stdout) == (DONE, True)
    assert "nothing to do" in terminal.run(*command).stdout
    assert worked(terminal, "2025-01-12") == ([2000], [2000])
    explained = terminal.run("explain", "invoice", "s-1", "1000001").stdout
    assert "reload below 5.00 USD" in explained
