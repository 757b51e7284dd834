"""PayPal's own public client library works against the simulated PayPal.

paypal-server-sdk (PyPI, by PayPal; the extra "clients") knows two environments, both PayPal's. Its
configuration may be given, and the one here names the simulator: nothing of it is patched.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

pytest.importorskip("paypalserversdk", reason='PayPal\'s client library: pip install ".[clients]"')

from apimatic_core.exceptions.auth_validation_exception import AuthValidationException
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from infrastructure.simulators.book import Movement
from infrastructure.simulators.paypal.app import build_paypal_simulator
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.serving import Served, running
from tests.gateways.paypal_bench import NO_TLS, SPECS

KEYS = (f"key-{number}" for number in itertools.count(1))
MONEY = {"currency_code": "USD", "value": "29.85"}
WHOLE = "return=representation"


@pytest.fixture
def served() -> Iterator[Served]:
    """A simulated PayPal, strict where its OpenAPI files lie."""
    strict: dict[str, Any] = {"validation": "strict", "specs": SPECS} if SPECS.is_dir() else {}
    with running(lambda: build_paypal_simulator(PayPalOptions(**strict))) as made:
        yield made


def client_of(served: Served, secret: str = "simulated-secret") -> PaypalServersdkClient:
    """The library, pointed at the simulator."""

    class Pointed(Configuration):
        environments = {Environment.SANDBOX: {Server.DEFAULT: served.base_url}}

    credentials = ClientCredentialsAuthCredentials(
        o_auth_client_id="simulated-client", o_auth_client_secret=secret
    )
    return PaypalServersdkClient(config=Pointed(client_credentials_auth_credentials=credentials))


def setup_token(**more: Any) -> dict[str, Any]:
    """A recurring setup token with a plan."""
    plan = {
        "name": "Company",
        "billing_cycles": [
            {
                "tenure_type": "REGULAR",
                "sequence": 1,
                "total_cycles": 0,
                "frequency": {"interval_unit": "MONTH", "interval_count": 1},
                "pricing_scheme": {"pricing_model": "FIXED", "price": MONEY},
            }
        ],
        "one_time_charges": {"total_amount": MONEY},
    }
    context = {"return_url": "https://s.example/r", "cancel_url": "https://s.example/c", **more}
    wallet = {
        "usage_type": "MERCHANT",
        "usage_pattern": "SUBSCRIPTION_PREPAID",
        "billing_plan": plan,
        "experience_context": context,
    }
    return {
        "customer": {"merchant_customer_id": "buyer-1"},
        "payment_source": {"paypal": wallet},
    }


def vaulted(client: PaypalServersdkClient) -> str:
    """A payment token: asked for, approved by a payer on the page, exchanged."""
    request = {"paypal_request_id": next(KEYS), "body": setup_token()}
    setup = client.vault.create_setup_token(request).body
    assert setup.status == "PAYER_ACTION_REQUIRED"
    (page,) = (link.href for link in setup.links if link.rel == "approve")
    landed = httpx.post(page, data={"action": "approve"}, verify=NO_TLS)
    assert landed.headers["Location"] == "https://s.example/r"
    assert client.vault.get_setup_token(setup.id).body.status == "APPROVED"
    source = {"payment_source": {"token": {"id": setup.id, "type": "SETUP_TOKEN"}}}
    request = {"paypal_request_id": next(KEYS), "body": source}
    token = client.vault.create_payment_token(request).body
    assert token.payment_source.paypal.email_address == "payer@example.com"
    return str(token.id)


def order(token: str, intent: str, reference: str) -> dict[str, Any]:
    """A charge without the payer."""
    credential = {
        "payment_initiator": "MERCHANT",
        "usage": "SUBSEQUENT",
        "usage_pattern": "SUBSCRIPTION_PREPAID",
    }
    return {
        "intent": intent,
        "purchase_units": [
            {
                "invoice_id": reference,
                "custom_id": "c-1",
                "soft_descriptor": "BROADBAND",
                "amount": MONEY,
            }
        ],
        "payment_source": {"paypal": {"vault_id": token, "stored_credential": credential}},
    }


def test_vault_charge_and_refund(served: Served) -> None:
    """All the way with the library's own calls and models; the book tells what moved."""
    client = client_of(served)
    token = vaulted(client)
    request = {
        "paypal_request_id": "k-1",
        "prefer": WHOLE,
        "body": order(token, "CAPTURE", "r-1"),
    }
    made = client.orders.create_order(request).body
    again = client.orders.create_order(request)
    assert (again.status_code, again.body.id) == (200, made.id)
    (unit,) = made.purchase_units
    (capture,) = unit.payments.captures
    assert (made.status, capture.status, capture.amount.value) == ("COMPLETED",) * 2 + ("29.85",)
    assert (unit.soft_descriptor, unit.custom_id) == ("BROADBAND", "c-1")
    read = client.payments.get_captured_payment({"capture_id": capture.id}).body
    assert read.invoice_id == "r-1"
    request = {
        "capture_id": capture.id,
        "paypal_request_id": next(KEYS),
        "prefer": WHOLE,
        "body": {"amount": {"currency_code": "USD", "value": "10.00"}},
    }
    refund = client.payments.refund_captured_payment(request).body
    assert (refund.status, refund.amount.value) == ("COMPLETED", "10.00")
    assert client.payments.get_refund({"refund_id": refund.id}).body.id == refund.id
    assert client.orders.get_order({"id": made.id}).body.id == made.id
    book = served.controls.book
    assert book.total(Movement.CAPTURED, "USD") == (1, 2985)
    assert book.total(Movement.REFUNDED, "USD") == (1, 1000)


def test_authorise_capture_and_void(served: Served) -> None:
    """Reserved, taken; reserved, let go."""
    client = client_of(served)
    token, held = vaulted(client), []
    for reference in ("r-1", "r-2"):
        body = order(token, "AUTHORIZE", reference)
        request = {"paypal_request_id": next(KEYS), "prefer": WHOLE, "body": body}
        (unit,) = client.orders.create_order(request).body.purchase_units
        held.append(unit.payments.authorizations[0].id)
    request = {
        "authorization_id": held[0],
        "paypal_request_id": next(KEYS),
        "prefer": WHOLE,
        "body": {"final_capture": True, "amount": MONEY},
    }
    capture = client.payments.capture_authorized_payment(request).body
    assert (capture.status, capture.final_capture) == ("COMPLETED", True)
    client.payments.void_payment({"authorization_id": held[1], "paypal_request_id": next(KEYS)})
    shown = [client.payments.get_authorized_payment({"authorization_id": one}) for one in held]
    assert [each.body.status for each in shown] == ["CAPTURED", "VOIDED"]
    assert served.controls.book.total(Movement.CAPTURED, "USD") == (1, 2985)


def test_tokens_are_listed_and_deleted(served: Served) -> None:
    """By PayPal's id of the customer."""
    client = client_of(served)
    token = vaulted(client)
    customer = client.vault.get_payment_token(token).body.customer.id
    request = {"customer_id": customer, "page_size": 5, "page": 1, "total_required": True}
    listed = client.vault.list_customer_payment_tokens(request).body
    assert [each.id for each in listed.payment_tokens] == [token]
    assert (listed.total_items, listed.total_pages) == (1, 1)
    client.vault.delete_payment_token(token)
    with pytest.raises(ErrorException) as gone:
        client.vault.get_payment_token(token)
    assert gone.value.response_code == 404


def test_refusals_are_the_librarys_own_errors(served: Served) -> None:
    """A mocked decline, a missing key, a wrong secret."""
    client = client_of(served)
    token = vaulted(client)
    body = order(token, "CAPTURE", "r-1")
    mock = '{"mock_application_codes":"INSTRUMENT_DECLINED"}'
    request = {"paypal_request_id": "k-1", "paypal_mock_response": mock, "body": body}
    with pytest.raises(ErrorException) as declined:
        client.orders.create_order(request)
    assert declined.value.response_code == 422
    assert declined.value.details[0].issue == "INSTRUMENT_DECLINED"
    with pytest.raises(ErrorException) as keyless:
        client.orders.create_order({"body": body})
    assert keyless.value.details[0].issue == "PAYPAL_REQUEST_ID_REQUIRED"
    with pytest.raises(AuthValidationException):
        client_of(served, "wrong").vault.get_payment_token(token)
    assert len(served.controls.book) == 0
