"""Lies about accounting periods, each with the code under which the audit names it."""

from __future__ import annotations

import attrs

from domain.periods.events import (
    PeriodClosed,
    PeriodLocked,
    PeriodReopened,
    PeriodReopeningAsked,
)
from domain.subscription.events import InvoiceIssued
from projections.journal import journal
from tests.projections.forging import Forger, Log, changed, doubled, dropped, followed, renumbered


def again(event: PeriodClosed) -> bool:
    """Not the first that was closed."""
    return event.period > "2024-02"


def _more(seal: PeriodClosed) -> object:
    """One minor unit more on both sides of its first two totals."""
    one, other, *rest = seal.totals
    more = (
        attrs.evolve(one, debits=one.debits + 1, closing=one.closing + 1),
        attrs.evolve(other, credits=other.credits + 1, closing=other.closing - 1),
    )
    return (*more, *rest)


def slipped_in(log: Log) -> Log | None:
    """A fact that moved money comes after the seal's totals and before the seal."""
    posted = {entry.position for entry in journal(log)}
    for place, each in enumerate(log[1:], 1):
        if isinstance(each.event, PeriodClosed) and each.position - 1 in posted:
            early = attrs.evolve(each, event=attrs.evolve(each.event, position=place - 1))
            return [*log[:place], early, *log[place + 1 :]]
    return None


def misplaced(log: Log) -> Log | None:
    """A subscription's fact in the stream of a period."""
    place = next(n for n, each in enumerate(log) if isinstance(each.event, InvoiceIssued))
    other = attrs.evolve(log[place], stream="period-2024-01")
    return renumbered([*log[:place], other, *log[place + 1 :]])


Plan = tuple[str, str, Forger]
PLANTS_OF_PERIODS: list[Plan] = [
    (
        "a seal of another period",
        "period-misnamed",
        changed(PeriodClosed, period=lambda _: "1999-01"),
    ),
    ("a bill in a period's stream", "period-misnamed", misplaced),
    ("closed twice", "period-out-of-order", doubled(PeriodClosed)),
    ("a gap", "period-out-of-order", dropped(PeriodClosed, when=again)),
    ("another zone", "period-zone-mixed", changed(PeriodClosed, when=again, zone=lambda _: "UTC")),
    (
        "closed on its last day",
        "period-too-early",
        changed(
            PeriodClosed, effective_at=lambda event: event.effective_at.replace(year=2024, month=1)
        ),
    ),
    (
        "a later position",
        "period-position-wrong",
        changed(PeriodClosed, position=lambda event: event.position + 1),
    ),
    ("a fact slipped in", "period-position-wrong", slipped_in),
    ("locked twice", "period-lock-wrong", doubled(PeriodLocked)),
    (
        "locked while open",
        "period-lock-wrong",
        followed(
            PeriodReopened,
            lambda event: PeriodLocked(
                period=event.period,
                locked_by="kari",
                reason="x",
                effective_at=event.effective_at,
            ),
        ),
    ),
    ("reopened twice", "period-reopening-wrong", doubled(PeriodReopened)),
    ("nobody asked", "period-reopening-wrong", dropped(PeriodReopeningAsked)),
    ("asked twice", "period-reopening-wrong", doubled(PeriodReopeningAsked)),
    (
        "asked by another",
        "period-reopening-wrong",
        changed(PeriodReopened, asked_by=lambda _: "per"),
    ),
    (
        "asked of what was locked",
        "period-reopening-wrong",
        followed(
            PeriodLocked,
            lambda event: PeriodReopeningAsked(
                period=event.period, asked_by="kari", reason="x", effective_at=event.effective_at
            ),
        ),
    ),
    (
        "approved by who asked",
        "period-same-person",
        changed(PeriodReopened, approved_by=lambda event: event.asked_by.upper()),
    ),
    (
        "totals that balance",
        "seal-wrong",
        changed(PeriodClosed, when=lambda e: len(e.totals) > 1, totals=_more),
    ),
    (
        "totals left out",
        "seal-wrong",
        changed(PeriodClosed, when=lambda e: len(e.totals) > 1, totals=lambda e: e.totals[1:]),
    ),
    ("entries", "seal-wrong", changed(PeriodClosed, entries=lambda event: event.entries + 1)),
    (
        "another hash of the log",
        "seal-hash-wrong",
        changed(PeriodClosed, head_hash=lambda _: "cd" * 32),
    ),
    ("balances", "seal-wrong", changed(PeriodClosed, digest=lambda _: "00" * 32)),
]
