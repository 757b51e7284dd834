"""Periods closed over a real ledger: while others write, twice, and after a lost answer.

31.00 USD a month, prepaid, from 1 January 2025 in Oslo; days of the books end there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.identity import period_stream
from domain.money import Money
from domain.periods.closing import Wish
from domain.periods.events import PeriodClosed
from domain.periods.months import last_day
from domain.recorded import Recorded
from domain.refusals import Refused
from infrastructure.books.reading import KnownJournal
from infrastructure.bootstrap import System
from infrastructure.commands import periods
from infrastructure.commands.deciding import Done
from infrastructure.commands.periods import Periods
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.store.books import Books
from infrastructure.store.ledger import Poison
from projections.account_sums import Known, sums
from projections.period_sums import digest_of
from tests.api.billing import JAN_1, work
from tests.cli.test_changing import music
from tests.specimens import signed_up
from tests.systems import project, system_over, write

FEB_3 = datetime(2025, 2, 3, 9, tzinfo=UTC)


@pytest.fixture
def system(books: Books) -> Iterator[System]:
    """January is billed and paid; it is 3 February."""
    with system_over(books, cut_off_zone="Europe/Oslo") as made:
        made.clock.now = datetime(2025, 1, 11, tzinfo=UTC)  # type: ignore[attr-defined]
        write(made, signed_up(music(), start=JAN_1))
        work(made)
        made.clock.now = FEB_3  # type: ignore[attr-defined]
        yield made


def wish(period: str = "2025-01", by: str = "kari") -> Wish:
    return Wish(period=period, by=by, reason="month end")


def commands(system: System) -> Periods:
    return Periods(system, actor="cli:kari")


def sealed(system: System, period: str = "2025-01") -> Recorded[PeriodClosed]:
    """The last seal."""
    facts = system.ledger.read_stream(period_stream(period))
    return [each for each in facts if isinstance(each.event, PeriodClosed)][-1]


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def balances(system: System, period: str, known_at: int | None = None) -> str:
    """The digest of all balances by the end of a period."""
    known = Known(as_of=last_day(period), zone="Europe/Oslo")
    return digest_of(sums(KnownJournal(system.ledger, known_at), known))


def give(system: System, minor: int = 500, *, at: datetime | None = None) -> Done:
    """Give credit, effective at an instant."""
    if at is not None:
        system.clock.now = at  # type: ignore[attr-defined]
    done = Subscriptions(system, actor="test").grant_credit("s-1", usd(minor), reason="outage")
    system.clock.now = FEB_3  # type: ignore[attr-defined]
    return done


def test_a_close_seals_january_and_is_quiet_again(system: System) -> None:
    """31.00 were billed, paid and earned."""
    head = system.ledger.head()
    done = commands(system).close(wish())
    assert done == Done(position=head + 1, changed=True)
    seal = sealed(system).event
    assert (seal.position, seal.zone, seal.entries) == (head, "Europe/Oslo", 2)
    figures = {each.role: (each.opening, each.debits, each.credits) for each in seal.totals}
    assert figures == {
        "clearing": (0, 3100, 0),
        "deferred": (0, 3100, 3100),
        "receivable": (0, 3100, 3100),
        "revenue": (0, 0, 3100),
    }
    assert seal.digest == balances(system, "2025-01")
    assert len(seal.head_hash) == 64
    assert commands(system).close(wish(by="ola")) == Done(position=head + 1, changed=False)
    project(system)
    row = system.views.get("periods", "2025-01").row
    assert row is not None
    assert (row.standing, row.sealed) == ("closed", seal)


def test_a_command_given_again_is_known(system: System) -> None:
    """By its id, whatever the period is now."""
    by, key = commands(system), UUID(int=7)
    first = by.close(wish(), command_id=key)
    assert by.close(wish(), command_id=key) == first
    by.ask_reopening(wish())
    by.reopen(wish(by="ola"))
    assert by.close(wish(), command_id=key) == first
    assert by.find_period("2025-01")[0].standing == "reopened"


def test_what_comes_late_counts_in_february_and_is_linked(system: System) -> None:
    """A credit of 20 January that is recorded when January is closed; January stays, also where it
    is read with what is known later."""
    commands(system).close(wish())
    before = balances(system, "2025-01")
    late = datetime(2025, 1, 20, 9, tzinfo=UTC)
    give(system, at=late)
    entry = list(KnownJournal(system.ledger))[-1]
    assert (entry.belongs_to, str(entry.not_before)) == ("2025-01", "2025-02-01")
    assert balances(system, "2025-01") == before == sealed(system).event.digest
    by = commands(system)
    by.ask_reopening(wish())
    by.reopen(wish(by="ola"))
    # What was routed stays where it is; what comes now counts in January again.
    assert balances(system, "2025-01") == before
    give(system, at=late)
    assert balances(system, "2025-01") != before
    assert list(KnownJournal(system.ledger))[-1].belongs_to == ""
    known = sealed(system).event.position
    assert balances(system, "2025-01", known) == before
    by.close(wish())
    assert sealed(system).event.digest == balances(system, "2025-01") != before


def test_refusals_write_nothing(system: System) -> None:
    """Each with its code."""
    by, head = commands(system), system.ledger.head()
    for code, refused in (
        ("period-not-over", lambda: by.close(wish("2025-02"))),
        ("period-malformed", lambda: by.close(wish("January"))),
        ("period-not-closed", lambda: by.lock(wish())),
        ("period-not-closed", lambda: by.ask_reopening(wish())),
        ("period-unknown", lambda: by.find_period("2025-01")),
    ):
        with pytest.raises(Refused, match=code):
            refused()
    assert system.ledger.head() == head
    by.close(wish("2024-12"))
    system.clock.now = FEB_3 + timedelta(days=60)  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="period-gap"):
        by.close(wish("2025-02"))
    by.close(wish())
    with pytest.raises(Refused, match="period-not-latest"):
        by.ask_reopening(wish("2024-12"))
    by.lock(wish())
    with pytest.raises(Refused, match="period-locked"):
        by.reopen(wish(by="ola"))


def test_reopened_to_the_first_one_they_are_closed_in_order_again(system: System) -> None:
    """No seal of before is left out."""
    by = commands(system)
    for period in ("2024-12", "2025-01"):
        by.close(wish(period))
    for period in ("2025-01", "2024-12"):
        by.ask_reopening(wish(period))
        by.reopen(wish(period, by="ola"))
    with pytest.raises(Refused, match="period-gap"):
        by.close(wish("2025-01"))
    for period in ("2024-12", "2025-01"):
        by.close(wish(period))


def test_another_zone_is_refused(system: System, books: Books) -> None:
    """A setting that was changed does not move the days of closed periods."""
    commands(system).close(wish("2024-12"))
    with system_over(books, cut_off_zone="UTC") as other:
        other.clock.now = FEB_3  # type: ignore[attr-defined]
        with pytest.raises(Refused, match="period-zone-mixed"):
            commands(other).close(wish())


def test_nothing_slips_in_between_the_totals_and_the_seal(
    system: System, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes write all the while: each seal stands right behind the last fact that it
    holds, and its totals are those of a replay up to there."""
    monkeypatch.setattr(periods, "FEW", 2)
    stop, failures = threading.Event(), list[BaseException]()

    def busy(name: str) -> None:
        try:
            with system_over(books) as other:
                number = 0
                while not stop.is_set():
                    number += 1
                    other.clock.now = datetime(2025, 1, 31, 9, tzinfo=UTC)  # type: ignore[attr-defined]
                    write(other, signed_up(music(), start=JAN_1), f"{name}-{number}")
                    work_one(other, f"{name}-{number}")
        except BaseException as error:  # shown below
            failures.append(error)

    threads = [threading.Thread(target=busy, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    by = commands(system)
    for _ in range(5):
        by.close(wish())
        by.ask_reopening(wish())
        by.reopen(wish(by="ola"))
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    facts = system.ledger.read_stream(period_stream("2025-01"))
    seals = [each for each in facts if isinstance(each.event, PeriodClosed)]
    assert len(seals) == 5
    assert len({each.event.digest for each in seals}) > 1
    for each in seals:
        assert each.event.position == each.position - 1
        assert each.event.digest == balances(system, "2025-01", each.event.position)


def test_of_two_who_close_at_once_one_is_quiet(system: System, books: Books) -> None:
    """One seal, whoever was first."""
    done: list[Done] = []

    def one() -> None:
        with system_over(books, cut_off_zone="Europe/Oslo") as other:
            other.clock.now = FEB_3  # type: ignore[attr-defined]
            done.append(commands(other).close(wish()))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.changed for each in done) == [False, False, False, True]
    assert len(system.ledger.read_stream(period_stream("2025-01"))) == 1


def test_a_ledger_that_is_held_takes_nothing(system: System) -> None:
    """And goes on when what was decided under it has failed; nothing is written."""
    head = system.ledger.head()

    def fails(position: int) -> Any:
        assert position == head
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        system.ledger.append_held(fails, now=system.clock())
    assert system.ledger.append_held(lambda _: None, now=system.clock()) is None
    give(system)
    assert not any(isinstance(each, Poison) for each in system.ledger.read_log(0, 1000))


def work_one(system: System, subscription_id: str) -> None:
    """Give credit, so that money moves."""
    Subscriptions(system, actor="test").grant_credit(subscription_id, usd(100), reason="outage")
