"""Webhooks signed as PayPal signs them, and a gateway whose certificates come from a table."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import attrs
import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from domain.ports import CallbackRejected, Hint, RawCallback
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.gateway import PayPalGateway
from tests.gateways.bench import START, digest_of
from tests.gateways.paypal_canned import ACCOUNT

CERT_URL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-8079afec"
NAME = "messageverificationcerts.sandbox.paypal.com"
ROOT_KEY = generate_private_key(public_exponent=65537, key_size=2048)
KEY = generate_private_key(public_exponent=65537, key_size=2048)
EVENT = {
    "id": "WH-58D329510W468432D-8HN650336L201105X",
    "event_type": "PAYMENT.CAPTURE.COMPLETED",
    "resource": {"id": "3C679366HH908993F", "invoice_id": "sub-1-1-1-aa"},
}


def certificate(
    name: str = NAME,
    *,
    key: RSAPrivateKey = KEY,
    issuer: str = "Root",
    issuer_key: RSAPrivateKey = ROOT_KEY,
    is_ca: bool = False,
    ends: datetime = datetime(2027, 1, 1, tzinfo=UTC),
) -> x509.Certificate:
    """A certificate below the tests' root, or that root itself."""
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(identifier, False)
    )
    if is_ca:
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment"),
                *("data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        )
        builder = builder.add_extension(
            x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True
        )
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
    return builder.sign(issuer_key, SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


ROOT = certificate("Root", key=ROOT_KEY, is_ca=True)


def webhook(
    body: bytes | None = None,
    *,
    webhook_id: str = "WH-OURS",
    key: RSAPrivateKey = KEY,
    **headers: str,
) -> RawCallback:
    """A signed webhook; headers with underscores replace those of the signature."""
    body = msgspec.json.encode(EVENT) if body is None else body
    sent_at = "2026-03-01T10:00:00Z"
    text = f"69cd13f0-d67a-11e5-baa3-778b53f4ae55|{sent_at}|{webhook_id}|{crc32(body)}".encode()
    signed = {
        "paypal-transmission-id": "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
        "paypal-transmission-time": sent_at,
        "paypal-transmission-sig": b64encode(key.sign(text, PKCS1v15(), SHA256())).decode(),
        "paypal-cert-url": CERT_URL,
        "paypal-auth-algo": "SHA256withRSA",
    }
    changes = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawCallback(
        method="POST",
        url="https://billing.example/callbacks/paypal/main",
        headers={**signed, **changes},
        body=body,
        received_at=START,
    )


class Verifying:
    """A gateway whose certificates come from a table; `fetched` lists what was asked for."""

    def __init__(self, served: Mapping[str, bytes], **account: Any) -> None:
        self.fetched: list[str] = []
        self._served = served
        facts: PayPalAccount = attrs.evolve(ACCOUNT, **{"trust_roots": pem(ROOT), **account})
        self.now = START
        self.gateway = PayPalGateway(
            facts,
            now=lambda: self.now,
            transport=httpx.MockTransport(self._serve),
            digest=digest_of,
        )

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.fetched.append(str(request.url))
        assert "Authorization" not in request.headers, "our access token is not for this server"
        body = self._served.get(str(request.url))
        return httpx.Response(404) if body is None else httpx.Response(200, content=body)

    def verify(self, callback: RawCallback) -> Hint:
        return asyncio.run(self.gateway.verify(callback))


def verified(callback: RawCallback, document: bytes | None = None, **account: Any) -> Hint:
    served = {} if document == b"" else {CERT_URL: document or pem(certificate())}
    return Verifying(served, **account).verify(callback)


@contextmanager
def rejected(code: str) -> Iterator[None]:
    with pytest.raises(CallbackRejected) as caught:
        yield
    assert caught.value.code == code
    assert "sub-1-1-1-aa" not in str(caught.value)
