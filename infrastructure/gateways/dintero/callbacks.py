"""What a callback of Dintero is about, once its signature holds.

Only the query is signed, so only the query is read: a body may say anything. Which transaction,
and what became of it, is looked up. Source: reference notes on Dintero, section 3.
"""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl, urlsplit

from domain.ports import CallbackRejected, Hint, RawCallback
from infrastructure.gateways.dintero.requests import TOKEN_REFERENCES
from infrastructure.gateways.dintero.signature import sorted_query

DELIVERY_HEADER = "event-delivery"
_LONGEST = 200


def hint_of(callback: RawCallback) -> Hint:
    """Where to look. A token request is known by its session, a charge by its reference.

    The delivery id is Dintero's header; where that is missing, a digest of the signed query,
    which every repeat of one delivery shares. Dintero asks for 5xx while the order is not known
    yet, and sends it up to twenty times.
    Raises: CallbackRejected("malformed").
    """
    query = urlsplit(callback.url).query
    facts = {name: value[:_LONGEST] for name, value in parse_qsl(query, keep_blank_values=True)}
    reference = facts.get("merchant_reference", "")
    session = facts.get("sid") or facts.get("session_id", "")
    about_token = reference.startswith(TOKEN_REFERENCES)
    if not reference or (about_token and not session):
        raise CallbackRejected("malformed", "neither a reference nor a session to look up")
    delivery = callback.headers.get(DELIVERY_HEADER, "")[:_LONGEST]
    return Hint(
        delivery_id=delivery or hashlib.sha256(sorted_query(query).encode()).hexdigest(),
        event_type=_event_type(facts),
        reference="" if about_token else reference,
        token_request_ref=session if about_token else "",
        again=True,
    )


def _event_type(facts: dict[str, str]) -> str:
    """ "CAPTURE", "error.cancelled", or "payment" for the plain callback of a finished session."""
    if facts.get("error"):
        return f"error.{facts['error']}"
    return facts.get("event") or "payment"
