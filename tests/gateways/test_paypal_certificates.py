"""Whose certificates may sign a webhook: addresses, names, chains, validity."""

from __future__ import annotations

from datetime import timedelta

import attrs
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from tests.gateways.bench import START
from tests.gateways.paypal_canned import ACCOUNT
from tests.gateways.paypal_signed import (
    CERT_URL,
    NAME,
    Verifying,
    certificate,
    pem,
    rejected,
    verified,
    webhook,
)


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


def test_roots_of_tls_are_the_default() -> None:
    """Without roots of its own an account trusts those that TLS trusts, not the tests' one."""
    with rejected("foreign-certificate"):
        verified(webhook(), trust_roots=b"")
