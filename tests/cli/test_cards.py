"""Cards on the command line: how often they were tried, which expire, and the backup."""

from __future__ import annotations

import os
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.budgets import budgets_of, instrument_key
from domain.identity import stream_of
from domain.processes.places import Place
from domain.providers import Provider
from domain.recorded import Stamp
from infrastructure.bootstrap import running_system
from infrastructure.cli.exits import DONE, INCOMPLETE, REFUSED, USAGE
from infrastructure.settings import read_settings
from infrastructure.store.ledger import Append
from tests.cli.conftest import Terminal
from tests.domain.stages import invoiced
from tests.specimens import CARD, DUE, started

KEY = instrument_key(Provider.DINTERO, "main", "c-1", CARD, "")


@pytest.fixture
def billed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """s-1 on a Visa card of 2029-04, with two attempts on it; s-2 without any token."""
    terminal.set_clock("2024-01-31")
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)
    with running_system(read_settings(dict(os.environ), None)) as system:
        stories = {"s-1": invoiced(provider=Provider.DINTERO).facts}
        stories["s-2"] = (started(subscription_id="s-2"),)
        for name, facts in stories.items():
            stamp = Stamp(actor="test", cause="given", command_id=uuid4())
            system.ledger.append([Append(stream_of(name), 0, facts, stamp)], now=DUE)
        places = [
            Place(
                attempt_id=uuid4(),
                instrument=KEY,
                network="visa",
                provider=Provider.DINTERO,
                attempted_at=DUE - number * timedelta(minutes=1),
                budgets=budgets_of("visa", Provider.DINTERO),
            )
            for number in range(2)
        ]
        assert system.attempts.reserve(places) == [None, None]
    return terminal


def test_attempts_show_what_is_used_and_when_the_next_is_free(billed: Terminal) -> None:
    """By subscription and by key: the same count, for people and for programs."""
    shown = billed.run("attempts", "s-1")
    assert shown.exit_code == DONE, shown.output
    assert "primary Visa card 1111 2029-04" in shown.stdout
    assert "next attempt: now" in shown.stdout
    assert "2 of 20" in shown.stdout
    assert "2 of 15" in shown.stdout
    (use,) = billed.json("attempts", "s-1")["items"]
    assert (use["key"], use["next_free_at"]) == (KEY, None)
    (same,) = billed.json("attempts", "--instrument", KEY)["items"]
    assert same["budgets"] == use["budgets"]
    assert same["attempts"] == use["attempts"]


def test_attempts_of_nothing(billed: Terminal) -> None:
    """No method yet; a key and a subscription that are not there; neither or both given."""
    assert "no payment method yet" in billed.run("attempts", "s-2").stdout
    assert billed.run("attempts", "s-9").exit_code == REFUSED
    assert billed.run("attempts", "--instrument", "nobody").exit_code == REFUSED
    assert billed.run("attempts").exit_code == USAGE
    assert billed.run("attempts", "s-1", "--instrument", KEY).exit_code == USAGE


def test_expiring_cards_are_listed_and_shown_in_words(billed: Terminal) -> None:
    """44 days before, and once it has expired: it is tried all the same."""
    assert billed.json("expiring")["items"] == []
    (card,) = billed.json("expiring", "--days", "3650")["items"]
    assert (card["subscription_id"], card["last_day"]) == ("s-1", "2029-04-30")
    billed.set_clock("2029-03-17")
    assert "2029-04-30" in billed.run("expiring").stdout
    assert billed.run("expiring", "--days", "43").stdout.count("s-1") == 0
    assert "the primary card Visa 1111 expires on 2029-04-30, in 44 days" in (
        billed.run("show", "s-1").stdout
    )
    billed.set_clock("2029-05-02")
    assert "it is tried all the same" in billed.run("show", "s-1").stdout


def test_a_backup_is_asked_for(billed: Terminal) -> None:
    """The request is written; without a worker there is no page yet. Not of nothing."""
    asked = billed.run("token", "s-1", "--backup", "--wait-s", "0")
    assert asked.exit_code == INCOMPLETE
    assert "Token request 2 (backup: requested by hand)" in billed.run("show", "s-1").stdout
    other = billed.run("token", "s-1", "--wait-s", "0")
    assert other.exit_code == REFUSED
    assert "token-request-open" in other.stderr
    nothing = billed.run("token", "s-2", "--backup", "--wait-s", "0")
    assert nothing.exit_code == REFUSED
    assert "first-method-missing" in nothing.stderr


def test_the_backup_is_a_term(billed: Terminal) -> None:
    """Agreed to from the next period on."""
    changed = billed.run("change", "s-1", "--backup", "--at-period-end", "--reason", "safer")
    assert changed.exit_code == DONE, changed.output
    assert billed.json("show", "s-1")["now"]["terms"]["backup"] is True


def test_the_ledger_of_attempts_is_rebuilt(billed: Terminal) -> None:
    """By its own name, or with all the others; the places are old and no attempt ever used them."""
    billed.set_clock("2024-03-01")
    assert "attempts: 0 rows" in billed.run("rebuild", "attempts").stdout
    assert billed.run("attempts", "--instrument", KEY).exit_code == REFUSED
    names = [each["projection"] for each in billed.json("rebuild")["rebuilt"]]
    assert names[-1] == "attempts"
