"""Webhooks: made, signed with the simulator's own certificate, and sent.

The certificate names PayPal's signing host and chains to a root that the simulator makes when it
starts, served at /_root.pem, so that the gateway's own checks run against it unchanged.
Sources: reference notes on PayPal, section 5.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4
from zlib import crc32

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from infrastructure.simulators.deliveries import Build, Outgoing
from infrastructure.simulators.faults import CallbackFault
from infrastructure.simulators.paypal.contested import Dispute, Reversal
from infrastructure.simulators.paypal.contested_resources import dispute_json, reversal_json
from infrastructure.simulators.paypal.payments import COMPLETED, FAILED, PENDING, Capture, Refund
from infrastructure.simulators.paypal.records import (
    Order,
    PaymentToken,
    SetupToken,
    State,
    pacific_by_name,
    rfc3339,
)
from infrastructure.simulators.paypal.resources import (
    authorization_json,
    capture_json,
    payment_token_json,
    refund_json,
)
from infrastructure.simulators.paypal.state import Account

CERTIFICATE_PATH = "/v1/notifications/certs/CERT-360caa42-fca2a594-51700001"
_SIGNING_HOST = "messageverificationcerts.sandbox.paypal.com"
_EVENTS = {
    State.CAPTURED: "PAYMENT.CAPTURE.COMPLETED",
    State.CAPTURE_PENDING: "PAYMENT.CAPTURE.PENDING",
    State.CAPTURE_DECLINED: "PAYMENT.CAPTURE.DECLINED",
    State.AUTHORIZED: "PAYMENT.AUTHORIZATION.CREATED",
    State.AUTHORIZATION_VOIDED: "PAYMENT.AUTHORIZATION.VOIDED",
}
_REFUND_EVENTS = {
    COMPLETED: "PAYMENT.CAPTURE.REFUNDED",
    PENDING: "PAYMENT.REFUND.PENDING",
    FAILED: "PAYMENT.REFUND.FAILED",
}


class Signer:
    """A root, a signing certificate below it, and the key that signs."""

    def __init__(self) -> None:
        root_key = _new_key()
        root = _certificate("Simulated root", root_key, "Simulated root", root_key, is_ca=True)
        self._key = _new_key()
        leaf = _certificate(_SIGNING_HOST, self._key, "Simulated root", root_key, is_ca=False)
        self.root_pem = root.public_bytes(Encoding.PEM)
        self.chain_pem = leaf.public_bytes(Encoding.PEM)

    def sign(self, text: bytes) -> str:
        """Base64 of the RSA-SHA256 signature."""
        return b64encode(self._key.sign(text, PKCS1v15(), SHA256())).decode()

    def holds(self, signature: str, text: bytes) -> bool:
        """Whether a signature is ours."""
        try:
            self._key.public_key().verify(b64decode(signature), text, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


@cache
def signer() -> Signer:
    """One for the process: making keys takes a while, and nothing depends on their being new."""
    return Signer()


class Webhooks:
    """Events about one account, on their way to its listener."""

    def __init__(self, account: Account, url: str, webhook_id: str) -> None:
        self._account = account
        self._deliveries = account.controls.deliveries
        self.url = url
        self.webhook_id = webhook_id
        self.base_url = ""  # of this simulator, known once it has been called

    def about_order(self, order: Order) -> None:
        """Queue the event of an order's present state, with what the plan does to it."""
        self._put(order.invoice_id, lambda: self._order_event(order))

    async def about_new_order(self, order: Order) -> None:
        """The same, before the order is answered: a hasty event is delivered first."""
        await self._put_or_send(order.invoice_id, lambda: self._order_event(order))

    async def about_new_void(self, order: Order) -> None:
        """The event of an authorisation that is let go, before that is answered."""
        await self.about_new_order(order)

    def about_capture(self, capture: Capture) -> None:
        """Queue the event of one capture of an authorisation."""
        self._put(capture.order.invoice_id, lambda: self._capture_event(capture))

    async def about_new_capture(self, capture: Capture) -> None:
        """The same, before the capture is answered."""
        await self._put_or_send(capture.order.invoice_id, lambda: self._capture_event(capture))

    def about_refund(self, refund: Refund) -> None:
        """Queue the event of a refund's present status."""
        self._put(self._named(refund), lambda: self._refund_event(refund))

    async def about_new_refund(self, refund: Refund) -> None:
        """The same, before the refund is answered."""
        await self._put_or_send(self._named(refund), lambda: self._refund_event(refund))

    def about_dispute(self, dispute: Dispute, what: str) -> None:
        """Queue CUSTOMER.DISPUTE.CREATED, UPDATED or RESOLVED."""
        self._put(
            dispute.capture.order.invoice_id,
            lambda: self._build(
                f"CUSTOMER.DISPUTE.{what}",
                "dispute",
                "1.0",
                lambda: dispute_json(dispute, self.base_url),
            ),
        )

    def about_reversal(self, reversal: Reversal) -> None:
        """Queue PAYMENT.CAPTURE.REVERSED."""
        self._put(
            reversal.capture.order.invoice_id,
            lambda: self._build(
                "PAYMENT.CAPTURE.REVERSED",
                "refund",
                "2.0",
                lambda: reversal_json(reversal, self.base_url),
            ),
        )

    def about_token(
        self, token: PaymentToken, what: str = "CREATED", setup: SetupToken | None = None
    ) -> None:
        """Queue VAULT.PAYMENT-TOKEN.CREATED or DELETED, with what the plan does to it.

        setup: what it was made from.
        """
        resource = payment_token_json(token, self.base_url)
        resource["time_created"] = pacific_by_name(token.made_us)
        if setup is not None and self._account.options.names_setup_token:
            up = f"{self.base_url}/v3/vault/setup-tokens/{setup.token_id}"
            resource["links"].append({"href": up, "rel": "up", "method": "GET"})
        event_type = f"VAULT.PAYMENT-TOKEN.{what}"
        self._put(
            token.token_id,
            lambda: self._build(event_type, "payment_token", "3.0", lambda: resource),
        )

    def _put(self, reference: str, event: Callable[[], Build]) -> None:
        if self.url:
            self._deliveries.put(event(), self._account.controls.faults.pick_callback(reference))

    async def _put_or_send(self, reference: str, event: Callable[[], Build]) -> None:
        if not self.url:
            return
        fault = self._account.controls.faults.pick_callback(reference)
        if fault is CallbackFault.EARLY:
            await self._deliveries.send_now(event())
        else:
            self._deliveries.put(event(), fault)

    def _named(self, refund: Refund) -> str:
        return refund.invoice_id or refund.order.invoice_id

    def _order_event(self, order: Order) -> Build:
        event_type = _EVENTS[order.state]
        if event_type.startswith("PAYMENT.CAPTURE"):
            return self._capture_event(self._account.captures(order)[0], event_type)
        return self._build(
            event_type,
            "authorization",
            "2.0",
            lambda: authorization_json(self._account, order, self.base_url),
        )

    def _capture_event(
        self, capture: Capture, event_type: str = "PAYMENT.CAPTURE.COMPLETED"
    ) -> Build:
        return self._build(
            event_type,
            "capture",
            "2.0",
            lambda: capture_json(self._account, capture, self.base_url),
        )

    def _refund_event(self, refund: Refund) -> Build:
        return self._build(
            _REFUND_EVENTS[refund.status],
            "refund",
            "2.0",
            lambda: refund_json(self._account, refund, self.base_url),
        )

    def _build(
        self, event_type: str, resource_type: str, version: str, resource: Callable[[], Any]
    ) -> Build:
        """What is needed to build each try: the event's id stays, its transmission is new."""
        event_id = f"WH-{uuid4().hex[:17].upper()}-{uuid4().hex[:17].upper()}"
        created = rfc3339(self._account.now_us())
        address = f"{self.base_url}/v1/notifications/webhooks-events/{event_id}"
        links = [
            {"href": address, "rel": "self", "method": "GET"},
            {"href": f"{address}/resend", "rel": "resend", "method": "POST"},
        ]

        def build(forged: bool) -> Outgoing:
            body = msgspec.json.encode(
                {
                    "id": event_id,
                    "event_version": "1.0",
                    "create_time": created,
                    "resource_type": resource_type,
                    "resource_version": version,
                    "event_type": event_type,
                    "summary": event_type.replace(".", " ").capitalize(),
                    "resource": resource(),
                    "links": links,
                }
            )
            return self._signed(body, forged=forged)

        return build

    def _signed(self, body: bytes, *, forged: bool) -> Outgoing:
        transmission_id = str(uuid4())
        sent_at = rfc3339(self._account.now_us())
        webhook_id = "WH-SOMEBODY-ELSE" if forged else self.webhook_id
        signature = signer().sign(signed_text(transmission_id, sent_at, webhook_id, body))
        return Outgoing(
            method="POST",
            url=self.url,
            headers={
                "Content-Type": "application/json",
                "PAYPAL-TRANSMISSION-ID": transmission_id,
                "PAYPAL-TRANSMISSION-TIME": sent_at,
                "PAYPAL-TRANSMISSION-SIG": signature,
                "PAYPAL-CERT-URL": self.base_url + CERTIFICATE_PATH,
                "PAYPAL-AUTH-ALGO": "SHA256withRSA",
                "PAYPAL-AUTH-VERSION": "v2",
            },
            body=body,
        )


def signed_text(transmission_id: str, sent_at: str, webhook_id: str, body: bytes) -> bytes:
    """What is signed; the checksum is unsigned and decimal."""
    return f"{transmission_id}|{sent_at}|{webhook_id}|{crc32(body)}".encode()


def _new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def _certificate(
    name: str, key: RSAPrivateKey, issuer: str, issuer_key: RSAPrivateKey, *, is_ca: bool
) -> x509.Certificate:
    """Valid for a century: a rehearsal's clock runs through many years."""
    usage = x509.KeyUsage(
        digital_signature=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 12, 31, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
    )
    if not is_ca:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, SHA256())
