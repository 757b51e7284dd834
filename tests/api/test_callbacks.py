"""The door for callbacks, with Dintero's real signatures: kept once, or refused and counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from httpx import Response
from psycopg.sql import SQL, Identifier
from structlog.testing import capture_logs

from domain.ports import Secret
from infrastructure.api.callbacks import LARGEST_CALLBACK_BYTES
from infrastructure.bootstrap import System
from infrastructure.gateways.dintero.signature import sign
from infrastructure.gateways.dintero.webhooks import sign as webhook_signature
from infrastructure.store.inbox import QUARANTINE_AFTER
from tests.api.conftest import Client
from tests.api.requests import problem
from tests.specimens import approval_offered, requested, started
from tests.systems import T0, HandClock, project, write

# Figures are read here; see conftest.py.
COUNTS = True

PATH = "/callbacks/dintero/main"
QUERY = "?transaction_id=T1.t1&merchant_reference=s-1-1-1-0123456789&event=CAPTURE"
SECRET = Secret("y" * 24)
PUBLIC = "http://127.0.0.1:8080"


def signature(query: str = QUERY, *, secret: Secret = SECRET, at_s: int = 0) -> str:
    """Dintero's header over our public address. at_s: seconds from now at which it was made."""
    return sign(secret, "T12345678", "POST", PUBLIC + PATH + query, int(T0.timestamp()) + at_s)


def call(
    client: Client, header: str, *, query: str = QUERY, body: bytes = b"{}", delivery: str = "d-1"
) -> Response:
    """A callback as it arrives."""
    headers = {"Dintero-Signature": header, "Event-Delivery": delivery}
    return client.post(PATH + query, content=body, headers=headers)


def count(client: Client, result: str) -> float:
    """How many callbacks ended that way, as Prometheus sees it."""
    wanted = f'result="{result}"'
    for line in client.get("/metrics").text.splitlines():
        if line.startswith("billing_callbacks_total") and wanted in line:
            return float(line.split()[-1])
    return 0.0


def test_callback_is_kept_as_it_came(client: Client, system: System) -> None:
    """2xx after the commit; a worker finds where to look."""
    write(system, (started(),))
    assert call(client, signature(), body=b'{"id":"T1.t1"}').status_code == 200
    (kept,) = system.inbox.take(limit=10, owner="test", lease_s=1)
    assert (kept.provider, kept.account, kept.delivery_id) == ("dintero", "main", "d-1")
    assert kept.reference == "s-1-1-1-0123456789"
    assert system.inbox.body(kept.id) == b'{"id":"T1.t1"}'
    assert kept.received_at == T0


def test_a_notice_about_a_token_is_kept_without_its_name(client: Client, system: System) -> None:
    """By a digest that only the vault can make; the name is in the sealed body alone."""
    body = (
        b'{"account_id":"T12345678","event":"checkout_token_delete","event_delivery":"d-7",'
        b'"token":{"id":"the-id-of-the-token"}}'
    )
    header = {"event-signature": webhook_signature(Secret("w" * 24), body)}
    assert client.post(PATH, content=body, headers=header).status_code == 200
    (kept,) = system.inbox.take(limit=10, owner="test", lease_s=1)
    assert (kept.delivery_id, kept.reference, kept.token_ended) == ("d-7", "", True)
    assert kept.token_digest == system.digest("the-id-of-the-token")
    assert system.inbox.body(kept.id) == body
    with system.pool.connection() as conn:
        table = Identifier(system.books.schema, "inbox")
        rows = conn.execute(SQL("SELECT * FROM {}").format(table)).fetchall()
    assert "the-id-of-the-token" not in str(rows)
    forged = {"event-signature": webhook_signature(Secret("v" * 24), body)}
    assert problem(client.post(PATH, content=body, headers=forged)) == (401, "signature-wrong")


def test_an_early_callback_is_kept_and_asked_for_again(client: Client, system: System) -> None:
    """It overtook our own facts: 503, so that Dintero repeats it, and 200 once they are there. It
    is one row all the while, so it is not lost if Dintero does not."""
    assert system.ledger.head() == 0
    for _ in range(3):
        assert problem(call(client, signature())) == (503, "subject-unknown")
    assert (system.inbox.pending(), system.inbox.duplicates()) == (1, 2)
    assert count(client, "early") == 3
    write(system, (started(),))
    for _ in range(2):
        assert call(client, signature()).status_code == 200
    assert system.inbox.pending() == 1


@pytest.mark.parametrize("outcome", ["done", "quarantined"])
def test_a_callback_that_was_settled_is_not_asked_for_again(
    client: Client, system: System, outcome: str
) -> None:
    """Worked off, or set aside as foreign: whoever repeats it hears 200."""
    assert call(client, signature()).status_code == 503
    (kept,) = system.inbox.take(limit=10, owner="test", lease_s=1)
    if outcome == "done":
        system.inbox.done([kept.id], "settled before")
    else:
        system.inbox.quarantine(kept.id, "belongs to no subscription of these books")
    assert call(client, signature()).status_code == 200


def test_an_unknown_callback_is_not_asked_for_again_for_ever(
    client: Client, system: System
) -> None:
    """After as long as a worker waits for its subject, also where none is running."""
    clock = system.clock
    assert isinstance(clock, HandClock)
    assert call(client, signature()).status_code == 503
    clock.now += QUARANTINE_AFTER - timedelta(seconds=1)
    late = int(QUARANTINE_AFTER.total_seconds())
    assert call(client, signature(at_s=late - 1)).status_code == 503
    clock.now += timedelta(seconds=1)
    assert call(client, signature(at_s=late)).status_code == 200
    assert system.inbox.pending() == 1


def test_an_early_callback_about_a_page_waits_for_the_page(client: Client, system: System) -> None:
    """Known by its session once the page was offered."""
    query = f"?merchant_reference=token-{requested().request_id}&sid=setup-1"
    project(system)
    assert problem(call(client, signature(query), query=query)) == (503, "subject-unknown")
    write(system, (started(), requested(), approval_offered()))
    project(system)
    assert call(client, signature(query), query=query).status_code == 200


def test_F10_callback_many_times_at_once_is_one(client: Client, system: System) -> None:
    """One is kept, all are answered 2xx, the others are counted."""
    write(system, (started(),))
    header = signature()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: call(client, header), range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert system.inbox.pending() == 1
    assert system.inbox.duplicates() == 9
    assert (count(client, "new"), count(client, "repeated")) == (1, 9)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (signature(secret=Secret("z" * 24)), "signature-wrong"),
        (signature(QUERY.replace("t1", "t2")), "signature-wrong"),
        ("", "signature-missing"),
    ],
)
def test_F13_forged_callback_is_refused(
    client: Client, system: System, header: str, code: str
) -> None:
    """401, nothing kept, a security event without the body, and a count."""
    with capture_logs() as logs:
        answer = call(client, header, body=b'{"amount": 1, "note": "body-of-a-forger"}')
    assert problem(answer) == (401, code)
    assert system.inbox.pending() == 0
    assert system.ledger.head() == 0
    (event,) = [each for each in logs if each["event"] == "callback refused"]
    assert (event["security"], event["code"]) == (True, code)
    assert "body-of-a-forger" not in str(logs)
    assert count(client, "rejected") == 1


@pytest.mark.parametrize("at_s", [-301, 301])
def test_F15_old_or_future_callback_is_refused(client: Client, system: System, at_s: int) -> None:
    """More than five minutes away from now: it is a replay, or a clock nobody can trust."""
    assert problem(call(client, signature(at_s=at_s))) == (400, "too-old")
    assert system.inbox.pending() == 0


def test_F15_callback_of_another_account_is_refused(client: Client, system: System) -> None:
    """Signed for an account that is not the one it came to."""
    header = sign(SECRET, "T12345679", "POST", PUBLIC + PATH + QUERY, int(T0.timestamp()))
    assert problem(call(client, header)) == (401, "signature-wrong")
    assert system.inbox.pending() == 0


def test_F15_paypal_certificate_from_elsewhere_is_refused(client: Client) -> None:
    """The message names the certificate that proves it; only PayPal's own hosts are asked."""
    headers = {
        "PayPal-Transmission-Id": "t-1",
        "PayPal-Transmission-Time": T0.isoformat().replace("+00:00", "Z"),
        "PayPal-Transmission-Sig": "c2lnbmVk",
        "PayPal-Auth-Algo": "SHA256withRSA",
        "PayPal-Cert-Url": "https://evil.example/cert.pem",
    }
    answer = client.post("/callbacks/paypal/main", content=b"{}", headers=headers)
    assert answer.status_code in (400, 401)
    assert problem(answer)[1] in ("foreign-certificate", "signature-missing")


def test_account_webhook_is_kept_once(client: Client, system: System) -> None:
    """The other signature, at the same door; repeats bear the id that is in the signed body."""
    said = b'{"event":"checkout_authorization","event_delivery":"d-7",'
    said += b'"authorization":{"merchant_reference":"s-1-1-1-0123456789"}}'
    headers = {"Event-Signature": webhook_signature(Secret("w" * 24), said)}
    for delivery in ("d-7", "d-8"):
        sent = {**headers, "Event-Delivery": delivery}
        assert client.post(PATH, content=said, headers=sent).status_code == 200
    (kept,) = system.inbox.take(limit=10, owner="test", lease_s=1)
    assert (kept.delivery_id, kept.reference) == ("d-7", "s-1-1-1-0123456789")
    assert kept.event_type == "checkout_authorization"
    assert problem(client.post(PATH, content=said + b" ", headers=headers)) == (
        401,
        "signature-wrong",
    )


def test_account_that_nobody_has_is_404(client: Client) -> None:
    """And it makes no label among the figures."""
    answer = client.post("/callbacks/dintero/other", content=b"{}")
    assert problem(answer) == (404, "account-unknown")
    assert 'account="other"' not in client.get("/metrics").text


def test_huge_callback_is_refused(client: Client, system: System) -> None:
    """Before it is verified, and before it fills the memory."""
    write(system, (started(),))
    answer = call(client, signature(), body=b"x" * (LARGEST_CALLBACK_BYTES + 1))
    assert problem(answer) == (413, "body-too-large")
    assert call(client, signature(), body=b"x" * LARGEST_CALLBACK_BYTES).status_code == 200


def test_card_number_in_a_callback_is_an_alarm(client: Client, system: System) -> None:
    """Neither provider sends one; it may be none, so it is sealed and set aside, and not lost."""
    body = b'{"card":"4111 1111 1111 1111"}'
    with capture_logs() as logs:
        answers = [call(client, signature(), body=body) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert system.inbox.pending() == 0
    (aside,) = system.inbox.quarantined(T0)
    assert (aside.reason, aside.received.reference) == (
        "card-number-found",
        "s-1-1-1-0123456789",
    )
    assert system.inbox.body(aside.received.id) == body
    with system.pool.connection() as connection:
        rows = connection.execute(
            f"SELECT inbox::text FROM {system.books.identifier}.inbox"  # type: ignore[arg-type]
        ).fetchall()
    assert "1111" not in str(rows)
    assert b"4111 1111".hex() not in str(rows)
    (line, _) = [each for each in logs if each["event"] == "card-number-found"]
    assert (line["security"], line["offset"], line["last_digits"]) == (True, 9, "1111")
    assert "4111" not in str(logs)
    assert count(client, "card-number") == 2
    assert 'billing_card_numbers_total{where="callback"} 2.0' in client.get("/metrics").text


def test_card_number_in_what_is_kept_in_the_open_is_hidden(client: Client, system: System) -> None:
    """A reference or a header is kept as text: then all of it goes under the seal."""
    query = QUERY.replace("s-1-1-1-0123456789", "4111111111111111")
    delivery = "5500000000000004"
    assert call(client, signature(query), query=query, delivery=delivery).status_code == 200
    (aside,) = system.inbox.quarantined(T0)
    told = aside.received
    assert (told.event_type, told.reference, told.headers) == ("hidden", "", {})
    assert "1111" not in told.delivery_id
    kept = system.inbox.body(told.id)
    assert b"4111111111111111" in kept
    assert kept.endswith(b"\n{}")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"WH-4111111111111111","at":1767225600000,"us":1767225600000000}',
        b'{"key":"2f1f6f7c-2a10-4111-8111-411111111111","hex":"41111111111111112a7f"}',
        b'{"from":"2025-01-31 2025-02-28","phone":"+47 22 22 22 22 22 22"}',
    ],
)
def test_ids_and_instants_are_no_card_numbers(client: Client, system: System, body: bytes) -> None:
    """A callback is not set aside for them."""
    write(system, (started(),))
    assert call(client, signature(), body=body).status_code == 200
    assert (system.inbox.pending(), system.inbox.quarantined(T0)) == (1, [])


# --- returns ----------------------------------------------------------------------------------


def test_return_that_names_an_open_request_is_a_hint(client: Client, system: System) -> None:
    """A worker will ask the provider; reloading the page does not ask twice."""
    write(system, (started(), requested(), approval_offered()))
    where = f"/returns/paypal?subscription=s-1&request_id={requested().request_id}"
    for _ in range(2):
        answer = client.get(where)
        assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
    found = system.inbox.take(limit=10, owner="test", lease_s=1)
    assert {each.token_request_ref for each in found} == {approval_offered().provider_ref}
    assert len(found) <= 2, "two only where the visits lie on both sides of a boundary"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?subscription=s-1",
        "?subscription=s-1&request_id=nonsense",
        "?subscription=s-1&request_id=5a0d8f0c-7b1e-4f4e-9a44-0f8a4d1f5c11",
        "?subscription=nobody&request_id=5a0d8f0c-7b1e-4f4e-9a44-0f8a4d1f5c11",
        "?subscription=%00&request_id=<script>alert(1)</script>",
    ],
)
def test_other_returns_are_thanked_and_forgotten(
    client: Client, system: System, query: str
) -> None:
    """The page is the same, echoes nothing, and leaves nothing."""
    write(system, (started(), requested(), approval_offered()))
    answer = client.get("/returns/paypal" + query)
    assert answer.status_code == 200
    assert "script" not in answer.text
    assert system.inbox.pending() == 0
