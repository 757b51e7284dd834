"""Dintero-Signature: who sent a callback, and when. The body is not signed, so it is not read.

    Dintero-Signature: t=<unix seconds>,v0-hmac-sha256=<hex>
    HMAC-SHA256 of timestamp, account id, METHOD, host name, path, sorted query, one LF between.

The host name has no port, and the query is sorted by name and written as a browser's
URLSearchParams writes it (spaces as +). Source: Dintero, "Validating callbacks".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from urllib.parse import parse_qsl, quote_plus, urlsplit

from domain.ports import CallbackRejected, RawCallback, Secret

HEADER = "Dintero-Signature"
# The five minutes that Dintero recommends; both ways, since clocks differ both ways.
TOLERANCE_S = 300
_FORM = re.compile(r"t=(\d{1,12}),\s*v0-hmac-sha256=([0-9a-f]{64})")


def _form_encoded(text: str) -> str:
    """As URLSearchParams does it: * stays, ~ does not."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def sorted_query(query: str) -> str:
    """The canonical query: by name, equal names in the order they came in."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    return "&".join(f"{_form_encoded(name)}={_form_encoded(value)}" for name, value in pairs)


def sign(secret: Secret, account_id: str, method: str, url: str, timestamp: int) -> str:
    """The header's value. timestamp: unix seconds; url: as it is called, with its query."""
    parts = urlsplit(url)
    payload = "\n".join(
        (
            str(timestamp),
            account_id,
            method.upper(),
            parts.hostname or "",
            parts.path or "/",
            sorted_query(parts.query),
        )
    )
    digest = hmac.new(secret.reveal().encode(), payload.encode(), hashlib.sha256).hexdigest()
    return f"t={timestamp},v0-hmac-sha256={digest}"


def check(secret: Secret | None, account_id: str, callback: RawCallback, now: datetime) -> None:
    """Refuse a callback that the account's secret did not sign, or that is not fresh.

    now: UTC instant against which its age is measured.
    Raises: CallbackRejected "signature-missing", "malformed", "signature-wrong" (also for another
        account's callback), "too-old" (also for one from the future).
    """
    header = callback.headers.get(HEADER.lower(), "")
    if not header or secret is None:
        raise CallbackRejected("signature-missing", "no signature that could be checked")
    match = _FORM.fullmatch(header.strip())
    if match is None:
        raise CallbackRejected("malformed", "the signature header cannot be read")
    timestamp = int(match[1])
    try:
        expected = sign(secret, account_id, callback.method, callback.url, timestamp)
    except ValueError as error:
        raise CallbackRejected("malformed", "the address cannot be read") from error
    if not hmac.compare_digest(expected, f"t={timestamp},v0-hmac-sha256={match[2]}"):
        raise CallbackRejected("signature-wrong", "not signed by this account's secret")
    age_s = now.timestamp() - timestamp
    if abs(age_s) > TOLERANCE_S:
        raise CallbackRejected("too-old", f"signed {age_s:.0f} s ago, {TOLERANCE_S} s are allowed")
