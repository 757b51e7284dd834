"""Account-wide webhooks: another mechanism than the callbacks of a session, and another signature.

    event: checkout_authorization      event-delivery: <id>      event-signature: <hex>
    HMAC-SHA1 of the raw body, keyed by the secret that the subscription was made with.

The body is signed, the headers are not, so the body alone is read. It carries no time: an old one
that is played again verifies, and bears the delivery id that it had. All that comes of it is a
look: whatever it says of money or of a token is fetched from Dintero, never taken from here.

Dintero deletes a subscription whose deliveries fail on and on, and takes anything but 200 for a
failure. So whatever verifies is accepted, also what we have no use for.
Source: reference notes on Dintero, section 3. The form of a body is published for
checkout_authorization alone; of the others the likely places are read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import attrs
import msgspec

from domain.ports import CallbackRejected, Hint, RawCallback, Secret
from infrastructure.gateways.dintero.requests import TOKEN_REFERENCES
from infrastructure.gateways.dintero.transactions import table, text

SIGNATURE_HEADER = "event-signature"
EVENT_HEADER = "event"
# Statuses of a stored card that is never charged again.
ENDED = frozenset({"DELETED", "CANCELLED"})
_TOKEN_EVENTS = "checkout_token_"  # noqa: S105
_ENDINGS = ("delete", "deleted", "remove", "removed", "expire", "expired", "cancelled")
LONGEST = 200
# Where a body may speak of what happened, the published place first.
_SUBJECTS = ("authorization", "transaction", "token", "card_token", "settlement")
# By what names it may call a stored card, beside that card's own "id".
_TOKEN_IDS = ("token_id", "payment_token_id")


@attrs.frozen(kw_only=True)
class Told:
    """What a webhook is about, each "" where it does not say so.

    event: Dintero's word, e.g. "checkout_token_delete". delivery_id: of the message.
    token_id: of a stored card; the id that cannot be charged (Instrument.provider_token_id).
    token_status: of that card. settlement_id: of a payout.
    """

    event: str
    delivery_id: str
    reference: str = ""
    session_id: str = ""
    transaction_id: str = ""
    token_id: str = ""
    token_status: str = ""
    settlement_id: str = ""


def sign(secret: Secret, body: bytes) -> str:
    """The header's value."""
    return hmac.new(secret.reveal().encode(), body, hashlib.sha1).hexdigest()


def is_webhook(callback: RawCallback) -> bool:
    """Whether it claims to be an account's webhook."""
    return SIGNATURE_HEADER in callback.headers


def told(secret: Secret | None, account_id: str, callback: RawCallback) -> Told:
    """What a webhook says, once its signature holds.

    Raises: CallbackRejected "signature-missing", "signature-wrong" (also for another account's
        webhook), "malformed".
    """
    given = callback.headers.get(SIGNATURE_HEADER, "").strip().lower()
    if not given or secret is None:
        raise CallbackRejected("signature-missing", "no signature that could be checked")
    if not hmac.compare_digest(sign(secret, callback.body).encode(), given.encode()):
        raise CallbackRejected("signature-wrong", "not signed by this account's webhook secret")
    try:
        data = msgspec.json.decode(callback.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CallbackRejected("malformed", "the body is not JSON") from None
    if not isinstance(data, dict):
        raise CallbackRejected("malformed", "the body is not an object")
    if text(data.get("account_id")) not in ("", account_id):
        raise CallbackRejected("signature-wrong", "another account's webhook")
    return _read(data, callback)


def _read(data: dict[str, object], callback: RawCallback) -> Told:
    event = text(data.get("event")) or callback.headers.get(EVENT_HEADER, "")
    delivery = text(data.get("event_delivery"))
    parts = {name: table(data.get(name)) for name in _SUBJECTS}
    token = parts["token"] or parts["card_token"]
    of_token = [*(token.get(name) for name in ("id", *_TOKEN_IDS)), *map(data.get, _TOKEN_IDS)]

    def first(name: str, *of: str) -> str:
        found = (text(parts[each].get(name)) for each in of)
        return next((each for each in found if each), "")[:LONGEST]

    return Told(
        event=event[:LONGEST] or "webhook",
        delivery_id=delivery[:LONGEST] or hashlib.sha256(callback.body).hexdigest(),
        reference=first("merchant_reference", "authorization", "transaction"),
        session_id=first("session_id", "authorization", "transaction"),
        transaction_id=first("transaction_id", "authorization") or first("id", "transaction"),
        token_id=next((text(each) for each in of_token if text(each)), "")[:LONGEST],
        token_status=(text(token.get("status")) or text(data.get("status")))[:LONGEST],
        settlement_id=first("id", "settlement") or first("settlement_id", "settlement"),
    )


def hint_of(said: Told, digest: Callable[[str], bytes]) -> Hint:
    """Where to look: at a token request by its session, at a charge by its reference, at a stored
    card by the digest of its id."""
    of_card = bool(said.token_id) and said.event.startswith(_TOKEN_EVENTS)
    ending = said.event.removeprefix(_TOKEN_EVENTS) in _ENDINGS or said.token_status in ENDED
    about_token = said.reference.startswith(TOKEN_REFERENCES)
    return Hint(
        delivery_id=said.delivery_id,
        event_type=said.event,
        reference="" if about_token else said.reference,
        token_request_ref=said.session_id if about_token else "",
        token_digest=digest(said.token_id) if of_card else b"",
        token_ended=of_card and ending,
    )
