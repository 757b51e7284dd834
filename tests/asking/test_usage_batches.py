"""Batches of usage: each report by itself, once, whatever comes between."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.refusals import Refused
from infrastructure.commands.deciding import StreamBusy
from infrastructure.commands.subscriptions import Done
from tests.asking.books import AT, NOW, MemoryLedger, books, wish

COMMAND = UUID(int=7)


def told(outcomes: list[Done | Refused]) -> list[str]:
    """Outcomes in words."""
    return [
        each.code if isinstance(each, Refused) else ("accepted" if each.changed else "known")
        for each in outcomes
    ]


def test_many_subscriptions_are_one_load_and_one_append() -> None:
    """Two reports each, out of order; both streams are loaded and written together."""
    ledger, commands = books("s-1", "s-2")
    wishes = [wish("s-1", "a"), wish("s-2", "b"), wish("s-1", "c", quantity=3), wish("s-2", "d")]
    outcomes = commands.report_usage(wishes)
    assert told(outcomes) == ["accepted"] * 4
    assert (ledger.loads, ledger.appends) == ([2], [2])
    assert ledger.counted("s-1") == [("a", 25), ("c", 3)]
    assert ledger.counted("s-2") == [("b", 25), ("d", 25)]


def test_each_report_is_answered_by_itself() -> None:
    """A refused one takes nothing from its neighbours, and outcomes stand at their places."""
    ledger, commands = books("s-1")
    wishes = [
        wish(usage_id="a"),
        wish(usage_id="b", meter="voice"),
        wish("nobody"),
        wish("s 1"),
        wish(usage_id="c", at=NOW + timedelta(hours=1)),
        wish(usage_id="d", at=datetime(2024, 2, 9, 12)),  # noqa: DTZ001 - it has no offset
        wish(usage_id="e", quantity=0),
        wish(usage_id="a"),
        wish(usage_id="a", quantity=26),
        wish(usage_id="f"),
    ]
    assert told(commands.report_usage(wishes)) == [
        "accepted",
        "meter-unknown",
        "subscription-unknown",
        "id-malformed",
        "usage-in-the-future",
        "instant-without-offset",
        "usage-malformed",
        "known",
        "usage-id-reused",
        "accepted",
    ]
    assert ledger.counted("s-1") == [("a", 25), ("f", 25)]


def test_repeat_counts_once() -> None:
    """The same batch again, under the same key and under another."""
    ledger, commands = books("s-1", "s-2")
    wishes = [wish("s-1"), wish("s-2")]
    commands.report_usage(wishes, command_id=COMMAND)
    for key in (COMMAND, None):
        outcomes = commands.report_usage(wishes, command_id=key)
        assert told(outcomes) == ["known", "known"]
        assert {each.position for each in outcomes if isinstance(each, Done)} == {ledger.head()}
    assert ledger.counted("s-1") == [("u-1", 25)]


def test_stream_that_moved_is_decided_anew() -> None:
    """Another caller counts one of the two reports first: it is known, the other is accepted, and
    the other subscription's is not decided again."""
    ledger, commands = books("s-1", "s-2")
    ledger.between = lambda: ledger_first(ledger, commands)
    outcomes = commands.report_usage([wish("s-1", "a"), wish("s-1", "b"), wish("s-2", "c")])
    assert told(outcomes) == ["known", "accepted", "accepted"]
    assert ledger.counted("s-1") == [("a", 25), ("b", 25)]
    assert ledger.loads == [2, 1, 1]


def ledger_first(ledger: MemoryLedger, commands: object) -> None:
    """Another caller's report of the same usage."""
    commands.report_usage([wish("s-1", "a")])  # type: ignore[attr-defined]


def test_refusal_that_a_race_made_wrong_is_decided_anew() -> None:
    """A report's id was another's a moment ago, by what this caller believed."""
    ledger, commands = books("s-1")
    ledger.between = lambda: None
    batch = [wish(usage_id="a"), wish(usage_id="a", quantity=9)]

    def other() -> None:
        commands.report_usage([wish(usage_id="a", quantity=9)])

    ledger.between = other
    assert told(commands.report_usage(batch)) == ["usage-id-reused", "known"]
    assert ledger.counted("s-1") == [("a", 9)]


def test_second_run_of_a_command_does_not_take_the_first_ones_facts_for_its_own() -> None:
    """The first run refused a report as lying in the future; the second, a moment later, takes it
    while the first is being written: all three count, each once."""
    ledger, commands = books("s-1")
    early, late = wish(usage_id="early"), wish(usage_id="late", at=NOW + timedelta(seconds=1))

    def first_run() -> None:
        commands.report_usage([late, early], command_id=COMMAND)

    def second_clock() -> datetime:
        return NOW + timedelta(seconds=2)

    second = books("s-1")[1]
    second._ledger, second._clock = commands._ledger, second_clock
    ledger.between = first_run
    assert told(second.report_usage([late, early], command_id=COMMAND)) == ["accepted", "known"]
    assert sorted(ledger.counted("s-1")) == [("early", 25), ("late", 25)]


def test_gives_up_where_others_are_always_faster() -> None:
    """Nothing is lost: what was counted is known when it is given again."""
    ledger, commands = books("s-1")
    numbers = iter(range(1000))

    def again() -> None:
        ledger.between = None
        commands.report_usage([wish(usage_id=f"other-{next(numbers)}")])
        ledger.between = again

    ledger.between = again
    with pytest.raises(StreamBusy):
        commands.report_usage([wish(usage_id="mine")])


def test_more_than_a_batch() -> None:
    """Two appends for 1,100 reports; every report has its own outcome."""
    ledger, commands = books("s-1")
    wishes = [wish(usage_id=f"u-{number % 1050}", at=AT) for number in range(1100)]
    outcomes = told(commands.report_usage(wishes))
    assert (outcomes.count("accepted"), outcomes.count("known")) == (1050, 50)
    assert (len(ledger.appends), len(ledger.counted("s-1"))) == (2, 1050)


def test_no_report_is_no_append() -> None:
    """An empty list is answered with an empty list."""
    ledger, commands = books("s-1")
    assert commands.report_usage([]) == []
    assert (ledger.loads, ledger.appends) == ([], [])
