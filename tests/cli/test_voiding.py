"""Reservations that are let go, from the command line: due, listed, shown, explained, audited."""

from __future__ import annotations

import pytest

from infrastructure.cli.exits import DONE
from tests.api.billing import work
from tests.cli.conftest import Terminal
from tests.cli.test_changing import books_of
from tests.projections.scenes_of_voids import captured_in_part, letting_go
from tests.replies import Reply
from tests.systems import write


@pytest.fixture
def left(terminal: Terminal) -> Terminal:
    """Cancelled while the first charge was reserved; its void is on the ledger, and not sent."""
    terminal.set_clock("2024-01-31")
    with books_of(terminal) as system:
        write(system, tuple(each.event for each in letting_go().log))
    # Facts that no worker wrote took no place among the attempts on the card.
    assert terminal.run("rebuild", "attempts").exit_code == DONE
    return terminal


def answered(terminal: Terminal, reply: Reply = Reply.YES) -> None:
    """A worker works, and the provider answers so."""
    with books_of(terminal) as system:
        work(system, reply)


def test_let_go(left: Terminal) -> None:
    """What is to be done, and what became of it."""
    assert "let it go" in left.run("due", "--until", "2024-02-01").stdout
    (charge,) = left.json("charges", "--status", "voiding")["items"]
    answered(left)
    (charge,) = left.json("charges", "--status", "voided")["items"]
    assert (charge["received"], charge["evidence"]) == (None, "answer")
    shown = left.run("show", "s-1").stdout
    assert "About to let go of what is reserved" in shown
    assert "What was reserved for invoice 1 is let go" in shown
    explained = left.run("explain", "charge", charge["reference"])
    assert explained.exit_code == DONE, explained.output
    assert "to be let go: the subscription is cancelled" in explained.stdout
    audit = left.run("audit")
    assert audit.exit_code == DONE, audit.output


def test_a_void_in_doubt_can_be_decided_by_a_person(left: Terminal) -> None:
    """As any charge of unknown outcome."""
    answered(left, Reply.UNKNOWN)
    (charge,) = left.json("charges", "--status", "unknown")["items"]
    decided = left.run("resolve", charge["attempt_id"], "--not-made", "--reason", "seen there")
    assert decided.exit_code == DONE, decided.output
    (charge,) = left.json("charges", "--status", "not-made")["items"]
    assert charge["evidence"] == "person: seen there"
    audit = left.run("audit")
    assert audit.exit_code == DONE, audit.output


def test_captured_in_part_is_explained(terminal: Terminal) -> None:
    """199.00 of 299.00, and why."""
    terminal.set_clock("2024-01-31")
    with books_of(terminal) as system:
        write(system, tuple(each.event for each in captured_in_part().log))
        work(system)
    (charge,) = terminal.json("charges")["items"]
    assert charge["received"]["minor"] == 19900
    explained = terminal.run("explain", "charge", charge["reference"])
    assert "199.00 NOK of it captured: all that is open" in explained.stdout
