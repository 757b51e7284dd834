"""The commands that API and command line share: batches, repeats, races."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest

from domain.identity import token_request_id
from domain.money import Money
from domain.refusals import Refused
from domain.subscription.events import When
from domain.subscription.starting import Start
from infrastructure.bootstrap import System
from infrastructure.commands.subscriptions import Done, Subscriptions
from infrastructure.commands.wishes import NewTerms
from infrastructure.store.books import Books
from infrastructure.store.ledger import Append, Appended, Conflict
from tests.specimens import signed_up, wish
from tests.systems import system_over, write

CREDIT = Money(500, "NOK")


@pytest.fixture
def system(books: Books) -> Iterator[System]:
    """A system over fresh books."""
    with system_over(books) as made:
        yield made


@pytest.fixture
def commands(system: System) -> Subscriptions:
    """Commands of a test."""
    return Subscriptions(system, actor="test")


def wishes(count: int) -> list[Start]:
    """Wishes for s-1, s-2, ... with keys of their own."""
    return [
        wish(subscription_id=f"s-{number}", customer_id=f"c-{number}", namespace=uuid4())
        for number in range(1, count + 1)
    ]


def test_batch_is_started_with_tokens(system: System, commands: Subscriptions) -> None:
    """More than fit into one append: every start next to its request."""
    outcomes = commands.start_many(wishes(1100), request_token=True, cause="command:import")
    assert all(isinstance(each, Done) and each.changed for each in outcomes)
    assert system.ledger.head() == 2200
    first, second = system.ledger.read_stream("subscription-s-700")
    assert second.position == first.position + 1
    assert (first.actor, first.cause) == ("test", "command:import")


def test_same_batch_again_starts_nothing_twice(system: System, commands: Subscriptions) -> None:
    """Whatever namespaces are drawn the second time, the first ones stay."""
    first = wishes(3)
    commands.start_many(first, request_token=True)
    again = commands.start_many(wishes(3), request_token=True)
    assert again == [Done(position=6, changed=False)] * 3
    state, _ = commands.find("s-2")
    assert state.namespace == first[1].namespace


def test_bad_wishes_leave_their_neighbours_alone(commands: Subscriptions) -> None:
    """Each outcome stands at its wish's place."""
    outcomes = commands.start_many(
        [
            wish(subscription_id="s-1"),
            wish(subscription_id="s\x00"),
            wish(subscription_id="s-2", account="nobody"),
            wish(subscription_id="s-3"),
        ]
    )
    codes = [each.code if isinstance(each, Refused) else "done" for each in outcomes]
    assert codes == ["done", "id-malformed", "account-unknown", "done"]


def test_one_batch_with_one_id_twice(commands: Subscriptions) -> None:
    """The second is judged by what the first became."""
    same = commands.start_many([wish(), wish(namespace=UUID(int=1))])
    assert same == [Done(position=1, changed=True), Done(position=1, changed=False)]
    _, other = commands.start_many([wish(), wish(zone="UTC")])
    assert isinstance(other, Refused)
    assert other.code == "subscription-exists"


def test_a_start_is_repeated_after_the_account_was_given_up(
    system: System, commands: Subscriptions
) -> None:
    """Quiet: whether that account can be used counts only where something starts."""
    commands.start(wish())
    system.settings = attrs.evolve(system.settings, accounts=())
    without = Subscriptions(system, actor="test")
    assert without.start(wish()) == Done(position=1, changed=False)
    with pytest.raises(Refused, match="no paypal account"):
        without.start(wish(subscription_id="s-2"))


def test_same_command_id_after_a_lost_answer_writes_once(
    system: System, commands: Subscriptions
) -> None:
    """The event ids are the same, and the ledger knows them."""
    command_id = uuid4()
    first = commands.start(wish(), command_id=command_id)
    commands.cancel("s-1", reason="moved", command_id=command_id)
    again = commands.start(wish(), command_id=command_id)
    assert (first.changed, again.changed) == (True, False)
    assert system.ledger.head() == 2


def test_same_credit_after_a_lost_answer_is_written_once(
    system: System, commands: Subscriptions
) -> None:
    """A credit is never quiet by itself: only its command id tells a repeat from another one."""
    commands.start(wish())
    command_id = uuid4()
    first = commands.grant_credit("s-1", CREDIT, reason="sorry", command_id=command_id)
    again = commands.grant_credit("s-1", CREDIT, reason="sorry", command_id=command_id)
    assert again == first
    other = commands.grant_credit("s-1", CREDIT, reason="sorry")
    assert (other.changed, system.ledger.head()) == (True, 3)


def test_F21_credit_at_the_same_time_is_written_once(
    system: System, commands: Subscriptions
) -> None:
    """Eight tries of one command at once, and eight commands: one credit, and eight."""
    commands.start(wish())
    command_id = uuid4()
    with ThreadPoolExecutor(8) as pool:
        same = [
            pool.submit(commands.grant_credit, "s-1", CREDIT, reason="one", command_id=command_id)
            for _ in range(8)
        ]
        others = [
            pool.submit(commands.grant_credit, "s-1", CREDIT, reason="each") for _ in range(8)
        ]
    assert len({each.result().position for each in same}) == 1
    assert len({each.result().position for each in others}) == 8
    state, _ = commands.find("s-1")
    assert state.credits_granted == 9


def test_repeat_does_not_undo_what_came_after_it(system: System, commands: Subscriptions) -> None:
    """Dearer, then cheaper, then the first command again: it was carried out, and stays past."""
    write(system, signed_up())
    command_id = uuid4()
    dearer = NewTerms(price=Money(59900, "NOK"))
    asked: dict[str, Any] = {"when": When.PERIOD_END, "reason": "asked for"}
    first = commands.change_terms("s-1", dearer, **asked, command_id=command_id)
    commands.change_terms("s-1", NewTerms(price=Money(9900, "NOK")), **asked)
    assert commands.change_terms("s-1", dearer, **asked, command_id=command_id) == first
    state, _ = commands.find("s-1")
    assert state.terms.price == Money(9900, "NOK")


def test_F21_change_that_lost_a_race_builds_on_the_winner(
    system: System, commands: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One caller changes the price, the other the quantity: both hold, whoever is first."""
    write(system, signed_up())
    genuine = system.ledger.append
    other = Subscriptions(system, actor="other")
    raced: list[bool] = []

    def late(appends: Sequence[Append], *, now: datetime) -> list[Appended | Conflict]:
        if not raced:
            raced.append(True)
            other.change_terms("s-1", NewTerms(quantity=3), when=When.PERIOD_END, reason="seats")
        return genuine(appends, now=now)

    monkeypatch.setattr(system.ledger, "append", late)
    dearer = NewTerms(price=Money(59900, "NOK"))
    commands.change_terms("s-1", dearer, when=When.PERIOD_END, reason="price")
    state, _ = commands.find("s-1")
    assert (state.terms.price, state.terms.quantity) == (Money(59900, "NOK"), 3)


def test_F21_stream_that_moved_is_decided_anew(
    system: System, commands: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is asked for while another caller cancels: the refusal is about the new state."""
    commands.start(wish())
    genuine = system.ledger.append
    other = Subscriptions(system, actor="other")
    raced: list[bool] = []

    def late(appends: Sequence[Append], *, now: datetime) -> list[Appended | Conflict]:
        if not raced:
            raced.append(True)
            other.cancel("s-1", reason="moved")
        return genuine(appends, now=now)

    monkeypatch.setattr(system.ledger, "append", late)
    with pytest.raises(Refused) as refused:
        commands.request_token("s-1", reason="again")
    assert refused.value.code == "subscription-ended"
    assert system.ledger.head() == 2


def test_F21_many_callers_ask_for_one_token(system: System, commands: Subscriptions) -> None:
    """Sixteen at once: one request, fifteen quiet repeats."""
    commands.start(wish())
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(
            pool.map(lambda n: commands.request_token("s-1", reason=f"call {n}"), range(16))
        )
    assert sum(each.changed for each in outcomes) == 1
    assert all(each.position >= 2 for each in outcomes)
    state, _ = commands.find("s-1")
    assert state.token_request is not None
    assert state.token_request.request_id == token_request_id(state.namespace, 1)
