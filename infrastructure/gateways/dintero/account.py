"""One merchant account at Dintero, as the settings describe it.

There is no sandbox host: an account id that begins with T is a test account, P a live one.
Sources: reference notes on Dintero, sections 1 (hosts, identity), 2 (token requests), 5 (tokens).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal, get_args

import attrs

from domain.ports import Secret

TokenKind = Literal["recurrence_token", "payment_token"]
# A box "save this card" on the payment page, empty or ticked at first; "": every card is saved.
SaveCardBox = Literal["", "opt_in", "opt_out"]

CHECKOUT_HOST = "https://checkout.dintero.com"
API_HOST = "https://api.dintero.com"

# What may be charged in the merchant's name, and which kinds of token each product hands out.
TOKEN_KINDS: dict[str, tuple[TokenKind, ...]] = {
    "payex.creditcard": ("recurrence_token", "payment_token"),
    "bambora.creditcard": ("payment_token",),
    "dintero_psp.creditcard": ("payment_token",),
}
# Which products can show that box.
WITH_SAVE_CARD_BOX = frozenset({"dintero_psp.creditcard"})
_ACCOUNT_ID = re.compile(r"[PT]\d{8}")


def _without_slash(url: str) -> str:
    return url.rstrip("/")


def _account_id(_: object, __: object, value: str) -> None:
    if not _ACCOUNT_ID.fullmatch(value):
        raise ValueError(f"{value!r} is not a Dintero account id (T or P, then eight digits)")


def _product(value: str) -> str:
    # A converter, since the default of the kind of token needs a product that is known.
    if value not in TOKEN_KINDS:
        raise ValueError(f"{value!r} cannot be charged in the merchant's name")
    return value


@attrs.frozen(kw_only=True)
class DinteroAccount:
    """Where an account is, how we sign in, and how its payers are asked for a token.

    name: of the account in our settings.
    account_id: "T" (test) or "P" (live) and eight digits; part of every signed callback.
    signature_secret: made with POST /v1/admin/signature; None: no callback is believed.
    webhook_secret: of the account-wide webhooks; None: none of them is believed.
    base_url: of the checkout API, without /v1. auth_url: host of the token call.
    api_url: of the API that knows of settlements, without /v1.
    audience: what the access token is for; derived from the account id when left out.
    callback_url: public address that Dintero calls; "" for none (then only look-ups tell).
    return_url: where a payer's browser comes back to.
    profile_id: the look of the checkout page; "" for the account's own.
    payment_product_type: whose acquiring the account's cards go through.
    token_kind: what is asked for where terms have a rhythm; the product's first kind if left out.
        Recurrence tokens are for constant prices, and only Swedbank Pay makes them.
    page_life: how long a payer may use the page.
    save_card_checkbox: whether a page that takes a payment lets the payer choose if the card is
        saved; see SaveCardBox.
    """

    name: str
    account_id: str = attrs.field(validator=_account_id)
    client_id: str
    client_secret: Secret
    signature_secret: Secret | None
    callback_url: str
    return_url: str
    webhook_secret: Secret | None = None
    base_url: str = attrs.field(default=CHECKOUT_HOST, converter=_without_slash)
    auth_url: str = attrs.field(default=CHECKOUT_HOST, converter=_without_slash)
    api_url: str = attrs.field(default=API_HOST, converter=_without_slash)
    audience: str = ""
    profile_id: str = ""
    payment_product_type: str = attrs.field(default="payex.creditcard", converter=_product)
    token_kind: TokenKind = attrs.field()
    page_life: timedelta = timedelta(days=3)
    save_card_checkbox: SaveCardBox = ""

    @token_kind.default
    def _kind_of_product(self) -> TokenKind:
        return TOKEN_KINDS[self.payment_product_type][0]

    def __attrs_post_init__(self) -> None:
        if self.token_kind not in get_args(TokenKind):
            raise ValueError(f"{self.token_kind!r} is not a kind of Dintero token")
        if self.token_kind not in TOKEN_KINDS[self.payment_product_type]:
            raise ValueError(f"{self.payment_product_type} makes no {self.token_kind}")
        if self.save_card_checkbox not in get_args(SaveCardBox):
            raise ValueError(f"{self.save_card_checkbox!r} is not opt_in or opt_out")
        if self.save_card_checkbox and self.payment_product_type not in WITH_SAVE_CARD_BOX:
            raise ValueError(f"{self.payment_product_type} has no box that saves a card")

    @property
    def token_audience(self) -> str:
        """The audience of the access token."""
        return self.audience or f"{API_HOST}/v1/accounts/{self.account_id}"
