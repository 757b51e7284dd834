"""Starting, reading, asking for approval and cancelling over HTTP."""

from __future__ import annotations

import threading

from domain.subscription.charging import ANSWER, settle
from infrastructure.bootstrap import System
from tests.api.conftest import Client
from tests.api.requests import MUSIC, post, problem
from tests.domain.stages import attempted
from tests.specimens import DUE, TIME_OUT, approval_offered, captured, key, requested, started
from tests.systems import project, write


def doubtful() -> tuple[object, ...]:
    """A subscription with a charge of unknown outcome."""
    start = attempted()
    return start.and_(*settle(start.state, key(), TIME_OUT, evidence=ANSWER, now=DUE)).facts


def test_subscription_is_started_and_read(client: Client) -> None:
    """What was asked for is what is read, at the position that the command answered."""
    answer = post(client, "/v1/subscriptions", MUSIC)
    assert (answer.status_code, answer.json()) == (201, {"position": 1, "changed": True})
    found = client.get("/v1/subscriptions/s-1", params={"at_least": 1}).json()
    assert found["position"] == 1
    assert found["status"] == "PENDING"
    assert found["terms"]["price"] == {"minor": 2985, "currency": "USD"}
    assert found["next_due_at"] == "2024-12-31T23:00:00Z"
    assert [item["why"] for item in found["agenda"]] == ["waits for the first token"]


def test_start_asks_for_the_token_in_the_same_append(client: Client, system: System) -> None:
    """No crash can leave the one without the other."""
    answer = post(client, "/v1/subscriptions", {**MUSIC, "request_token": True})
    assert answer.json() == {"position": 2, "changed": True}
    first, second = system.ledger.read_stream("subscription-s-1")
    assert first.command_id == second.command_id
    assert first.recorded_at == second.recorded_at
    assert (first.actor, first.cause) == ("api:local", "command:start")


def test_start_is_quiet_on_a_repeat(client: Client) -> None:
    """The same terms under another key change nothing, not even the keys."""
    post(client, "/v1/subscriptions", {**MUSIC, "request_token": True})
    before = client.get("/v1/subscriptions/s-1").json()["token"]["request_id"]
    again = post(client, "/v1/subscriptions", {**MUSIC, "request_token": True})
    assert (again.status_code, again.json()) == (201, {"position": 2, "changed": False})
    assert client.get("/v1/subscriptions/s-1").json()["token"]["request_id"] == before


def test_other_terms_under_the_same_id_are_refused(client: Client) -> None:
    """An id belongs to one agreement."""
    post(client, "/v1/subscriptions", MUSIC)
    other = post(client, "/v1/subscriptions", {**MUSIC, "zone": "UTC"})
    assert problem(other) == (409, "subscription-exists")


def test_account_must_be_in_the_settings(client: Client) -> None:
    """What nobody could bill is not started."""
    answer = post(client, "/v1/subscriptions", {**MUSIC, "account": "second"})
    assert problem(answer) == (422, "account-unknown")


def test_unknown_subscription_is_404(client: Client) -> None:
    """Reading and commanding what is not there say so."""
    assert problem(client.get("/v1/subscriptions/nobody")) == (404, "subscription-unknown")
    assert problem(client.get("/v1/subscriptions/nobody/timeline")) == (404, "subscription-unknown")
    answer = post(client, "/v1/subscriptions/nobody/cancellation", {"reason": "gone"})
    assert problem(answer) == (404, "subscription-unknown")


def test_token_request_answers_the_link_that_is_there(client: Client, system: System) -> None:
    """While a request is open it is that one, and its page is in the answer."""
    write(system, (started(), requested(), approval_offered()))
    answer = post(client, "/v1/subscriptions/s-1/token-requests", {})
    assert answer.status_code == 202
    assert answer.json()["token"]["approve_url"] == approval_offered().approve_url
    assert answer.json()["position"] == 3
    assert client.get("/v1/subscriptions/s-1/token-requests").json() == answer.json()


def test_token_request_waits_for_the_page(client: Client, system: System) -> None:
    """With wait_s the answer comes as soon as the page does."""
    post(client, "/v1/subscriptions", {**MUSIC, "request_token": True})
    state = system.ledger.load(["subscription-s-1"])["subscription-s-1"].state
    assert state is not None
    assert state.token_request is not None
    offer = approval_offered()
    offered = type(offer)(
        request_id=state.token_request.request_id,
        provider_ref=offer.provider_ref,
        approve_url=offer.approve_url,
        expires_at=offer.expires_at,
        effective_at=offer.effective_at,
    )
    late = threading.Timer(0.3, append_later, (system, offered))
    late.start()
    answer = post(client, "/v1/subscriptions/s-1/token-requests?wait_s=20", {})
    late.join()
    assert answer.json()["token"]["approve_url"] == offer.approve_url


def append_later(system: System, fact: object) -> None:
    """What a worker would write meanwhile."""
    from uuid import uuid4

    from domain.recorded import Stamp
    from infrastructure.store.ledger import Append

    stamp = Stamp(actor="test", cause="given", command_id=uuid4())
    system.ledger.append(
        [Append("subscription-s-1", 2, (fact,), stamp)],  # type: ignore[arg-type]
        now=system.clock(),
    )


def test_token_request_of_an_ended_subscription_is_refused(client: Client) -> None:
    """Nobody is asked to approve what has ended."""
    post(client, "/v1/subscriptions", MUSIC)
    post(client, "/v1/subscriptions/s-1/cancellation", {"reason": "moved"})
    answer = post(client, "/v1/subscriptions/s-1/token-requests", {})
    assert problem(answer) == (409, "subscription-ended")


def test_cancellation_is_quiet_on_a_repeat(client: Client) -> None:
    """The second one finds nothing to do."""
    post(client, "/v1/subscriptions", MUSIC)
    first = post(client, "/v1/subscriptions/s-1/cancellation", {"reason": "moved"})
    second = post(client, "/v1/subscriptions/s-1/cancellation", {"reason": "moved again"})
    assert (first.status_code, first.json()) == (201, {"position": 2, "changed": True})
    assert (second.status_code, second.json()) == (201, {"position": 2, "changed": False})
    assert client.get("/v1/subscriptions/s-1").json()["status"] == "CANCELLED"


def test_person_settles_a_doubt(client: Client, system: System) -> None:
    """What the provider's back office shows is booked, with the reason as evidence."""
    write(system, doubtful())
    project(system)
    body = {
        "reason": "seen in the back office",
        "received": {"minor": 29900, "currency": "NOK"},
        "provider_ref": "cap-1",
    }
    answer = post(client, f"/v1/attempts/{key()}/decision", body)
    assert answer.status_code == 201
    project(system)
    (charge,) = client.get("/v1/charges", params={"subscription_id": "s-1"}).json()["items"]
    assert charge["status"] == "succeeded"
    assert charge["received"] == {"minor": 29900, "currency": "NOK"}
    assert charge["evidence"] == "person: seen in the back office"


def test_person_decides_only_open_doubts(client: Client, system: System) -> None:
    """A settled charge, an attempt nobody made, and money without its id are refused."""
    start = attempted()
    write(
        system, start.and_(*settle(start.state, key(), captured(), evidence=ANSWER, now=DUE)).facts
    )
    project(system)
    path = f"/v1/attempts/{key()}/decision"
    assert problem(post(client, path, {"reason": "no"})) == (409, "attempt-not-unknown")
    unknown = post(client, f"/v1/attempts/{key(9)}/decision", {"reason": "no"})
    assert problem(unknown) == (404, "attempt-unknown")
    money = {"minor": 1, "currency": "NOK"}
    bare = post(client, path, {"reason": "yes", "received": money})
    assert problem(bare) == (422, "provider-ref-malformed")
