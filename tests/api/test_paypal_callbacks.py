"""The door for PayPal's webhooks where they are checked by asking PayPal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from uuid import uuid4

import pytest
from httpx import Response
from litestar.testing import TestClient

from domain.ports import Secret
from infrastructure.api.app import build_app
from infrastructure.bootstrap import System
from infrastructure.settings import AccountSettings
from infrastructure.simulators.paypal.app import build_paypal_simulator
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.webhooks import CERTIFICATE_PATH, signed_text, signer
from infrastructure.simulators.serving import running
from infrastructure.store.books import Books
from tests.api.conftest import Client
from tests.api.requests import problem
from tests.systems import T0, system_over

SENT_AT = T0.isoformat().replace("+00:00", "Z")
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def paypal() -> Iterator[str]:
    """The address of a simulated PayPal."""
    with running(lambda: build_paypal_simulator(PayPalOptions())) as served:
        yield served.base_url


def asking(books: Books, base_url: str) -> AbstractContextManager[System]:
    account = AccountSettings(
        provider="paypal",
        name="main",
        values={
            "client_id": "simulated-client",
            "base_url": base_url,
            "certificate_hosts": [base_url],
            "webhook_id": "WH-SIMULATED",
            "webhook_verification": "postback",
        },
        secrets={"client_secret": Secret("simulated-secret")},
    )
    return system_over(books, accounts=(account,))


def call(client: Client, base_url: str, body: bytes, signed: bytes | None = None) -> Response:
    """A webhook as it arrives. signed: what the signature is over, if not the body."""
    transmission = str(uuid4())
    text = signed_text(transmission, SENT_AT, "WH-SIMULATED", signed or body)
    headers = {
        "PayPal-Transmission-Id": transmission,
        "PayPal-Transmission-Time": SENT_AT,
        "PayPal-Transmission-Sig": signer().sign(text),
        "PayPal-Auth-Algo": "SHA256withRSA",
        "PayPal-Cert-Url": base_url + CERTIFICATE_PATH,
    }
    return client.post("/callbacks/paypal/main", content=body, headers=headers)


def test_webhook_of_a_kind_that_nobody_knows_is_kept(books: Books, paypal: str) -> None:
    """Verified by PayPal, answered 2xx, kept once as it came."""
    body = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.TELEPORTED","resource":{"amount":1.0}}'
    with asking(books, paypal) as system, TestClient(build_app(system)) as client:
        assert call(client, paypal, body).status_code == 200
        assert call(client, paypal, body).status_code == 200
        (kept,) = system.inbox.take(limit=10, owner="test", lease_s=1)
        assert (kept.provider, kept.delivery_id) == ("paypal", "WH-1")
        assert system.inbox.body(kept.id) == body


def test_webhook_that_paypal_disowns_is_401(books: Books, paypal: str) -> None:
    """Nothing of it is kept."""
    body = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{}}'
    with asking(books, paypal) as system, TestClient(build_app(system)) as client:
        answer = call(client, paypal, body, signed=b"another")
        assert problem(answer) == (401, "signature-wrong")
        assert system.inbox.pending() == 0


def test_webhook_is_to_come_again_when_paypal_cannot_be_asked(books: Books) -> None:
    """503: neither believed nor refused for good."""
    body = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{}}'
    with asking(books, NOBODY) as system, TestClient(build_app(system)) as client:
        answer = call(client, NOBODY, body)
        assert problem(answer) == (503, "verification-unavailable")
        assert system.inbox.pending() == 0
