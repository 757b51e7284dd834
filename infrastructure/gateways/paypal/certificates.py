"""The certificates that webhooks are signed with: whose they may be, and that they hold.

The address of the certificate comes from whoever sent the webhook, so a right signature alone
proves nothing. Three checks make it PayPal's: the address is on an allow-list of exact hosts, the
certificate bears PayPal's name, and it chains to a root we trust, all valid today.
Sources: reference notes on PayPal, section 5 (verification); RFC 5280 as `cryptography` has it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import attrs
import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from domain.ports import CallbackRejected
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal.account import CERTIFICATE_NAMES, PayPalAccount

PATH = "/v1/notifications/certs/"
_LARGEST = 64 * 1024  # bytes; a chain is a few thousand
_MOST_KEPT = 16


@attrs.frozen(kw_only=True)
class SigningKey:
    """A checked public key and the time in which its certificate holds."""

    key: RSAPublicKey
    not_before: datetime
    not_after: datetime


class Certificates:
    """Signing keys by address: fetched, checked and kept."""

    def __init__(
        self, account: PayPalAccount, http: ProviderHttp, now: Callable[[], datetime]
    ) -> None:
        self._account = account
        self._http = http
        self._now = now
        self._kept: dict[str, SigningKey] = {}
        self._store: Store | None = None

    async def signing_key(self, url: str) -> RSAPublicKey:
        """The key at an address that a webhook named.

        Raises: CallbackRejected("foreign-certificate") for an address or a certificate that is
            not PayPal's; CallbackRejected("certificate-unavailable") when it cannot be fetched,
            which says nothing about the webhook: it may be tried again.
        """
        if not self.allowed(url):
            raise CallbackRejected("foreign-certificate", "not an address of PayPal's certificates")
        known = self._kept.get(url)
        if known is None or not known.not_before <= self._now() <= known.not_after:
            document = await self._http.document(url, template=PATH + "{id}", limit=_LARGEST)
            if document is None:
                raise CallbackRejected("certificate-unavailable", "the certificate was not served")
            known = self._checked(document)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[url] = known
        return known.key

    def allowed(self, url: str) -> bool:
        """Whether an address is where PayPal, or an explicitly named simulator, serves them."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if not parts.path.startswith(PATH) or parts.query or parts.fragment or "@" in parts.netloc:
            return False
        if not parts.path[len(PATH) :].replace("-", "").isalnum():
            return False
        hosts = self._account.certificate_hosts
        if parts.scheme == "https":
            return parts.hostname in hosts and port in (None, 443)
        return f"{parts.scheme}://{parts.netloc}" in hosts

    def _checked(self, document: bytes) -> SigningKey:
        try:
            leaf, *others = x509.load_pem_x509_certificates(document)
        except ValueError:
            raise CallbackRejected("foreign-certificate", "not a PEM certificate") from None
        name = _name_of(leaf)
        key = leaf.public_key()
        if name not in CERTIFICATE_NAMES or not isinstance(key, RSAPublicKey):
            raise CallbackRejected("foreign-certificate", "not in PayPal's name")
        if self._store is None:
            self._store = Store(_roots(self._account.trust_roots))
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(self._now())
            .extension_policies(
                ca_policy=ExtensionPolicy.webpki_defaults_ca(),
                # PayPal says nothing of the key's stated purpose; the name is what is pinned.
                ee_policy=ExtensionPolicy.permit_all().require_present(
                    x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
                ),
            )
            .build_server_verifier(x509.DNSName(name))
        )
        try:
            verifier.verify(leaf, others)
        except VerificationError:
            raise CallbackRejected("foreign-certificate", "no chain to a trusted root") from None
        return SigningKey(
            key=key, not_before=leaf.not_valid_before_utc, not_after=leaf.not_valid_after_utc
        )


def _name_of(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _roots(pem: bytes) -> list[x509.Certificate]:
    if pem:
        return x509.load_pem_x509_certificates(pem)
    roots = []
    for der in httpx.create_ssl_context().get_ca_certs(binary_form=True):
        try:
            with warnings.catch_warnings():
                # Some roots that TLS still trusts break a rule of RFC 5280; they are not PayPal's.
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                roots.append(x509.load_der_x509_certificate(der))
        except ValueError:
            continue
    return roots
