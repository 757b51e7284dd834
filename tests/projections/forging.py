"""Forging: a sound log is damaged in one place, as a clumsy or a clever hand would do it.

A clever hand renumbers: positions, versions and event ids fit again, and only the sense is wrong.
A forger takes a log and gives the damaged one, or None where the log has nothing to damage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs

from domain.identity import event_id
from domain.recorded import Recorded
from domain.subscription.events import SubscriptionEvent

Log = list[Recorded[Any]]
Forger = Callable[[Log], Log | None]
DAY = timedelta(days=1)
NOBODY = UUID("00000000-0000-4000-8000-000000000000")


def renumbered(log: Iterable[Recorded[Any]]) -> Log:
    """The same facts with positions, versions and event ids that fit, in the given order."""
    versions: dict[str, int] = {}
    fitting = []
    for position, recorded in enumerate(log, start=1):
        version = versions[recorded.stream] = versions.get(recorded.stream, 0) + 1
        fitting.append(
            attrs.evolve(
                recorded,
                position=position,
                version=version,
                event_id=event_id(recorded.command_id, recorded.stream, version),
            )
        )
    return fitting


def _first(log: Log, kind: type, when: Callable[[Any], bool] = lambda _: True) -> int | None:
    return next(
        (
            place
            for place, recorded in enumerate(log)
            if isinstance(recorded.event, kind) and when(recorded.event)
        ),
        None,
    )


def changed(
    kind: type, *, when: Callable[[Any], bool] = lambda _: True, **forged: Callable[[Any], Any]
) -> Forger:
    """Fields of the first fact of a kind get other values, made from the fact."""

    def forge(log: Log) -> Log | None:
        place = _first(log, kind, when)
        if place is None:
            return None
        event = log[place].event
        other = attrs.evolve(event, **{name: make(event) for name, make in forged.items()})
        return [*log[:place], attrs.evolve(log[place], event=other), *log[place + 1 :]]

    return forge


def dropped(
    kind: type, *, when: Callable[[Any], bool] = lambda _: True, renumber: bool = True
) -> Forger:
    """The first fact of a kind is taken out."""

    def forge(log: Log) -> Log | None:
        place = _first(log, kind, when)
        # The end of a log may be missing by right: it has not been written yet.
        if place is None or place == len(log) - 1:
            return None
        rest = [*log[:place], *log[place + 1 :]]
        return renumbered(rest) if renumber else rest

    return forge


def doubled(
    kind: type, *, when: Callable[[Any], bool] = lambda _: True, renumber: bool = True
) -> Forger:
    """The first fact of a kind stands there twice."""

    def forge(log: Log) -> Log | None:
        place = _first(log, kind, when)
        if place is None:
            return None
        more = [*log[: place + 1], log[place], *log[place + 1 :]]
        return renumbered(more) if renumber else more

    return forge


def followed(
    kind: type,
    make: Callable[[Any], SubscriptionEvent | None],
    *,
    when: Callable[[Any], bool] = lambda _: True,
) -> Forger:
    """After the first fact of a kind stands one more, made from it."""

    def forge(log: Log) -> Log | None:
        place = _first(log, kind, when)
        event = None if place is None else make(log[place].event)
        if place is None or event is None:
            return None
        more = attrs.evolve(log[place], event=event)
        return renumbered([*log[: place + 1], more, *log[place + 1 :]])

    return forge


def repeated_after(kind: type, earlier: type) -> Forger:
    """After the first fact of a kind stands an earlier fact of the same stream once more."""

    def forge(log: Log) -> Log | None:
        place = _first(log, kind)
        if place is None:
            return None
        stream = log[place].stream
        found = [
            each
            for each in log[:place]
            if each.stream == stream and isinstance(each.event, earlier)
        ]
        if not found:
            return None
        more = attrs.evolve(log[place], event=found[-1].event)
        return renumbered([*log[: place + 1], more, *log[place + 1 :]])

    return forge


def envelope(**forged: Callable[[Recorded[Any]], Any]) -> Forger:
    """Fields of the middle fact's envelope get other values."""

    def forge(log: Log) -> Log | None:
        place = len(log) // 2
        other = {name: make(log[place]) for name, make in forged.items()}
        return [*log[:place], attrs.evolve(log[place], **other), *log[place + 1 :]]

    return forge
