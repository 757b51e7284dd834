"""No row is touched by two families, so rows may be made family by family."""

from __future__ import annotations

from hypothesis import event, given, settings

from projections.catalogue import PROJECTIONS
from projections.families import family_of
from tests.histories import History, histories


@settings(max_examples=60, deadline=None)
@given(histories())
def test_no_row_is_touched_by_two_families(history: History) -> None:
    """In every history, for every stored projection that says so; all do."""
    assert all(each.by_family for each in PROJECTIONS)
    family: dict[str, str] = {}
    touched: dict[tuple[str, str], set[str]] = {}
    streams: dict[tuple[str, str], set[str]] = {}
    for fact in history.log:
        if fact.version == 1:
            family[fact.stream] = family_of(fact)
        for projection in PROJECTIONS:
            for key in projection.keys_of(fact):
                touched.setdefault((projection.name, key), set()).add(family[fact.stream])
                streams.setdefault((projection.name, key), set()).add(fact.stream)
    assert [row for row, by in touched.items() if len(by) > 1] == []
    several = sum(len(each) > 1 for each in streams.values())
    event(f"rows of several streams: {several}")
