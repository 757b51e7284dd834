"""Lies about due runs, each with the code under which the audit names it."""

from __future__ import annotations

from uuid import UUID

import attrs

from domain.due_runs.events import DueRunBegan, DueRunEnded, SkippedItem
from domain.money import Money
from domain.subscription.events import ChargeSucceeded, InvoiceIssued
from tests.projections.forging import Forger, Log, changed, doubled, dropped, renumbered

A_LOT = Money(1, "NOK")
_RUN = UUID(int=7)


def misplaced(log: Log) -> Log | None:
    """A subscription's fact in the stream of a run."""
    place = next(n for n, each in enumerate(log) if isinstance(each.event, InvoiceIssued))
    other = attrs.evolve(log[place], stream="due-run-1")
    return renumbered([*log[:place], other, *log[place + 1 :]])


def ended_at_once(log: Log) -> Log | None:
    """The end stands right behind the beginning: what was due is still due there."""
    began = next(n for n, each in enumerate(log) if isinstance(each.event, DueRunBegan))
    ended = next(n for n, each in enumerate(log) if isinstance(each.event, DueRunEnded))
    rest = [*log[:ended], *log[ended + 1 :]]
    return renumbered([*rest[: began + 1], log[ended], *rest[began + 1 :]])


def ended_first(log: Log) -> Log | None:
    """The end stands before the beginning."""
    began = next(n for n, each in enumerate(log) if isinstance(each.event, DueRunBegan))
    ended = next(n for n, each in enumerate(log) if isinstance(each.event, DueRunEnded))
    rest = [*log[:ended], *log[ended + 1 :]]
    return renumbered([*rest[:began], log[ended], *rest[began:]])


Plan = tuple[str, str, Forger]
PLANTS_OF_RUNS: list[Plan] = [
    ("an end in another run's stream", "run-misnamed", changed(DueRunEnded, run_id=lambda _: _RUN)),
    ("a bill in a run's stream", "run-misnamed", misplaced),
    ("began twice", "run-order-wrong", doubled(DueRunBegan)),
    ("ended twice", "run-order-wrong", doubled(DueRunEnded)),
    ("never began", "run-order-wrong", dropped(DueRunBegan)),
    ("ended before it began", "run-order-wrong", ended_first),
    (
        "an end that is told to be earlier",
        "run-order-wrong",
        changed(DueRunEnded, effective_at=lambda e: e.effective_at.replace(year=2000)),
    ),
    (
        "it knew what was to come",
        "run-position-wrong",
        changed(DueRunBegan, position=lambda e: e.position + 1),
    ),
    ("more was due", "run-found-wrong", changed(DueRunBegan, items=lambda e: e.items + 1)),
    ("other money was due", "run-found-wrong", changed(DueRunBegan, sums=lambda _: (A_LOT,))),
    ("other items were due", "run-found-wrong", changed(DueRunBegan, digest=lambda _: "00" * 32)),
    (
        "it is told to have been for less",
        "run-found-wrong",
        changed(DueRunBegan, until=lambda e: e.effective_at.replace(year=2000)),
    ),
    ("ended with something left", "run-item-open", ended_at_once),
    (
        "more was charged",
        "run-outcome-wrong",
        changed(DueRunEnded, charged=lambda e: e.charged + 1),
    ),
    (
        "a decline that was none",
        "run-outcome-wrong",
        changed(DueRunEnded, declined=lambda e: e.declined + 1),
    ),
    ("a doubt that was none", "run-outcome-wrong", changed(DueRunEnded, unknown=lambda _: 7)),
    (
        "something else was skipped",
        "run-outcome-wrong",
        changed(
            DueRunEnded,
            skipped=lambda e: (*e.skipped, SkippedItem("subscription-s-9", 1, "no-token")),
        ),
    ),
    ("more was skipped", "run-outcome-wrong", changed(DueRunEnded, skipped_beyond=lambda _: 1)),
    (
        "a charge of the run is gone",
        "run-outcome-wrong",
        dropped(ChargeSucceeded),
    ),
    ("other money was taken", "run-sum-wrong", changed(DueRunEnded, sums=lambda _: (A_LOT,))),
    ("other outcomes", "run-digest-wrong", changed(DueRunEnded, digest=lambda _: "00" * 32)),
]
