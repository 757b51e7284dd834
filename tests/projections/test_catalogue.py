"""The catalogue is truthful, and stored rows come back as they were."""

from __future__ import annotations

import msgspec
import pytest

from infrastructure.store.view_table import ViewTable
from projections.catalogue import PROJECTIONS, TABLES, Listening
from projections.replay import replay
from projections.table import TableProjection
from tests.due_runs.running import run_story
from tests.examples import EXAMPLES, PLAN_EXAMPLES, SETTLEMENT_EXAMPLES
from tests.examples_of_due_runs import DUE_RUN_EXAMPLES
from tests.examples_of_periods import PERIOD_EXAMPLES
from tests.examples_of_restorations import RESTORATION_EXAMPLES
from tests.histories import History
from tests.periods.closing_books import closed_story
from tests.projections.plants_of_plans import moved_story
from tests.projections.scenes_of_payouts import settled_story
from tests.restorations.restored_books import restored_story

OTHERS = (
    *PLAN_EXAMPLES.values(),
    *PERIOD_EXAMPLES.values(),
    *SETTLEMENT_EXAMPLES.values(),
    *DUE_RUN_EXAMPLES.values(),
    *RESTORATION_EXAMPLES.values(),
)

listening = pytest.mark.parametrize("listed", TABLES, ids=lambda listed: listed.projection.name)
projection = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)


@pytest.fixture(scope="module")
def corpus(corpus: list[History]) -> list[History]:
    """With stories of the catalogue, of books that are closed, of settlements, of a due run,
    of a restoration."""
    stories = (moved_story(), closed_story(), settled_story(), run_story(), restored_story())
    return [
        *(History((), (), tuple(each.log), dict(each.states)) for each in stories),
        *corpus,
    ]


@listening
def test_a_fact_that_is_not_listed_touches_no_row(listed: Listening, corpus: list[History]):
    """keys_of says so, so the store never even asks."""
    for history in corpus:
        for recorded in history.log:
            touched = listed.projection.keys_of(recorded)
            assert bool(touched) == (type(recorded.event) in listed.facts)


@listening
def test_every_listed_fact_can_change_a_row(listed: Listening, corpus: list[History]):
    """The list names nothing that never matters."""
    changed: set[type] = set()
    for history in corpus:
        rows: dict[str, object] = {}
        for recorded in history.log:
            for key in listed.projection.keys_of(recorded):
                after = listed.projection.apply(rows.get(key), key, recorded)
                if after != rows.get(key):
                    changed.add(type(recorded.event))
                rows[key] = after
    assert changed == listed.facts


def test_the_corpus_reaches_every_fact(corpus: list[History]):
    """Otherwise the two tests above would say less than they seem to."""
    reached = {type(recorded.event) for history in corpus for recorded in history.log}
    assert reached == {type(event) for event in (*EXAMPLES.values(), *OTHERS)}


@projection
def test_rows_survive_being_stored(projection: TableProjection[object], corpus: list[History]):
    """Each row's columns are of the declared types; its JSON gives back an equal row, and that
    one the same JSON: the audit compares rows as text."""
    table = ViewTable(projection, None, "test")
    for history in corpus[:60]:
        for key, row in replay(projection, history.log).items():
            table.check(key, row)
            text = msgspec.json.encode(row).decode()
            assert table.decode(text) == row
            assert msgspec.json.encode(table.decode(text)).decode() == text
