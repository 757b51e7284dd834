"""What PayPal's refusals mean, by the table of its issue codes (issues.py).

PayPal publishes no hard/soft split; the classes are this project's reading (reference notes on
PayPal, section 4). How a refusal is judged:

1. Any issue that speaks of state ("already captured", "duplicate invoice id", "in progress") makes
   the outcome unknown: an earlier sending may have succeeded, so it is looked up.
2. So does an issue that this table does not know, unless PayPal says by name that the request was
   never taken up (INVALID_REQUEST and the like). A new code may well be a new way to say
   "already done", and a doubt is never a decline.
3. What is left is a definite no, of the first issue's class. With HTTP 401 or 403 it is that only
   where the payer is at fault; where our account may not do it, nothing was done, and it waits.

Refunds and voids are judged by the same classes. There an issue that speaks of state may be a
definite no (nothing is left to give back); WORDS_OF names those, with what we say of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from domain.ports import Declined, Unknown
from domain.subscription.events import DeclineClass
from infrastructure.gateways.exchange import NotSent
from infrastructure.gateways.paypal.issues import ISSUES, Meaning

MEANING_OF: Mapping[str, Meaning] = {code: row.meaning for code, row in ISSUES.items()}

# Every issue that refuses a refund, a void or a renewal for good, and what we say of it. Not here,
# because no "no": DUPLICATE_INVOICE_ID, and whatever is in progress. The last two are statuses of a
# refund, not issues.
_DENIED = (
    "AUTHORIZATION_ALREADY_CAPTURED AUTHORIZATION_AMOUNT_EXCEEDED AUTHORIZATION_DENIED "
    "AUTHORIZATION_EXPIRED AUTHORIZATION_VOIDED AUTH_CURRENCY_MISMATCH CANNOT_BE_NEGATIVE "
    "CANNOT_BE_VOIDED CANNOT_BE_ZERO_OR_NEGATIVE CAPTURE_FULLY_REFUNDED CURRENCY_MISMATCH "
    "DECIMALS_NOT_SUPPORTED DECIMAL_PRECISION INVALID_CURRENCY_CODE INVALID_PARAMETER_SYNTAX "
    "INVALID_PARAMETER_VALUE INVALID_RESOURCE_ID INVALID_STRING_LENGTH INVALID_STRING_MAX_LENGTH "
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED MISSING_REQUIRED_PARAMETER PARTIAL_REFUND_NOT_ALLOWED "
    "PAYEE_ACCOUNT_LOCKED_OR_CLOSED PAYEE_ACCOUNT_RESTRICTED PAYER_ACCOUNT_LOCKED_OR_CLOSED "
    "PAYER_CANNOT_PAY PENDING_CAPTURE PLATFORM_FEE_EXCEEDED PLATFORM_FEE_NOT_ENABLED "
    "PREVIOUSLY_CAPTURED PREVIOUSLY_VOIDED REAUTHORIZATION_DECLINED_BY_PROCESSOR "
    "REAUTHORIZATION_NOT_SUPPORTED REAUTHORIZATION_NOT_SUPPORTED_FOR_PAYMENT_SOURCE "
    "REAUTHORIZATION_TOO_SOON REFUND_AMOUNT_EXCEEDED REFUND_AMOUNT_TOO_LOW "
    "REFUND_CAPTURE_CURRENCY_MISMATCH REFUND_FAILED_INSUFFICIENT_FUNDS REFUND_IS_RESTRICTED "
    "REFUND_NOT_ALLOWED REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK REFUND_TIME_LIMIT_EXCEEDED "
    "TRANSACTION_DISPUTED TRANSACTION_REFUSED "
)
WORDS_OF: dict[str, str] = {
    **{code: ISSUES[code].words for code in _DENIED.split()},
    "REFUND_CANCELLED": "PayPal cancelled the refund.",
    "REFUND_FAILED": "The refund came to nothing.",
}

# Error names under which PayPal did not take the request up at all.
_NEVER_TAKEN_UP = frozenset(
    {"INVALID_REQUEST", "MALFORMED_REQUEST", "MALFORMED_REQUEST_JSON", "RESOURCE_NOT_FOUND"}
)
_DOUBTS = (Meaning.CONFLICT, Meaning.TRANSIENT)
_LONGEST_MESSAGE = 200


@attrs.frozen(kw_only=True)
class Refusal:
    """PayPal's error body: name, and the issue codes of its details."""

    name: str
    issues: tuple[str, ...]
    message: str

    @property
    def code(self) -> str:
        """The most telling word of it: the first issue, or the name."""
        return (self.issues[0] if self.issues else self.name) or "UNNAMED"


def refusal_of(data: object) -> Refusal:
    """The parts of an error body that may be relied on; PayPal may reword descriptions."""
    body: dict[str, Any] = data if isinstance(data, dict) else {}
    details = body.get("details")
    found = (
        [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []
    )
    issues = tuple(str(item["issue"])[:100] for item in found if item.get("issue"))
    texts = [str(item["description"]) for item in found if item.get("description")]
    message = (texts or [str(body.get("message", ""))])[0]
    return Refusal(
        name=str(body.get("name") or body.get("error") or "")[:100],
        issues=issues,
        message=message[:_LONGEST_MESSAGE],
    )


def judged(status: int, refusal: Refusal) -> Declined | Unknown:
    """What a 4xx answer to a charge or a capture means."""
    meanings = [MEANING_OF.get(issue) for issue in refusal.issues]
    if status == 409 or any(meaning in _DOUBTS for meaning in meanings):
        return Unknown(reason=f"HTTP {status}: {refusal.code}, the state has to be read")
    if refusal.name in _NEVER_TAKEN_UP:
        meanings = [meaning or Meaning.MERCHANT for meaning in meanings] or [Meaning.MERCHANT]
    if not meanings or None in meanings:
        return Unknown(reason=f"HTTP {status}: {refusal.code} is not known to us")
    first = meanings[0]
    assert first is not None
    return Declined(
        decline=DeclineClass[first.name], code=refusal.code.upper(), message=refusal.message
    )


def of_the_payer(answer: NotSent) -> Declined | None:
    """A 403 that is about the payer, not about our account: a decline like any other.

    Where our account may not do something nothing is declined: it was not done, and waits.
    """
    if answer.status != 403 or answer.no_access:
        return None
    judgement = judged(answer.status, refusal_of(answer.data))
    if isinstance(judgement, Unknown) or judgement.decline is DeclineClass.MERCHANT:
        return None
    return judgement


@attrs.frozen(kw_only=True)
class Denial:
    """A definite no to a refund, a void or a renewal. code: PayPal's, upper case."""

    code: str
    message: str


def denied(status: int, refusal: Refusal) -> Denial | Unknown:
    """What a 4xx answer to a refund, a void or a renewal means.

    One that `speaks_of_state` is a denial only once no earlier sending of ours shows.
    """
    taken_up = refusal.name not in _NEVER_TAKEN_UP
    unsure = [issue for issue in refusal.issues if issue not in WORDS_OF]
    if status == 409 or any(MEANING_OF.get(issue) in _DOUBTS for issue in unsure):
        return Unknown(reason=f"HTTP {status}: {refusal.code}, the state has to be read")
    if taken_up and (unsure or not refusal.issues):
        return Unknown(reason=f"HTTP {status}: {refusal.code} is not known to us")
    code = refusal.code.upper()
    return Denial(code=code, message=WORDS_OF.get(code) or refusal.message or "PayPal refused it.")


def speaks_of_state(refusal: Refusal) -> bool:
    """Whether it may be an earlier sending of the same request that is in the way."""
    return any(MEANING_OF.get(issue) is Meaning.CONFLICT for issue in refusal.issues)
