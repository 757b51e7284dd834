"""What a refusal by Dintero, an acquirer or a card issuer means for what we do next.

A refused authorisation is a 200 whose transaction has failed; the reason is `events[].error`.
Its `type` was one string until 2025-09 and is an array since, with other words; both are read.
The issuer's `retry_policy` is heard first, then the table of codes.py. Source: reference notes,
section 8.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs

from domain.ports import Declined
from domain.subscription.events import DeclineClass
from infrastructure.gateways.dintero.codes import CLASS_OF_TYPE, WORST_FIRST

DO_NOT_RETRY = "DO_NOT_RETRY"
RETRY_IMMEDIATELY = "RETRY_IMMEDIATELY"
RETRY_AFTER_DELAY = "RETRY_AFTER_DELAY"
UNKNOWN_TYPE = "UNKNOWN"
MESSAGE_CHARS = 200
CODE_CHARS = 64

# HTTP refusals of a refund, a void or a token's end that are a definite no, with words for where
# Dintero has none. It lists no codes, so the status decides; one that is not here is a doubt
# (409: something else is at work on the transaction).
REFUSED_STATUS: dict[int, str] = {
    400: "Dintero refuses what was asked",
    404: "Dintero does not know it",
    405: "Dintero does not offer this",
    410: "Dintero does not have it any more",
    422: "Dintero refuses what was asked",
}
# Schemes count failed attempts per card: going on before the count resets blocks the card.
QUOTA_WAIT: dict[str, timedelta] = {
    "DAILY_LIMIT_EXCEEDED": timedelta(hours=24),
    "MONTHLY_LIMIT_EXCEEDED": timedelta(days=30),
}


@attrs.frozen(kw_only=True)
class EventError:
    """`events[].error`, either form. retry_after: UTC instant, or None."""

    code: str = ""
    message: str = ""
    types: tuple[str, ...] = ()
    result_code: str = ""
    retry_codes: tuple[str, ...] = ()
    retry_after: datetime | None = None

    @property
    def says_unknown(self) -> bool:
        """Dintero itself does not know: look at the transaction before believing the failure."""
        return self.types == (UNKNOWN_TYPE,) and not self.retry_codes


def instant(value: object) -> datetime | None:
    """An ISO 8601 time as UTC; without a zone it is UTC already. None: it cannot be read."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _words(value: object) -> tuple[str, ...]:
    """One string or an array of them, upper case; anything else is left out."""
    values = value if isinstance(value, list) else [value]
    return tuple(word.upper() for word in values if isinstance(word, str) and word)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def read_error(raw: object) -> EventError:
    """An event's error; an empty one where there is none or it cannot be read."""
    if not isinstance(raw, dict):
        return EventError()
    policy = raw.get("retry_policy")
    policy = policy if isinstance(policy, dict) else {}
    return EventError(
        code=_text(raw.get("code")),
        message=_text(raw.get("message")),
        types=_words(raw.get("type")),
        result_code=_text(raw.get("result_code")),
        retry_codes=_words(policy.get("retry_codes")),
        retry_after=instant(policy.get("retry_after")),
    )


def classify(error: EventError) -> tuple[DeclineClass, str]:
    """The class of a refusal and the code that decided it.

    A type that we do not know is soft: the status said no, and a later try tells more.
    """
    first = error.types[0] if error.types else error.code.upper()
    if DO_NOT_RETRY in error.retry_codes or DO_NOT_RETRY in error.types:
        return DeclineClass.HARD, first or DO_NOT_RETRY
    if error.retry_codes:
        return DeclineClass.SOFT, first or error.retry_codes[0]
    for decline in WORST_FIRST:
        for name in error.types:
            if CLASS_OF_TYPE.get(name) is decline:
                return decline, name
    return DeclineClass.SOFT, first or UNKNOWN_TYPE


def not_before(error: EventError, at: datetime | None) -> datetime | None:
    """Until when the issuer or the schemes' quotas forbid another attempt.

    at: UTC instant of the refusal.
    """
    if error.retry_after is not None:
        return error.retry_after
    waits = [QUOTA_WAIT[name] for name in error.types if name in QUOTA_WAIT]
    return at + max(waits) if waits and at is not None else None


def worded(error: EventError, status: str) -> tuple[str, str]:
    """Code and words of a refusal. status: stands in where no reason is given."""
    _, code = classify(error)
    if not (error.types or error.code or error.retry_codes):
        code = status
    words = error.message or status
    if error.result_code:
        words = f"{words} (result code {error.result_code})"
    return code[:CODE_CHARS], words[:MESSAGE_CHARS]


def declined(error: EventError, *, status: str, at: datetime | None, provider_ref: str) -> Declined:
    """A refusal as the rules understand it. status: of the transaction, when no reason is given."""
    decline, _ = classify(error)
    code, words = worded(error, status)
    return Declined(
        decline=decline,
        code=code,
        message=words,
        retry_not_before=not_before(error, at),
        provider_ref=provider_ref,
        at=at,
    )
