"""What PayPal's refusals mean: one table of every issue code that its specifications name.

PayPal publishes no hard/soft split; the classes are this project's reading (reference notes on
PayPal, section 4). How a refusal is judged:

1. Any issue that speaks of state ("already captured", "duplicate invoice id", "in progress") makes
   the outcome unknown: an earlier sending may have succeeded, so it is looked up.
2. So does an issue that this table does not know, unless PayPal says by name that the request was
   never taken up (INVALID_REQUEST and the like). A new code may well be a new way to say
   "already done", and a doubt is never a decline.
3. What is left is a definite no, of the first issue's class.

Refunds and voids are judged by the same classes. There an issue that speaks of state may be a
definite no (nothing is left to give back); WORDS_OF names those, with what we say of each.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import attrs

from domain.ports import Declined, Unknown
from domain.subscription.events import DeclineClass


class Meaning(Enum):
    """A class of issues. The first four are declines, the last two doubts."""

    HARD = "HARD"
    SOFT = "SOFT"
    PAYER_ACTION = "PAYER_ACTION"
    MERCHANT = "MERCHANT"
    CONFLICT = "CONFLICT"
    TRANSIENT = "TRANSIENT"


_CODES: dict[Meaning, str] = {
    Meaning.HARD: (
        "AGREEMENT_ALREADY_CANCELLED AUTHORIZATION_DENIED BILLING_AGREEMENT_NOT_FOUND "
        "CARD_BRAND_NOT_SUPPORTED CARD_COUNTRY_NOT_SUPPORTED CARD_DATA_NOT_FOUND CARD_EXPIRED "
        "CARD_TYPE_NOT_SUPPORTED COMPLIANCE_VIOLATION INVALID_VAULT_ID "
        "PAYER_ACCOUNT_LOCKED_OR_CLOSED PAYER_CANNOT_PAY PAYMENT_SOURCE_CANNOT_BE_USED "
        "REFERENCED_CARD_EXPIRED TOKEN_EXPIRED TOKEN_ID_NOT_FOUND "
    ),
    Meaning.SOFT: (
        "ALIAS_DECLINED_BY_PROCESSOR DECLINED_DUE_TO_RELATED_TXN INSTRUMENT_DECLINED "
        "PAYER_ACCOUNT_RESTRICTED PAYMENT_DENIED PAYMENT_SOURCE_DECLINED_BY_PROCESSOR "
        "REAUTHORIZATION_DECLINED_BY_PROCESSOR REFUND_FAILED_INSUFFICIENT_FUNDS "
        "TRANSACTION_LIMIT_EXCEEDED TRANSACTION_REFUSED "
    ),
    Meaning.PAYER_ACTION: (
        "BANK_VERIFICATION_REQUIRED CONSENT_NEEDED CONTINGENCY_NOT_SUCCESSFUL "
        "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED ORDER_NOT_APPROVED PAYER_ACTION_REQUIRED "
        "PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED REDIRECT_PAYER_FOR_ALTERNATE_FUNDING "
    ),
    Meaning.MERCHANT: (
        "ACTION_DOES_NOT_MATCH_INTENT AMOUNT_CANNOT_BE_SPECIFIED AMOUNT_CHANGE_NOT_ALLOWED "
        "AMOUNT_MISMATCH AMOUNT_NOT_PATCHABLE APPLE_PAY_AMOUNT_MISMATCH "
        "AUTHORIZATION_AMOUNT_EXCEEDED AUTHORIZATION_CURRENCY_MISMATCH "
        "AUTH_CAPTURE_CURRENCY_MISMATCH AUTH_CAPTURE_NOT_ENABLED AUTH_CURRENCY_MISMATCH "
        "BANK_NOT_SUPPORTED_FOR_VERIFICATION BILLING_ADDRESS_INVALID "
        "BILLING_AGREEMENTS_CANNOT_BE_USED_FOR_SUBSCRIPTIONS BILLING_AGREEMENT_ID_MISMATCH "
        "BILLING_ITEM_AMOUNT_MISMATCH BLIK_ONE_CLICK_MISSING_REQUIRED_PARAMETER "
        "CANCEL_URL_REQUIRED CANNOT_BE_NEGATIVE CANNOT_BE_ZERO_OR_NEGATIVE CANNOT_MODIFY_INTENT "
        "CAPTURE_ID_NOT_FOUND CAPTURE_STATUS_NOT_VALID CARD_EXPIRY_REQUIRED "
        "CARD_NUMBER_REQUIRED CITY_REQUIRED COUNTRY_NOT_SUPPORTED_BY_PAYMENT_SOURCE "
        "CRYPTOGRAM_REQUIRED CURRENCY_MISMATCH CURRENCY_NOT_SUPPORTED_FOR_BANK "
        "CURRENCY_NOT_SUPPORTED_FOR_CARD_TYPE CURRENCY_NOT_SUPPORTED_FOR_COUNTRY "
        "DECIMALS_NOT_SUPPORTED DECIMAL_PRECISION DELAYED_DISBURSEMENT_NOT_SUPPORTED "
        "DELAYED_DISBURSEMENT_NOT_SUPPORTED_FOR_KYC_INCOMPLETE_PAYEE DEVICE_DATA_NOT_AVAILABLE "
        "DOMESTIC_TRANSACTION_REQUIRED DONATION_ITEMS_NOT_SUPPORTED DUPLICATE_REFERENCE_ID "
        "DUPLICATE_SHIPPING_OPTION_ID EMV_DATA_REQUIRED FIELD_NOT_PATCHABLE "
        "GOOGLE_PAY_GATEWAY_MERCHANT_ID_MISMATCH IBAN_COUNTRY_NOT_SUPPORTED "
        "IDENTIFIER_NOT_FOUND INCOMPATIBLE_ACCOUNT_OWNERSHIP_TYPE "
        "INCOMPATIBLE_PARAMETER_FOR_BILLING_PLAN INCOMPATIBLE_PARAMETER_VALUE "
        "INELIGIBLE_SHIPPING_OPTION INVALID_ACCOUNT_STATUS INVALID_ARRAY_MAX_ITEMS "
        "INVALID_ARRAY_MIN_ITEMS INVALID_COUNTRY_CODE INVALID_CURRENCY_CODE "
        "INVALID_DELIVERY_ESTIMATE INVALID_EXPIRY_DATE INVALID_FX_RATE_ID "
        "INVALID_GOOGLE_PAY_TOKEN INVALID_IBAN INVALID_JSON_POINTER_FORMAT INVALID_PARAMETER "
        "INVALID_PARAMETER_SYNTAX INVALID_PARAMETER_VALUE INVALID_PATCH_OPERATION "
        "INVALID_PAYEE_PRICING_TIER_ID INVALID_PAYER_ID INVALID_PICKUP_ADDRESS "
        "INVALID_PLATFORM_FEES_ACCOUNT INVALID_PLATFORM_FEES_AMOUNT INVALID_POSTAL_CODE "
        "INVALID_POSTAL_CODE_LENGTH INVALID_PREVIOUS_TRANSACTION_REFERENCE INVALID_RESOURCE_ID "
        "INVALID_SECURITY_CODE_LENGTH INVALID_SHIPPING_OPTION_ID INVALID_STRING_LENGTH "
        "INVALID_STRING_MAX_LENGTH INVALID_TRACKING_NUMBER INVALID_VAULT_SETUP_TOKEN "
        "ITEM_CATEGORY_NOT_SUPPORTED_BY_PAYMENT_SOURCE ITEM_SKU_MISMATCH ITEM_TOTAL_MISMATCH "
        "ITEM_TOTAL_REQUIRED LOCALE_NOT_SUPPORTED_BY_PAYMENT_SOURCE MALFORMED_REQUEST_JSON "
        "MAX_CAPTURE_AMOUNT_EXCEEDED MAX_TRACKER_UPDATE_COUNT_EXCEEDED MAX_VALUE_EXCEEDED "
        "MERCHANT_INITIATED_WITH_AUTHENTICATION_RESULTS "
        "MERCHANT_INITIATED_WITH_MULTIPLE_PURCHASE_UNITS MERCHANT_INITIATED_WITH_SECURITY_CODE "
        "MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE MISMATCHED_VAULT_OWNER_ID "
        "MISMATCHED_VAULT_SETUP_TOKEN_TO_PAYMENT_SOURCE MISSING_CRYPTOGRAM "
        "MISSING_ITEM_SHIPPING_OPTIONS MISSING_PICKUP_ADDRESS MISSING_PREVIOUS_REFERENCE "
        "MISSING_REQUIRED_PARAMETER MISSING_REQUIRED_PARAMETER_FOR_BILLING_PLAN "
        "MISSING_SHIPPING_CALL_BACK_CONFIGURATION MSP_NOT_SUPPORTED MULTIPLE_ITEM_CATEGORIES "
        "MULTIPLE_PURCHASE_UNITS_NOT_SUPPORTED_FOR_PAYMENT_SOURCE "
        "MULTIPLE_SHIPPING_ADDRESS_NOT_SUPPORTED MULTIPLE_SHIPPING_OPTION_SELECTED "
        "MULTIPLE_SHIPPING_TYPE_NOT_SUPPORTED MULTI_CURRENCY_ORDER "
        "NOT_ELIGIBLE_FOR_PAYPAL_TRANSACTION_ID_PROCESSING NOT_ELIGIBLE_FOR_PNREF_PROCESSING "
        "NOT_ELIGIBLE_FOR_TOKEN_PROCESSING NOT_ENABLED_FOR_APPLE_PAY "
        "NOT_ENABLED_FOR_BANK_PROCESSING NOT_ENABLED_FOR_CARD_PROCESSING "
        "NOT_ENABLED_FOR_GOOGLE_PAY NOT_ENABLED_FOR_PAYMENT_SOURCE "
        "NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE NOT_PATCHABLE NOT_SUPPORTED "
        "NO_PAYMENT_SOURCE_PROVIDED ONE_OF_PARAMETERS_REQUIRED ONE_OF_THE_PARAMETERS_REQUIRED "
        "ONLY_ONE_BANK_SOURCE_ALLOWED ONLY_ONE_PAYMENT_SOURCE_ALLOWED ORDER_CANNOT_BE_SAVED "
        "ORDER_COMPLETE_ON_PAYMENT_APPROVAL PARTIAL_REFUND_NOT_ALLOWED "
        "PARTNER_SETTLEMENT_NOT_SUPPORTED_FOR_KYC_INCOMPLETE_PAYEE PATCH_PATH_REQUIRED "
        "PATCH_VALUE_REQUIRED PAYEE_ACCOUNT_INVALID PAYEE_ACCOUNT_LOCKED_OR_CLOSED "
        "PAYEE_ACCOUNT_NOT_VERIFIED PAYEE_ACCOUNT_RESTRICTED PAYEE_BLOCKED_TRANSACTION "
        "PAYEE_COUNTRY_NOT_SUPPORTED_FOR_PAYMENT_SOURCE PAYEE_FX_RATE_ID_CURRENCY_MISMATCH "
        "PAYEE_FX_RATE_ID_EXPIRED PAYEE_NOT_ENABLED_FOR_BANK_PROCESSING "
        "PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING PAYEE_PRICING_TIER_ID_NOT_ENABLED "
        "PAYMENT_ORIGIN_NOT_ENABLED PAYMENT_SOURCE_MISMATCH PAYMENT_SOURCE_NOT_SUPPORTED "
        "PAYMENT_TYPE_NOT_SUPPORTED_FOR_INTENT PAYPAL_REQUEST_ID_REQUIRED "
        "PAYPAL_STORED_CREDENTIAL_MISSING_REQUIRED_PARAMETER PAYPAL_TRANSACTION_ID_EXPIRED "
        "PAYPAL_TRANSACTION_ID_NOT_FOUND PERMISSION_DENIED PERMISSION_DENIED_FOR_DONATION_ITEMS "
        "PLATFORM_FEES_NOT_SUPPORTED PLATFORM_FEE_EXCEEDED PLATFORM_FEE_NOT_ENABLED "
        "PLATFORM_FEE_PAYEE_CANNOT_BE_SAME_AS_PAYER PNREF_EXPIRED PNREF_NOT_FOUND "
        "POSTAL_CODE_REQUIRED PREFERRED_BRAND_NOT_SUPPORTED PREFERRED_PAYMENT_SOURCE_MISMATCH "
        "PREFERRED_SHIPPING_OPTION_AMOUNT_MISMATCH "
        "PREVIOUS_TRANSACTION_REFERENCE_HAS_CHARGEBACK PREVIOUS_TRANSACTION_REFERENCE_VOIDED "
        "REAUTHORIZATION_NOT_SUPPORTED_FOR_PAYMENT_SOURCE REFERENCE_ID_NOT_FOUND "
        "REFERENCE_ID_REQUIRED REFUND_AMOUNT_TOO_LOW REFUND_CAPTURE_CURRENCY_MISMATCH "
        "REFUND_IS_RESTRICTED REQUIRED_PARAMETER_FOR_CUSTOMER_INITIATED_PAYMENT "
        "REQUIRED_PARAMETER_FOR_PAYMENT_SOURCE RETURN_URL_REQUIRED SAVE_ORDER_NOT_SUPPORTED "
        "SETUP_ERROR_FOR_BANK SHIPPING_ADDRESS_INVALID SHIPPING_CALLBACK_CONFIG_NOT_SUPPORTED "
        "SHIPPING_OPTIONS_NOT_SUPPORTED SHIPPING_OPTION_NOT_SELECTED "
        "SHIPPING_TYPE_NOT_SUPPORTED_FOR_CLIENT TAX_TOTAL_MISMATCH TAX_TOTAL_REQUIRED "
        "TRACKER_ID_NOT_FOUND TRANSACTION_BLOCKED_BY_PAYEE TRANSACTION_RECEIVING_LIMIT_EXCEEDED "
        "UNSUPPORTED_INTEGRATION_FOR_BILLING_PLAN UNSUPPORTED_INTENT "
        "UNSUPPORTED_INTENT_FOR_KYC_INCOMPLETE_PAYEE UNSUPPORTED_INTENT_FOR_PAYMENT_SOURCE "
        "UNSUPPORTED_PATCH_PARAMETER_VALUE UNSUPPORTED_PAYMENT_INSTRUCTION "
        "UNSUPPORTED_PAYMENT_SOURCE_FOR_SUBSCRIPTIONS UNSUPPORTED_PROCESSING_INSTRUCTION "
        "UNSUPPORTED_SHIPPING_TYPE VAULT_INSTRUCTION_DUPLICATED VAULT_INSTRUCTION_REQUIRED "
        "VAULT_OWNER_ID_NOT_SUPPORTED "
    ),
    Meaning.CONFLICT: (
        "AUTHORIZATION_ALREADY_CAPTURED AUTHORIZATION_EXPIRED AUTHORIZATION_VOIDED "
        "AUTO_CAPTURE_ENABLED CANNOT_BE_VOIDED CAPTURE_FULLY_REFUNDED DUPLICATE_INVOICE_ID "
        "DUPLICATE_TRANSACTION MAX_AUTHORIZATION_COUNT_EXCEEDED MAX_CAPTURE_COUNT_EXCEEDED "
        "MAX_NUMBER_OF_REFUNDS_EXCEEDED ORDER_ALREADY_AUTHORIZED ORDER_ALREADY_CAPTURED "
        "ORDER_ALREADY_COMPLETED ORDER_AUTHORIZATION_IN_PROGRESS ORDER_CANNOT_BE_CONFIRMED "
        "ORDER_COMPLETED_OR_VOIDED ORDER_EXPIRED PAYMENT_ALREADY_APPROVED PENDING_CAPTURE "
        "PREVIOUSLY_CAPTURED PREVIOUSLY_VOIDED REAUTHORIZATION_NOT_SUPPORTED "
        "REAUTHORIZATION_TOO_SOON REFUND_AMOUNT_EXCEEDED REFUND_NOT_ALLOWED "
        "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK REFUND_TIME_LIMIT_EXCEEDED "
        "SETUP_TOKEN_ALREADY_TOKENIZED SETUP_TOKEN_NOT_TOKENIZED TRANSACTION_DISPUTED "
    ),
    Meaning.TRANSIENT: (
        "ORDER_COMPLETION_IN_PROGRESS ORDER_IS_PENDING_APPROVAL PREVIOUS_REQUEST_IN_PROGRESS "
        "PUI_DUPLICATE_ORDER "
    ),
}

MEANING_OF: dict[str, Meaning] = {
    code: meaning for meaning, codes in _CODES.items() for code in codes.split()
}

# Every issue that refuses a refund, a void or a renewal for good, and what we say of it; its class
# is in the table above. Not here, because no "no": DUPLICATE_INVOICE_ID, and whatever is in
# progress. The last two are statuses of a refund, not issues.
WORDS_OF: dict[str, str] = {
    "AUTHORIZATION_ALREADY_CAPTURED": "What was reserved has been captured.",
    "AUTHORIZATION_AMOUNT_EXCEEDED": "It is more than PayPal lets us reserve anew.",
    "AUTHORIZATION_DENIED": "PayPal had refused to reserve it.",
    "AUTHORIZATION_EXPIRED": "The reservation ended by its age.",
    "AUTHORIZATION_VOIDED": "The reservation was let go.",
    "AUTH_CURRENCY_MISMATCH": "It was reserved in another currency.",
    "CANNOT_BE_NEGATIVE": "The amount has to be more than zero.",
    "CANNOT_BE_VOIDED": "A renewed reservation is let go by the one that it renews.",
    "CANNOT_BE_ZERO_OR_NEGATIVE": "The amount has to be more than zero.",
    "CAPTURE_FULLY_REFUNDED": "All of the charge has been given back before.",
    "CURRENCY_MISMATCH": "The charge was in another currency.",
    "DECIMALS_NOT_SUPPORTED": "PayPal takes no decimals in this currency.",
    "DECIMAL_PRECISION": "PayPal takes fewer decimals in this currency.",
    "INVALID_CURRENCY_CODE": "PayPal does not know the currency.",
    "INVALID_PARAMETER_SYNTAX": "PayPal cannot read a field of our request.",
    "INVALID_PARAMETER_VALUE": "PayPal does not take a value of our request.",
    "INVALID_RESOURCE_ID": "PayPal knows no such payment.",
    "INVALID_STRING_LENGTH": "A text of our request is too short or too long.",
    "INVALID_STRING_MAX_LENGTH": "A text of our request is too long.",
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": "PayPal takes no more refunds of this charge.",
    "MISSING_REQUIRED_PARAMETER": "A field of our request is missing.",
    "PARTIAL_REFUND_NOT_ALLOWED": "This charge can only be given back in full.",
    "PAYEE_ACCOUNT_LOCKED_OR_CLOSED": "Our account at PayPal is locked or closed.",
    "PAYEE_ACCOUNT_RESTRICTED": "Our account at PayPal is restricted.",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": "The payer's account is locked or closed.",
    "PAYER_CANNOT_PAY": "The payer cannot pay this.",
    "PENDING_CAPTURE": "The charge itself is still pending.",
    "PLATFORM_FEE_EXCEEDED": "It is more than is left of the platform's fee.",
    "PLATFORM_FEE_NOT_ENABLED": "Our account may not give back a platform's fee.",
    "PREVIOUSLY_CAPTURED": "What was reserved has been captured; it can be refunded.",
    "PREVIOUSLY_VOIDED": "The reservation was let go before.",
    "REAUTHORIZATION_DECLINED_BY_PROCESSOR": "The reservation was not renewed.",
    "REAUTHORIZATION_NOT_SUPPORTED": "This reservation cannot be renewed.",
    "REAUTHORIZATION_NOT_SUPPORTED_FOR_PAYMENT_SOURCE": "This reservation cannot be renewed.",
    "REAUTHORIZATION_TOO_SOON": "A reservation is renewed once, from day 4 to day 29.",
    "REFUND_AMOUNT_EXCEEDED": "It is more than is left of the charge.",
    "REFUND_AMOUNT_TOO_LOW": "Nothing is left of the amount in the account's currency.",
    "REFUND_CAPTURE_CURRENCY_MISMATCH": "The charge was in another currency.",
    "REFUND_FAILED_INSUFFICIENT_FUNDS": "Our account at PayPal does not hold enough.",
    "REFUND_IS_RESTRICTED": "Only the account that took the charge may give it back.",
    "REFUND_NOT_ALLOWED": "PayPal does not let this charge be given back.",
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": "The payer's bank has taken the charge back.",
    "REFUND_TIME_LIMIT_EXCEEDED": "The charge is too old to be given back.",
    "TRANSACTION_DISPUTED": "The charge is disputed: it can only be given back in full.",
    "TRANSACTION_REFUSED": "PayPal refused it by its own rules.",
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
