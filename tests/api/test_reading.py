"""Readings: what they show, and at which position."""

from __future__ import annotations

from domain.money import Money
from infrastructure.bootstrap import System
from infrastructure.proof.rounds import verify_round
from infrastructure.proof.signing import Signer
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem
from tests.domain.stages import answered, attempted, invoiced
from tests.specimens import DUE, captured, key
from tests.systems import project, write

# Figures are read here; see conftest.py.
COUNTS = True


def test_due_shows_what_falls_due_and_what_waits(client: Client, system: System) -> None:
    """The request is due at once; the invoice says what it waits for."""
    post(client, "/v1/subscriptions", {**MUSIC, "request_token": True})
    project(system)
    answer = client.get("/v1/due").json()
    assert answer["position"] == 2
    assert [(item["due_at"], item["why"]) for item in answer["items"]] == [
        ("2025-01-01T12:00:00Z", "ask for an approval page"),
        (None, "waits for the first token"),
    ]
    assert client.get("/v1/due", params={"until": "2025-01-01T11:59:59Z"}).json()["items"] == []


def test_waiting_shows_what_nothing_but_an_event_moves(client: Client, system: System) -> None:
    """A subscription without any due instant is found, with its reason."""
    post(client, "/v1/subscriptions", MUSIC)
    asked = {**MUSIC, "subscription_id": "s-2", "request_token": True}
    post(client, "/v1/subscriptions", asked)
    project(system)
    due = client.get("/v1/due").json()["items"]
    assert {item["subscription_id"] for item in due} == {"s-2"}
    (item,) = client.get("/v1/due", params={"waiting": "true"}).json()["items"]
    assert (item["subscription_id"], item["why"]) == ("s-1", "waits for the first token")


def test_F09_due_shows_what_waits_for_a_person(client: Client, system: System) -> None:
    """The invoice is paid and the next is due in a month; the contradiction is listed all the
    same, after what is due."""
    more = captured(Money(30000, "NOK"))
    write(system, answered(attempted(), more).facts)
    post(client, "/v1/subscriptions", {**MUSIC, "subscription_id": "s-2", "request_token": True})
    project(system)
    until = {"until": "2025-01-01T12:00:00Z"}
    items = client.get("/v1/due", params={**until, "customer_id": "c-1"}).json()["items"]
    stuck = [item for item in items if item["subscription_id"] == "s-1"]
    assert [item["why"] for item in stuck][-1] == (
        "discrepancy: 299.00 NOK asked, 300.00 NOK received by attempt "
        f"{key()}; a person has to look"
    )
    early = client.get("/v1/due", params={"until": DUE.isoformat()}).json()["items"]
    assert [(item["what"], item["due_at"]) for item in early] == [("charge of invoice 1", None)]
    still = client.get("/v1/due", params={"waiting": "true", "until": DUE.isoformat()}).json()
    assert still["items"] == early


def test_balances_are_exact_and_dated(client: Client, system: System) -> None:
    """An invoice is overdue after its due instant, not at it."""
    write(system, invoiced().facts)
    project(system)
    (at_once,) = client.get("/v1/balances/c-1", params={"as_of": DUE.isoformat()}).json()["items"]
    assert at_once["open"] == {"minor": 29900, "currency": "NOK"}
    assert at_once["overdue"]["minor"] == 0
    (later,) = client.get("/v1/balances/c-1").json()["items"]
    assert later["overdue"]["minor"] == 29900
    assert later["paid"]["minor"] == 0


def test_timeline_tells_every_fact(client: Client, system: System) -> None:
    """One sentence a fact, in order, with both times."""
    facts = invoiced().facts
    write(system, facts)
    answer = client.get("/v1/subscriptions/s-1/timeline").json()
    assert [item["version"] for item in answer["items"]] == list(range(1, len(facts) + 1))
    assert answer["items"][-1]["at"] == DUE.isoformat().replace("+00:00", "Z")
    assert all(item["words"] for item in answer["items"])


def test_reader_waits_for_a_position(client: Client, system: System) -> None:
    """A view that holds the position answers; one of another log never will."""
    position = post(client, "/v1/subscriptions", MUSIC).json()["position"]
    project(system)
    assert client.get("/v1/charges", params={"at_least": position}).status_code == 200
    answer = client.get("/v1/subscriptions/s-1", params={"at_least": position + 1})
    assert problem(answer) == (503, "position-not-reached")
    assert answer.headers["retry-after"] == "2"


def test_view_that_never_ran_says_so(client: Client) -> None:
    """Fresh books have no views yet: ask again, not an error of ours."""
    assert problem(client.get("/v1/due")) == (503, "position-not-reached")


def test_instants_need_their_offset(client: Client, system: System) -> None:
    """A local time would mean another instant to everyone."""
    project(system)
    answer = client.get("/v1/due", params={"until": "2025-01-01T00:00:00"})
    assert problem(answer) == (422, "instant-without-offset")
    assert problem(client.get("/v1/due", params={"until": "soon"})) == (400, "request-malformed")
    edge = client.get("/v1/due", params={"until": "0001-01-01T00:00:00+10:00"})
    assert problem(edge) == (422, "instant-out-of-range")


def test_api_describes_itself(client: Client) -> None:
    """The OpenAPI document names every route and the header that a POST needs."""
    document = client.get("/schema/openapi.json").json()
    assert {"/v1/subscriptions", "/v1/due", "/v1/charges"} <= set(document["paths"])
    start = document["paths"]["/v1/subscriptions"]["post"]
    assert "Idempotency-Key" in [each["name"] for each in start["parameters"]]


def test_health_readiness_and_figures(client: Client, system: System) -> None:
    """Monitoring sees the log's end, how far the views are, and requests by route."""
    assert client.get("/health").json() == {"status": "ok"}
    post(client, "/v1/subscriptions", MUSIC)
    assert client.get("/ready").json() == {
        "ready": True,
        "position": 1,
        "behind": {
            "balances": 1,
            "charges": 1,
            "disputes": 1,
            "due_dates": 1,
            "due_runs": 1,
            "periods": 1,
            "plans": 1,
            "refunds": 1,
        },
    }
    figures = client.get("/metrics").text
    assert "billing_log_position 1.0" in figures
    assert 'billing_projection_position{projection="charges"} 0.0' in figures


def test_the_last_verification_is_told(client: Client, system: System) -> None:
    """What it found does not make the process unready: taking it away would mend nothing."""
    post(client, "/v1/subscriptions", MUSIC)
    project(system)

    def verify(quick: bool, rows: str = "clean") -> None:
        keys = (Signer(system.signer.origin, b"x" * 32).verifier,)
        verify_round(
            system,
            system.seal_keys if rows == "clean" else keys,
            [],
            quick=quick,
            actor="test",
            catch_up=lambda: None,
        )

    system.sealer.seal_all()
    verify(quick=False)
    at = system.clock().timestamp()
    told = client.get("/ready").json()["verified"]
    assert (told["scope"], told["verdict"], told["whole_verdict"]) == ("full", "clean", "clean")
    assert (told["head"], told["proved_to"]) == (1, 1)
    figures = client.get("/metrics").text
    assert 'billing_verification_clean{scope="full"} 1.0' in figures
    system.clock.forward(hours=1)  # type: ignore[attr-defined]
    verify(quick=True, rows="broken")
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["verified"]["verdict"]) == (200, "broken")
    figures = client.get("/metrics").text
    assert 'billing_verification_clean{scope="quick"} 0.0' in figures
    assert 'billing_verification_clean{scope="full"} 1.0' in figures
    lines = dict(line.rsplit(" ", 1) for line in figures.splitlines() if line[:1] != "#")
    assert float(lines['billing_verified_timestamp_seconds{scope="full"}']) == at
    assert float(lines['billing_verified_timestamp_seconds{scope="quick"}']) == at + 3600


def test_unready_when_the_database_is_away(client: Client, system: System) -> None:
    """Health stays green: restarting this process would not help."""
    system.pool.close()
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert client.get("/health").status_code == 200
