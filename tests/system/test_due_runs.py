"""Due runs over a real ledger. 31.00 USD a month, prepaid, from 1 January 2025 in Oslo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.due_runs.events import DueRunEnded
from domain.identity import due_run_stream
from domain.money import Money
from infrastructure.audit import audit_books
from infrastructure.bootstrap import System
from infrastructure.commands import due_runs
from infrastructure.commands.deciding import StreamBusy
from infrastructure.commands.due_runs import Begun, begin_run, end_run
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.store.books import Books
from projections.due_runs import RunReport, check_run
from tests.api.billing import FEB_1, JAN_1, JAN_11, music, work
from tests.replies import Reply
from tests.specimens import signed_up
from tests.systems import project, system_over, write


@pytest.fixture
def system(books: Books) -> Iterator[System]:
    """Two that are billed from 1 January on; it is 11 January, and nobody has worked."""
    with system_over(books) as made:
        made.clock.now = JAN_11  # type: ignore[attr-defined]
        write(made, signed_up(music(), start=JAN_1), "s-1")
        write(made, signed_up(music(), start=JAN_1, subscription_id="s-2"), "s-2")
        project(made)
        yield made


def checked(system: System, run: Begun) -> RunReport:
    """The run, derived from the log."""
    project(system)
    row = system.views.get("due_runs", str(run.run_id)).row
    assert row is not None
    return check_run(system.ledger.read_log(0, 10_000), row)  # type: ignore[arg-type]


def outcomes(report: RunReport) -> list[tuple[str, int, str, str]]:
    return [(*each.key, each.outcome.value, each.reason) for each in report.ends]


def test_a_run_and_its_manifest(system: System) -> None:
    """One is paid, the other nobody has worked: it has no outcome, and the check says so."""
    run = begin_run(system, JAN_11, actor="cli:kari")
    assert [each.key for each in run.found] == [("subscription-s-1", 1), ("subscription-s-2", 1)]
    work(system)
    before = end_run(system, run, actor="cli:kari")
    assert system.ledger.head() == before + 1
    report = checked(system, run)
    assert outcomes(report) == [
        ("subscription-s-1", 1, "charged", ""),
        ("subscription-s-2", 1, "skipped", "no-outcome"),
    ]
    assert report.wrong == ("subscription-s-2 invoice 1 has no outcome",)
    project(system)
    assert audit_books(system.books.connect, system.books.schema, system.ledger).clean


def test_a_second_run_finds_what_is_left(system: System) -> None:
    """What was declined is due again at its retry."""
    write_off = Subscriptions(system, actor="test")
    write_off.cancel("s-2", reason="left")
    project(system)
    first = begin_run(system, JAN_11, actor="cli:kari")
    work(system, Reply.SOFT)
    end_run(system, first, actor="cli:kari")
    assert outcomes(checked(system, first))[0] == ("subscription-s-1", 1, "declined", "")
    second = begin_run(system, JAN_11, actor="cli:kari")
    assert second.found == ()
    end_run(system, second, actor="cli:kari")
    assert checked(system, second).wrong == ()
    third = begin_run(system, FEB_1, actor="cli:kari")
    assert [each.key for each in third.found if each.stream == "subscription-s-1"] == [
        ("subscription-s-1", 1),
        ("subscription-s-1", 2),
    ]


def test_the_end_holds_all_that_was_recorded_before_it(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes while the outcomes are derived: they are derived again."""
    run = begin_run(system, JAN_11, actor="cli:kari")
    work(system)
    real, said = due_runs.ends_of, list[int]()

    def slow(*given: Any) -> Any:
        if len(said) < 3:
            said.append(1)
            Subscriptions(system, actor="test").grant_credit(
                "s-1", Money(100, "USD"), reason="sorry"
            )
        return real(*given)

    monkeypatch.setattr(due_runs, "ends_of", slow)
    before = end_run(system, run, actor="cli:kari")
    (fact,) = system.ledger.read_stream(due_run_stream(run.run_id), 1)
    assert isinstance(fact.event, DueRunEnded)
    assert (fact.position, fact.actor) == (before + 1, "cli:kari")
    assert len(said) == 3

    def never(*given: Any) -> Any:
        Subscriptions(system, actor="test").grant_credit("s-1", Money(100, "USD"), reason="sorry")
        return real(*given)

    other = begin_run(system, JAN_11, actor="cli:kari")
    monkeypatch.setattr(due_runs, "ends_of", never)
    with pytest.raises(StreamBusy):
        end_run(system, other, actor="cli:kari")
    assert checked(system, other).wrong == ("it did not end",)
