"""The command line on real books: what it prints, and how it ends."""

from __future__ import annotations

import pytest

from infrastructure.cli.exits import DONE, INCOMPLETE, REFUSED, UNREACHABLE, USAGE
from infrastructure.cli.main import COMMANDS
from projections.catalogue import PROJECTIONS
from tests.cli.conftest import CLIENT_SECRET, Terminal

TWO = "customer_id,price,months,state\na-1,10.00,2,Oslo\na-2,20.50,0,Bergen\n"
NOBODY = "5a0d8f0c-7b1e-4f4e-9a44-0f8a4d1f5c11"


@pytest.fixture
def opened(terminal: Terminal) -> Terminal:
    """Two customers started on 1 January 2025."""
    terminal.set_clock("2025-01-01")
    assert terminal.run("import", terminal.file(TWO), "--end", "2025-01-01").exit_code == DONE
    return terminal


def test_import_starts_once(opened: Terminal) -> None:
    """The same file again finds everything there, and no token is asked for twice."""
    again = opened.json("import", str(opened.folder / "customers.csv"), "--end", "2025-01-01")
    assert (again["started"], again["there_before"], again["problems"]) == (0, 2, [])
    assert opened.json("info")["head"] == 4


def test_import_lists_every_bad_line_and_starts_nothing(terminal: Terminal) -> None:
    """With --skip-bad the good ones are started."""
    terminal.set_clock("2025-01-01")
    file = terminal.file("customer_id,price\na-1,x\na-2,1.00\na 3,1.00\n")
    result = terminal.run("import", file)
    assert result.exit_code == REFUSED
    assert "customers.csv:2: money-not-decimal" in result.stderr
    assert "customers.csv:4: id-malformed" in result.stderr
    assert "file-has-bad-lines" in result.stderr
    assert terminal.json("info")["head"] == 0
    assert terminal.run("import", file, "--skip-bad").exit_code == DONE
    assert terminal.json("info")["head"] == 2


def test_import_passes_over_who_has_left(terminal: Terminal) -> None:
    """Nobody who has left is asked to approve, unless that is wanted."""
    terminal.set_clock("2025-01-01")
    file = terminal.file("customer_id,price,churned\na-1,1.00,Yes\na-2,1.00,No\n")
    assert terminal.json("import", file)["started"] == 1
    assert terminal.run("show", "a-1").exit_code == REFUSED
    assert terminal.json("import", file, "--with-churned")["started"] == 1


def test_import_says_which_other_terms_stand(opened: Terminal) -> None:
    """A changed price is another agreement; the other lines are started all the same."""
    file = opened.file("customer_id,price,months\na-1,11.00,2\na-9,1.00,0\n")
    result = opened.run("import", file, "--end", "2025-01-01")
    assert result.exit_code == REFUSED
    assert "line 2: subscription-exists" in result.stderr
    assert opened.run("show", "a-9").exit_code == DONE


def test_readings_agree(opened: Terminal) -> None:
    """What is due, what waits, and where the books stand."""
    due = opened.json("due")
    assert due["position"] == 4
    assert {item["subscription_id"] for item in due["items"]} == {"a-1", "a-2"}
    assert opened.json("due", "--until", "2024-12-31")["items"] == []
    assert opened.json("balances") == {"items": [], "position": 4, "totals": {}}
    none = {"items": [], "position": 4, "told": []}
    assert opened.json("charges", "--status", "unknown") == none
    assert opened.json("inbox")["pending"] == 0
    info = opened.json("info")
    assert (info["head"], info["projections"]["due_dates"]) == (4, 4)
    assert CLIENT_SECRET not in opened.run("info").output


def test_tables_are_for_people(opened: Terminal) -> None:
    """The same readings without --json."""
    assert "ask for an approval page" in opened.run("due").stdout
    assert "valid at position 4" in opened.run("charges").stdout
    shown = opened.run("show", "a-1").stdout
    assert "Started for customer a-1 with plan standard version 1: 10.00 USD" in shown
    assert "waits for the first token" in shown


def test_cancel_is_quiet_on_a_repeat(opened: Terminal) -> None:
    """And the fact names who did it."""
    first = opened.json("cancel", "a-1", "--reason", "left")
    second = opened.json("cancel", "a-1", "--reason", "left")
    assert (first["changed"], second["changed"]) == (True, False)
    entry = opened.json("show", "a-1")["timeline"][-1]
    assert (entry["actor"], entry["cause"]) == ("cli:tester", "command:cancel")


def test_token_without_a_worker_is_incomplete(opened: Terminal) -> None:
    """The request is written; there is no link to print."""
    result = opened.run("token", "a-1", "--wait-s", "0")
    assert (result.exit_code, result.stdout) == (INCOMPLETE, "")
    assert "no-page-yet" in result.stderr


def test_erase_waits_until_nothing_needs_the_token(opened: Terminal) -> None:
    """Refused while billed; done once; quiet after that."""
    refused = opened.run("erase", "a-1", "--yes")
    assert (refused.exit_code, "customer-still-billed" in refused.stderr) == (REFUSED, True)
    opened.run("cancel", "a-1", "--reason", "left")
    assert opened.json("erase", "a-1", "--yes")["erased"] is True
    assert opened.json("erase", "a-1", "--yes")["erased"] is False
    assert opened.run("erase", "a-1").exit_code == 1, "asks, and nobody says yes"


def test_resolve_wants_one_answer_and_a_doubt(opened: Terminal) -> None:
    """Neither both nor none; and nothing for an attempt that is not there."""
    both = ("--received", "1", "--not-made")
    assert opened.run("resolve", NOBODY, "--reason", "x").exit_code == USAGE
    assert opened.run("resolve", NOBODY, *both, "--reason", "x").exit_code == USAGE
    result = opened.run("resolve", NOBODY, "--not-made", "--reason", "x")
    assert (result.exit_code, "attempt-unknown" in result.stderr) == (REFUSED, True)


def test_audit_and_rebuild_of_sound_books(opened: Terminal) -> None:
    """Clean before and after a rebuild."""
    assert opened.json("audit")["verdict"] == "clean"
    rebuilt = opened.json("rebuild", "due_dates")["rebuilt"]
    assert rebuilt == [{"projection": "due_dates", "position": 4, "rows": 2, "parked": []}]
    # Every projection, the journal, and the attempts on cards.
    assert len(opened.json("rebuild")["rebuilt"]) == len(PROJECTIONS) + 2
    assert opened.run("audit").stdout.startswith("audit of")


def test_run_moves_a_stepping_clock_to_the_date(opened: Terminal) -> None:
    """With nobody billed there is nothing to do on the way."""
    for subscription in ("a-1", "a-2"):
        opened.run("cancel", subscription, "--reason", "left")
    answer = opened.json("run", "--until", "2025-02-01T00:00:00Z")
    assert (answer["until"], answer["unknown"]) == ("2025-02-01T00:00:00Z", 0)
    assert opened.json("clock")["now"] == "2025-02-01T00:00:00Z"


def test_run_by_the_machines_clock_needs_a_date_that_has_come(terminal: Terminal) -> None:
    """Nobody is billed in advance."""
    result = terminal.run("run", "--until", "2999-01-01", BILLING_CLOCK="system")
    assert (result.exit_code, "date-in-the-future" in result.stderr) == (USAGE, True)
    assert terminal.run("clock", "--set", "2025-01-01", BILLING_CLOCK="system").exit_code == USAGE
    ended = terminal.run("run", "--until", "2025-01-01", BILLING_CLOCK="system")
    assert ended.exit_code == DONE, ended.output


# --- how commands end -------------------------------------------------------------------------


def test_foreseen_errors_are_one_line_with_a_code(terminal: Terminal) -> None:
    """No traceback for what can be expected."""
    cases = [
        (terminal.run("--schema", "no;schema", "due"), USAGE, "settings"),
        (terminal.run("--config", "/nowhere.toml", "due"), USAGE, "settings"),
        (terminal.run("due", BILLING_MASTER_KEY="short"), USAGE, "settings"),
        (terminal.run("due", BILLING_CLOCK="sundial"), USAGE, "settings"),
        (
            terminal.run("due", BILLING_DATABASE_URL="postgresql://127.0.0.1:9/x"),
            UNREACHABLE,
            "database-unreachable",
        ),
        (terminal.run("serve", "--host", "0.0.0.0"), USAGE, "settings"),
        (terminal.run("show", "nobody"), REFUSED, "subscription-unknown"),
        (terminal.run("show", "no body"), REFUSED, "id-malformed"),
        (terminal.run("due"), 1, "clock-jumped"),
        (
            terminal.run("simulate", "paypal", "--port", "0", "--faults", "gremlins"),
            USAGE,
            "fault-plan-malformed",
        ),
        (
            terminal.run("simulate", "paypal", "--port", "0", "--validation", "strict"),
            USAGE,
            "usage",
        ),
    ]
    for result, exit_code, code in cases:
        assert (result.exit_code, result.stderr.split(":")[0]) == (exit_code, code), result.output
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""


def test_wrong_master_key_is_told_before_anything_is_done(opened: Terminal) -> None:
    """Tokens sealed with one key are not mixed with those of another."""
    opened.run("cancel", "a-1", "--reason", "left")
    assert opened.run("erase", "a-1", "--yes").exit_code == DONE
    other = "b" * 43 + "="
    result = opened.run("erase", "a-1", "--yes", BILLING_MASTER_KEY=other)
    assert (result.exit_code, result.stderr.split(":")[0]) == (USAGE, "master-key-wrong")


def test_unforeseen_errors_are_not_hidden(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug shows as one."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("infrastructure.cli.context.Chosen.settings", broken)
    assert isinstance(terminal.run("due").exception, ZeroDivisionError)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_its_exit_codes(terminal: Terminal, command: str) -> None:
    """Without settings, without a database."""
    result = terminal.run(command, "--help", BILLING_CONFIG="/nowhere.toml")
    assert result.exit_code == DONE
    assert "Exit codes: 0 done or clean" in " ".join(result.output.split())


def test_wrong_usage_is_2(terminal: Terminal) -> None:
    """As click has it."""
    for arguments in (("nothing",), ("due", "--until", "soon"), ("charges", "--status", "odd")):
        assert terminal.run(*arguments).exit_code == USAGE
