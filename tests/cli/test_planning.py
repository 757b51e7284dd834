"""The catalogue from the command line: published, started on, moved, shown."""

from __future__ import annotations

import pytest

from infrastructure.cli.exits import DONE, REFUSED, USAGE
from tests.cli.conftest import Terminal

GOLD = ("--currency", "USD", "--reason", "prices")


def publish(terminal: Terminal, price: str, *more: str) -> None:
    """One more version of "gold"."""
    ended = terminal.run("plan", "publish", "gold", "--price", price, *GOLD, *more)
    assert ended.exit_code == DONE, ended.output


@pytest.fixture
def gold(terminal: Terminal) -> Terminal:
    """On 2 December 2024: 31.00 USD a month, and from February on 40.00 for who starts then."""
    terminal.set_clock("2024-12-02")
    publish(terminal, "31.00", "--description", "Gold membership")
    publish(terminal, "40.00", "--from", "2025-02-01")
    return terminal


def test_plans_are_listed_and_shown(gold: Terminal) -> None:
    """For people and for programs."""
    (plan,) = gold.json("plans")["items"]
    assert (plan["plan"], plan["available"], len(plan["versions"])) == ("gold", 1, 2)
    assert "gold" in gold.run("plans").stdout
    shown = gold.run("plan", "show", "gold").stdout
    assert "1 *" in shown
    assert "40.00 USD every 1 MONTH" in shown
    assert "Version 2 published, available from 2025-02-01 00:00Z on (prices)." in shown
    versions = gold.json("plan", "show", "gold")["plan"]["versions"]
    assert [each["terms"]["description"] for each in versions] == ["Gold membership"] * 2
    gold.set_clock("2025-02-01")
    assert gold.json("plan", "show", "gold")["plan"]["available"] == 2


def test_the_same_version_again_does_nothing(gold: Terminal) -> None:
    """And another under its number is refused."""
    same = ("plan", "publish", "gold", "--version", "1", *GOLD, "--description", "Gold membership")
    assert "nothing to do" in gold.run(*same, "--price", "31.00").stdout
    refused = gold.run(*same, "--price", "32.00")
    assert (refused.exit_code, refused.stderr.split(":")[0]) == (REFUSED, "plan-version-fixed")


def test_a_plan_or_a_line_may_let_a_second_method_be_tried(gold: Terminal) -> None:
    """Only where it says so; a plan file says it for itself."""
    publish(gold, "45.00", "--backup", "--from", "2025-03-01")
    versions = gold.json("plan", "show", "gold")["plan"]["versions"]
    assert [each["terms"]["backup"] for each in versions] == [False, False, True]
    file = gold.file("customer_id,price,backup\na,19.00,yes\nb,19.00,no\nc,19.00,\n")
    assert gold.json("import", file)["started"] == 3
    backups = [gold.json("show", each)["now"]["terms"]["backup"] for each in "abc"]
    assert backups == [True, False, False]
    terms = gold.file('{"interval": {"unit": "MONTH"}, "description": "x"}')
    both = gold.run("plan", "publish", "gold", "--terms", terms, "--backup", *GOLD[2:])
    assert (both.exit_code, "--backup" in both.stderr) == (USAGE, True)


def test_a_customer_file_may_name_a_plan(gold: Terminal) -> None:
    """With its terms; a line with a price has terms of its own."""
    file = gold.file(
        "customer_id,plan,plan_version,quantity,price,start,zone\n"
        "a,gold,,,,2025-01-01,Europe/Oslo\n"
        "b,gold,1,3,,2025-01-01,Europe/Oslo\n"
        "c,gold,,,19.00,2025-01-01,Europe/Oslo\n"
    )
    assert gold.json("import", file)["started"] == 3
    gold.set_clock("2025-02-01")
    publish(gold, "45.00")
    assert gold.json("import", file)["there_before"] == 3
    terms = [gold.json("show", each)["now"]["terms"] for each in "abc"]
    assert [each["price"]["minor"] for each in terms] == [3100, 3100, 1900]
    assert [each["quantity"] for each in terms] == [1, 3, 1]
    shown = gold.json("plan", "show", "gold")["plan"]["versions"]
    assert [each["subscribers"] for each in shown] == [3, 0, 0]


def test_bad_lines_name_no_plan_of_ours(gold: Terminal) -> None:
    """Every one is listed, and nothing is imported."""
    file = gold.file(
        "customer_id,plan,plan_version,currency\n"
        "a,gold,,\nb,silver,,\nc,gold,9,\nd,gold,2,\ne,,,\nf,gold,,NOK\n"
    )
    ended = gold.run("import", file)
    assert ended.exit_code == REFUSED
    codes = [line.split(": ")[1] for line in ended.stderr.splitlines()[:-1]]
    assert codes == [
        "plan-unknown",
        "plan-version-unknown",
        "plan-version-not-available",
        "value-missing",
        "terms-ambiguous",
    ]
    assert gold.json("info")["head"] == 2


def test_a_move_is_announced_and_carried_out(gold: Terminal) -> None:
    """s-1 is on version 1 since January; the period from 1 March on costs 40.00."""
    file = gold.file("customer_id,plan,start,zone\ns-1,gold,2025-01-01,Europe/Oslo\n")
    gold.run("import", file)
    asked = ("plan", "move", "gold", "--from", "1", "--to", "2", "--on", "2025-03-01")
    reason = ("--reason", "prices")
    dry = gold.json(*asked, "--dry-run", *reason)
    assert dry["subscribers"] == {"once the payer has approved": 1}
    assert gold.json("plan", "show", "gold")["plan"]["moves"] == []
    assert gold.json(*asked, *reason)["changed"] is True
    assert gold.json(*asked, *reason)["changed"] is False
    said = gold.run(*asked, *reason).stdout
    assert "announced before: gold, version 1 to 2 on 2025-03-01" in said
    assert "1 once the payer has approved" in said
    refused = gold.run(
        "plan", "move", "gold", "--from", "2", "--to", "1", "--on", "2025-03-01", *reason
    )
    assert refused.exit_code == REFUSED
    assert refused.stderr.startswith("move-in-a-circle")
    moves = "moves to version 2 of gold with the first period that begins on or after 2025-03-01"
    assert moves in gold.run("show", "s-1").stdout
    withdrawn = gold.json("plan", "withdraw", "gold", "--from", "1", "--to", "2", *reason)
    assert withdrawn["changed"] is True
    assert "moves to version" not in gold.run("show", "s-1").stdout


def test_the_schedule_of_a_plan_shows_its_moves(gold: Terminal) -> None:
    """Two units from 15 January on: 31.00 each, from the period of 15 March on 40.00."""
    asked = ("preview", "schedule", "--plan", "gold", "--start", "2025-01-15", "--count", "4")
    here = ("--zone", "Europe/Oslo", "--quantity", "2")
    before = gold.json(*asked, *here)["items"]
    assert [each["total"]["minor"] for each in before] == [6200] * 4
    move = ("plan", "move", "gold", "--from", "1", "--to", "2", "--on", "2025-03-01")
    assert gold.run(*move, "--reason", "prices").exit_code == DONE
    found = gold.json(*asked, *here)
    assert [each["total"]["minor"] for each in found["items"]] == [6200, 6200, 8000, 8000]
    assert [each["plan_version"] for each in found["items"]] == [1, 1, 2, 2]
    assert found["position"] == gold.json("info")["head"]
    assert "version" in gold.run(*asked, *here).stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("--plan", "tin"), REFUSED, "plan-unknown"),
        (("--plan", "gold@3"), REFUSED, "plan-version-unknown"),
        (("--plan", "gold@2"), REFUSED, "plan-version-not-available"),
        (("--plan", "gold", "--quantity", "0"), REFUSED, "quantity-malformed"),
        (("--plan", "gold@x"), USAGE, "gold@2"),
        (("--plan", "gold", "--price", "9.00"), USAGE, "--price"),
    ],
)
def test_the_schedule_of_a_plan_that_is_none(
    gold: Terminal, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    """As starting on it would be refused; and terms are not said twice."""
    ended = gold.run("preview", "schedule", "--start", "2025-01-15", *arguments)
    assert (ended.exit_code, code in ended.output) == (exit_code, True)


def test_a_retired_plan_is_started_on_by_nobody(gold: Terminal) -> None:
    """Those on it go on."""
    assert (
        gold.run("plan", "retire", "gold", "--at", "2025-01-01", "--reason", "old").exit_code
        == DONE
    )
    assert "to be retired 2025-01-01 00:00Z" in gold.run("plans").stdout
    gold.set_clock("2025-01-01")
    assert "retired 2025-01-01 00:00Z" in gold.run("plans").stdout
    assert gold.json("plans")["items"][0]["available"] is None
    ended = gold.run("import", gold.file("customer_id,plan\na,gold\n"))
    assert (ended.exit_code, "plan-retired" in ended.stderr) == (REFUSED, True)


def test_unknown_plans_and_bad_days(terminal: Terminal) -> None:
    """One line, and the exit code says which kind of wrong it is."""
    terminal.set_clock("2025-01-01")
    assert terminal.run("plan", "show", "gold").exit_code == REFUSED
    assert terminal.run("plans").exit_code == DONE
    bad = ("plan", "move", "gold", "--from", "1", "--to", "2", "--on", "soon", "--reason", "x")
    assert terminal.run(*bad).exit_code == USAGE
    assert terminal.json("plans")["items"] == []


def test_books_with_a_catalogue_are_clean(gold: Terminal) -> None:
    """Audited, and rebuilt."""
    gold.run("import", gold.file("customer_id,plan\na,gold\n"))
    assert gold.json("audit")["verdict"] == "clean"
    assert gold.run("rebuild").exit_code == DONE
    assert gold.json("audit")["verdict"] == "clean"
    assert [each["plan"] for each in gold.json("plans")["items"]] == ["gold"]
