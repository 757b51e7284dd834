"""PayPal's way of writing: amounts, times, links, names; and the access token call.

Sources: reference notes on PayPal, sections 1 (access), 2.3 (names), 8 (money).
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.currencies import minor_digits
from domain.money import Money, decimal_text, parse_money
from domain.ports import NotDone, Secret, Unknown
from domain.refusals import Refused
from infrastructure.gateways.access import FetchedToken
from infrastructure.gateways.exchange import Call, NoAnswer, NotSent, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.declines import refusal_of

# PayPal takes no decimals for these, whatever ISO 4217 says of HUF and TWD.
_WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
_MOST_DECIMALS = 2

# Letters that do not fall apart into a Latin letter and an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ß": "ss", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L"}
)
_NAME_CHARACTERS = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789() +',.:-"
)


def amount_json(money: Money) -> dict[str, str]:
    """An amount as PayPal takes it.

    Raises: Refused("money-needs-decimals") where PayPal takes fewer decimals than it needs.
    """
    digits = 0 if money.currency in _WITHOUT_DECIMALS else None
    if digits is None:
        digits = min(_MOST_DECIMALS, minor_digits(money.currency))
    return {"currency_code": money.currency, "value": decimal_text(money, digits)}


def amount_of(data: object) -> Money | None:
    """An amount as PayPal states it; None when it cannot be read."""
    body = mapping(data)
    try:
        return parse_money(str(body["value"]), str(body["currency_code"]))
    except (KeyError, Refused):
        return None


# Vault events bear "2022-08-26T18:25:57.449PDT", by PayPal's own clocks on the Pacific coast.
_ZONES = {"PDT": "-07:00", "PST": "-08:00", "UTC": "+00:00", "GMT": "+00:00"}


def time_of(text: object) -> datetime | None:
    """An RFC 3339 time, or one with a zone that PayPal writes by name, in UTC; None when it
    cannot be read."""
    if not isinstance(text, str):
        return None
    text = text[:-3] + _ZONES[text[-3:]] if text[-3:] in _ZONES else text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


def mapping(data: object) -> Mapping[str, Any]:
    """The object, or an empty one in the place of anything else."""
    return data if isinstance(data, dict) else {}


def text_of(data: object) -> str:
    """The text, or "" in the place of anything else."""
    return data if isinstance(data, str) else ""


def items(data: object) -> list[Mapping[str, Any]]:
    """The objects of an array, or none."""
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def link(data: object, *relations: str) -> str:
    """The address of the first link with one of these relations, or ""."""
    for item in items(mapping(data).get("links")):
        if item.get("rel") in relations:
            return str(item.get("href", ""))
    return ""


def plan_name(text: str) -> str:
    """A description as a plan's name: ASCII letters, digits and ( ) + ' , . : - only.

    "" when nothing of it is left; the name is optional.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    kept = "".join(
        character if character in _NAME_CHARACTERS else " "
        for character in plain
        if not unicodedata.combining(character)
    )
    return " ".join(kept.split())[:127]


def not_done(answer: NotSent) -> NotDone:
    """Certainly not carried out, in the domain's words."""
    refusal = refusal_of(answer.data)
    named = f"{answer.reason}: {refusal.code}" if answer.data is not None else answer.reason
    return NotDone(reason=named, retry_after_s=answer.retry_after_s)


def unknown(answer: NoAnswer) -> Unknown:
    """It may have been carried out, in the domain's words."""
    return Unknown(reason=answer.reason)


async def fetch_token(
    http: ProviderHttp, account: PayPalAccount
) -> FetchedToken | NotSent | NoAnswer:
    """One access token by client credentials (POST /v1/oauth2/token)."""
    credentials = f"{account.client_id}:{account.client_secret.reveal()}".encode()
    answer = await http.send(
        Call(
            method="POST",
            path="/v1/oauth2/token",
            template="/v1/oauth2/token",
            form={"grant_type": "client_credentials"},
            headers={"Authorization": "Basic " + b64encode(credentials).decode()},
            authenticated=False,
        )
    )
    if not isinstance(answer, Reply):
        return answer
    body = mapping(answer.data)
    try:
        lifetime_s = float(body["expires_in"])
        token = body["access_token"]
    except (KeyError, TypeError, ValueError):
        return NotSent(reason=f"HTTP {answer.status} without an access token")
    if answer.status >= 300 or not isinstance(token, str):
        return NotSent(reason=f"HTTP {answer.status} without an access token")
    return FetchedToken(token=Secret(token), lifetime_s=lifetime_s)
