"""Whose webhooks are believed: addresses, certificates, signatures, ages."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
from tests.gateways.bench import START
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
            facts, now=lambda: self.now, transport=httpx.MockTransport(self._serve)
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


def test_genuine_webhook_is_a_hint() -> None:
    """Signature, certificate and age hold: the event says where to look."""
    assert verified(webhook()) == Hint(
        delivery_id="WH-58D329510W468432D-8HN650336L201105X",
        event_type="PAYMENT.CAPTURE.COMPLETED",
        reference="sub-1-1-1-aa",
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"WH-1", "event_type":"X",  "resource":{"amount":1.0}}',
        b'{"id":"WH-1","event_type":"X","note":"\\u00e6 \xc3\xa6"}\n',
    ],
)
def test_signature_is_over_the_bytes(body: bytes) -> None:
    """Spaces, escapes and line ends are part of what is signed; nothing is written anew."""
    assert verified(webhook(body)).delivery_id == "WH-1"


def test_checksum_is_unsigned() -> None:
    """A body whose CRC-32 has its top bit set verifies as well."""
    body = next(
        text
        for number in range(100)
        if crc32(text := b'{"id":"WH-%d","event_type":"X"}' % number) >= 2**31
    )
    assert verified(webhook(body)).event_type == "X"


@pytest.mark.parametrize(
    "name",
    [
        "paypal-transmission-id",
        "paypal-transmission-time",
        "paypal-transmission-sig",
        "paypal-cert-url",
        "paypal-auth-algo",
    ],
)
def test_F13_each_header_is_needed(name: str) -> None:
    """A webhook without one of the five headers is unsigned."""
    callback = webhook()
    headers = {key: value for key, value in callback.headers.items() if key != name}
    with rejected("signature-missing"):
        verified(attrs.evolve(callback, headers=headers))


def test_F13_account_without_a_webhook_believes_none() -> None:
    """An empty webhook id must not make signatures over an empty id good."""
    with rejected("signature-missing"):
        verified(webhook(webhook_id=""), webhook_id="")


def test_F14_altered_body_is_refused() -> None:
    """One byte more and the signature does not hold."""
    callback = webhook()
    with rejected("signature-wrong"):
        verified(attrs.evolve(callback, body=callback.body + b" "))


@pytest.mark.parametrize(
    "changes",
    [
        {"paypal_transmission_id": "another"},
        {"paypal_transmission_time": "2026-03-01T10:00:01Z"},
        {"paypal_transmission_sig": "bm8="},
        {"paypal_transmission_sig": "not base64!"},
        {"paypal_auth_algo": "SHA1withRSA"},
        {"paypal_auth_algo": "none"},
    ],
)
def test_F13_every_signed_part_counts(changes: dict[str, str]) -> None:
    """Id, time and algorithm cannot be swapped under a signature."""
    with rejected("signature-wrong"):
        verified(webhook(**changes))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (CERT_URL, True),
        ("https://api.paypal.com/v1/notifications/certs/CERT-1", True),
        ("https://api.paypal.com:443/v1/notifications/certs/CERT-1", True),
        ("http://api.paypal.com/v1/notifications/certs/CERT-1", False),
        ("https://api.paypal.com:8443/v1/notifications/certs/CERT-1", False),
        ("https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1", False),
        ("https://evil.example/v1/notifications/certs/CERT-1", False),
        ("https://evil.example@api.paypal.com/v1/notifications/certs/CERT-1", False),
        ("https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1", False),
        ("https://www.paypal.com/v1/notifications/certs/CERT-1", False),
        ("https://api.paypal.com/v1/other/CERT-1", False),
        ("https://api.paypal.com/v1/notifications/certs/../../other", False),
        ("https://api.paypal.com/v1/notifications/certs/%2e%2e/x", False),
        ("https://api.paypal.com/v1/notifications/certs/CERT-1?x=1", False),
        ("https://api.paypal.com/v1/notifications/certs/CERT-1#x", False),
        ("https://api.paypal.com:port/v1/notifications/certs/CERT-1", False),
        ("//api.paypal.com/v1/notifications/certs/CERT-1", False),
        ("http://127.0.0.1:8101/v1/notifications/certs/CERT-1", False),
        ("", False),
    ],
)
def test_F15_certificate_comes_from_paypal_only(url: str, allowed: bool) -> None:
    """Exact hosts, https, one path; nothing else is ever fetched."""
    served = {str(httpx.URL(url)): pem(certificate())} if allowed else {}
    verifying = Verifying(served)
    if allowed:
        assert verifying.verify(webhook(paypal_cert_url=url)).reference == "sub-1-1-1-aa"
        return
    with rejected("foreign-certificate" if url else "signature-missing"):
        verifying.verify(webhook(paypal_cert_url=url))
    assert verifying.fetched == []


def test_F15_simulator_has_to_be_named() -> None:
    """A loopback origin is believed only where the account names it."""
    url = "http://127.0.0.1:8101/v1/notifications/certs/CERT-1"
    named = Verifying({url: pem(certificate())}, certificate_hosts=("http://127.0.0.1:8101",))
    assert named.verify(webhook(paypal_cert_url=url)).reference == "sub-1-1-1-aa"


@pytest.mark.parametrize("origin", ["http://api.paypal.com", "http://10.0.0.1:80", "https://x//"])
def test_only_loopback_may_serve_certificates_by_http(origin: str) -> None:
    """The setting itself refuses an open door."""
    with pytest.raises(ValueError, match="loopback"):
        attrs.evolve(ACCOUNT, certificate_hosts=(origin,))


def _other_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def test_F13_self_signed_certificate_is_refused() -> None:
    """PayPal's name on a certificate of somebody's own making."""
    key = _other_key()
    forged = certificate(key=key, issuer=NAME, issuer_key=key)
    with rejected("foreign-certificate"):
        verified(webhook(key=key), pem(forged))


def test_F13_certificate_of_another_root_is_refused() -> None:
    """A root of the same name with another key, served along with the leaf."""
    key = _other_key()
    root = certificate("Root", key=key, issuer_key=key, is_ca=True)
    leaf = certificate(issuer_key=key)
    with rejected("foreign-certificate"):
        verified(webhook(), pem(leaf, root))


@pytest.mark.parametrize(
    "name", ["evil.example", "messageverificationcerts.paypal.com.evil.example"]
)
def test_F13_certificate_in_another_name_is_refused(name: str) -> None:
    """A good chain is not enough: anybody can buy one."""
    with rejected("foreign-certificate"):
        verified(webhook(), pem(certificate(name)))


def test_intermediate_certificate_is_followed() -> None:
    """PayPal serves the chain; the root is ours."""
    key = _other_key()
    middle = certificate("Middle", key=key, is_ca=True)
    leaf = certificate(issuer="Middle", issuer_key=key)
    assert verified(webhook(), pem(leaf, middle)).reference == "sub-1-1-1-aa"


def test_F13_expired_certificate_is_refused() -> None:
    """A certificate of yesterday signs nothing today."""
    with rejected("foreign-certificate"):
        verified(webhook(), pem(certificate(ends=START - timedelta(days=1))))


@pytest.mark.parametrize("document", [b"no certificate", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_F13_document_that_is_no_certificate_is_refused(document: bytes) -> None:
    """What is served there must be a certificate."""
    with rejected("foreign-certificate"):
        verified(webhook(), document)


def test_certificate_that_cannot_be_had_refuses_for_now() -> None:
    """Not the sender's fault: another code, and the next try fetches again."""
    with rejected("certificate-unavailable"):
        verified(webhook(), b"")


def test_too_large_a_document_is_no_certificate() -> None:
    """Nobody fills our memory through a certificate."""
    with rejected("certificate-unavailable"):
        verified(webhook(), pem(certificate()) + b"\n" * 70_000)


def test_certificate_is_fetched_once_and_again_when_it_ended() -> None:
    """Kept by address while it holds."""
    verifying = Verifying({CERT_URL: pem(certificate(ends=START + timedelta(days=1)))})
    verifying.verify(webhook())
    verifying.verify(webhook())
    assert len(verifying.fetched) == 1
    verifying.now = START + timedelta(days=2)
    with rejected("foreign-certificate"):
        verifying.verify(webhook())
    assert len(verifying.fetched) == 2


@pytest.mark.parametrize(
    ("seconds", "is_believed"), [(0, True), (299, True), (301, False), (-299, True), (-301, False)]
)
def test_F15_age_is_five_minutes_either_way(seconds: int, is_believed: bool) -> None:
    """Older, or from a future that our clock does not know, is refused before any fetch."""
    verifying = Verifying({CERT_URL: pem(certificate())})
    callback = attrs.evolve(webhook(), received_at=START + timedelta(seconds=seconds))
    if is_believed:
        verifying.verify(callback)
    else:
        with rejected("too-old"):
            verifying.verify(callback)
        assert verifying.fetched == []


@pytest.mark.parametrize("time", ["yesterday", "2026-03-01T10:00:00"])
def test_time_that_is_no_time_is_malformed(time: str) -> None:
    """A time without its offset is none."""
    with rejected("malformed"):
        verified(webhook(paypal_transmission_time=time))


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b"{}", b'{"id":"","event_type":"X"}', b'{"id":1}', b"\xff"]
)
def test_signed_nonsense_is_malformed(body: bytes) -> None:
    """A good signature over something that is no event."""
    with rejected("malformed"):
        verified(webhook(body))


@pytest.mark.parametrize(
    ("resource", "reference", "token_request"),
    [
        ({"invoice_id": "ref-1"}, "ref-1", ""),
        ({"purchase_units": [{"invoice_id": "ref-2"}]}, "ref-2", ""),
        ({"custom_id": "an attempt id is no reference"}, "", ""),
        ({"links": [{"href": "https://x.example/v3/vault/setup-tokens/ST-1"}]}, "", "ST-1"),
        ({"links": [{"href": "https://x.example/a?approval_session_id=ST-2"}]}, "", "ST-2"),
        ({"id": "8kk8451t", "links": "none", "purchase_units": {}}, "", ""),
        (None, "", ""),
    ],
)
def test_hint_says_what_the_event_names(
    resource: object, reference: str, token_request: str
) -> None:
    """Reference and token request where the resource names them; else the hint says less."""
    body = msgspec.json.encode({"id": "WH-1", "event_type": "X", "resource": resource})
    hint = verified(webhook(body))
    assert (hint.reference, hint.token_request_ref) == (reference, token_request)


def test_roots_of_tls_are_the_default() -> None:
    """Without roots of its own an account trusts those that TLS trusts, not the tests' one."""
    with rejected("foreign-certificate"):
        verified(webhook(), trust_roots=b"")
