"""Webhooks: who sent them, and what they are about.

PayPal signs "transmission id | transmission time | our webhook id | crc32 of the raw body" with
RSA-SHA256; the webhook id is ours, so a message to another listener does not verify here.

Age: a transmission time more than `callback_max_age` away from the receipt is refused. Whether
PayPal stamps each of its 25 tries anew is not stated; should it keep the first stamp, a message
that found us down longer than that is refused when it comes again. Nothing is lost by it: a
webhook is a hint to look, and every open outcome is looked up by schedule as well. A duplicate
within the age is known by its event id.
Sources: reference notes on PayPal, section 5.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from domain.ports import CallbackRejected, Hint, RawCallback
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal import postback
from infrastructure.gateways.paypal.account import PayPalAccount, Verification
from infrastructure.gateways.paypal.certificates import Certificates
from infrastructure.gateways.paypal.disputes import charge_behind, reversal_in
from infrastructure.gateways.paypal.orders import charge_of_part
from infrastructure.gateways.paypal.wire import items, link, mapping, text_of, time_of

_ALGORITHM = "SHA256withRSA"
_HEADERS = (
    "paypal-transmission-id",
    "paypal-transmission-time",
    "paypal-transmission-sig",
    "paypal-cert-url",
    "paypal-auth-algo",
)
_SETUP_TOKENS = "/v3/vault/setup-tokens/"
_CAPTURES = "/v2/payments/captures/"
_TOKEN_ENDS = frozenset({"VAULT.PAYMENT-TOKEN.DELETED", "VAULT.PAYMENT-TOKEN.DELETION-INITIATED"})
_TOKEN_EVENTS = _TOKEN_ENDS | {"VAULT.PAYMENT-TOKEN.CREATED"}
_OF_DISPUTES = "CUSTOMER.DISPUTE."
_REVERSED = "PAYMENT.CAPTURE.REVERSED"


async def verify(
    callback: RawCallback, account: PayPalAccount, certificates: Certificates, http: ProviderHttp
) -> Hint:
    """Check a webhook over its raw bytes, in the way that the account names.

    By its certificate and signature; or PayPal is asked, once all is refused that need not be.
    Raises: CallbackRejected with "signature-missing", "signature-wrong", "too-old",
        "foreign-certificate", "certificate-unavailable", "verification-unavailable" or
        "malformed". No text of the message is repeated in it.
    """
    headers = {name: callback.headers.get(name, "") for name in _HEADERS}
    if not all(headers.values()) or not account.webhook_id:
        raise CallbackRejected("signature-missing", "a header of the signature is missing")
    sent_at = time_of(headers["paypal-transmission-time"])
    if sent_at is None:
        raise CallbackRejected("malformed", "the transmission time is not a time")
    _check_age(sent_at, callback.received_at, account)
    if headers["paypal-auth-algo"] != _ALGORITHM:
        raise CallbackRejected("signature-wrong", f"not signed by {_ALGORITHM}")
    if account.verification is Verification.POSTBACK:
        if not certificates.allowed(headers["paypal-cert-url"]):
            raise CallbackRejected("foreign-certificate", "not an address of PayPal's certificates")
        hint = _hint(callback.body)
        await postback.check(http, headers, account.webhook_id, callback.body)
        return hint
    key = await certificates.signing_key(headers["paypal-cert-url"])
    try:
        signature = b64decode(headers["paypal-transmission-sig"], validate=True)
        key.verify(
            signature, signed_text(headers, account.webhook_id, callback.body), PKCS1v15(), SHA256()
        )
    except (InvalidSignature, binascii.Error, ValueError):
        raise CallbackRejected("signature-wrong", "the signature does not hold") from None
    return _hint(callback.body)


def signed_text(headers: Mapping[str, str], webhook_id: str, body: bytes) -> bytes:
    """What PayPal signs; the checksum is unsigned and decimal, over the body's raw bytes."""
    return "|".join(
        (
            headers["paypal-transmission-id"],
            headers["paypal-transmission-time"],
            webhook_id,
            str(crc32(body)),
        )
    ).encode()


def _check_age(sent_at: datetime, received_at: datetime, account: PayPalAccount) -> None:
    if abs(received_at - sent_at) > account.callback_max_age:
        raise CallbackRejected("too-old", "the transmission time is too far from the receipt")


def _hint(body: bytes) -> Hint:
    try:
        event = mapping(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CallbackRejected("malformed", "the body is not JSON") from None
    delivery_id, event_type = event.get("id"), event.get("event_type")
    if not isinstance(delivery_id, str) or not isinstance(event_type, str) or not delivery_id:
        raise CallbackRejected("malformed", "no event id or type")
    resource = mapping(event.get("resource"))
    if event_type.startswith(_OF_DISPUTES):
        return Hint(
            delivery_id=delivery_id,
            event_type=event_type,
            dispute_ref=text_of(resource.get("dispute_id")),
            charge_ref=charge_behind(resource),
        )
    if event_type == _REVERSED:
        capture_id = _capture_of(resource)
        return Hint(
            delivery_id=delivery_id,
            event_type=event_type,
            # Where it names no capture it is about a charge that nobody knows: a person looks.
            charge_ref=capture_id or text_of(resource.get("id")) or event_type,
            reversal=reversal_in(resource, capture_id),
        )
    return Hint(
        delivery_id=delivery_id,
        event_type=event_type,
        reference=_reference_of(resource),
        token_request_ref=_token_request_of(resource),
    )


def capture_behind(body: bytes) -> str:
    """The capture that a verified event's resource links to as its parent (a refund's), or ""."""
    return _capture_of(mapping(mapping(msgspec.json.decode(body)).get("resource")))


def _capture_of(resource: Mapping[str, Any]) -> str:
    path = urlsplit(link(resource, "up")).path
    _, found, capture_id = path.partition(_CAPTURES)
    return capture_id if found and capture_id.isalnum() else ""


def token_in(body: bytes) -> tuple[str, bool]:
    """The payment token that a verified event is about, and whether it says that it has ended.

    Older vault events bear the same names; those of another resource version are left alone.
    Source: reference notes on PayPal, section 5.
    """
    event = mapping(msgspec.json.decode(body))
    kind, version = event.get("event_type"), str(event.get("resource_version", ""))
    token = mapping(event.get("resource")).get("id")
    if kind not in _TOKEN_EVENTS or not version.startswith("3") or not isinstance(token, str):
        return "", False
    return token, kind in _TOKEN_ENDS


def _reference_of(resource: Mapping[str, Any]) -> str:
    """The invoice id: on the resource itself, or on an order's only unit.

    A refund's is the refund's own reference; one of several captures leads to its charge.
    """
    for holder in (resource, *items(resource.get("purchase_units"))):
        invoice_id = holder.get("invoice_id")
        if isinstance(invoice_id, str) and invoice_id:
            return charge_of_part(invoice_id)
    return ""


def _token_request_of(resource: Mapping[str, Any]) -> str:
    """The setup token, where a link names it; PayPal does not promise one."""
    for each in items(resource.get("links")):
        parts = urlsplit(str(each.get("href", "")))
        if parts.path.startswith(_SETUP_TOKENS):
            return parts.path[len(_SETUP_TOKENS) :].split("/")[0]
        session = parse_qs(parts.query).get("approval_session_id")
        if session:
            return session[0]
    return ""
