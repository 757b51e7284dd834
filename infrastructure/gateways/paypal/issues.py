"""Every issue code that PayPal's specifications name: its class, and what an operator is told.

One row a code: the class is the heading that it stands under, the words are ours. What PayPal says
beside a code is kept with each decline. Codes about the request itself, which are most, stand in
issues_of_requests.py. How an answer is judged by them: declines.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

import attrs

from infrastructure.gateways.paypal.issues_of_requests import OUR_ACCOUNT, OUR_REQUEST


class Meaning(Enum):
    """A class of issues. The first four are declines, the last two doubts."""

    HARD = "HARD"
    SOFT = "SOFT"
    PAYER_ACTION = "PAYER_ACTION"
    MERCHANT = "MERCHANT"
    CONFLICT = "CONFLICT"
    TRANSIENT = "TRANSIENT"


@attrs.frozen
class Issue:
    """What a code means, and what an operator is told of it: one sentence."""

    meaning: Meaning
    words: str


_HARD = """
AGREEMENT_ALREADY_CANCELLED           The payer or we ended the agreement at PayPal.
AUTHORIZATION_DENIED                  PayPal had refused to reserve it.
BILLING_AGREEMENT_NOT_FOUND           PayPal does not know the agreement that is charged.
CARD_BRAND_NOT_SUPPORTED              PayPal takes no cards of this brand.
CARD_COUNTRY_NOT_SUPPORTED            PayPal takes no cards from this card's country.
CARD_DATA_NOT_FOUND                   Nothing is known of the bank that issued the card.
CARD_EXPIRED                          The card has expired.
CARD_TYPE_NOT_SUPPORTED               PayPal takes no cards of this type.
COMPLIANCE_VIOLATION                  PayPal may not take this payment, by law or by its rules.
INVALID_VAULT_ID                      PayPal does not know the token, or has deleted it.
PAYER_ACCOUNT_LOCKED_OR_CLOSED        The payer's account is locked or closed.
PAYER_CANNOT_PAY                      The payer cannot pay this.
PAYMENT_SOURCE_CANNOT_BE_USED         The payer's method cannot pay this.
REFERENCED_CARD_EXPIRED               The card behind the token has expired.
TOKEN_EXPIRED                         The token has expired.
TOKEN_ID_NOT_FOUND                    PayPal does not know the token.
"""

_SOFT = """
ALIAS_DECLINED_BY_PROCESSOR           The payer's bank declined the alias.
DECLINED_DUE_TO_RELATED_TXN           Another payment of the same order was declined.
INSTRUMENT_DECLINED                   The payer's bank or card issuer declined.
PAYER_ACCOUNT_RESTRICTED              The payer's account is restricted, often for a while only.
PAYMENT_DENIED                        PayPal declined to take it.
PAYMENT_SOURCE_DECLINED_BY_PROCESSOR  The payer's bank or card issuer declined.
REAUTHORIZATION_DECLINED_BY_PROCESSOR The reservation was not renewed.
REFUND_FAILED_INSUFFICIENT_FUNDS      Our account at PayPal does not hold enough.
TRANSACTION_LIMIT_EXCEEDED            It is more than the payer may pay at a time.
TRANSACTION_REFUSED                   PayPal refused it by its own rules.
"""

_PAYER_ACTION = """
BANK_VERIFICATION_REQUIRED            The payer has to confirm the bank account.
CONSENT_NEEDED                        The payer has to agree once more.
CONTINGENCY_NOT_SUCCESSFUL            The payer did not pass the card issuer's check (3-D Secure).
MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED It was tried too often; the payer has to choose a method.
ORDER_NOT_APPROVED                    The payer has not approved it.
PAYER_ACTION_REQUIRED                 The payer has to come back to PayPal.
PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED The payer's name or address does not fit the method.
REDIRECT_PAYER_FOR_ALTERNATE_FUNDING  The payer has to choose another source of money.
"""

_CONFLICT = """
AUTHORIZATION_ALREADY_CAPTURED        What was reserved has been captured.
AUTHORIZATION_EXPIRED                 The reservation ended by its age.
AUTHORIZATION_VOIDED                  The reservation was let go.
AUTO_CAPTURE_ENABLED                  PayPal captures this order by itself.
CANNOT_BE_VOIDED                      A renewed reservation is let go by the one that it renews.
CAPTURE_FULLY_REFUNDED                All of the charge has been given back before.
DUPLICATE_INVOICE_ID                  Our reference was used before: it may have been paid.
DUPLICATE_TRANSACTION                 The same payment was made before, or may have been.
MAX_AUTHORIZATION_COUNT_EXCEEDED      As much was reserved on the order as it allows.
MAX_CAPTURE_COUNT_EXCEEDED            As many parts were captured as PayPal allows.
MAX_NUMBER_OF_REFUNDS_EXCEEDED        PayPal takes no more refunds of this charge.
ORDER_ALREADY_AUTHORIZED              It was reserved before.
ORDER_ALREADY_CAPTURED                It was captured before.
ORDER_ALREADY_COMPLETED               The order was completed before.
ORDER_AUTHORIZATION_IN_PROGRESS       PayPal is reserving it.
ORDER_CANNOT_BE_CONFIRMED             The order was completed before.
ORDER_COMPLETED_OR_VOIDED             The order was completed or let go before.
ORDER_EXPIRED                         The order ended by its age.
PAYMENT_ALREADY_APPROVED              The payer has approved it before.
PENDING_CAPTURE                       The charge itself is still pending.
PREVIOUSLY_CAPTURED                   What was reserved has been captured; it can be refunded.
PREVIOUSLY_VOIDED                     The reservation was let go before.
REAUTHORIZATION_NOT_SUPPORTED         This reservation cannot be renewed.
REAUTHORIZATION_TOO_SOON              A reservation is renewed once, from day 4 to day 29.
REFUND_AMOUNT_EXCEEDED                It is more than is left of the charge.
REFUND_NOT_ALLOWED                    PayPal does not let this charge be given back.
REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK The payer's bank has taken the charge back.
REFUND_TIME_LIMIT_EXCEEDED            The charge is too old to be given back.
SETUP_TOKEN_ALREADY_TOKENIZED         The payer's approval was turned into a token before.
SETUP_TOKEN_NOT_TOKENIZED             The payer's approval has not become a token yet.
TRANSACTION_DISPUTED                  The charge is disputed: it can only be given back in full.
"""

_TRANSIENT = """
ORDER_COMPLETION_IN_PROGRESS          PayPal is completing it.
ORDER_IS_PENDING_APPROVAL             PayPal has not yet noted the payer's approval.
PREVIOUS_REQUEST_IN_PROGRESS          PayPal is still at work on an earlier request.
PUI_DUPLICATE_ORDER                   The same order was made before, moments ago.
"""

# What we say where a payment itself shows that it came to nothing: statuses, no issues.
STATUSES: Mapping[str, str] = {
    "CAPTURE_DECLINED": "The payer's bank or card issuer declined.",
    "CAPTURE_FAILED": "The payment could not be carried out.",
    "ORDER_VOIDED": "The order was let go before it was paid.",
    "TRANSACTION_DENIED": "The payment was denied, as PayPal's report says.",
}


def _rows(meaning: Meaning, text: str) -> Iterator[tuple[str, Issue]]:
    for line in text.strip().splitlines():
        code, words = line.split(maxsplit=1)
        yield code, Issue(meaning, words)


ISSUES: Mapping[str, Issue] = dict(
    (
        *_rows(Meaning.HARD, _HARD),
        *_rows(Meaning.SOFT, _SOFT),
        *_rows(Meaning.PAYER_ACTION, _PAYER_ACTION),
        *_rows(Meaning.MERCHANT, OUR_ACCOUNT),
        *_rows(Meaning.MERCHANT, OUR_REQUEST),
        *_rows(Meaning.CONFLICT, _CONFLICT),
        *_rows(Meaning.TRANSIENT, _TRANSIENT),
    )
)
