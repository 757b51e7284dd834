"""The manifest of a due run: what it found due, and the one outcome of each item in the end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import attrs

from domain.due_runs.items import Due, RunFacts, began, ended, found_due
from domain.identity import SUBSCRIPTION_STREAMS, due_run_stream, stream_of
from domain.recorded import Stamp
from domain.subscription.state import Subscription
from infrastructure.bootstrap import System
from infrastructure.commands.deciding import StreamBusy
from infrastructure.store.ledger import Append, Appended, Poison, Unreadable
from projections.due_runs import ends_of

_PAGE, _BATCH, _LOADED = 1_000, 5_000, 500
_TRIES = 20


@attrs.frozen(kw_only=True)
class Begun:
    """A run that goes on. position: of the fact that says so."""

    run_id: UUID
    until: datetime
    found: tuple[Due, ...]
    since: int
    position: int


def begin_run(system: System, until: datetime, *, actor: str) -> Begun:
    """Record what is due by an instant, by the stored agenda at one position.

    Raises: StreamBusy where others write without a pause.
    """
    for _ in range(_TRIES):
        position = system.views.positions()["due_dates"]
        found = _found(system, until)
        if system.views.positions()["due_dates"] == position:
            break
    else:
        raise StreamBusy("what is due changes while it is read")
    run_id = uuid4()
    event = began(run_id, found, until=until, position=position, now=system.clock())
    append = Append(due_run_stream(run_id), 0, (event,), _stamp(actor))
    (result,) = system.ledger.append([append], now=system.clock())
    assert isinstance(result, Appended)  # a new stream
    return Begun(run_id=run_id, until=until, found=found, since=position, position=result.position)


def end_run(system: System, run: Begun, *, actor: str) -> int:
    """Record how each item ended, of all facts before that one; the position before it.

    Raises: StreamBusy where others write without a pause; Unreadable.
    """
    for _ in range(_TRIES):
        head = system.ledger.head()
        facts = _facts(system, run.since, head)
        states = _states(
            system, {each.stream for each in run.found} | {key[0] for key in facts.done}
        )
        ends = ends_of(run.found, facts, states, run.until)
        event = ended(run.run_id, ends, now=system.clock())
        append = Append(due_run_stream(run.run_id), 1, (event,), _stamp(actor))

        def if_last(last: int, head: int = head, append: Append = append) -> Append | None:
            return append if last == head else None

        if system.ledger.append_held(if_last, now=system.clock()) is not None:
            return head
    raise StreamBusy("the log grows while the run ends")


def _found(system: System, until: datetime) -> tuple[Due, ...]:
    found: list[Due] = []
    offset = 0
    while True:
        page = system.views.select(
            "due_dates", at_most={"next_due_at": until}, limit=_PAGE, offset=offset
        )
        for key, row in page.rows.items():
            found += found_due(stream_of(key), row.state, until)
        if len(page.rows) < _PAGE:
            return tuple(found)
        offset += _PAGE


def _facts(system: System, after: int, stop: int) -> RunFacts:
    facts = RunFacts()
    while items := system.ledger.read_log(after, _BATCH, stop):
        for item in items:
            if isinstance(item, Poison):
                raise Unreadable(item)
            if item.stream.startswith(SUBSCRIPTION_STREAMS):
                facts.take(item)
        after = items[-1].position
    return facts


def _states(system: System, streams: set[str]) -> dict[str, Subscription]:
    found: dict[str, Subscription] = {}
    wanted = sorted(streams)
    for start in range(0, len(wanted), _LOADED):
        for stream, loaded in system.ledger.load(wanted[start : start + _LOADED]).items():
            if loaded.state is not None:
                found[stream] = loaded.state
    return found


def _stamp(actor: str) -> Stamp:
    return Stamp(actor=actor, cause="command:run", command_id=uuid4())
