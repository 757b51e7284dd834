"""`billing runs` from a shell: the run of `billing run` is listed, and checked."""

from __future__ import annotations

from uuid import uuid4

from infrastructure.cli.exits import DIFFERENT, DONE, USAGE
from infrastructure.commands.due_runs import begin_run
from tests.cli.conftest import Terminal
from tests.cli.test_changing import begin, books_of, music
from tests.systems import project


def test_a_run_is_listed_and_checked(terminal: Terminal) -> None:
    """With nobody to bill nothing is found due; the run ends all the same."""
    begin(terminal, music())
    terminal.run("cancel", "s-1", "--reason", "left")
    run = terminal.json("run", "--until", "2025-03-01T00:00:00Z")["run"]
    (item,) = terminal.json("runs")["items"]
    assert (item["run"], item["found"], item["charged"]) == (run, 0, 0)
    assert item["ended_at"] is not None
    told = terminal.json("runs", "check", run)
    assert (told["sound"], told["items"]) == (True, [])
    assert run in terminal.run("runs").stdout
    assert terminal.run("runs", "check", run).stdout.endswith("sound: 0 found due, 0 in all\n")
    assert terminal.run("runs", "check", str(uuid4())).exit_code == USAGE
    assert terminal.run("audit").exit_code == DONE


def test_a_run_that_did_not_end_is_wrong(terminal: Terminal) -> None:
    """What it found due has no outcome."""
    begin(terminal, music())
    terminal.set_clock("2025-02-02")
    with books_of(terminal) as system:
        project(system)
        run = begin_run(system, system.clock(), actor="cli:tester")
    assert [each.invoice_number for each in run.found] == [2]
    result = terminal.run("runs", "check", str(run.run_id))
    assert result.exit_code == DIFFERENT
    assert "WRONG: it did not end" in result.stdout
    assert "did not end" in terminal.run("runs").stdout
