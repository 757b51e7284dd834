"""Workers that are killed, stopped and cut off, at every named point and at random ones.

Whatever was done, the house then comes to rest with workers that nothing happens to, and the
oracle finds nothing charged twice, nothing lost and nothing unexplained.
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from domain.providers import Provider
from domain.subscription.events import (
    ChargeAttempted,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
)
from infrastructure.simulators.faults import Fault, FaultPlan
from infrastructure.store.view_table import live_name
from infrastructure.workers.crash_points import (
    AFTER_ANSWER,
    AFTER_INTENT,
    BEFORE_INTENT,
    CRASH_POINTS,
)
from projections.catalogue import PROJECTIONS
from tests.system import oracle
from tests.system.customers import customers
from tests.system.house import House, until


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_at(home: House, point: str) -> None:
    """Two workers die there, one after the other; who follows finds nothing lost, nothing twice."""
    home.sign_up(customers(8, days=2))
    home.plans = [f"{point}:1", f"{point}:3"]
    home.play(days=31)
    home.send_home()
    assert home.killed() == 2
    assert len(home.facts(ChargeSucceeded)) == 16
    oracle.check(home)


def test_F01_killed_before_the_intent(home: House) -> None:
    """Nothing happened; whoever comes next charges once."""
    home.move_in(customers(4))
    home.forward(hours=13)
    home.die_at(BEFORE_INTENT)
    assert not home.facts(ChargeAttempted)
    assert not home.captured()
    recovered(home, charges=4, attempts=4)


def test_F02_killed_after_the_intent(home: House) -> None:
    """It is looked up, not found, and sent under the same key: one charge each."""
    home.move_in(customers(4))
    home.forward(hours=13)
    home.die_at(AFTER_INTENT)
    assert home.facts(ChargeAttempted)
    assert not home.captured()
    recovered(home, charges=4, attempts=4)


def test_F03_killed_after_the_provider_accepted(home: House) -> None:
    """What it took is found, and booked at the provider's time; nobody calls back here."""
    home.move_in(customers(8))
    home.lose_callbacks()
    home.forward(hours=13)
    home.die_at(AFTER_ANSWER)
    taken = home.captured()
    assert taken
    assert not home.facts(ChargeSucceeded)
    home.forward(minutes=10)
    recovered(home, charges=8, attempts=8)
    references = {each.attempt_id: each.reference for each in home.facts(ChargeAttempted)}
    for paid in home.facts(ChargeSucceeded):
        when = home.captured()[references[paid.attempt_id]]
        assert abs((paid.effective_at - when).total_seconds()) < 1
    assert any(paid.evidence == "look-up" for paid in home.facts(ChargeSucceeded))


def test_F04_recovered_after_the_key_window(home: House) -> None:
    """PayPal forgot the key: what it took is found by look-ups alone, nothing is sent again."""
    home.move_in(customers(4, provider=Provider.PAYPAL))
    home.lose_callbacks()
    home.forward(hours=13)
    home.die_at(AFTER_ANSWER)
    taken = home.captured()
    assert taken
    home.forward(hours=7)
    recovered(home, charges=4, days=2)
    paid = {each.attempt_id: each.evidence for each in home.facts(ChargeSucceeded)}
    for attempted in home.facts(ChargeAttempted):
        if attempted.reference in taken:
            assert paid[attempted.attempt_id] == "look-up"


def test_F04_never_sent_and_the_key_window_is_over(home: House) -> None:
    """An open doubt first; proof that nothing was taken later; then a new key."""
    home.move_in(customers(4, provider=Provider.PAYPAL))
    home.forward(hours=13)
    home.die_at(AFTER_INTENT)
    intended = {each.attempt_id for each in home.facts(ChargeAttempted)}
    home.forward(hours=7)
    recovered(home, charges=4, days=2)
    assert intended == {each.attempt_id for each in home.facts(ChargeOutcomeUnknown)}
    assert intended == {each.attempt_id for each in home.facts(ChargeNotMade)}
    assert intended.isdisjoint(each.attempt_id for each in home.facts(ChargeSucceeded))


def test_F05_killed_during_the_commit(home: House) -> None:
    """The server commits what it was given, and nobody is there to hear it."""
    home.move_in(customers(4))
    home.forward(hours=13)
    with home.appends_held():
        worker = home.start_worker()
        until(lambda: home.waiting("append_events") > 0, "the worker's intents")
        worker.kill()
        assert not home.facts(ChargeAttempted)
    until(lambda: len(home.facts(ChargeAttempted)) > 0, "the dead worker's commit")
    recovered(home, charges=4, attempts=4)


def test_F17_connection_lost_while_appending(home: House) -> None:
    """The writer asks again under the same event ids, and writes once."""
    home.move_in(customers(4))
    home.forward(hours=13)
    with home.appends_held():
        home.start_worker()
        until(lambda: home.waiting("append_events") > 0, "the worker's intents")
        assert home.cut_connections(of="append_events") > 0
        until(lambda: home.waiting("append_events") > 0, "the worker to ask again")
    recovered(home, charges=4, attempts=4)


def test_F17_connections_lost_again_and_again(home: House) -> None:
    """Everybody's, ours too, at random moments of a month."""
    home.sign_up(customers(12, days=3))
    moments = Moments(random.Random(17), count=10, between=(0.1, 0.8))
    home.watch = lambda: moments.now() and home.cut_connections()
    home.play(days=31)
    assert moments.left < 10
    home.watch = lambda: None
    recovered(home, charges=24)
    assert home.killed() == 0


def test_F19_two_workers_on_one_due_run(home: House) -> None:
    """Both take part, and each item is one worker's."""
    home.move_in(customers(40))
    owners = set()

    def look() -> None:
        owners.update(home.column("SELECT owner FROM work WHERE owner IS NOT NULL"))

    for controls in home.controls.values():
        controls.faults.hang_s = 0.5
        controls.faults.shares = {Fault.LOST_ANSWER: 0.3}
    home.crowd, home.watch = 2, look
    home.play(days=5)
    assert len(owners) == 2
    recovered(home, charges=40, attempts=40)


def test_F20_worker_that_slept_after_its_intent(home: House) -> None:
    """Its lease ends, another worker charges; awake again it finds out and sends nothing."""
    home.move_in(customers(4))
    home.lose_callbacks()
    home.forward(hours=13)
    with home.projected():
        with home.appends_held():
            sleeper = home.start_worker()
            until(lambda: home.waiting("append_events") > 0, "the worker's intents")
            sleeper.process.send_signal(signal.SIGSTOP)
        until(lambda: len(home.facts(ChargeAttempted)) == 4, "the sleeper's commit")
        home.crowd = 2
        home.play(days=1)
        assert len(home.facts(ChargeSucceeded)) == 4
        sleeper.process.send_signal(signal.SIGCONT)
        until(lambda: sleeper.said().count("lease lost") == 4, "the sleeper to find out")
    recovered(home, charges=4, attempts=4)


def test_F20_worker_that_slept_during_its_calls(home: House) -> None:
    """The provider took the money; another worker books it; the answer then comes too late."""
    home.move_in(customers(4))
    home.forward(hours=13)
    for controls in home.controls.values():
        controls.faults.hang_s = 0.5
        controls.faults.shares = {Fault.LOST_ANSWER: 1.0}
    with home.projected():
        sleeper = home.start_worker()
        until(lambda: len(home.captured()) > 0, "the first money")
        sleeper.process.send_signal(signal.SIGSTOP)
        home.crowd = 2
        home.play(days=1)
        sleeper.process.send_signal(signal.SIGCONT)
        home.play(days=1)
    recovered(home, charges=4, attempts=4)


def test_F20_worker_that_sleeps_while_it_leads_the_projections(home: House) -> None:
    """Its session ends by itself, another worker leads, and billing goes on."""
    home.move_in(customers(4))
    home.play(days=2)
    (sleeper,) = home.alive()
    sleeper.process.send_signal(signal.SIGSTOP)
    home.crowd = 2
    home.play(days=30)
    sleeper.process.send_signal(signal.SIGCONT)
    recovered(home, charges=8, attempts=8)


def test_asked_to_end_it_finishes_what_is_in_flight(home: House) -> None:
    """SIGTERM in the middle of calls: answers are awaited and booked, everything is given back."""
    home.move_in(customers(8))
    home.lose_callbacks()
    home.forward(hours=13)
    for controls in home.controls.values():
        controls.faults.hang_s = 1.0
        controls.faults.shares = {Fault.LOST_ANSWER: 1.0}
    worker = home.start_worker()
    until(lambda: len(home.captured()) > 0, "the first money")
    assert worker.end() == 0, worker.said()
    assert home.leased() == 0
    attempted = {each.attempt_id for each in home.facts(ChargeAttempted)}
    assert attempted == {each.attempt_id for each in home.facts(ChargeOutcomeUnknown)}
    recovered(home, charges=8, days=2)


def test_F27_killed_in_the_middle_of_a_batch_of_rows(home: House) -> None:
    """Rows of one projection are written, those of another are not; then all or none are there."""
    home.move_in(customers(4))
    home.forward(hours=13)
    last = live_name(PROJECTIONS[-1])
    with home.held(f"LOCK TABLE {last} IN EXCLUSIVE MODE"):
        worker = home.start_worker()
        until(lambda: home.waiting(last) > 0, "a batch to be in the middle")
        worker.kill()
    recovered(home, charges=4, attempts=4)


def test_F28_several_runners_of_the_projections(home: House) -> None:
    """Two workers and this process want to lead; one does, and the last takes over."""
    home.sign_up(customers(8, days=2))
    third = home.system.projection_runner()
    home.crowd, home.watch = 2, lambda: third.run_once(home.now)
    home.play(days=3)
    home.workers[0].kill()
    home.play(days=28)
    home.watch = lambda: None
    home.send_home()
    third.catch_up(home.now)
    assert third.leads()
    third.close()
    recovered(home, charges=16)


@pytest.mark.parametrize("seed", range(1, 11) if os.environ.get("BILLING_LONG") else [1])
def test_killed_at_random_moments(home: House, seed: int) -> None:
    """Both workers, again and again, for months in which the providers misbehave as well."""
    for controls in home.controls.values():
        controls.faults = FaultPlan.from_seed(seed)
    home.sign_up(customers(36, days=9))
    moments = Moments(random.Random(seed), count=7, between=(0.5, 2.5))
    chance = random.Random(seed)
    home.crowd = 2
    home.watch = lambda: moments.now() and chance.choice(home.alive()).kill()
    home.play(days=92)
    home.watch = lambda: None
    assert home.killed() >= 3
    home.crowd = 1
    home.play(days=12)
    home.send_home()
    oracle.check(home)


class Moments:
    """Random moments in real time. left: how many are to come. between: seconds apart."""

    def __init__(self, chance: random.Random, *, count: int, between: tuple[float, float]) -> None:
        self._chance, self._between, self.left = chance, between, count
        self._next = time.monotonic() + chance.uniform(*between)

    def now(self) -> bool:
        """Whether one has come."""
        if self.left == 0 or time.monotonic() < self._next:
            return False
        self.left -= 1
        self._next = time.monotonic() + self._chance.uniform(*self._between)
        return True


def recovered(home: House, *, charges: int, attempts: int | None = None, days: float = 1) -> None:
    """With workers that nothing happens to, all comes to rest, and the oracle agrees."""
    home.crowd = 1
    home.play(days=days)
    home.send_home()
    assert len(home.facts(ChargeSucceeded)) == charges
    if attempts is not None:
        assert len(home.facts(ChargeAttempted)) == attempts
    oracle.check(home)
