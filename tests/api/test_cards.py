"""What was tried on a card, how far its budgets are used, and which cards expire."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import attrs
import pytest

from domain.processes.places import place_for
from domain.providers import Provider
from domain.subscription.events import ChargeDeclined
from infrastructure.bootstrap import System
from infrastructure.store.ledger import Append
from tests.api.conftest import Client
from tests.api.requests import problem
from tests.domain.stages import attempted, cancelled, invoiced
from tests.specimens import DUE, HARD, SIGNED_UP, started
from tests.store.writing import stamp
from tests.systems import HandClock, project, write

S1 = "/v1/subscriptions/s-1/attempts"


def tried(system: System) -> None:
    """A Visa card whose first charge was declined, by way of the ledger of attempts."""
    before, after = invoiced(provider=Provider.DINTERO), attempted(provider=Provider.DINTERO)
    place = place_for(before.state, after.facts)
    assert place is not None
    assert system.attempts.reserve([place]) == [None]
    write(system, after.facts)
    no = ChargeDeclined(
        attempt_id=after.attempt.attempt_id,
        customer_id="c-1",
        invoice_number=1,
        decline=HARD.decline,
        code=HARD.code,
        message="",
        retry_not_before=None,
        provider_ref="",
        evidence="answer",
        effective_at=DUE,
    )
    append = Append("subscription-s-1", len(after.facts), (no,), stamp())
    system.ledger.append([append], now=DUE)
    clock_of(system).now = DUE + timedelta(hours=2)


def clock_of(system: System) -> HandClock:
    clock = system.clock
    assert isinstance(clock, HandClock)
    return clock


def test_the_use_of_a_subscriptions_card(client: Client, system: System) -> None:
    """One of 20 of the network's, one of 15 of Dintero's; there is a place now."""
    tried(system)
    (use,) = client.get(S1).json()["items"]
    assert (use["which"], use["network"], use["provider"]) == ("primary", "visa", "dintero")
    assert use["instrument"]["last_digits"] == "1111"
    assert [(each["budget"], each["used"], each["limit"]) for each in use["budgets"]] == [
        ("visa-30-days", 1, 20),
        ("dintero-visa-30-days", 1, 15),
    ]
    assert use["next_free_at"] is None
    (row,) = use["attempts"]
    assert (row["outcome"], row["code"]) == ("declined", "CARD_CLOSED")
    same = client.get(f"/v1/instruments/{use['key']}/attempts").json()["items"]
    assert [each["attempts"] for each in same] == [[row]]


def test_a_card_that_is_used_up_says_when_it_is_free(client: Client, system: System) -> None:
    """Fourteen more are open: until one has an outcome, the wait is short."""
    tried(system)
    clock = clock_of(system)
    place = place_for(
        invoiced(provider=Provider.DINTERO).state, attempted(provider=Provider.DINTERO).facts
    )
    assert place is not None
    more = [attrs.evolve(place, attempt_id=uuid4(), attempted_at=clock()) for _ in range(15)]
    waits = system.attempts.reserve(more)
    assert waits.count(None) == 14
    (use,) = client.get(S1, params={"limit": 3}).json()["items"]
    assert use["waits_for"] == "dintero-visa-30-days"
    assert use["next_free_at"] == (clock() + timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(use["attempts"]) == 3


def test_who_was_never_tried_is_unknown(client: Client, system: System) -> None:
    """A key that nobody has, a subscription that is not there, one without a token."""
    assert problem(client.get("/v1/instruments/abc/attempts")) == (404, "instrument-unknown")
    assert problem(client.get("/v1/subscriptions/s-9/attempts")) == (404, "subscription-unknown")
    write(system, (started(),))
    assert client.get(S1).json()["items"] == []


@pytest.mark.parametrize(("days", "found"), [(43, []), (44, [44]), (45, [44]), (None, [44])])
def test_expiring_cards(client: Client, system: System, days: int | None, found: list[int]) -> None:
    """The card of 2029-04 ends on 30 April in Oslo: 44 days after 17 March."""
    write(system, invoiced().facts)
    project(system)
    clock_of(system).now = SIGNED_UP.replace(year=2029, month=3, day=17)
    asked = {} if days is None else {"days": days}
    items = client.get("/v1/expiring-cards", params=asked).json()["items"]
    assert [each["days_left"] for each in items] == found
    assert all(each["last_day"] == "2029-04-30" for each in items)


def test_an_expired_card_stays_on_the_list_and_one_that_bills_no_more_does_not(
    client: Client, system: System
) -> None:
    """It is tried all the same; who was cancelled is charged no more."""
    write(system, invoiced().facts)
    write(system, cancelled(invoiced(subscription_id="s-2")).facts, "s-2")
    project(system)
    clock_of(system).now = SIGNED_UP.replace(year=2029, month=5, day=2)
    (card,) = client.get("/v1/expiring-cards").json()["items"]
    assert (card["subscription_id"], card["days_left"], card["which"]) == ("s-1", -2, "primary")
