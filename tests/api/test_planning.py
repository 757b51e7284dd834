"""The catalogue over HTTP, and what is billed by it. Gold costs 31.00, from version 2 on 40.00 USD.

s-1 starts on version 1 on 1 January 2025 in Oslo.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.identity import plan_stream, stream_of
from domain.recorded import Stamp
from domain.subscription.events import SubscriptionStarted, TermsChanged, TokenVaulted
from infrastructure.audit import audit_books
from infrastructure.bootstrap import System
from infrastructure.store.codec import Codec
from infrastructure.store.ledger import Append, Appended
from projections.audit import Verdict
from tests.api.billing import FEB_1, MAR_1, S1, at, facts_of, read, totals, usd, work
from tests.api.conftest import Client
from tests.api.requests import post, problem
from tests.examples import PLAN_EXAMPLES
from tests.specimens import CARD
from tests.systems import project

GOLD = "/v1/plans/gold"
SCHEDULE = "/v1/previews/schedule"
PRICES = (3100, 4000, 5000)
DEC_10 = datetime(2024, 12, 10, 12, tzinfo=UTC)
START: dict[str, Any] = {
    "subscription_id": "s-1",
    "customer_id": "c-1",
    "provider": "paypal",
    "start": "2025-01-01",
    "zone": "Europe/Oslo",
}
BY_PLAN = {**START, "plan": "gold"}
MOVE = {"from_version": 1, "to_version": 2, "on": "2025-03-01", "reason": "prices"}


def version(number: int, **changes: Any) -> dict[str, Any]:
    """The body that publishes a version."""
    terms = {
        "price": usd(PRICES[number - 1]),
        "interval": {"unit": "MONTH"},
        "description": "Gold membership",
    }
    return {"version": number, "terms": terms, "reason": "prices", **changes}


BODIES: dict[str, dict[str, Any]] = {
    "versions": version(1),
    "retirement": {"reason": "old"},
    "moves": MOVE,
    "moves/withdrawal": {"from_version": 1, "to_version": 2, "reason": "not yet"},
}


def published(client: Client, system: System, count: int = 2) -> None:
    """So many versions, on 10 December."""
    system.clock.now = DEC_10  # type: ignore[attr-defined]
    for number in range(1, count + 1):
        assert post(client, f"{GOLD}/versions", version(number)).status_code == 201


def signed_up(client: Client, system: System, body: dict[str, Any] | None = None) -> None:
    """The payer has approved."""
    started = post(client, "/v1/subscriptions", {**(body or BY_PLAN), "request_token": True})
    assert started.status_code == 201, started.text
    state = system.ledger.load([stream_of("s-1")])[stream_of("s-1")].state
    assert state is not None
    assert state.token_request is not None
    vaulted = TokenVaulted(
        request_id=state.token_request.request_id,
        token_ref="token-s-1",
        instrument=CARD,
        replaces=None,
        effective_at=system.clock(),
    )
    stamp = Stamp(actor="test", cause="given", command_id=state.token_request.request_id)
    (done,) = system.ledger.append(
        [Append(stream_of("s-1"), 2, (vaulted,), stamp)], now=system.clock()
    )
    assert isinstance(done, Appended)


def audited(system: System) -> Verdict:
    """What the audit of these books says."""
    project(system)
    return audit_books(system.books.connect, system.books.schema, system.ledger).verdict


# --- starting ---------------------------------------------------------------------------------


def test_a_plans_name_is_enough(client: Client, system: System) -> None:
    """The terms are those of the available version, copied into the fact."""
    published(client, system)
    assert post(client, "/v1/subscriptions", BY_PLAN).json()["changed"] is True
    assert post(client, "/v1/subscriptions", BY_PLAN).json()["changed"] is False
    now = read(client)
    assert (now["terms"]["plan_version"], now["amount"]) == (2, usd(4000))
    assert now["terms"]["description"] == "Gold membership"
    (fact,) = facts_of(system, SubscriptionStarted)
    assert fact.terms.price.minor == 4000
    (recorded,) = system.ledger.read_stream(stream_of("s-1"))
    assert recorded.cause == "command:start-by-plan"


def test_a_version_and_a_quantity_may_be_named(client: Client, system: System) -> None:
    """Three units of the first one."""
    published(client, system)
    post(client, "/v1/subscriptions", {**BY_PLAN, "plan_version": 1, "quantity": 3})
    now = read(client)
    assert (now["terms"]["plan_version"], now["amount"]) == (1, usd(9300))


def test_terms_of_ones_own_still_work(client: Client, system: System) -> None:
    """Whatever plan they name, and whether or not it is published."""
    own = {"price": usd(100), "interval": {"unit": "MONTH"}, "description": "Gold, for you"}
    post(client, "/v1/subscriptions", {**BY_PLAN, **own})
    (recorded,) = system.ledger.read_stream(stream_of("s-1"))
    assert recorded.cause == "command:start"
    assert recorded.event.terms.price.minor == 100
    assert (recorded.event.terms.plan, recorded.event.terms.plan_version) == ("gold", 1)


@pytest.mark.parametrize(
    ("answer", "changes"),
    [
        ((404, "plan-unknown"), {"plan": "silver"}),
        ((404, "plan-version-unknown"), {"plan_version": 3}),
        ((422, "terms-ambiguous"), {"timing": "POSTPAID"}),
        ((422, "terms-ambiguous"), {"setup_fee": usd(100)}),
        ((422, "terms-ambiguous"), {"retry_days": []}),
        ((400, "request-malformed"), {"price": usd(100)}),
        ((400, "request-malformed"), {"description": "Gold"}),
        ((400, "request-malformed"), {"price": None}),
        ((400, "request-malformed"), {"plan": None}),
        ((422, "id-malformed"), {"plan": "a b"}),
        ((422, "quantity-malformed"), {"quantity": 0}),
        ((422, "zone-unknown"), {"zone": "Oslo"}),
        ((422, "start-out-of-range"), {"start": "0001-01-01"}),
    ],
)
def test_a_start_by_plan_that_is_refused(
    client: Client, system: System, answer: tuple[int, str], changes: dict[str, Any]
) -> None:
    """With the code of what is wrong; nothing is written."""
    published(client, system)
    head = system.ledger.head()
    assert problem(post(client, "/v1/subscriptions", {**BY_PLAN, **changes})) == answer
    assert system.ledger.head() == head


def test_neither_terms_nor_plan_is_malformed(client: Client) -> None:
    """As it was before there were plans."""
    assert problem(post(client, "/v1/subscriptions", START)) == (400, "request-malformed")


# --- the catalogue ----------------------------------------------------------------------------


def test_plans_are_read_with_their_subscribers(client: Client, system: System) -> None:
    """Dates, versions, moves; the version that the name means now."""
    published(client, system)
    post(client, f"{GOLD}/versions", version(3, available_from="2025-02-01T00:00:00Z"))
    signed_up(client, system, {**BY_PLAN, "plan_version": 1})
    position = post(client, f"{GOLD}/moves", MOVE).json()["position"]
    project(system)
    plan = client.get(f"{GOLD}?at_least={position}").json()["plan"]
    assert (plan["available"], plan["retired_at"]) == (2, None)
    assert [each["subscribers"] for each in plan["versions"]] == [1, 0, 0]
    assert plan["versions"][2]["available_from"] == "2025-02-01T00:00:00Z"
    assert plan["moves"] == [
        {"from_version": 1, "to_version": 2, "on": "2025-03-01", "withdrawn_at": None}
    ]
    assert client.get("/v1/plans").json()["items"] == [plan]
    system.clock.now = datetime(2025, 2, 1, tzinfo=UTC)  # type: ignore[attr-defined]
    assert client.get(GOLD).json()["plan"]["available"] == 3


def test_a_retired_plan_takes_nobody(client: Client, system: System) -> None:
    """From its instant on."""
    published(client, system)
    later = {"reason": "old", "retired_at": "2025-01-01T00:00:00Z"}
    assert post(client, f"{GOLD}/retirement", later).json()["changed"] is True
    assert post(client, f"{GOLD}/retirement", later).json()["changed"] is False
    assert problem(post(client, f"{GOLD}/retirement", {"reason": "old"})) == (409, "plan-retired")
    assert post(client, "/v1/subscriptions", BY_PLAN).status_code == 201
    system.clock.now = datetime(2025, 1, 1, tzinfo=UTC)  # type: ignore[attr-defined]
    other = {**BY_PLAN, "subscription_id": "s-2"}
    assert problem(post(client, "/v1/subscriptions", other)) == (409, "plan-retired")
    assert post(client, "/v1/subscriptions", BY_PLAN).json()["changed"] is False


@pytest.mark.parametrize(
    ("route", "answer", "body"),
    [
        ("versions", (409, "plan-version-gap"), {**version(3), "version": 4}),
        ("versions", (409, "plan-version-fixed"), version(1, terms=version(2)["terms"])),
        (
            "versions",
            (409, "plan-available-too-early"),
            version(3, available_from="2020-01-01T00:00:00Z"),
        ),
        ("versions", (422, "plan-mixed"), version(3, terms={**version(3)["terms"], "plan": "x"})),
        (
            "versions",
            (422, "instant-without-offset"),
            version(3, available_from="2025-01-01T00:00:00"),
        ),
        (
            "versions",
            (422, "price-not-positive"),
            version(3, terms={**version(3)["terms"], "price": usd(0)}),
        ),
        ("moves", (404, "plan-version-unknown"), {**MOVE, "to_version": 7}),
        ("moves", (422, "move-too-soon"), {**MOVE, "on": "2024-12-11"}),
        ("moves", (422, "move-nowhere"), {**MOVE, "to_version": 1}),
        ("moves", (422, "start-out-of-range"), {**MOVE, "on": "9999-12-31"}),
        ("moves", (400, "request-malformed"), {**MOVE, "on": "soon"}),
        ("moves/withdrawal", (404, "move-unknown"), BODIES["moves/withdrawal"]),
        (
            "retirement",
            (422, "retirement-in-the-past"),
            {"reason": "old", "retired_at": "2020-01-01T00:00:00Z"},
        ),
    ],
)
def test_what_the_catalogue_refuses(
    client: Client, system: System, route: str, answer: tuple[int, str], body: dict[str, Any]
) -> None:
    """Nothing is written."""
    published(client, system)
    head = system.ledger.head()
    assert problem(post(client, f"{GOLD}/{route}", body)) == answer
    assert system.ledger.head() == head


@pytest.mark.parametrize("route", BODIES)
def test_every_route_is_strict_and_wants_its_key(
    client: Client, system: System, route: str
) -> None:
    """A repeat under the same key gets the first answer; another request under it is refused."""
    published(client, system)
    post(client, f"{GOLD}/moves", MOVE)
    path, body = f"{GOLD}/{route}", BODIES[route]
    assert problem(client.post(path, json=body)) == (400, "idempotency-key-missing")
    assert problem(post(client, path, {**body, "colour": 1})) == (400, "request-malformed")
    assert problem(post(client, path, {**body, "reason": ""})) == (422, "reason-malformed")
    first = post(client, path, body, key="k")
    assert first.status_code == 201
    again = post(client, path, body, key="k")
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    other = post(client, path, {**body, "reason": "other"}, key="k")
    assert problem(other) == (422, "idempotency-key-reused")
    unknown = post(client, f"/v1/plans/a%20b/{route}", body)
    assert problem(unknown) == (422, "id-malformed")


def test_plans_that_are_not_there(client: Client, system: System) -> None:
    """To read, to retire, to move."""
    project(system)
    assert problem(client.get(GOLD)) == (404, "plan-unknown")
    assert client.get("/v1/plans").json() == {"position": 0, "items": []}
    for route in ("retirement", "moves", "moves/withdrawal"):
        assert problem(post(client, f"{GOLD}/{route}", BODIES[route])) == (404, "plan-unknown")


# --- billing ----------------------------------------------------------------------------------


def test_subscribers_are_moved_where_the_period_begins(client: Client, system: System) -> None:
    """January and February at 31.00, March at 40.00; the audit finds nothing."""
    published(client, system)
    signed_up(client, system, {**BY_PLAN, "plan_version": 1})
    post(client, f"{GOLD}/moves", MOVE)
    for instant in (datetime(2025, 1, 1, tzinfo=UTC), FEB_1, MAR_1):
        at(system, instant)
    assert totals(system) == [3100, 3100, 4000]
    (moved,) = facts_of(system, TermsChanged)
    assert moved.effective_at == MAR_1 - timedelta(microseconds=1)
    assert audited(system) is Verdict.CLEAN


def test_a_withdrawn_move_moves_nobody(client: Client, system: System) -> None:
    """It was in time."""
    published(client, system)
    signed_up(client, system, {**BY_PLAN, "plan_version": 1})
    post(client, f"{GOLD}/moves", MOVE)
    at(system, FEB_1)
    post(client, f"{GOLD}/moves/withdrawal", BODIES["moves/withdrawal"])
    at(system, MAR_1)
    assert totals(system) == [3100, 3100, 3100]
    assert audited(system) is Verdict.CLEAN


@pytest.mark.parametrize("route", ["changes", "pause", "cancellation", "credits"])
def test_a_command_that_comes_before_the_worker_bills_nothing_at_the_old_price(
    client: Client, system: System, route: str
) -> None:
    """The period from March on has begun, and no worker has been there yet."""
    published(client, system)
    signed_up(client, system, {**BY_PLAN, "plan_version": 1})
    post(client, f"{GOLD}/moves", MOVE)
    at(system, FEB_1)
    system.clock.now = MAR_1 + timedelta(hours=1)  # type: ignore[attr-defined]
    body: dict[str, Any] = {"reason": "asked"}
    if route == "changes":
        body |= {"terms": {"quantity": 2}, "when": "PERIOD_END"}
    if route == "credits":
        body |= {"amount": usd(100)}
    assert post(client, f"{S1}/{route}", body, key="k").status_code == 201
    work(system)
    expected = {"cancellation": [3100, 3100]}.get(route, [3100, 3100, 4000])
    assert totals(system) == expected
    assert post(client, f"{S1}/{route}", body, key="k").headers["idempotent-replayed"] == "true"
    assert audited(system) is Verdict.CLEAN


def test_what_lies_in_a_plans_stream(client: Client, system: System) -> None:
    """One stream a plan, in the one log; no subscription's fold meets it."""
    published(client, system)
    signed_up(client, system)
    facts = system.ledger.read_stream(plan_stream("gold"))
    assert [each.version for each in facts] == [1, 2]
    assert {Codec().encode(each.event)[0] for each in facts} <= set(PLAN_EXAMPLES)
    positions = [each.position for each in system.ledger.read_log(0, 100)]  # type: ignore[union-attr]
    assert positions == list(range(1, len(positions) + 1))
    project(system)
    assert set(system.views.select("due_dates").rows) == {"s-1"}
    assert set(system.views.select("plans").rows) == {"gold"}
    assert client.get("/v1/due").status_code == 200


def test_the_schedule_of_a_plan_shows_its_moves(client: Client, system: System) -> None:
    """What s-1 would be billed: 31.00 in January and February, 40.00 from 1 March on."""
    published(client, system)
    post(client, f"{GOLD}/moves", MOVE)
    asked = {"start": "2025-01-01", "zone": "Europe/Oslo", "plan": "gold", "count": 4}
    answer = client.post(SCHEDULE, json={**asked, "plan_version": 1}).json()
    assert [each["total"]["minor"] for each in answer["items"]] == [3100, 3100, 4000, 4000]
    assert [each["plan_version"] for each in answer["items"]] == [1, 1, 2, 2]
    assert answer["position"] == system.ledger.head()
    for wrong, expected in (
        ({"plan": "tin"}, (404, "plan-unknown")),
        ({"plan": None}, (400, "request-malformed")),
        ({"terms": version(1)["terms"]}, (400, "request-malformed")),
        ({"plan": None, "terms": version(1)["terms"], "quantity": 2}, (400, "request-malformed")),
    ):
        assert problem(client.post(SCHEDULE, json={**asked, **wrong})) == expected
