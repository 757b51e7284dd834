"""Charges on demand and balances from the command line; it is 11 January 2025 in Oslo."""

from __future__ import annotations

import pytest

from domain.plan import Terms
from infrastructure.cli.exits import DONE, REFUSED
from tests.api.billing import music
from tests.api.test_demanding import by_threshold, on_demand, reloaded
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


def test_a_threshold_is_changed(terminal: Terminal) -> None:
    """At 20.00 instead of 10.00, 25 GB at 0.40 wait, and 50 GB are billed at once.

    As with every change that counts from now on, the 21.00 of 31.00 that are left of January come
    back and are charged anew in February; meanwhile they pay the 20.00.
    """
    begin(terminal, by_threshold())
    change = ("change", "s-1", "--threshold", "20.00", "--reason", "uses more")
    assert terminal.json(*change, "--dry-run")["terms"]["threshold"]["minor"] == 2000
    assert "s-1 has other terms" in terminal.run(*change).stdout
    assert "nothing to do" in terminal.run(*change).stdout
    usage = "subscription_id,usage_id,meter,quantity,at\ns-1,{0},data,25,2025-01-1{0}T12:00:00Z\n"
    for number, billed in (("1", [3100]), ("2", [3100, 2000])):
        terminal.set_clock(f"2025-01-1{number}T13")
        assert terminal.run("usage", terminal.file(usage.format(number))).exit_code == DONE
        assert worked(terminal, f"2025-01-1{number}T14") == (billed, [3100])
    # 31.00 + 21.00, of which 1.00 of the credit is left to pay.
    assert worked(terminal, "2025-02-01")[1] == [3100, 5100]


@pytest.mark.parametrize(
    ("agreed", "amount", "code"),
    [
        (music(), "20.00", "threshold-not-allowed"),
        (by_threshold(), "0.00", "threshold-malformed"),
        (by_threshold(), "2.005", "money-too-precise"),
    ],
)
def test_a_threshold_that_cannot_be_agreed_to(
    terminal: Terminal, agreed: Terms, amount: str, code: str
) -> None:
    """Of a kind that has none, of nothing, of a part of a cent."""
    begin(terminal, agreed)
    refused = terminal.run("change", "s-1", "--threshold", amount, "--reason", "uses more")
    assert (refused.exit_code, refused.stderr.split(":")[0]) == (REFUSED, code)
