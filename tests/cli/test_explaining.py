"""`billing explain` and `what-if` on a subscription that was changed in the middle of January.

It cost 31.00 USD a month, prepaid, from 1 January 2025 in Oslo, and 62.00 from the 11th on: 21 of
31 days are left, so 21.00 come back, 42.00 are charged for them, and 83.00 are left of 104.00.
"""

from __future__ import annotations

import pytest

from infrastructure.cli.exits import DONE, REFUSED, USAGE
from tests.api.billing import JAN_1, music, work
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, worked
from tests.replies import Reply
from tests.specimens import signed_up
from tests.systems import write


@pytest.fixture
def upgraded(terminal: Terminal) -> Terminal:
    """January and February are billed and paid."""
    begin(terminal, music())
    asked = ("change", "s-1", "--price", "62.00", "--reason", "upgrade")
    assert terminal.run(*asked).exit_code == DONE
    assert worked(terminal, "2025-02-01") == ([3100, 10400], [3100, 8300])
    return terminal


def test_an_invoice_is_explained_line_by_line(upgraded: Terminal) -> None:
    """Every line with its working, and what paid for it; the facts add up."""
    found = upgraded.json("explain", "invoice", "s-1", "2")
    amounts = [each["amount"]["minor"] for each in found["steps"]]
    assert amounts == [6200, 4200, -2100, -8300]
    assert (found["amount"]["minor"], found["holds"]) == (0, True)
    shown = upgraded.run("explain", "invoice", "s-1", "2")
    assert shown.exit_code == DONE
    assert "1 x 62.00 USD x 21/31 (BY_DAY)" in shown.stdout
    assert "paid from credit 1: upgrade" in shown.stdout
    assert "the facts add up to it" in shown.stdout


def test_a_charge_is_explained_by_its_reference_and_by_its_id(upgraded: Terminal) -> None:
    """83.00 were asked for and taken."""
    charges = upgraded.json("charges")["items"]
    charge = next(each for each in charges if each["invoice_number"] == 2)
    for name in (charge["reference"], charge["attempt_id"]):
        found = upgraded.json("explain", "charge", name)
        assert (found["amount"]["minor"], found["holds"]) == (8300, True)
        assert "asked for 83.00 USD" in found["what"]


def test_a_balance_is_explained_over_everything(upgraded: Terminal) -> None:
    """31.00 and 104.00 billed, 21.00 credited, 31.00 and 83.00 paid: nothing is owed."""
    found = upgraded.json("explain", "balance", "c-1")
    amounts = sorted(each["amount"]["minor"] for each in found["steps"])
    assert amounts == [-8300, -3100, -2100, 3100, 10400]
    assert (found["amount"]["minor"], found["holds"]) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("invoice", "s-1", "9"), "invoice-unknown", REFUSED),
        (("invoice", "s-9", "1"), "subscription-unknown", REFUSED),
        (("charge", "nothing"), "charge-unknown", REFUSED),
        (("balance", "nobody"), "currency-missing", REFUSED),
        (("invoice", "s-1", "0"), "NUMBER", USAGE),
    ],
)
def test_what_is_not_there_is_refused(
    upgraded: Terminal, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    """With its code, and without a stack trace."""
    result = upgraded.run("explain", *arguments)
    assert result.exit_code == exit_code
    assert code in result.output
    assert "Traceback" not in result.output


def test_what_if_shows_the_difference_in_money(upgraded: Terminal) -> None:
    """135.00 billed and 21.00 credited; without proration 42.00 and 21.00 less: 93.00."""
    (found,) = upgraded.json("what-if", "s-1", "--proration", "none")["items"].values()
    assert (found["was"]["billed"], found["was"]["credited"]) == (13500, 2100)
    assert (found["would_be"]["billed"], found["would_be"]["credited"]) == (9300, 0)
    head = upgraded.json("info")["head"]
    everybody = upgraded.json("what-if", "--all", "--percent", "10")
    # 34.10, then 68.20 and 46.20 for the rest, of which 23.10 are given back.
    assert everybody["totals"]["USD"]["would_be"] == 3410 + 6820 + 4620 - 2310
    shown = upgraded.run("what-if", "--all", "--percent", "10")
    assert "11.40 USD" in shown.stdout
    assert upgraded.json("info")["head"] == head


def test_what_if_wants_to_know_whose_history(upgraded: Terminal) -> None:
    """One subscription or all of them, and a percentage that is a number."""
    for arguments, exit_code in (
        ((), USAGE),
        (("s-1", "--all"), USAGE),
        (("s-1", "--percent", "much"), USAGE),
        (("s-9",), REFUSED),
        (("s-1", "--quantity", "0"), REFUSED),
    ):
        assert upgraded.run("what-if", *arguments).exit_code == exit_code


def test_what_if_under_a_published_plan(upgraded: Terminal) -> None:
    """Twice 40.00 instead of 31.00 and 104.00 less 21.00; who could not be on it is left out."""
    for name, price, *more in (
        ("gold", "39.00"),
        ("gold", "40.00", "--from", "2026-01-01"),
        ("tin", "9.00", "--currency", "EUR"),
    ):
        ended = upgraded.run("plan", "publish", name, "--price", price, *more, "--reason", "new")
        assert ended.exit_code == DONE, ended.output
    head = upgraded.json("info")["head"]
    found = upgraded.json("what-if", "s-1", "--plan", "gold@2")["items"]["s-1"]
    assert (found["would_be"]["billed"], found["would_be"]["credited"]) == (8000, 0)
    available = upgraded.run("what-if", "--all", "--plan", "gold")
    assert "-36.00 USD" in available.stdout  # 78.00 for 114.00
    nobody = upgraded.json("what-if", "--all", "--plan", "tin")
    assert (nobody["items"], nobody["left_out"]) == ({}, {"s-1": "currency-fixed"})
    assert "left out, currency-fixed: 1" in upgraded.run("what-if", "--all", "--plan", "tin").stdout
    assert upgraded.json("info")["head"] == head


@pytest.mark.parametrize(
    ("plan", "more", "said", "exit_code"),
    [
        ("gold", (), "plan-unknown", REFUSED),
        ("no such", (), "id-malformed", REFUSED),
        ("gold@two", (), "gold@2", USAGE),
        ("gold", ("--retry", "3"), "--retry", USAGE),
    ],
)
def test_what_if_refuses_a_plan_that_is_none(
    upgraded: Terminal, plan: str, more: tuple[str, ...], said: str, exit_code: int
) -> None:
    """Unknown, malformed, or beside a retry schedule."""
    ended = upgraded.run("what-if", "s-1", "--plan", plan, *more)
    assert (ended.exit_code, said in ended.output) == (exit_code, True)


def test_what_if_under_another_retry_schedule(terminal: Terminal) -> None:
    """31.00 were declined on 11 January and paid three days later; February was paid at once."""
    terminal.set_clock("2025-01-10T23")
    with books_of(terminal) as system:
        write(system, signed_up(music(), start=JAN_1))
        work(system, Reply.SOFT)
    assert worked(terminal, "2025-01-14") == ([3100], [3100])
    assert worked(terminal, "2025-02-01") == ([3100, 3100], [3100, 3100])
    head = terminal.json("info")["head"]
    same = terminal.json("what-if", "--all", "--retry", "3,5,7")
    sums = same["totals"]["USD"]
    assert (sums["was"], sums["least"], sums["most"]) == (6200, 6200, 6200)
    other = terminal.json("what-if", "s-1", "--retry", "5", "--end", "cancel", "--grace-days", "2")
    first, second = other["items"]["s-1"]
    assert [each["outcome"] for each in first["tries"]] == ["DECLINED", "NOT_KNOWN"]
    assert (first["standing"], first["least"], first["most"]) == ("LATER", 0, 3100)
    assert (second["standing"], second["stopped_by"]) == ("NOT_KNOWN", 1)
    shown = terminal.run("what-if", "--all", "--retry", "none").stdout
    assert "never" in shown
    assert "2025-01-11 INSUFFICIENT_FUNDS" in shown
    assert terminal.json("info")["head"] == head


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("s-1", "--retry", "soon"), USAGE),
        (("s-1", "--retry", "3", "--percent", "10"), USAGE),
        (("s-1", "--end", "CANCEL"), USAGE),
        (("s-1", "--retry", "61"), REFUSED),
        (("s-9", "--retry", "3"), REFUSED),
    ],
)
def test_what_if_refuses_another_schedule_that_is_none(
    upgraded: Terminal, arguments: tuple[str, ...], exit_code: int
) -> None:
    """Days that are none, other terms beside it, an end alone; nobody's."""
    assert upgraded.run("what-if", *arguments).exit_code == exit_code
