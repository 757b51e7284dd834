"""Fact -> agenda items: the table that people read is held against what the facts do."""

from __future__ import annotations

from typing import get_args

from hypothesis import given, settings

from domain.processes.agenda import Item, ItemKind, agenda_of
from domain.processes.reactions import REACTIONS
from domain.subscription.events import SubscriptionEvent
from domain.subscription.folding import evolve
from domain.subscription.state import Subscription
from tests.histories import History, histories, show


def changes(history: History) -> list[tuple[type, set[ItemKind]]]:
    """Each fact of a history with the kinds of items that it put on, moved or took off."""
    states: dict[str, Subscription] = {}
    found = []
    for recorded in history.log:
        before = states.get(recorded.stream)
        after = evolve(before, recorded.event)
        items: set[Item] = set() if before is None else set(agenda_of(before))
        moved = items ^ set(agenda_of(after))
        found.append((type(recorded.event), {item.kind for item in moved}))
        states[recorded.stream] = after
    return found


def test_every_fact_has_its_row():
    """None forgotten, none too many."""
    assert set(REACTIONS) == set(get_args(SubscriptionEvent))


@settings(max_examples=80, deadline=None)
@given(histories())
def test_a_fact_changes_only_the_items_that_the_table_names(history: History):
    """At every position of every history."""
    show(history)
    for fact, kinds in changes(history):
        assert kinds <= REACTIONS[fact], fact


def test_the_corpus_meets_every_row_of_the_table(corpus: list[History]):
    """Each fact is seen, and each but the quiet ones is seen to change something."""
    seen: dict[type, set[ItemKind]] = {fact: set() for fact in REACTIONS}
    for history in corpus:
        for fact, kinds in changes(history):
            seen[fact] |= kinds
    quiet = {fact.__name__ for fact, kinds in seen.items() if not kinds}
    # What waits for the next invoice moves nothing; nobody has to do anything about it. A
    # completion takes something off the agenda only where a payer is being asked for another token.
    waits = {fact.__name__ for fact, kinds in REACTIONS.items() if not kinds}
    assert quiet - {"SubscriptionCompleted"} == waits
    assert {"CreditGranted", "DiscountGranted", "AmountSet"} <= waits
    reached = {type(each.event) for history in corpus for each in history.log}
    assert reached == set(REACTIONS)
