"""What a payer is shown and PayPal is told when a token is asked for, beside the terms.

Most of it is the same for every payer, and is a setting of the account. Where goods are shipped to
is said by whoever asks: the ledger holds no addresses.
Sources: "Recurring payments module"; OpenAPI vault_payment_tokens_v3; reference notes on PayPal,
section 2.1.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import attrs

from domain.plan import Kind, Terms
from domain.refusals import Refused


class Metadata(Enum):
    """What is said of the recurring kind: PayPal leaves a merchant these three choices.

    PATTERN_AND_PLAN: the usage pattern and, where a plan can say the terms, the plan: the payer
        sees price and rhythm. The default.
    PATTERN: the usage pattern alone. The payer agrees to a recurring payment without its terms;
        the merchant has to show them.
    NONE: neither. PayPal then asks for no consent to recurring payments, so it is refused for all
        that recurs, and only IMMEDIATE and DEFERRED go without.
    """

    PATTERN_AND_PLAN = "pattern-and-plan"
    PATTERN = "pattern"
    NONE = "none"


_NOT_RECURRING = (Kind.IMMEDIATE, Kind.DEFERRED)


def check_consent(metadata: Metadata, terms: Terms) -> None:
    """Raises: Refused("recurring-metadata-missing") where the payer would not have agreed to what
    recurs."""
    if metadata is Metadata.NONE and terms.kind not in _NOT_RECURRING:
        raise Refused(
            "recurring-metadata-missing",
            f"{terms.usage_pattern} needs at least its usage pattern at PayPal",
        )


@attrs.frozen(kw_only=True)
class ShipTo:
    """Where goods go. country_code: two letters; region: PayPal's admin_area_1, city: _2."""

    country_code: str
    full_name: str = ""
    line_1: str = ""
    line_2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""

    def as_json(self) -> dict[str, Any]:
        """PayPal's shipping object; what is empty is left out."""
        address = {
            "address_line_1": self.line_1,
            "address_line_2": self.line_2,
            "admin_area_2": self.city,
            "admin_area_1": self.region,
            "postal_code": self.postal_code,
            "country_code": self.country_code,
        }
        named = {"name": {"full_name": self.full_name}} if self.full_name else {}
        return {**named, "address": {name: text for name, text in address.items() if text}}


def _one_of(*values: str) -> Any:
    return attrs.validators.in_(values)


@attrs.frozen(kw_only=True)
class Presentation:
    """How a token request is presented.

    customer_type: CONSUMER, BUSINESS, or "" to leave it unsaid.
    one_token_a_payer: PayPal then gives the same payer the same token again. Off by default: two
        subscriptions that share one would lose it together.
    shipping_preference: NO_SHIPPING, GET_FROM_FILE (the payer's own address), or
        SET_PROVIDED_ADDRESS, which needs `ship_to`.
    locale: of PayPal's pages, e.g. "en-US"; "": the payer's own.
    vault_instruction: ON_PAYER_APPROVAL makes the token when the payer approves;
        ON_CREATE_PAYMENT_TOKENS when we ask for it; "": PayPal's default, which is the latter.
    Raises (when it is made): ValueError.
    """

    metadata: Metadata = attrs.field(default=Metadata.PATTERN_AND_PLAN, converter=Metadata)
    usage_type: str = attrs.field(default="MERCHANT", validator=_one_of("MERCHANT", "PLATFORM"))
    customer_type: str = attrs.field(default="", validator=_one_of("", "CONSUMER", "BUSINESS"))
    one_token_a_payer: bool = False
    shipping_preference: str = attrs.field(
        default="NO_SHIPPING",
        validator=_one_of("NO_SHIPPING", "GET_FROM_FILE", "SET_PROVIDED_ADDRESS"),
    )
    ship_to: ShipTo | None = None
    locale: str = attrs.field(
        default="", validator=attrs.validators.matches_re("|[A-Za-z]{2}(-[A-Za-z0-9-]{2,7})?")
    )
    vault_instruction: str = attrs.field(
        default="", validator=_one_of("", "ON_CREATE_PAYMENT_TOKENS", "ON_PAYER_APPROVAL")
    )

    def __attrs_post_init__(self) -> None:
        if self.shipping_preference == "SET_PROVIDED_ADDRESS" and self.ship_to is None:
            raise ValueError("SET_PROVIDED_ADDRESS needs the address")

    def wallet_json(self) -> dict[str, Any]:
        """Its part of payment_source.paypal."""
        wallet: dict[str, Any] = {
            "usage_type": self.usage_type,
            "permit_multiple_payment_tokens": not self.one_token_a_payer,
        }
        if self.customer_type:
            wallet["customer_type"] = self.customer_type
        if self.ship_to is not None:
            wallet["shipping"] = self.ship_to.as_json()
        return wallet

    def context_json(self) -> dict[str, str]:
        """Its part of experience_context."""
        said = {
            "shipping_preference": self.shipping_preference,
            "locale": self.locale,
            "vault_instruction": self.vault_instruction,
        }
        return {name: text for name, text in said.items() if text}
