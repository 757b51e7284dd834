"""A token request at Dintero: how its session stands, and the token of its transaction.

The token itself is shown only to who asks for it with `includes`; its id is always shown, and
cannot be charged. Source: reference notes on Dintero, sections 2 and 4.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import get_args

from domain.ports import (
    Declined,
    Granted,
    NotFound,
    StillOpen,
    TokenAnswer,
    TokenDenied,
    Unknown,
)
from domain.providers import PAYERS_LAST_MINUTES
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.gateways.dintero.account import DinteroAccount, TokenKind
from infrastructure.gateways.dintero.declines import MESSAGE_CHARS, instant, read_error
from infrastructure.gateways.dintero.requests import StoredToken
from infrastructure.gateways.dintero.transactions import (
    MONEY_MOVED,
    REFUSED,
    RESERVED,
    rows,
    table,
    text,
)
from infrastructure.gateways.exchange import Exchange, Reply

# Paid on the page, and the box that says "save this card" was left.
NOT_SAVED = "card-not-saved"
TOKEN_INCLUDES = ("card.payment_token", "card.recurrence_token")
_LAST_DIGITS = re.compile(r"\d{1,4}$")
_EXPIRY = re.compile(r"(\d{2})/(\d{4})")
# Ends of a session without a transaction; PAY_FAILED is none, the payer may try again.
_ENDS = {"CANCELLED": "cancelled", "DECLINED": "declined", "FAILED": "failed"}


def reference_of(session: object) -> str:
    """The merchant reference of a session."""
    return text(table(table(session).get("order")).get("merchant_reference"))


def sessions_with(listed: Exchange, reference: str) -> list[dict[str, object]]:
    """The sessions of a list that bear exactly this reference.

    The list's outer form is not documented, so both likely ones are read.
    """
    if not isinstance(listed, Reply) or listed.status != 200:
        return []
    found = listed.data if isinstance(listed.data, list) else table(listed.data).get("sessions")
    return [each for each in rows(found) if reference_of(each) == reference and each.get("id")]


def without_transaction(session: object, now: datetime) -> StillOpen | TokenDenied:
    """How a session stands at `now` (UTC) that has no transaction."""
    raw = table(session)
    names = [text(each.get("name")) for each in rows(raw.get("events"))]
    if raw.get("cancelled_at"):
        names.append("CANCELLED")
    for name in reversed(names):
        if name in _ENDS:
            return TokenDenied(code=_ENDS[name], message=f"the session ended with {name}")
    expires_at = instant(raw.get("expires_at"))
    if expires_at is not None and now > expires_at + PAYERS_LAST_MINUTES:
        return TokenDenied(code="expired", message=f"the session expired at {expires_at}")
    return StillOpen()


def page_unpaid(session: object, now: datetime) -> Declined | NotFound | Unknown:
    """How a payment stands at `now` (UTC) whose session has no transaction.

    Where the payer turned back, or could not pay, nothing can come of it any more. Past its end it
    shows nothing; until then the payer may pay.
    """
    answer = without_transaction(session, now)
    if isinstance(answer, StillOpen):
        ref = text(table(session).get("id"))
        return Unknown(reason=f"session {ref[:60]}, no transaction yet")
    if answer.code == "expired":
        return NotFound(finding=answer.message)
    code, decline = answer.code.upper(), DeclineClass.PAYER_ACTION
    return Declined(decline=decline, code=code, message=answer.message)


def token_of(account: DinteroAccount, transaction: object, *, paid: bool = False) -> TokenAnswer:
    """The token of a transaction that was asked for with TOKEN_INCLUDES.

    paid: whether it is a payment, too.

    The kind that the account wants comes first; the other kind serves as well.
    A finished transaction without any token is a no: Dintero made none, or the payer took the
    tick off a box that says "save this card".
    """
    raw = table(transaction)
    card = table(raw.get("card"))
    product = text(raw.get("payment_product_type")) or account.payment_product_type
    status = text(raw.get("status"))
    kinds: tuple[TokenKind, ...] = get_args(TokenKind)
    # What was reserved and let go has made its token all the same.
    if status in REFUSED and not (paid and status == "AUTHORIZATION_VOIDED"):
        return _denied(raw, status)
    for kind in sorted(kinds, key=lambda each: each != account.token_kind):
        if value := text(card.get(kind)):
            return Granted(
                token=StoredToken(product, kind, value).sealed(),
                instrument=_instrument(card, text(card.get(f"{kind}_id"))),
                at=instant(raw.get("created_at")),
            )
    if any(card.get(f"{kind}_id") for kind in kinds):
        return Unknown(reason="a token was made, but the answer does not show it")
    if paid and status in (RESERVED, *MONEY_MOVED):
        return TokenDenied(code=NOT_SAVED, message=f"{status}, and the payer let no card be saved")
    if status in REFUSED:
        return _denied(raw, status)
    if status in ("AUTHORIZED", "CAPTURED"):
        return TokenDenied(code="token-missing", message=f"{status} without a token")
    return StillOpen()


def _denied(raw: dict[str, object], status: str) -> TokenDenied:
    for event in reversed(rows(raw.get("events"))):
        error = read_error(event.get("error"))
        if error.types or error.code or error.message:
            code = error.types[0] if error.types else error.code or status
            return TokenDenied(code=code, message=(error.message or status)[:MESSAGE_CHARS])
    return TokenDenied(code=status, message=status)


def _instrument(card: dict[str, object], token_id: str) -> Instrument:
    digits = _LAST_DIGITS.search(text(card.get("masked_pan")))
    expiry = _EXPIRY.fullmatch(text(card.get("expiry_date")))
    return Instrument(
        kind="card",
        brand=text(card.get("brand"))[:40],
        last_digits=digits[0] if digits else "",
        expires=f"{expiry[2]}-{expiry[1]}" if expiry else "",
        provider_token_id=token_id,
    )
