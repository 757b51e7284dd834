"""One merchant account at PayPal, as the settings describe it.

Sources: reference notes on PayPal, sections 1 (hosts) and 5 (certificates of webhooks).
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from ipaddress import ip_address
from urllib.parse import urlsplit

import attrs

from domain.ports import Secret
from infrastructure.gateways.http import HttpPolicy
from infrastructure.gateways.paypal.presenting import Presentation

LIVE_URL = "https://api-m.paypal.com"
SANDBOX_URL = "https://api-m.sandbox.paypal.com"

# Where PayPal serves the certificates that webhooks are signed with. Exact hosts: a wildcard
# would let every host under paypal.com vouch for a payment.
CERTIFICATE_HOSTS = (
    "api.paypal.com",
    "api-m.paypal.com",
    "api.sandbox.paypal.com",
    "api-m.sandbox.paypal.com",
)
# Names that PayPal's signing certificates carry (live, sandbox).
CERTIFICATE_NAMES = (
    "messageverificationcerts.paypal.com",
    "messageverificationcerts.sandbox.paypal.com",
)


class Verification(Enum):
    """How a webhook is checked.

    CERTIFICATE: by the certificate that it names, here; PayPal's own advice, and the default.
    POSTBACK: by asking PayPal, for a site that cannot fetch certificates. One call a webhook, also
        for those that a stranger makes up, once they are of the right age and form.
    """

    CERTIFICATE = "certificate"
    POSTBACK = "postback"


def _without_slash(url: str) -> str:
    return url.rstrip("/")


def _hosts(_: object, __: object, hosts: tuple[str, ...]) -> None:
    for host in hosts:
        if "//" in host and not _is_loopback(host):
            raise ValueError(f"{host!r}: only a loopback simulator may serve certificates by http")


def _is_loopback(origin: str) -> bool:
    parts = urlsplit(origin)
    if parts.scheme != "http" or parts.hostname is None:
        return False
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"


@attrs.frozen(kw_only=True)
class PayPalAccount:
    """Where the account is, how we sign in, and where payers and webhooks come back to.

    name: of the account in our settings.
    webhook_id: of our listener, from PayPal's dashboard; it is part of every signature. "": no
        webhook is believed.
    return_url, cancel_url: where the payer's browser goes after approving or turning back.
    brand_name: shown to the payer, or "" for the account's own.
    presentation: what else a payer is shown, see presenting.py.
    certificate_hosts: exact host names, https only; or, for a simulator, an origin such as
        "http://127.0.0.1:8101".
    trust_roots: PEM certificates that a signing certificate must chain to; empty: the same
        roots that TLS uses.
    soft_descriptor: what stands on the payer's statement after PayPal's own prefix, 1 to 22
        printable characters, or "" for the account's.
    verification: how webhooks are checked, see webhooks.py.
    callback_max_age: a webhook whose transmission time is further away is refused, see
        webhooks.py.
    """

    name: str
    client_id: str
    client_secret: Secret
    webhook_id: str
    return_url: str
    cancel_url: str
    base_url: str = attrs.field(default=LIVE_URL, converter=_without_slash)
    brand_name: str = ""
    presentation: Presentation = attrs.field(factory=Presentation)
    certificate_hosts: tuple[str, ...] = attrs.field(default=CERTIFICATE_HOSTS, validator=_hosts)
    trust_roots: bytes = b""
    soft_descriptor: str = attrs.field(
        default="", validator=attrs.validators.matches_re("[ -~]{0,22}")
    )
    verification: Verification = attrs.field(
        default=Verification.CERTIFICATE, converter=Verification
    )
    callback_max_age: timedelta = timedelta(minutes=5)
    http: HttpPolicy = attrs.field(factory=HttpPolicy)
