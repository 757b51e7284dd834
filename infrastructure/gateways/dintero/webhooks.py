"""Dintero's account-wide webhooks: who sent one, and what it is about.

They are another mechanism than the callbacks of a session. The event, its delivery and the
signature are headers; `event-signature` is the HMAC-SHA1, in hex, of the raw body under the secret
that the subscription was made with. There is no time in it: a repeat is known by its delivery.
What the body of a `checkout_token_*` event looks like is not documented; the token's id is taken
from wherever Dintero's other answers have it. Source: reference notes on Dintero, section 3.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import msgspec

from domain.ports import CallbackRejected, Hint, RawCallback, Secret
from infrastructure.gateways.dintero.transactions import table, text

SIGNATURE_HEADER, EVENT_HEADER = "event-signature", "event"
# Statuses of a stored card that is never charged again.
ENDED = frozenset({"DELETED", "CANCELLED"})
_TOKEN_EVENTS = "checkout_token_"  # noqa: S105
_ENDINGS = ("delete", "deleted", "remove", "removed", "expire", "expired", "cancelled")
_ID_FIELDS = ("payment_token_id", "recurrence_token_id", "token_id", "id")
_LONGEST = 200


def is_webhook(callback: RawCallback) -> bool:
    """Whether it claims to be one; else it is a session's callback."""
    return SIGNATURE_HEADER in callback.headers


def sign(secret: Secret, body: bytes) -> str:
    """The header's value."""
    return hmac.new(secret.reveal().encode(), body, hashlib.sha1).hexdigest()


def hint_of(
    callback: RawCallback,
    secret: Secret | None,
    account_id: str,
    digest: Callable[[str], bytes],
) -> Hint:
    """Check a webhook, and say where to look.

    secret: of the subscription to the account's events; None: none is believed.
    Raises: CallbackRejected "signature-missing", "signature-wrong" (also for another account's
        event), "malformed".
    """
    given = callback.headers.get(SIGNATURE_HEADER, "").strip().lower()
    if secret is None or not given:
        raise CallbackRejected("signature-missing", "no signature that could be checked")
    if not given.isascii() or not hmac.compare_digest(given, sign(secret, callback.body)):
        raise CallbackRejected("signature-wrong", "not signed by this subscription's secret")
    try:
        body = table(msgspec.json.decode(callback.body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CallbackRejected("malformed", "the body is not JSON") from None
    event = text(body.get("event")) or callback.headers.get(EVENT_HEADER, "")
    # The body is signed, the headers are not.
    delivery = text(body.get("event_delivery")) or hashlib.sha256(callback.body).hexdigest()
    if not event:
        raise CallbackRejected("malformed", "no event is named")
    if text(body.get("account_id")) not in ("", account_id):
        raise CallbackRejected("signature-wrong", "an event of another account")
    if not event.startswith(_TOKEN_EVENTS):
        authorization = table(body.get("authorization")) or table(body.get("transaction"))
        return Hint(
            delivery_id=delivery[:_LONGEST],
            event_type=event[:_LONGEST],
            reference=text(authorization.get("merchant_reference"))[:_LONGEST],
        )
    token_id, status = _token_in(body)
    return Hint(
        delivery_id=delivery[:_LONGEST],
        event_type=event[:_LONGEST],
        token_digest=digest(token_id) if token_id else b"",
        token_ended=event.removeprefix(_TOKEN_EVENTS) in _ENDINGS or status in ENDED,
    )


def _token_in(body: dict[str, object]) -> tuple[str, str]:
    """The id and the status of the token that an event is about; "" for what is not there."""
    for name in ("token", "card_token", "payment_token"):
        inner = table(body.get(name))
        for field in _ID_FIELDS:
            if found := text(inner.get(field)):
                return found, text(inner.get("status"))
    for field in _ID_FIELDS[:-1]:
        if found := text(body.get(field)):
            return found, text(body.get("status"))
    return "", ""
