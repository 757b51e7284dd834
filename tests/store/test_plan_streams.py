"""A second kind of stream in the one log: order, group commit, projections, and what is poison."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID, uuid5

import pytest

from domain.catalogue.publishing import announce_move, publish
from domain.identity import plan_stream, stream_of
from domain.recorded import Stamp
from infrastructure.audit import audit_books
from infrastructure.store.ledger import Append, Appended, Conflict, Poison, Unreadable
from infrastructure.workers.desk import Desk
from projections.audit import Verdict
from tests.domain.plans import MARCH, NOW, after, gold, version, wish
from tests.specimens import signed_up
from tests.systems import project, system_over

_SPACE = UUID("8d6c7a52-1f5e-4b6c-9a55-4a1f7c0f5a33")


@pytest.fixture
def system(books: Any) -> Any:
    """A system over fresh books."""
    with system_over(books) as made:
        yield made


def stamp(name: str) -> Stamp:
    return Stamp(actor="test", cause="given", command_id=uuid5(_SPACE, name))


def test_plans_and_subscriptions_share_the_log_and_its_commits(system: Any) -> None:
    """Written side by side by many threads: every stream is whole, no position is missing."""
    failures: list[Exception] = []

    def write(number: int) -> None:
        try:
            code, name = f"plan-{number}", f"s-{number}"
            agreed = version(1, plan=code)
            facts = publish(None, wish(1, agreed, plan=code), now=NOW)
            appends = [
                Append(plan_stream(code), 0, facts, stamp(code)),
                Append(stream_of(name), 0, signed_up(agreed, subscription_id=name), stamp(name)),
            ]
            for each in system.ledger.append(appends, now=system.clock()):
                assert isinstance(each, Appended)
        except Exception as error:  # reported below, with its words
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    log = system.ledger.read_log(0, 1000)
    assert [each.position for each in log] == list(range(1, 12 * 5 + 1))
    project(system)
    assert set(system.views.select("plans").rows) == {f"plan-{n}" for n in range(12)}
    assert set(system.views.select("due_dates").rows) == {f"s-{n}" for n in range(12)}
    assert system.views.parked() == {}


def test_of_two_who_publish_at_once_one_is_told(system: Any) -> None:
    """The stream's version decides; a repeat under the same command is known."""
    facts = publish(None, wish(1), now=NOW)
    one = Append(plan_stream("gold"), 0, facts, stamp("one"))
    other = Append(plan_stream("gold"), 0, facts, stamp("other"))
    first, second = system.ledger.append([one, other], now=system.clock())
    assert isinstance(first, Appended)
    assert isinstance(second, Conflict)
    (again,) = system.ledger.append([one], now=system.clock())
    assert again == first


def test_the_stored_plan_is_that_of_its_facts(system: Any) -> None:
    """Read from the stream and from the projection."""
    plan, version_of_stream = None, 0
    for facts in (
        publish(None, wish(1), now=NOW),
        publish(gold(1), wish(2), now=NOW),
        announce_move(gold(2), from_version=1, to_version=2, on=MARCH, reason="prices", now=NOW),
    ):
        append = Append(
            plan_stream("gold"), version_of_stream, facts, stamp(f"c{version_of_stream}")
        )
        assert isinstance(system.ledger.append([append], now=system.clock())[0], Appended)
        plan, version_of_stream = after(plan, *facts), version_of_stream + 1
    assert system.plans.load("gold") == (plan, 3)
    assert system.plans.load("silver") == (None, 0)
    project(system)
    assert system.views.get("plans", "gold").row == plan
    assert audit_books(system.books.connect, system.books.schema, system.ledger).verdict is (
        Verdict.CLEAN
    )


def test_what_was_read_a_moment_ago_is_read_anew_in_time(system: Any) -> None:
    """Half a minute by the books' clock, and never on a clock that has gone back."""
    assert system.plans.recent("gold") is None
    append = Append(plan_stream("gold"), 0, publish(None, wish(1), now=NOW), stamp("late"))
    system.ledger.append([append], now=system.clock())
    system.clock.forward(seconds=29)
    assert system.plans.recent("gold") is None
    system.clock.forward(seconds=1)
    assert system.plans.recent("gold") == gold(1)


def test_a_plan_that_cannot_be_read_stops_its_own_subscribers_only(system: Any) -> None:
    """Whoever bills by it is told; the others of the same batch have theirs."""
    desk: Any = Desk(
        ledger=system.ledger,
        agenda=system.agenda,
        attempts=system.attempts,
        vault=system.vault,
        clock=system.clock,
        actor="worker",
        owner="test",
        lease_s=60,
        plans=_Broken(),
    )
    found = desk._read_plans(["gold", "broken"])
    assert found[0] == gold(1)
    assert isinstance(found[1], Unreadable)


class _Broken:
    """A reader that finds one plan and cannot read the other."""

    def recent(self, code: str) -> Any:
        if code == "gold":
            return gold(1)
        raise Unreadable(Poison(1, plan_stream(code), 1, "plan-melted.v1", "unknown"))
