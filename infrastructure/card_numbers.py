"""Card numbers do not come in: what holds one is refused before it is stored, and reported.

The report says where and the last four digits, which may be shown; never the number.
"""

from __future__ import annotations

import unicodedata

import msgspec
import structlog

from domain.refusals import Refused
from infrastructure.gateways.redaction import CardNumberFound, card_numbers

log = structlog.get_logger(__name__)

CODE = "card-number-found"


def found_in(payload: str | bytes) -> tuple[CardNumberFound, ...]:
    """The card numbers in a payload, whatever digits or spaces they are written with.

    JSON is read as what it says, so that an escape hides nothing. Offsets count the bytes of
    UTF-8 as it was given, or, where only the reading shows the number, of what it says.
    """
    raw = payload.encode() if isinstance(payload, str) else payload
    return card_numbers(raw) or card_numbers(_plain(raw))


def refuse(payload: str | bytes, where: str) -> None:
    """Refused: "card-number-found", after a security event in the log.

    where: what kind of payload it is, for the log.
    """
    findings = found_in(payload)
    if findings:
        report(findings, where)
        raise Refused(CODE, words(findings))


def words(findings: tuple[CardNumberFound, ...]) -> str:
    """For whoever sent it."""
    first = findings[0]
    return (
        f"{first.digits} digits at byte {first.offset} that end in {first.last_digits} look like a "
        "card number; nothing was stored"
    )


def report(findings: tuple[CardNumberFound, ...], where: str, **named: str) -> None:
    """A line in the log for each finding. named: what else tells where, e.g. the account."""
    for each in findings:
        log.warning(
            CODE,
            security=True,
            where=where,
            offset=each.offset,
            last_digits=each.last_digits,
            **named,
        )


def _plain(raw: bytes) -> bytes:
    """What a payload says: JSON without escapes, compatibility digits and spaces made plain."""
    if raw.isascii() and b"\\" not in raw:
        return b""
    try:
        read = msgspec.json.encode(msgspec.json.decode(raw))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        read = raw
    return unicodedata.normalize("NFKC", read.decode("utf-8", errors="replace")).encode()
