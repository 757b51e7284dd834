"""Due runs: what each found due, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs

from domain.due_runs.events import DueRunBegan, DueRunEnded
from domain.due_runs.items import Due, ItemEnd, RunFacts, began, end_of, ended, found_due
from domain.identity import DUE_RUN_STREAMS, SUBSCRIPTION_STREAMS
from domain.recorded import Recorded
from domain.subscription.folding import evolve
from domain.subscription.state import Subscription
from projections.table import Column, ColumnType, TableProjection


@attrs.frozen(kw_only=True)
class DueRun:
    """A run. ended: None while it goes on, and where it was interrupted.

    last_position: the last one before its end; 0 until then.
    """

    began: DueRunBegan
    ended: DueRunEnded | None = None
    last_position: int = 0


def _keys(recorded: Recorded[Any]) -> tuple[str, ...]:
    if not recorded.stream.startswith(DUE_RUN_STREAMS):
        return ()
    return (recorded.stream.removeprefix(DUE_RUN_STREAMS),)


def _apply(row: DueRun | None, _: str, recorded: Recorded[Any]) -> DueRun | None:
    """A run after one more fact."""
    event = recorded.event
    if isinstance(event, DueRunBegan):
        return DueRun(began=event)
    if row is None:
        return None
    return attrs.evolve(row, ended=event, last_position=recorded.position - 1)


def _began_at(row: DueRun) -> datetime:
    return row.began.effective_at


DUE_RUNS: TableProjection[DueRun] = TableProjection(
    name="due_runs",
    version=1,
    row_type=DueRun,
    keys_of=_keys,
    apply=_apply,
    columns={"began_at": Column(ColumnType.INSTANT, _began_at)},
    by_family=True,
)


@attrs.frozen(kw_only=True)
class RunReport:
    """A run, derived again from the log. wrong: in words; none where all is well."""

    run_id: UUID
    found: tuple[Due, ...]
    ends: tuple[ItemEnd, ...]
    wrong: tuple[str, ...]


def check_run(log: Iterable[Recorded[Any]], run: DueRun) -> RunReport:
    """Derive every item of a run and its one outcome again, and hold them against its facts.

    log: from its first position on, to the run's end at least. Memory grows with subscriptions.
    """
    states: dict[str, Subscription] = {}
    facts = RunFacts()
    found: tuple[Due, ...] | None = None
    start, until = run.began.position, run.began.until
    stop = max(start, run.last_position)
    for recorded in log:
        if recorded.position > start and found is None:
            found = _due(states, until)
        if recorded.position > stop:
            break
        if recorded.stream.startswith(SUBSCRIPTION_STREAMS):
            states[recorded.stream] = evolve(states.get(recorded.stream), recorded.event)
            if found is not None:
                facts.take(recorded)
    if found is None:
        found = _due(states, until)
    ends = ends_of(found, facts, states, until)
    return RunReport(
        run_id=run.began.run_id,
        found=found,
        ends=ends,
        wrong=tuple(_differences(run, found, ends)),
    )


def _due(states: dict[str, Subscription], until: datetime) -> tuple[Due, ...]:
    return tuple(due for stream in states for due in found_due(stream, states[stream], until))


def ends_of(
    found: Iterable[Due], facts: RunFacts, states: dict[str, Subscription], until: datetime
) -> tuple[ItemEnd, ...]:
    """How each item ended: those that were found due, and those that came due meanwhile."""
    keys = sorted({*(each.key for each in found), *facts.done})
    return tuple(end_of(key, facts.done.get(key), states.get(key[0]), until) for key in keys)


def _differences(run: DueRun, found: tuple[Due, ...], ends: tuple[ItemEnd, ...]) -> list[str]:
    known, told = run.began, run.ended
    words = []
    again = began(
        known.run_id, found, until=known.until, position=known.position, now=known.effective_at
    )
    if attrs.evolve(again, query=known.query) != known:
        words.append(f"{known.items} items were found due, {again.items} by the log, or others")
    if told is None:
        words.append("it did not end")
        return words
    for each in ends:
        if not each.sound:
            count = "no outcome" if not each.taken else f"{len(each.taken)} charges"
            words.append(f"{each.key[0]} invoice {each.key[1]} has {count}")
    if ended(told.run_id, ends, now=told.effective_at) != told:
        words.append("it told other outcomes than the log gives")
    return words
