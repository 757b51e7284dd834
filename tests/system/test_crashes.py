"""Workers that are killed, stopped and cut off, at every named point and at random ones.

Whatever was done, the house then comes to rest with workers that nothing happens to, and the
oracle finds nothing charged twice, nothing lost and nothing unexplained.
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from domain.providers import Provider
from domain.subscription.events import (
    ChargeAttempted,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
)
from infrastructure.simulators.faults import Fault, FaultPlan
from infrastructure.workers.crash_points import (
    AFTER_ANSWER,
    AFTER_INTENT,
    BEFORE_INTENT,
    CRASH_POINTS,
)
from tests.system import oracle
from tests.system.customers import customers
from tests.system.house import House
from tests.system.recovery import Moments, recovered
from tests.waiting import until


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_at(home: House, point: str) -> None:
    """A worker dies there the second time it comes by; who follows finds nothing lost or twice."""
    home.sign_up(customers(8, days=2))
    home.plans, home.helped = [f"{point}:2"], True
    home.play(days=31)
    home.send_home()
    assert home.killed() == 1
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
    """What it took is found, and booked at the provider's time; nobody calls back here.

    By look-up at a provider that shows a charge at once; PayPal's comes by its own key again.
    """
    home.move_in(customers(8, provider=Provider.DINTERO))
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
    """Its lease ends, another worker charges; awake again it finds out and sends nothing.

    Wallets: no place in a card's budget is taken first, so all intents are in one append.
    """
    home.move_in(customers(4, provider=Provider.PAYPAL))
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


@pytest.mark.parametrize("seed", range(1, 11) if os.environ.get("BILLING_LONG") else [1])
def test_killed_at_random_moments(home: House, seed: int) -> None:
    """Both workers, again and again, for months in which the providers misbehave as well."""
    for controls in home.controls.values():
        controls.faults = FaultPlan.from_seed(seed)
    home.sign_up(customers(32, days=8))
    moments = Moments(random.Random(seed), count=6, between=(0.5, 2.5))
    chance = random.Random(seed)
    home.crowd = 2
    home.watch = lambda: moments.now() and chance.choice(home.alive()).kill()
    home.play(days=62)
    home.watch = lambda: None
    assert home.killed() >= 3
    home.send_home()
    with home.helper():
        home.play(days=12)
    oracle.check(home)
