"""Faults planted in settlements and in what people said of them; see scenes_of_payouts.py."""

from __future__ import annotations

from typing import Any

import attrs

from domain.money import Money
from domain.settlements.events import (
    Decision,
    ExceptionDecided,
    MatchConfirmed,
    SettlementLinesRead,
    SettlementRead,
)
from tests.projections.forging import Forger, Log, changed, doubled, dropped, renumbered


def _second(event: Any) -> bool:
    return bool(event.version == 2)


def _one_less(event: SettlementLinesRead) -> Any:
    first, *rest = event.lines
    less = Money(first.amount.minor - 1, first.amount.currency)
    return (attrs.evolve(first, amount=less), *rest)


def _again(log: Log) -> Log | None:
    """A version is written down once more, with its lines and the next number."""
    facts = [each for each in log if isinstance(each.event, SettlementLinesRead | SettlementRead)]
    stream = facts[0].stream
    mine = [each for each in facts if each.stream == stream][-2:]
    more = [attrs.evolve(each, event=attrs.evolve(each.event, version=3)) for each in mine]
    place = log.index(mine[-1]) + 1
    return renumbered([*log[:place], *more, *log[place:]])


def _elsewhere(kind: type, stream: str) -> Forger:
    """The first fact of a kind lies in another stream."""

    def forge(log: Log) -> Log | None:
        place = next(n for n, each in enumerate(log) if isinstance(each.event, kind))
        moved = attrs.evolve(log[place], stream=stream)
        return renumbered([*log[:place], moved, *log[place + 1 :]])

    return forge


def _other_match(log: Log) -> Log | None:
    """The same line is said to be about another movement, too."""
    (found,) = (each for each in log if isinstance(each.event, MatchConfirmed))
    other = attrs.evolve(found.event, movement="charge of somebody else")
    return renumbered([*log, attrs.evolve(found, event=other)])


PLANTS_OF_PAYOUTS: list[tuple[str, str, Forger]] = [
    (
        "a settlement lies in another's stream",
        "settlement-misnamed",
        changed(SettlementRead, settlement_id=lambda _: "st-9"),
    ),
    (
        "lines lie in a subscription",
        "settlement-misnamed",
        _elsewhere(SettlementLinesRead, "subscription-s-1"),
    ),
    (
        "a decision lies in a settlement",
        "settlement-misnamed",
        _elsewhere(ExceptionDecided, "settlement-paypal-main-st-1"),
    ),
    (
        "a version is left out",
        "settlement-version-wrong",
        changed(SettlementRead, when=_second, version=lambda _: 3),
    ),
    ("the lines are gone", "settlement-lines-wrong", dropped(SettlementLinesRead)),
    (
        "the head counts others",
        "settlement-lines-wrong",
        changed(SettlementRead, lines=lambda event: event.lines + 1),
    ),
    (
        "lines begin further on",
        "settlement-lines-wrong",
        changed(SettlementLinesRead, first=lambda _: 2),
    ),
    (
        "a line has another amount",
        "settlement-totals-wrong",
        changed(SettlementLinesRead, lines=_one_less),
    ),
    (
        "a line names another charge",
        "settlement-digest-wrong",
        changed(
            SettlementLinesRead,
            lines=lambda event: (
                attrs.evolve(event.lines[0], reference="another"),
                *event.lines[1:],
            ),
        ),
    ),
    (
        "the digest is another",
        "settlement-digest-wrong",
        changed(SettlementRead, sha256=lambda _: "0" * 64),
    ),
    ("a version is there twice", "settlement-repeated", _again),
    ("a decision is there twice", "decision-wrong", doubled(ExceptionDecided)),
    (
        "what is explained posts",
        "decision-wrong",
        changed(ExceptionDecided, decision=lambda _: Decision.EXPLAINED),
    ),
    (
        "a cost of nothing",
        "decision-wrong",
        changed(ExceptionDecided, difference=lambda event: Money(0, event.difference.currency)),
    ),
    ("a line is two movements", "match-doubled", _other_match),
]
