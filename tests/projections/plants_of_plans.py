"""Faults planted in the catalogue, and in what subscriptions took from it.

The story: "gold" at 299.00 and from version 2 on at 399.00 NOK; one subscriber on version 1 from
31 January, moved to version 2 on 1 March, which is with the period from 31 March on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import attrs

from domain.catalogue import events as p
from domain.catalogue.offering import Choice
from domain.catalogue.publishing import announce_move, publish, retire, withdraw_move
from domain.money import Money
from domain.plan import Kind, Timing
from domain.subscription import events as e
from tests.books import Books, Clock
from tests.domain.plans import MARCH, NOW, version, wish
from tests.domain.test_moving import by_plan
from tests.projections.forging import DAY, Forger, Log, changed, doubled, dropped, followed
from tests.specimens import ZONE

MAY = datetime(2024, 5, 2, 12, tzinfo=UTC)


def moved_story() -> Books:
    """Until May; the move is withdrawn in April, and the plan retired."""
    books = Books(NOW)
    for number in (1, 2):
        books.publish("gold", publish(books.plans.get("gold"), wish(number), now=NOW))
    choice = Choice(plan="gold", version=1)
    books.sign_up(by_plan("s-1", date(2024, 1, 31), ZONE, choice))
    books.publish(
        "gold",
        announce_move(
            books.plans["gold"], from_version=1, to_version=2, on=MARCH, reason="prices", now=NOW
        ),
    )
    while books.now < datetime(2024, 4, 29, tzinfo=UTC):
        books.advance(Clock.NEXT_DUE, "s-1")
        books.work("s-1")
    plan, now = books.plans["gold"], books.now
    books.publish(
        "gold", withdraw_move(plan, from_version=1, to_version=2, reason="enough", now=now)
    )
    books.publish("gold", retire(books.plans["gold"], retired_at=None, reason="old", now=now))
    return books


def published(number: int) -> Callable[[Any], bool]:
    return lambda event: event.version == number


def _terms(number: int, **changes: Any) -> Callable[[Any], Any]:
    return lambda _: version(number, **changes)


def _in_stream(stream: str, kind: type) -> Forger:
    """The first fact of a kind, and all after it in its stream, lie in another one."""

    def forge(log: Log) -> Log | None:
        place = next(n for n, each in enumerate(log) if isinstance(each.event, kind))
        return [
            *log[:place],
            attrs.evolve(log[place], stream=stream),
            *log[place + 1 :],
        ]

    return forge


def _not_available(event: p.PlanVersionPublished) -> datetime:
    return event.available_from + 30 * DAY


def retired_before(log: Log) -> Log | None:
    """The plan was retired before the subscription started."""
    place = next(n for n, each in enumerate(log) if isinstance(each.event, e.SubscriptionStarted))
    fact = p.PlanRetired(plan="gold", retired_at=NOW, reason="old", effective_at=NOW)
    front = attrs.evolve(log[place - 1], event=fact)
    return [*log[:place], front, *log[place:]]


Plan = tuple[str, str, Forger]
FIRST = published(1)
PLANTS_OF_PLANS: list[Plan] = [
    (
        "a version in the stream of another plan",
        "plan-misnamed",
        _in_stream("plan-silver", p.PlanVersionPublished),
    ),
    (
        "a start in the stream of a plan",
        "plan-misnamed",
        _in_stream("plan-gold", e.SubscriptionStarted),
    ),
    (
        "a version that names another",
        "plan-version-wrong",
        changed(p.PlanVersionPublished, terms=_terms(2)),
    ),
    (
        "a version that is not the next",
        "plan-version-wrong",
        changed(p.PlanVersionPublished, version=lambda _: 7),
    ),
    ("a version twice", "plan-version-wrong", doubled(p.PlanVersionPublished)),
    (
        "a version before the first",
        "plan-available-too-early",
        changed(p.PlanVersionPublished, when=published(2), available_from=lambda _: NOW - DAY),
    ),
    ("retired twice", "retirement-wrong", doubled(p.PlanRetired)),
    (
        "retired in the past",
        "retirement-wrong",
        changed(p.PlanRetired, retired_at=lambda event: event.effective_at - DAY),
    ),
    (
        "moved to a version that is not there",
        "move-wrong",
        changed(p.PlanMoveAnnounced, to_version=lambda _: 9),
    ),
    ("moved nowhere", "move-wrong", changed(p.PlanMoveAnnounced, to_version=lambda _: 1)),
    ("announced twice", "move-wrong", doubled(p.PlanMoveAnnounced)),
    ("announced for today", "move-wrong", changed(p.PlanMoveAnnounced, on=lambda _: NOW.date())),
    (
        "moved in a circle",
        "move-wrong",
        followed(
            p.PlanMoveAnnounced, lambda event: attrs.evolve(event, from_version=2, to_version=1)
        ),
    ),
    (
        "moved to another currency",
        "move-wrong",
        changed(
            p.PlanVersionPublished, when=published(2), terms=_terms(2, price=Money(39900, "SEK"))
        ),
    ),
    (
        "moved to another timing",
        "move-wrong",
        changed(p.PlanVersionPublished, when=published(2), terms=_terms(2, timing=Timing.POSTPAID)),
    ),
    (
        "moved to another kind",
        "move-wrong",
        changed(
            p.PlanVersionPublished,
            when=published(2),
            terms=_terms(2, kind=Kind.INSTALLMENT, cycles=3),
        ),
    ),
    ("withdrawn twice", "move-withdrawal-wrong", doubled(p.PlanMoveWithdrawn)),
    (
        "another move withdrawn",
        "move-withdrawal-wrong",
        changed(p.PlanMoveWithdrawn, to_version=lambda _: 1),
    ),
    (
        "a start at a price of its own",
        "plan-terms-wrong",
        changed(e.SubscriptionStarted, terms=_terms(1, price=Money(100, "NOK"))),
    ),
    (
        "the published price is another",
        "plan-terms-wrong",
        changed(p.PlanVersionPublished, when=FIRST, terms=_terms(1, price=Money(100, "NOK"))),
    ),
    (
        "a start on a version that is not there",
        "start-off-catalogue",
        changed(
            e.SubscriptionStarted, terms=lambda event: attrs.evolve(event.terms, plan_version=9)
        ),
    ),
    (
        "a start on a plan that is not there",
        "start-off-catalogue",
        changed(e.SubscriptionStarted, terms=lambda event: attrs.evolve(event.terms, plan="tin")),
    ),
    (
        "a start before it was available",
        "start-off-catalogue",
        changed(p.PlanVersionPublished, when=FIRST, available_from=_not_available),
    ),
    ("a start on a retired plan", "start-off-catalogue", retired_before),
    ("moved, and nothing was announced", "move-unfounded", dropped(p.PlanMoveAnnounced)),
    (
        "moved a period early",
        "move-unfounded",
        changed(p.PlanMoveAnnounced, on=lambda _: date(2024, 4, 1)),
    ),
    (
        "moved to another price",
        "move-unfounded",
        changed(e.TermsChanged, terms=_terms(2, price=Money(39901, "NOK"))),
    ),
    (
        "moved a period late",
        "move-missed",
        changed(p.PlanMoveAnnounced, on=lambda _: date(2024, 2, 29)),
    ),
    ("not moved at all", "move-missed", dropped(e.TermsChanged)),
]
