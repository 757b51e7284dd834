"""Forging: a sound log is damaged in one place, as a clumsy or a clever hand would do it.

A clever hand renumbers: positions, versions and event ids fit again, and only the sense is wrong.
A forger takes a log and gives the damaged one, or None where the log has nothing to damage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

from domain.identity import attempt_id, charge_reference, event_id
from domain.money import Money
from domain.recorded import Recorded
from domain.subscription import events as e
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
    kind: type, /, *, when: Callable[[Any], bool] = lambda _: True, **forged: Callable[[Any], Any]
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


# --- faults of several facts -------------------------------------------------------------------


def more(money: Money) -> Money:
    return Money(money.minor + 1, money.currency)


def foreign(money: Money) -> Money:
    return Money(money.minor, "CHF")


def another_charge(log: Log) -> Log | None:
    """After a charge that was paid as asked: another attempt, with a fitting key, and its money."""
    namespaces = {r.stream: r.event for r in log if isinstance(r.event, e.SubscriptionStarted)}
    for place, recorded in enumerate(log):
        won = recorded.event
        if not isinstance(won, e.ChargeSucceeded):
            continue
        asked = next(
            r.event
            for r in log
            if isinstance(r.event, e.ChargeAttempted) and r.event.attempt_id == won.attempt_id
        )
        if asked.amount != won.amount:
            continue
        begun = namespaces[recorded.stream]
        number = asked.attempt_number + 1
        key = attempt_id(begun.namespace, asked.invoice_number, number)
        again = attrs.evolve(
            asked,
            attempt_id=key,
            attempt_number=number,
            reference=charge_reference(begun.subscription_id, asked.invoice_number, number, key),
        )
        facts = (again, attrs.evolve(won, attempt_id=key))
        added = [attrs.evolve(recorded, event=fact) for fact in facts]
        return renumbered([*log[: place + 1], *added, *log[place + 1 :]])
    return None


def both_dearer(log: Log) -> Log | None:
    """An attempt asks for more than is open, and gets it."""
    asked = changed(e.ChargeAttempted, amount=lambda event: more(event.amount))(log)
    first = next((r.event for r in log if isinstance(r.event, e.ChargeAttempted)), None)
    if asked is None or first is None:
        return None
    forge = changed(
        e.ChargeSucceeded,
        when=lambda event: event.attempt_id == first.attempt_id and event.amount == first.amount,
        amount=lambda event: more(event.amount),
    )
    return forge(asked)


def recorded_long_ago(log: Log) -> Log | None:
    if not any(isinstance(recorded.event, e.InvoiceIssued) for recorded in log):
        return None
    long_ago = datetime(1999, 1, 1, tzinfo=UTC)
    return [attrs.evolve(recorded, recorded_at=long_ago) for recorded in log]


def cut_short(log: Log) -> Log | None:
    return log[:-1]


def moved_stream(log: Log) -> Log | None:
    stream = log[0].stream
    moved = [attrs.evolve(r, stream="subscription-x") if r.stream == stream else r for r in log]
    return renumbered(moved)
