"""What may be published, retired, announced and withdrawn; what is offered to whom, and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest

from domain.calendar import Interval, Unit
from domain.catalogue.events import (
    PlanMoveAnnounced,
    PlanMoveWithdrawn,
    PlanRetired,
    PlanVersionPublished,
)
from domain.catalogue.offering import Choice, destination, is_on, offered, version_at
from domain.catalogue.publishing import announce_move, publish, retire, withdraw_move
from domain.catalogue.starting import StartByPlan, agreed_start
from domain.catalogue.state import Plan
from domain.money import Money
from domain.plan import Kind, Timing
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.folding import evolve_all
from domain.subscription.starting import start
from tests.domain.plans import MARCH, NOW, after, gold, moved, version, wish
from tests.specimens import NAMESPACE, ZONE, ZONE_VERSION, started

DAY = timedelta(days=1)


def refused(code: str, decide: Callable[[], object]) -> None:
    """The decision is refused with this code."""
    with pytest.raises(Refused) as refusal:
        decide()
    assert refusal.value.code == code


def move(plan: Plan, from_version: int, to_version: int, on: date = MARCH) -> Any:
    return announce_move(
        plan, from_version=from_version, to_version=to_version, on=on, reason="prices", now=NOW
    )


def back(plan: Plan, from_version: int = 1, to_version: int = 2, now: datetime = NOW) -> Any:
    return withdraw_move(
        plan, from_version=from_version, to_version=to_version, reason="not yet", now=now
    )


# --- publishing -------------------------------------------------------------------------------


def test_a_version_is_published_at_once_or_from_an_instant_on() -> None:
    """The first version makes the plan."""
    (fact,) = publish(None, wish(1), now=NOW)
    assert fact == PlanVersionPublished(
        plan="gold",
        version=1,
        terms=version(1),
        available_from=NOW,
        reason="prices",
        effective_at=NOW,
    )
    (later,) = publish(gold(1), wish(2, available_from=NOW + 9 * DAY), now=NOW)
    assert isinstance(later, PlanVersionPublished)
    assert (later.version, later.available_from) == (2, NOW + 9 * DAY)


def test_the_same_version_again_is_quiet() -> None:
    """Whether or not the caller says since when it is available."""
    assert publish(gold(2), wish(1), now=NOW + DAY) == ()
    assert publish(gold(2), wish(2, available_from=NOW), now=NOW + DAY) == ()


def test_a_retired_plan_may_have_further_versions() -> None:
    """Those on it can be moved to them."""
    retired = after(gold(1), *retire(gold(1), retired_at=None, reason="old", now=NOW))
    assert len(publish(retired, wish(2), now=NOW + DAY)) == 1


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("plan-version-gap", wish(3, version(3))),
        ("plan-version-fixed", wish(1, version(1, price=Money(1, "NOK")))),
        ("plan-version-fixed", wish(1, available_from=NOW + DAY)),
        ("plan-available-too-early", wish(2, available_from=NOW - timedelta(seconds=1))),
        ("plan-mixed", wish(2, version(1))),
        ("plan-mixed", wish(2, version(2, plan="silver"))),
        ("reason-malformed", wish(2, reason="")),
        ("id-malformed", wish(1, version(1, plan="a b"), plan="a b")),
        ("price-not-positive", wish(2, version(2, price=Money(0, "NOK")))),
    ],
)
def test_what_is_not_published(code: str, asked: Any) -> None:
    """Versions have no gap, never change, and become available in their order."""
    refused(code, lambda: publish(gold(1), asked, now=NOW))


def test_the_first_version_is_number_one() -> None:
    """Not two."""
    refused("plan-version-gap", lambda: publish(None, wish(2), now=NOW))


# --- retiring ---------------------------------------------------------------------------------


def test_a_plan_is_retired_now_or_later() -> None:
    """And quietly so when it is already."""
    (fact,) = retire(gold(1), retired_at=NOW + DAY, reason="old", now=NOW)
    assert fact == PlanRetired(plan="gold", retired_at=NOW + DAY, reason="old", effective_at=NOW)
    retired = after(gold(1), fact)
    assert retire(retired, retired_at=NOW + DAY, reason="old", now=NOW) == ()
    assert retire(retired, retired_at=None, reason="old", now=NOW + 2 * DAY) == ()
    refused("plan-retired", lambda: retire(retired, retired_at=None, reason="old", now=NOW))
    refused(
        "plan-retired", lambda: retire(retired, retired_at=NOW + 2 * DAY, reason="old", now=NOW)
    )


def test_what_is_not_retired() -> None:
    """An unknown plan; in the past; without a reason."""
    refused("plan-unknown", lambda: retire(None, retired_at=None, reason="old", now=NOW))
    refused(
        "retirement-in-the-past",
        lambda: retire(gold(1), retired_at=NOW - DAY, reason="old", now=NOW),
    )
    refused("reason-malformed", lambda: retire(gold(1), retired_at=None, reason="", now=NOW))


# --- moves ------------------------------------------------------------------------------------


def test_a_move_is_announced_once() -> None:
    """The same again is quiet, while it stands."""
    (fact,) = move(gold(2), 1, 2)
    assert fact == PlanMoveAnnounced(
        plan="gold", from_version=1, to_version=2, on=MARCH, reason="prices", effective_at=NOW
    )
    assert move(moved(gold(2)), 1, 2) == ()
    withdrawn = after(moved(gold(2)), *back(moved(gold(2))))
    assert len(move(withdrawn, 1, 2)) == 1


@pytest.mark.parametrize(
    ("code", "plan", "asked"),
    [
        ("plan-version-unknown", gold(2), (1, 3)),
        ("plan-version-unknown", gold(2), (0, 1)),
        ("move-nowhere", gold(2), (1, 1)),
        ("move-announced", moved(gold(3)), (1, 3)),
        ("move-announced", moved(gold(3)), (1, 2, MARCH + DAY)),
        ("move-in-a-circle", moved(gold(2)), (2, 1)),
        ("move-in-a-circle", moved(moved(gold(3)), 2, 3), (3, 1)),
        # It is 09:00 in UTC on the 10th, and 23:00 where days begin first.
        ("move-too-soon", gold(2), (1, 2, date(2024, 1, 10))),
        ("instalments-fixed", gold(2, kind=Kind.INSTALLMENT, cycles=3), (1, 2)),
    ],
)
def test_what_is_not_announced(code: str, plan: Plan, asked: tuple[Any, ...]) -> None:
    """One move at most leads away from a version, and none in a circle."""
    refused(code, lambda: move(plan, *asked))


def test_a_move_needs_a_day_that_has_begun_nowhere() -> None:
    """At 09:00 in UTC tomorrow will do; two hours later it has begun in the furthest zone."""
    assert len(move(gold(2), 1, 2, date(2024, 1, 11))) == 1
    at_eleven = NOW + timedelta(hours=2)
    refused(
        "move-too-soon",
        lambda: announce_move(
            gold(2),
            from_version=1,
            to_version=2,
            on=date(2024, 1, 11),
            reason="prices",
            now=at_eleven,
        ),
    )


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("currency-fixed", {"price": Money(100, "USD")}),
        ("timing-fixed", {"timing": Timing.POSTPAID}),
        ("kind-fixed", {"kind": Kind.INSTALLMENT, "cycles": 3}),
    ],
)
def test_a_move_that_no_subscription_could_make(code: str, changes: dict[str, Any]) -> None:
    """Such a version may be published, and started on; nobody is moved there."""
    plan = after(gold(1), *publish(gold(1), wish(2, version(2, **changes)), now=NOW))
    refused(code, lambda: move(plan, 1, 2))


def test_a_move_is_withdrawn_once() -> None:
    """The same again is quiet; one that never was is unknown."""
    plan = moved(gold(3))
    (fact,) = back(plan)
    assert fact == PlanMoveWithdrawn(
        plan="gold", from_version=1, to_version=2, reason="not yet", effective_at=NOW
    )
    assert back(after(plan, fact)) == ()
    refused("move-unknown", lambda: back(plan, 1, 3))
    refused("plan-unknown", lambda: back(None))  # type: ignore[arg-type]


def test_moves_lead_on_from_one_to_the_next() -> None:
    """1 to 2 in March, 2 to 3 in May; withdrawn from an instant on, the first leads nowhere."""
    plan = moved(moved(gold(3)), 2, 3, date(2024, 5, 1))

    def where(day: date, number: int = 1, of: Plan = plan) -> int:
        return destination(of, number, day, datetime(day.year, day.month, day.day, tzinfo=UTC))

    assert [where(date(2024, month, 1)) for month in (2, 3, 4, 5)] == [1, 2, 2, 3]
    assert [where(date(2024, 4, 30), number) for number in (2, 3)] == [2, 3]
    april = datetime(2024, 4, 1, tzinfo=UTC)
    withdrawn = after(plan, *back(plan, now=april))
    assert where(date(2024, 3, 31), of=withdrawn) == 2
    assert where(date(2024, 4, 1), of=withdrawn) == 2  # a worker may be billing it
    assert where(date(2024, 4, 2), of=withdrawn) == 1


# --- what is offered --------------------------------------------------------------------------


def offer(plan: Plan | None, now: datetime = NOW, start_on: date = MARCH, **choice: Any) -> int:
    """The version that is offered."""
    asked = Choice(plan="gold", **choice)
    return offered(plan, asked, start=start_on, zone=ZONE, now=now).plan_version


def test_the_latest_available_version_is_offered() -> None:
    """From its very instant on; an older one still where it is named."""
    plan = after(gold(1), *publish(gold(1), wish(2, available_from=NOW + DAY), now=NOW))
    assert version_at(plan, NOW - timedelta(seconds=1)) is None
    assert offer(plan, NOW + DAY - timedelta(microseconds=1)) == 1
    assert offer(plan, NOW + DAY) == 2
    assert offer(plan, NOW + DAY, version=1) == 1
    refused("plan-version-not-available", lambda: offer(plan, NOW, version=2))
    refused("plan-version-unknown", lambda: offer(plan, NOW, version=3))
    refused("plan-not-available", lambda: offer(plan, NOW - DAY))
    refused("plan-unknown", lambda: offer(None))


def test_nobody_starts_on_a_retired_plan() -> None:
    """From the very instant on."""
    retired = after(gold(1), *retire(gold(1), retired_at=NOW + DAY, reason="old", now=NOW))
    assert offer(retired, NOW + DAY - timedelta(microseconds=1)) == 1
    refused("plan-retired", lambda: offer(retired, NOW + DAY))


def test_who_starts_when_all_have_moved_starts_where_they_are() -> None:
    """Version 2 is not available to new customers, but those of version 1 move there in March."""
    plan = after(gold(1), *publish(gold(1), wish(2, available_from=NOW + 900 * DAY), now=NOW))
    plan = moved(plan)
    assert offer(plan, start_on=MARCH - DAY) == 1
    assert offer(plan, start_on=MARCH) == 2
    assert offer(plan, start_on=MARCH - DAY, version=1) == 1
    refused("plan-version-moved", lambda: offer(plan, start_on=MARCH, version=1))


def test_another_quantity_may_be_asked_for() -> None:
    """Else it is the published one."""
    three = offered(gold(1), Choice(plan="gold", quantity=3), start=MARCH, zone=ZONE, now=NOW)
    assert three == version(1, quantity=3)
    assert is_on(three, gold(1).versions[0])
    assert not is_on(attrs.evolve(three, price=Money(1, "NOK")), gold(1).versions[0])


def by_plan(**changes: Any) -> StartByPlan:
    asked: dict[str, Any] = {
        "subscription_id": "s-1",
        "customer_id": "c-1",
        "namespace": NAMESPACE,
        "provider": Provider.PAYPAL,
        "account": "main",
        "zone": ZONE,
        "start": date(2024, 1, 31),
        "choice": Choice(plan="gold"),
    }
    return StartByPlan(**{**asked, **changes})


def test_a_start_by_plan_copies_the_terms() -> None:
    """The fact is that of a start with those terms."""
    agreed = agreed_start(None, gold(1), by_plan(), now=NOW)
    (fact,) = start(None, agreed, now=NOW, zone_version=ZONE_VERSION)
    assert fact.terms == version(1)  # type: ignore[union-attr]


def test_a_repeated_start_by_plan_is_quiet_whatever_was_published_since() -> None:
    """Also after the plan was retired; another quantity is another agreement."""
    state = evolve_all(None, [started(terms=version(1))])
    plan = after(gold(2), *retire(gold(2), retired_at=None, reason="old", now=NOW))
    again = agreed_start(state, plan, by_plan(), now=NOW + DAY)
    assert again.terms == version(1)
    more = by_plan(choice=Choice(plan="gold", quantity=4))
    refused("plan-retired", lambda: agreed_start(state, plan, more, now=NOW + DAY))
    other = agreed_start(state, gold(2), more, now=NOW)
    refused("subscription-exists", lambda: start(state, other, now=NOW, zone_version=ZONE_VERSION))
    refused(
        "id-malformed",
        lambda: agreed_start(None, None, by_plan(choice=Choice(plan="a b")), now=NOW),
    )
    refused("zone-unknown", lambda: agreed_start(None, gold(1), by_plan(zone="Oslo"), now=NOW))


def test_another_rhythm_may_be_moved_to() -> None:
    """change_terms can do that at a period's end."""
    yearly = version(2, interval=Interval(Unit.YEAR))
    plan = after(gold(1), *publish(gold(1), wish(2, yearly), now=NOW))
    assert len(move(plan, 1, 2)) == 1
