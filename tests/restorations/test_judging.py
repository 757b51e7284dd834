"""What follows from what the providers show of attempts that lost books may have made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from domain.identity import charge_reference
from domain.plan import RetryPolicy
from domain.ports import Authorized, Captured, Declined, NotDone, NotFound, Unknown
from domain.providers import RULES, Provider
from domain.refund_ports import Refunded
from domain.restorations.lost import (
    AFTER_DOUBT,
    FOR_A_PERSON,
    LEAST_ATTEMPTS,
    MARGIN,
    MORE_REFUNDS,
    Absent,
    Found,
    Held,
    Place,
    Shown,
    as_found,
    attempts_to_look_for,
    judged,
    lost_sight_of,
    may_be_lost,
    most_attempts,
)
from domain.restorations.saying import Restored
from domain.subscription.charging import attempt_charge
from domain.subscription.events import (
    ChargeAttempted,
    ChargeNotMade,
    ChargeSucceeded,
    DeclineClass,
)
from domain.subscription.invoicing import issue_invoice
from domain.subscription.owed import Attempt
from domain.subscription.state import Subscription
from tests.domain.test_in_session import NOW as AT_PAGE
from tests.domain.test_in_session import asked
from tests.restorations.lives import BEGUN, END, Life, Records, born, given_luck, lived
from tests.specimens import DAY, DUE, HOUR, MINUTE, PRICE, ZONE_VERSION, key, signed_up, terms
from tests.vocabulary import given

MAIN: Place = (Provider.PAYPAL, "main")
OTHER: Place = (Provider.DINTERO, "main")
RESTORED = Restored(until=DUE + DAY, since=DUE - DAY)
PROVED = DUE + DAY + RULES[Provider.PAYPAL].report_delay

PAID = Captured(amount=PRICE, provider_ref="c-1", at=DUE + HOUR)
RESERVED = Authorized(
    amount=PRICE, authorization_ref="a-1", order_ref="o-1", expires_at=None, at=DUE + HOUR
)
NO = Declined(decline=DeclineClass.SOFT, code="NO", message="", at=DUE + HOUR)
NOTHING, DOUBT = NotFound(finding="nothing"), Unknown(reason="away")
NOT_SENT = NotDone(reason="429", retry_after_s=1200)


def billed(now: Any = DUE) -> tuple[Subscription, ChargeAttempted]:
    """A subscription whose first invoice is issued, and the attempt that would be made."""
    start = given(*signed_up())
    start = start.and_(*issue_invoice(start.state, now=now, zone_version=ZONE_VERSION))
    (attempted,) = attempt_charge(start.state, now=now)
    assert isinstance(attempted, ChargeAttempted)
    return start.state, attempted


def attempts(*places: Place) -> tuple[Attempt, ...]:
    return attempts_to_look_for(*billed(), places)


def shown(answers: dict[int, Any], elsewhere: dict[int, Any] | None = None) -> list[Shown]:
    """What was shown of attempts by their number; nothing of the others."""
    told = {MAIN: answers, OTHER: elsewhere or {}}
    return [
        Shown(each, told[each.provider, each.account].get(each.attempt_number, NOTHING))
        for each in attempts(MAIN, OTHER)
    ]


def verdict(answers: dict[int, Any], elsewhere: dict[int, Any] | None = None, **given: Any) -> Any:
    now = given.get("now", PROVED)
    return judged(shown(answers, elsewhere), at=MAIN, restored=RESTORED, now=now)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, Absent()),
        ({2: PAID}, Found(2, PAID)),
        ({3: PAID, 2: PAID}, Found(2, PAID)),
        ({1: DOUBT, 2: PAID}, Found(2, PAID)),
        ({1: NO, 2: RESERVED, 3: PAID}, Found(3, PAID)),
        ({1: NO, 2: RESERVED}, Found(2, RESERVED)),
        ({2: NO, 1: NO}, Found(1, NO)),
    ],
)
def test_money_comes_first_and_then_the_earliest(answers: dict[int, Any], expected: Any) -> None:
    """A reservation before a decline; and nothing where nothing shows."""
    assert verdict(answers) == expected


@pytest.mark.parametrize("other", [NO, RESERVED, NOTHING])
@pytest.mark.parametrize(("doubt", "wait"), [(DOUBT, AFTER_DOUBT), (NOT_SENT, 20 * MINUTE)])
def test_a_doubt_about_any_number_holds_the_charge(other: Any, doubt: Any, wait: timedelta) -> None:
    """It may be money."""
    held = verdict({1: other, 7: doubt})
    assert isinstance(held, Held)
    assert held.until == PROVED + wait
    assert "-1-7-" in held.reason


@pytest.mark.parametrize("answer", [PAID, RESERVED])
def test_money_at_another_place_is_for_a_person(answer: Any) -> None:
    """These books do not know that the subscription had moved."""
    held = verdict({1: NO}, {2: answer})
    assert isinstance(held, Held)
    assert held.until == PROVED + FOR_A_PERSON
    assert "dintero account main" in held.reason


def test_a_decline_at_another_place_is_history() -> None:
    """No money came of it."""
    assert verdict({}, {1: NO}) == Absent()


def test_absence_is_proved_by_the_slowest_provider() -> None:
    """From the instant at which the lost books may have charged last."""
    held = verdict({}, now=PROVED - MINUTE)
    assert isinstance(held, Held)
    assert held.until == PROVED
    assert verdict({}, now=PROVED) == Absent()


def test_every_number_is_looked_for_at_every_place() -> None:
    """From the next one on; under the names that the lost books gave them."""
    state, attempted = billed()
    found = attempts(MAIN, OTHER)
    assert len(found) == 2 * most_attempts(state.terms)
    first = found[0]
    assert (first.attempt_id, first.reference) == (attempted.attempt_id, attempted.reference)
    assert len({(each.provider, each.reference) for each in found}) == len(found)
    assert {each.attempt_number for each in found} == set(range(1, 1 + len(found) // 2))


@pytest.mark.parametrize(
    ("waits", "backup", "expected"),
    [((3, 5, 7), False, LEAST_ATTEMPTS), ((1,) * 9, False, 20), ((1,) * 9, True, 22)],
)
def test_how_many_attempts_there_can_be(
    waits: tuple[int, ...], backup: bool, expected: int
) -> None:
    """Two rounds of what the plan tries, and what a card's tightest budget allows at least."""
    assert most_attempts(terms(retry=RetryPolicy(waits), backup=backup)) == expected


@pytest.mark.parametrize(
    ("restored_at", "expected"),
    [
        (DUE + DAY, True),
        (DUE - MARGIN, True),
        (DUE - MARGIN - MINUTE, False),
    ],
)
def test_what_falls_due_soon_after_a_restoration_may_be_lost(
    restored_at: Any, expected: bool
) -> None:
    """The lost books may have known of an earlier day."""
    state, attempted = billed()
    state = attrs.evolve(state, started_at=restored_at - 40 * DAY)
    restored = Restored(until=restored_at, since=restored_at - DAY)
    assert may_be_lost(state, attempted, restored) is expected


def test_who_signed_up_after_it_was_not_charged_before_it() -> None:
    """The keys of a later subscription are its own."""
    state, attempted = billed()
    early = Restored(until=state.started_at - MINUTE, since=state.started_at - DAY)
    assert not may_be_lost(state, attempted, early)
    assert may_be_lost(state, attempted, attrs.evolve(early, until=state.started_at))


def test_the_attempts_before_the_one_found_are_not_made() -> None:
    """One at a time, and then the one that is there."""
    state, attempted = billed()
    facts = as_found((), state, attempted, Found(2, PAID), now=PROVED)
    assert [type(each) for each in facts] == [ChargeAttempted, ChargeNotMade]
    facts = as_found((), state, attempted, Found(1, PAID), now=PROVED)
    assert [type(each) for each in facts] == [ChargeAttempted, ChargeSucceeded]


@pytest.mark.parametrize(("before", "expected"), [(MINUTE, True), (-MINUTE, False)])
def test_an_attempt_of_before_may_have_been_gone_on_with(before: timedelta, expected: bool) -> None:
    """One of after was begun by these books."""
    (attempt, *_) = attempts(MAIN)
    assert lost_sight_of(attempt, Restored(until=DUE + before, since=DUE - DAY)) is expected


# --- in a worker's hand -------------------------------------------------------------------------


def test_what_shows_at_another_account_is_not_charged_here() -> None:
    """The lost books had moved there."""
    life = lived({}, terms())
    lost = life.cut(BEGUN)
    lost.second, lost.provider = lost.provider, given_luck({})
    for _ in range(3):
        hand = lost.work()
        assert hand.not_before == lost.desk.now + FOR_A_PERSON
        lost.desk.now = hand.not_before
    assert lost.provider.times() == {}
    assert [each.number for each in lost.state.open_invoices] == [1]


def test_a_search_begins_where_the_backup_ends() -> None:
    """Or where the invoice fell due, whichever is earlier."""
    life = lived({}, terms())
    lost = life.cut(BEGUN)
    assert lost.restored is not None
    lost.work()
    assert lost.provider.asked
    assert all(each.since <= min(DUE, lost.restored.since) for each in lost.provider.asked)


def test_the_search_for_a_refund_begins_with_its_charge() -> None:
    """It cannot have been made before; and a few more of that charge are looked for."""
    life = lived({}, terms())
    lost = life.cut(len(life.facts))
    lost.refund(PRICE)
    lost.live(END + DAY)
    (charge,) = lost.state.collected
    # Once too early to believe that there is none, and once more.
    assert len(lost.provider.asked) == 2 * (1 + MORE_REFUNDS)
    assert all(each.since == charge.at for each in lost.provider.asked)
    assert sum(map(len, lost.provider.refunded.values())) == 1


def test_a_doubt_about_a_refund_holds_it() -> None:
    """It is not sent; nor is anything said of it that is not known."""
    life = lived({}, terms())
    lost = life.cut(len(life.facts))
    lost.refund(PRICE)
    lost.provider.answers["r2"] = DOUBT
    hand = lost.work()
    assert hand.not_before == lost.desk.now + AFTER_DOUBT
    assert lost.provider.refunded == {}
    lost.provider.answers["r2"] = Refunded(amount=PRICE, provider_ref="other", at=DUE)
    lost.desk.now = hand.not_before
    lost.work()
    assert lost.provider.refunded == {}
    assert lost.state.refunds[0].awaits_person


@pytest.mark.parametrize("later", [0, 2, 3])
def test_no_page_is_made_for_what_a_later_attempt_paid(later: int) -> None:
    """The payer would pay what is paid. Where nothing shows, the page is made."""
    run = asked()
    restored = Restored(until=AT_PAGE - 2 * HOUR, since=AT_PAGE - DAY)
    provider = given_luck({})
    if later:
        reference = charge_reference("s-1", 1, later, key(1, later))
        provider.captured[reference], provider.at[reference] = [PRICE], AT_PAGE - 3 * HOUR
    life = Life(Records(list(run.facts), AT_PAGE), provider, Provider.DINTERO, restored)
    hand = life.work()
    attempt = life.state.open_attempt
    assert attempt is not None
    assert provider.pages == ([] if later else [attempt.reference])
    assert (hand.not_before == attempt.key_expires_at) is bool(later)


def test_a_life_is_born_without_a_restoration() -> None:
    """So the tests above say something."""
    assert born({}, terms()).restored is None
