"""Requests as the simulated Dintero reads them: the cheap checks that every request passes.

Unknown fields are let through here; the strict level (specification.py) refuses them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from domain.currencies import MINOR_DIGITS
from infrastructure.simulators.dintero.refusals import Refused

B = TypeVar("B")
LARGEST_AMOUNT = 2**31 - 1
PRODUCTS = frozenset({"payex.creditcard", "bambora.creditcard", "dintero_psp.creditcard"})
RECURRENCE_PRODUCTS = frozenset({"payex.creditcard"})
OPERATIONS = frozenset({"recurring_purchase", "unscheduled_purchase"})


class Item(msgspec.Struct):
    """A line."""

    line_id: str = ""
    amount: int | None = None
    vat_amount: int = 0


class Order(msgspec.Struct):
    """What is paid for."""

    currency: str
    merchant_reference: str
    amount: int = 0
    vat_amount: int | None = None
    items: list[Item] = []


class Url(msgspec.Struct):
    """Where to send the browser, and where to call."""

    return_url: str = ""
    callback_url: str = ""


class Customer(msgspec.Struct):
    """Who pays."""

    customer_id: str | None = None
    email: str | None = None
    phone_number: str | None = None
    tokens: dict[str, dict[str, str]] = {}


class Box(msgspec.Struct):
    """The box "save this card": empty or ticked at first."""

    save_card_checkbox: Literal["opt_in", "opt_out"]


class Creditcard(msgspec.Struct):
    """A card product, and the tokens that it is to make."""

    enabled: bool
    generate_payment_token: bool = False
    generate_recurrence_token: bool = False
    generate_payment_token_config: Box | None = None


class Family(msgspec.Struct):
    """The products of one acquirer."""

    creditcard: Creditcard | None = None


class Configuration(msgspec.Struct):
    """How it is paid."""

    auto_capture: bool = False
    payex: Family | None = None
    bambora: Family | None = None
    dintero_psp: Family | None = None

    def card(self) -> tuple[str, Creditcard] | None:
        """The card product that is enabled."""
        for name in ("payex", "bambora", "dintero_psp"):
            family: Family | None = getattr(self, name)
            if family is not None and family.creditcard is not None and family.creditcard.enabled:
                return f"{name}.creditcard", family.creditcard
        return None


class Session(msgspec.Struct):
    """A session to be created."""

    order: Order
    url: Url = msgspec.field(default_factory=Url)
    customer: Customer = msgspec.field(default_factory=Customer)
    configuration: Configuration = msgspec.field(default_factory=Configuration)
    expires_at: str = ""
    metadata: dict[str, Any] = {}


class SessionProfile(Session, kw_only=True):
    """POST /v1/sessions-profile."""

    profile_id: str


class Payment(msgspec.Struct):
    """With which product it is paid."""

    payment_product_type: str
    operation: str


class Pay(msgspec.Struct):
    """POST /v1/sessions/pay."""

    session: Session
    payment: Payment


class TokenProvider(msgspec.Struct):
    """Which tokens are wanted."""

    payment_product_type: str
    token_types: list[str]


class AskForToken(msgspec.Struct):
    """POST /v1/sessions/payment-token."""

    session: Session
    token_provider: TokenProvider


class Capture(msgspec.Struct):
    """POST /v1/transactions/{id}/capture."""

    amount: int
    capture_reference: str = ""
    final_capture: bool = False
    items: list[Item] = []


class Refund(msgspec.Struct):
    """POST /v1/transactions/{id}/refund."""

    amount: int
    refund_reference: str = ""
    reason: str = ""
    items: list[Item] = []


class DeleteToken(msgspec.Struct):
    """DELETE /v1/card-tokens/{id}."""

    reason: Annotated[str, msgspec.Meta(max_length=128)] = ""
    requestor: Literal["MERCHANT", "CARDHOLDER"] = "MERCHANT"


def decoded(raw: bytes, kind: type[B]) -> B:
    """A JSON body as a checked struct. Raises: Refused."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise bad(str(error)) from None


def bad(message: str) -> Refused:
    """HTTP 400."""
    return Refused(400, message, "BAD_REQUEST")


def checked_session(session: Session) -> None:
    """What holds for every session. Raises: Refused."""
    order, customer = session.order, session.customer
    if not order.merchant_reference:
        raise bad("order.merchant_reference is required")
    if order.currency not in MINOR_DIGITS:
        raise bad("order.currency is not an ISO 4217 code")
    if "" in (customer.customer_id, customer.email, customer.phone_number):
        raise bad("customer has an empty string")
    callback = session.url.callback_url
    if callback and not callback.startswith(("https://", "http://")):
        raise bad("url.callback_url is not a URL")
    if len({item.line_id for item in order.items}) < len(order.items):
        raise bad("order.items share a line_id")
    for key, value in session.metadata.items():
        if not key.startswith("ext_") or not isinstance(value, str) or len(value) > 256:
            raise bad("metadata has keys without ext_, or values that are not short strings")


def checked_pay(pay: Pay) -> None:
    """Raises: Refused."""
    checked_session(pay.session)
    if not 0 < pay.session.order.amount <= LARGEST_AMOUNT:
        raise bad("order.amount is not a positive int32")
    product = pay.payment.payment_product_type
    if product not in PRODUCTS or pay.payment.operation not in OPERATIONS:
        raise bad("payment names no product and operation for merchant initiated payments")
    if len(pay.session.customer.tokens.get(product, {})) != 1:
        raise bad("customer.tokens has not one token for the payment_product_type")


def checked_profile(session: SessionProfile) -> tuple[str, Creditcard]:
    """A session that a payer pays: its card product. Raises: Refused."""
    checked_session(session)
    if not session.url.return_url:
        raise bad("url.return_url is required")
    if not session.profile_id:
        raise bad("profile_id is required")
    if not 0 < session.order.amount <= LARGEST_AMOUNT:
        raise bad("order.amount is not a positive int32")
    found = session.configuration.card()
    if found is None:
        raise bad("configuration enables no card")
    product, card = found
    if card.generate_recurrence_token and product not in RECURRENCE_PRODUCTS:
        raise bad("the product makes no recurrence_token")
    if card.generate_payment_token_config is not None and product != "dintero_psp.creditcard":
        raise bad("the product has no save_card_checkbox")
    return found


def checked_sums(order: Order) -> None:
    """What `strict-session-amounts` asks for; else nobody looks at sums. Raises: Refused."""
    if not order.items:
        return
    if sum(item.amount or 0 for item in order.items) != order.amount:
        raise bad("order.amount must equal the sum of order.items.amount")
    stated = sum(item.vat_amount for item in order.items)
    if order.vat_amount is not None and stated != order.vat_amount:
        raise bad("order.vat_amount must equal the sum of order.items.vat_amount")


def checked_parts(amount: int, items: list[Item]) -> None:
    """The same of a capture or refund. Raises: Refused."""
    if items and sum(item.amount or 0 for item in items) != amount:
        raise bad("amount must equal the sum of items.amount")


def checked_token_request(asked: AskForToken) -> None:
    """Raises: Refused."""
    checked_session(asked.session)
    if not asked.session.url.return_url:
        raise bad("url.return_url is required")
    product, kinds = asked.token_provider.payment_product_type, asked.token_provider.token_types
    allowed = {"payment_token"} | ({"recurrence_token"} & _recurrence(product))
    if product not in PRODUCTS or not kinds or not set(kinds) <= allowed:
        raise bad("token_provider asks for tokens that the product does not make")


def _recurrence(product: str) -> set[str]:
    return {"recurrence_token"} if product in RECURRENCE_PRODUCTS else set()
