"""Issue codes of PayPal's by which our account or our request is at fault; see issues.py."""

from __future__ import annotations

OUR_ACCOUNT = """
AUTH_CAPTURE_NOT_ENABLED              Our account may not reserve first and capture later.
INVALID_ACCOUNT_STATUS                Our account at PayPal is not in order.
NOT_ELIGIBLE_FOR_TOKEN_PROCESSING     Our account may not charge this kind of token.
NOT_ENABLED_FOR_CARD_PROCESSING       Our account may not take cards.
NOT_ENABLED_FOR_PAYMENT_SOURCE        Our account may not take this method.
NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE   Our account may not keep payers' methods.
PAYEE_ACCOUNT_INVALID                 The account that is to be paid is not valid.
PAYEE_ACCOUNT_LOCKED_OR_CLOSED        Our account at PayPal is locked or closed.
PAYEE_ACCOUNT_NOT_VERIFIED            Our account at PayPal is not verified.
PAYEE_ACCOUNT_RESTRICTED              Our account at PayPal is restricted.
PAYEE_BLOCKED_TRANSACTION             Our own fraud settings at PayPal refused it.
PERMISSION_DENIED                     Our account lacks a permission for this.
PLATFORM_FEE_NOT_ENABLED              Our account may not give back a platform's fee.
REFUND_IS_RESTRICTED                  Only the account that took the charge may give it back.
TRANSACTION_BLOCKED_BY_PAYEE          Our own fraud settings at PayPal refused it.
TRANSACTION_RECEIVING_LIMIT_EXCEEDED  It is more than our account may receive.
VAULT_OWNER_ID_NOT_SUPPORTED          Our account may not name the owner of a token.
"""

OUR_REQUEST = """
ACTION_DOES_NOT_MATCH_INTENT          The order was made to be captured, or reserved; not both.
AMOUNT_CANNOT_BE_SPECIFIED            An amount is named only for an order that was saved.
AMOUNT_CHANGE_NOT_ALLOWED             It is another amount than the payer has approved.
AMOUNT_MISMATCH                       The parts of the amount do not add up to it.
AMOUNT_NOT_PATCHABLE                  The payer has approved the amount; it stays.
APPLE_PAY_AMOUNT_MISMATCH             It is another amount than the payer saw in Apple Pay.
AUTHORIZATION_AMOUNT_EXCEEDED         It is more than PayPal lets us reserve anew.
AUTHORIZATION_CURRENCY_MISMATCH       The order is in another currency.
AUTH_CAPTURE_CURRENCY_MISMATCH        It was reserved in another currency.
AUTH_CURRENCY_MISMATCH                It was reserved in another currency.
BANK_NOT_SUPPORTED_FOR_VERIFICATION   PayPal cannot confirm accounts at this bank.
BILLING_ADDRESS_INVALID               The payer's address on our request is not valid.
BILLING_AGREEMENTS_CANNOT_BE_USED_FOR_SUBSCRIPTIONS An old agreement cannot pay this.
BILLING_AGREEMENT_ID_MISMATCH         The order was made for another agreement.
BILLING_ITEM_AMOUNT_MISMATCH          The plan shown to the payer does not make the amount.
BLIK_ONE_CLICK_MISSING_REQUIRED_PARAMETER A field that BLIK needs is missing.
CANCEL_URL_REQUIRED                   The address for a payer who turns back is missing.
CANNOT_BE_NEGATIVE                    The amount has to be more than zero.
CANNOT_BE_ZERO_OR_NEGATIVE            The amount has to be more than zero.
CANNOT_MODIFY_INTENT                  What an order is for cannot be changed.
CAPTURE_ID_NOT_FOUND                  PayPal does not know the charge that we name.
CAPTURE_STATUS_NOT_VALID              The charge is not in a state for this.
CARD_EXPIRY_REQUIRED                  The card's expiry is missing.
CARD_NUMBER_REQUIRED                  The card's number is missing.
CITY_REQUIRED                         The address has no city, and its country needs one.
COUNTRY_NOT_SUPPORTED_BY_PAYMENT_SOURCE The method cannot be used in the country we name.
CRYPTOGRAM_REQUIRED                   The proof of the card issuer's check is missing.
CURRENCY_MISMATCH                     The charge was in another currency.
CURRENCY_NOT_SUPPORTED_FOR_BANK       The payer's bank account cannot pay in this currency.
CURRENCY_NOT_SUPPORTED_FOR_CARD_TYPE  The card cannot pay in this currency.
CURRENCY_NOT_SUPPORTED_FOR_COUNTRY    The method pays in other currencies in this country.
DECIMALS_NOT_SUPPORTED                PayPal takes no decimals in this currency.
DECIMAL_PRECISION                     PayPal takes fewer decimals in this currency.
DELAYED_DISBURSEMENT_NOT_SUPPORTED    Our account may not pay out later.
DELAYED_DISBURSEMENT_NOT_SUPPORTED_FOR_KYC_INCOMPLETE_PAYEE Who is paid is not known well enough.
DEVICE_DATA_NOT_AVAILABLE             Nothing is known of the payer's device.
DOMESTIC_TRANSACTION_REQUIRED         Payer and payee have to be in one country.
DONATION_ITEMS_NOT_SUPPORTED          A donation cannot stand beside other goods.
DUPLICATE_REFERENCE_ID                Two parts of the order have the same name.
DUPLICATE_SHIPPING_OPTION_ID          Two ways of shipping have the same name.
EMV_DATA_REQUIRED                     The data of the card's chip is missing.
FIELD_NOT_PATCHABLE                   A field cannot be changed.
GOOGLE_PAY_GATEWAY_MERCHANT_ID_MISMATCH The Google Pay token was made for another merchant.
IBAN_COUNTRY_NOT_SUPPORTED            Bank accounts of this country cannot pay.
IDENTIFIER_NOT_FOUND                  PayPal does not know something that we name.
INCOMPATIBLE_ACCOUNT_OWNERSHIP_TYPE   The bank account is of another kind than we say.
INCOMPATIBLE_PARAMETER_FOR_BILLING_PLAN A field does not go with a plan that is shown.
INCOMPATIBLE_PARAMETER_VALUE          Two fields of our request contradict each other.
INELIGIBLE_SHIPPING_OPTION            A way of shipping cannot be used with this order.
INVALID_ARRAY_MAX_ITEMS               A list of our request is too long.
INVALID_ARRAY_MIN_ITEMS               A list of our request is too short.
INVALID_COUNTRY_CODE                  PayPal does not know the country.
INVALID_CURRENCY_CODE                 PayPal does not know the currency.
INVALID_DELIVERY_ESTIMATE             The times of delivery are in the wrong order.
INVALID_EXPIRY_DATE                   The card's expiry on our request is not valid.
INVALID_FX_RATE_ID                    PayPal does not know the rate of exchange.
INVALID_GOOGLE_PAY_TOKEN              PayPal cannot read the Google Pay token.
INVALID_IBAN                          The number of the bank account is not valid.
INVALID_JSON_POINTER_FORMAT           A change of an order names no field.
INVALID_PARAMETER                     A field does not belong into our request.
INVALID_PARAMETER_SYNTAX              PayPal cannot read a field of our request.
INVALID_PARAMETER_VALUE               PayPal does not take a value of our request.
INVALID_PATCH_OPERATION               The order cannot be changed in this way.
INVALID_PAYEE_PRICING_TIER_ID         PayPal does not know the pricing that we name.
INVALID_PAYER_ID                      PayPal does not know the payer.
INVALID_PICKUP_ADDRESS                The address to pick it up is not valid.
INVALID_PLATFORM_FEES_ACCOUNT         The account for the platform's fee is not valid.
INVALID_PLATFORM_FEES_AMOUNT          The platform's fee is more than the order.
INVALID_POSTAL_CODE                   The postal code cannot be used.
INVALID_POSTAL_CODE_LENGTH            The postal code is too long.
INVALID_PREVIOUS_TRANSACTION_REFERENCE The earlier payment that we name is no payment of it.
INVALID_RESOURCE_ID                   PayPal knows no such payment.
INVALID_SECURITY_CODE_LENGTH          The card's security code is too short or too long.
INVALID_SHIPPING_OPTION_ID            An item names a way of shipping that there is not.
INVALID_STRING_LENGTH                 A text of our request is too short or too long.
INVALID_STRING_MAX_LENGTH             A text of our request is too long.
INVALID_TRACKING_NUMBER               The number of the parcel is not valid.
INVALID_VAULT_SETUP_TOKEN             PayPal does not know the payer's approval.
ITEM_CATEGORY_NOT_SUPPORTED_BY_PAYMENT_SOURCE The method cannot pay goods of this kind.
ITEM_SKU_MISMATCH                     An item is not one of the order's.
ITEM_TOTAL_MISMATCH                   The items do not add up to their sum.
ITEM_TOTAL_REQUIRED                   Items are named without their sum.
LOCALE_NOT_SUPPORTED_BY_PAYMENT_SOURCE The method does not know the payer's language.
MALFORMED_REQUEST_JSON                PayPal cannot read our request.
MAX_CAPTURE_AMOUNT_EXCEEDED           It is more than PayPal lets us capture.
MAX_TRACKER_UPDATE_COUNT_EXCEEDED     The parcel's data was changed too often.
MAX_VALUE_EXCEEDED                    The amount is too large.
MERCHANT_INITIATED_WITH_AUTHENTICATION_RESULTS Without the payer there is no card issuer's check.
MERCHANT_INITIATED_WITH_MULTIPLE_PURCHASE_UNITS Without the payer an order has one part.
MERCHANT_INITIATED_WITH_SECURITY_CODE Without the payer there is no security code.
MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE The token is of another method than we say.
MISMATCHED_VAULT_OWNER_ID             The token belongs to another account of ours.
MISMATCHED_VAULT_SETUP_TOKEN_TO_PAYMENT_SOURCE The approval is of another method than we say.
MISSING_CRYPTOGRAM                    The proof of the card issuer's check is missing.
MISSING_ITEM_SHIPPING_OPTIONS         Some items have no way of shipping.
MISSING_PICKUP_ADDRESS                The address to pick it up is missing.
MISSING_PREVIOUS_REFERENCE            The first payment with this card is not named.
MISSING_REQUIRED_PARAMETER            A field of our request is missing.
MISSING_REQUIRED_PARAMETER_FOR_BILLING_PLAN A field of the plan that is shown is missing.
MISSING_SHIPPING_CALL_BACK_CONFIGURATION The address for questions about shipping is missing.
MSP_NOT_SUPPORTED                     The order has several parts, and may have one.
MULTIPLE_ITEM_CATEGORIES              Goods of different kinds stand in one part of the order.
MULTIPLE_PURCHASE_UNITS_NOT_SUPPORTED_FOR_PAYMENT_SOURCE The method cannot pay several parts.
MULTIPLE_SHIPPING_ADDRESS_NOT_SUPPORTED The order has several addresses, and may have one.
MULTIPLE_SHIPPING_OPTION_SELECTED     Several ways of shipping are selected.
MULTIPLE_SHIPPING_TYPE_NOT_SUPPORTED  The order has several kinds of shipping.
MULTI_CURRENCY_ORDER                  The order is in several currencies.
NOT_ELIGIBLE_FOR_PAYPAL_TRANSACTION_ID_PROCESSING Our account may not charge by a payment's id.
NOT_ELIGIBLE_FOR_PNREF_PROCESSING     Our account may not charge by a Payflow reference.
NOT_ENABLED_FOR_APPLE_PAY             Our account may not take Apple Pay.
NOT_ENABLED_FOR_BANK_PROCESSING       Our account may not take bank payments.
NOT_ENABLED_FOR_GOOGLE_PAY            Our account may not take Google Pay.
NOT_PATCHABLE                         The order cannot be changed.
NOT_SUPPORTED                         PayPal does not take a field of our request.
NO_PAYMENT_SOURCE_PROVIDED            Our request names no method.
ONE_OF_PARAMETERS_REQUIRED            One of several fields has to be there, and none is.
ONE_OF_THE_PARAMETERS_REQUIRED        One of several fields has to be there, and none is.
ONLY_ONE_BANK_SOURCE_ALLOWED          Our request names several bank accounts.
ONLY_ONE_PAYMENT_SOURCE_ALLOWED       Our request names several methods.
ORDER_CANNOT_BE_SAVED                 Only an order that reserves can be saved.
ORDER_COMPLETE_ON_PAYMENT_APPROVAL    This method completes an order with the approval.
PARTIAL_REFUND_NOT_ALLOWED            This charge can only be given back in full.
PARTNER_SETTLEMENT_NOT_SUPPORTED_FOR_KYC_INCOMPLETE_PAYEE Who is paid is not known well enough.
PATCH_PATH_REQUIRED                   A change of an order names no field.
PATCH_VALUE_REQUIRED                  A change of an order names no value.
PAYEE_COUNTRY_NOT_SUPPORTED_FOR_PAYMENT_SOURCE The method cannot pay into our country.
PAYEE_FX_RATE_ID_CURRENCY_MISMATCH    The rate of exchange is for another currency.
PAYEE_FX_RATE_ID_EXPIRED              The rate of exchange has expired.
PAYEE_NOT_ENABLED_FOR_BANK_PROCESSING Our account may not take bank payments.
PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING Our account may not take cards.
PAYEE_PRICING_TIER_ID_NOT_ENABLED     Our account may not name a pricing.
PAYMENT_ORIGIN_NOT_ENABLED            Our account may not take payments of this origin.
PAYMENT_SOURCE_MISMATCH               It is another method than the order was made for.
PAYMENT_SOURCE_NOT_SUPPORTED          The method cannot pay this order.
PAYMENT_TYPE_NOT_SUPPORTED_FOR_INTENT This method cannot be reserved first.
PAYPAL_REQUEST_ID_REQUIRED            Our request has no key.
PAYPAL_STORED_CREDENTIAL_MISSING_REQUIRED_PARAMETER The token that is charged is not named.
PAYPAL_TRANSACTION_ID_EXPIRED         The earlier payment that we name is too old.
PAYPAL_TRANSACTION_ID_NOT_FOUND       PayPal does not know the earlier payment that we name.
PERMISSION_DENIED_FOR_DONATION_ITEMS  Our account may not take donations.
PLATFORM_FEES_NOT_SUPPORTED           Our account may not take a platform's fee.
PLATFORM_FEE_EXCEEDED                 It is more than is left of the platform's fee.
PLATFORM_FEE_PAYEE_CANNOT_BE_SAME_AS_PAYER The payer would pay the platform's fee to themselves.
PNREF_EXPIRED                         The Payflow reference is too old.
PNREF_NOT_FOUND                       PayPal does not know the Payflow reference.
POSTAL_CODE_REQUIRED                  The address has no postal code, and its country needs one.
PREFERRED_BRAND_NOT_SUPPORTED         PayPal does not take the preferred brand of the card.
PREFERRED_PAYMENT_SOURCE_MISMATCH     It is another method than the one that was preferred.
PREFERRED_SHIPPING_OPTION_AMOUNT_MISMATCH Shipping costs something else than the order says.
PREVIOUS_TRANSACTION_REFERENCE_HAS_CHARGEBACK The earlier payment that we name was taken back.
PREVIOUS_TRANSACTION_REFERENCE_VOIDED The earlier payment that we name was let go.
REAUTHORIZATION_NOT_SUPPORTED_FOR_PAYMENT_SOURCE This reservation cannot be renewed.
REFERENCE_ID_NOT_FOUND                PayPal does not know the part of the order that we name.
REFERENCE_ID_REQUIRED                 A part of the order has no name.
REFUND_AMOUNT_TOO_LOW                 Nothing is left of the amount in the account's currency.
REFUND_CAPTURE_CURRENCY_MISMATCH      The charge was in another currency.
REQUIRED_PARAMETER_FOR_CUSTOMER_INITIATED_PAYMENT A field is missing that a present payer gives.
REQUIRED_PARAMETER_FOR_PAYMENT_SOURCE A field that the method needs is missing.
RETURN_URL_REQUIRED                   The address for a payer who comes back is missing.
SAVE_ORDER_NOT_SUPPORTED              Our account may not save orders.
SETUP_ERROR_FOR_BANK                  Our account is not set up for bank payments.
SHIPPING_ADDRESS_INVALID              The address on our request is not valid.
SHIPPING_CALLBACK_CONFIG_NOT_SUPPORTED Questions about shipping do not go with this order.
SHIPPING_OPTIONS_NOT_SUPPORTED        Ways of shipping do not go with this order.
SHIPPING_OPTION_NOT_SELECTED          No way of shipping is selected.
SHIPPING_TYPE_NOT_SUPPORTED_FOR_CLIENT Our account may not use this kind of shipping.
TAX_TOTAL_MISMATCH                    The items' tax does not add up to its sum.
TAX_TOTAL_REQUIRED                    The items' tax is named without its sum.
TRACKER_ID_NOT_FOUND                  PayPal does not know the parcel.
UNSUPPORTED_INTEGRATION_FOR_BILLING_PLAN A plan is not shown in this way.
UNSUPPORTED_INTENT                    This cannot be reserved first, only captured.
UNSUPPORTED_INTENT_FOR_KYC_INCOMPLETE_PAYEE Who is paid is not known well enough to reserve.
UNSUPPORTED_INTENT_FOR_PAYMENT_SOURCE This method cannot be reserved first.
UNSUPPORTED_PATCH_PARAMETER_VALUE     PayPal does not take the new value.
UNSUPPORTED_PAYMENT_INSTRUCTION       The payment instruction does not go with this.
UNSUPPORTED_PAYMENT_SOURCE_FOR_SUBSCRIPTIONS This method cannot pay subscriptions.
UNSUPPORTED_PROCESSING_INSTRUCTION    The method does not complete orders in this way.
UNSUPPORTED_SHIPPING_TYPE             This kind of shipping does not go with the order.
VAULT_INSTRUCTION_DUPLICATED          Our request says twice that the method is to be kept.
VAULT_INSTRUCTION_REQUIRED            Our request does not say that the method is to be kept.
"""
