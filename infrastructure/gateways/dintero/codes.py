"""Every code that Dintero names for a refusal: its class, and what an operator is told.

One row a code. The types of `events[].error`, of both specifications, stand under their class;
issuers' policies, statuses of a transaction and what we say ourselves have words only: their class
is decided in declines.py. Source: reference notes, sections 4 and 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.subscription.events import DeclineClass

_TYPES: dict[DeclineClass, str] = {
    DeclineClass.HARD: """
DO_NOT_RETRY                           The card issuer forbids any other try.
PICK_UP_CARD                           The card issuer wants the card back.
CLOSED_ACCOUNT                         The account behind the card is closed.
RESTRICTED_CARD                        The card may not be used for this.
EXPIRED_CARD                           The card has expired.
REJECTED_BY_ACQUIRER_CARD_STOLEN       The card was reported as stolen.
REJECTED_BY_ACQUIRER_CARD_EXPIRED      The card has expired.
REJECTED_BY_ACQUIRER_POSSIBLE_FRAUD    The acquirer takes it for a fraud.
""",
    DeclineClass.MERCHANT: """
INVALID_MERCHANT                       Our agreement with the acquirer is not in order.
INVALID_AMOUNT                         The acquirer does not take this amount.
INVALID_TRANSACTION                    The acquirer does not take this kind of payment.
REJECTED_BY_ACQUIRER_INVALID_AMOUNT    The acquirer does not take this amount.
REJECTED_BY_ACQUIRER_FORMAT_ERROR      The acquirer cannot read the request.
""",
    DeclineClass.PAYER_ACTION: """
PIN_REQUIRED                           The payer has to enter the card's PIN.
FAILED_VERIFICATION                    The payer did not pass the card issuer's check.
ADDITIONAL_VERIFICATION_REQUIRED       The card issuer wants to see the payer (3-D Secure).
MODIFICATIONS_REQUIRED                 The payer has to change something.
""",
    DeclineClass.SOFT: """
INSUFFICIENT_FUNDS                     There is not enough money on the card.
EXCEEDS_APPROVAL_LIMIT                 It is more than the card may pay.
EXCEEDS_WITHDRAWAL_FREQUENCY_LIMIT     The card was used too often.
DECLINED                               The card issuer declined, and does not say why.
ISSUER_ERROR                           The card issuer could not answer.
ERROR                                  Something went wrong at the card issuer or the acquirer.
REJECTED_BY_ACQUIRER                   The acquirer declined, and does not say why.
REJECTED_BY_ACQUIRER_INSUFFICIENT_FUNDS There is not enough money on the card.
ACQUIRER_HOST_OFFLINE                  The acquirer could not be reached.
DAILY_LIMIT_EXCEEDED                   The card was tried as often as it may be in a day.
MONTHLY_LIMIT_EXCEEDED                 The card was tried as often as it may be in 30 days.
""",
}
_OTHERS = """
UNKNOWN                                Dintero does not know why.
RETRY_IMMEDIATELY                      The card issuer lets it be tried again at once.
RETRY_AFTER_DELAY                      The card issuer lets it be tried again later.
CANCELLED                              The payer turned back.
AUTHORIZATION                          It was not reserved.
FAILED                                 The payment failed, and nobody says why.
AUTHORIZATION_VOIDED                   The reservation was let go.
CAPTURE_FAILED                         What was reserved could not be captured.
TOKEN_DELETED                          Dintero has deleted the token.
"""


def _rows(text: str) -> Iterator[tuple[str, str]]:
    for line in text.strip().splitlines():
        code, words = line.split(maxsplit=1)
        yield code, words


CLASS_OF_TYPE: Mapping[str, DeclineClass] = {
    code: decline for decline, text in _TYPES.items() for code, _ in _rows(text)
}
# When an answer names several reasons, the one that forbids most counts.
WORST_FIRST = tuple(_TYPES)
WORDS: Mapping[str, str] = dict(row for text in (*_TYPES.values(), _OTHERS) for row in _rows(text))
