"""What Dintero's own texts show of a request, held against what we send, field by field.

"Set up recurring payments" shows no request body: it names fields, says which token is for what,
and leaves the bodies to other pages. So its words are read here, and the fields and example values
of each body are read from Dintero's specification. Both are read from where they lie.

Slips of the texts, and what is done instead:
  "Save the token ID"                       the id cannot be charged; the token itself is kept, and
                                            asked for by name (includes=card.<kind>)
  "create a new checkout session"           POST /v1/sessions/pay; a session page needs a payer
  payment tokens for "one-click payments"   they are charged in the merchant's name as well
  metadata number_x: 1921                   the same schema allows strings only
  vat_amount 400 of 2000 at 20 %            within 2000 it is 333, which is what we send
  discount_lines 4400 of 10000 left 6600    they leave 5600; no line of ours has such a part
  tokens of Bambora: recurrence_token       a later page and the table say that it makes none
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args

import attrs
import pytest
import yaml

from domain.money import Money
from domain.ports import CaptureOrder, ChargeLine, Granted, TokenOrder
from domain.refund_ports import RefundOrder
from infrastructure.gateways.dintero import requests
from infrastructure.gateways.dintero.account import TOKEN_KINDS, TokenKind
from infrastructure.gateways.dintero.requests import StoredToken
from infrastructure.gateways.dintero.tokens import TOKEN_INCLUDES, token_of
from tests.gateways.bench import terms
from tests.gateways.dintero_bench import ACCOUNT, REFERENCE, SPECIFICATION
from tests.gateways.dintero_canned import CAPTURE, KEY, PRICE, order

SEED = REFERENCE.parent / "seeds" / "000_e435e39e7ca376ba.txt"
ACQUIRERS = {
    "Swedbank Pay": "payex.creditcard",
    "Bambora": "bambora.creditcard",
    "Dintero PSP": "dintero_psp.creditcard",
}


@pytest.fixture
def seed() -> str:
    """The text that the project was given."""
    if not SEED.exists():
        pytest.skip("Dintero's text is not beside this checkout")
    return SEED.read_text(encoding="utf-8")


# --- the words of the text --------------------------------------------------------------------


def test_table_of_tokens_is_ours(seed: str) -> None:
    """Which acquirer makes which kind of token."""
    made: dict[str, set[str]] = {}
    for kind, acquirers in re.findall(r"^\| \*\*(\w+\\_token)\*\*\s*\| ([^|]+?)\s*\|", seed, re.M):
        for name in acquirers.split(", "):
            made.setdefault(ACQUIRERS[name], set()).add(kind.replace("\\", ""))
    assert made == {product: set(kinds) for product, kinds in TOKEN_KINDS.items()}


def test_fields_that_the_text_names_are_sent(seed: str) -> None:
    """generate_payment_token, generate_recurrence_token, order.amount."""
    named = set(re.findall(r"`([a-z_.]+)(?:: true)?`", seed))
    assert named == {"generate_payment_token", "generate_recurrence_token", "order.amount"}
    for kind in get_args(TokenKind):
        account = attrs.evolve(ACCOUNT, token_kind=kind)
        body = requests.token_session(account, token_order(), EXPIRES)
        # A session without a payment says it as a list, not as flags of a payment's session.
        assert body["token_provider"]["token_types"] == [kind]  # type: ignore[index]
        assert f"generate_{kind}" in named
    assert charge()["session"]["order"]["amount"] == PRICE.minor


def test_token_is_kept_not_its_id(seed: str) -> None:
    """The text says "token ID"; what is charged is the value, shown to who asks for it."""
    assert "Save the token ID" in seed
    card = {"recurrence_token": "value", "recurrence_token_id": "id"}
    answer = token_of(ACCOUNT, {"id": "T1.t1", "status": "AUTHORIZED", "card": card})
    assert isinstance(answer, Granted)
    assert answer.token == StoredToken("payex.creditcard", "recurrence_token", "value").sealed()
    assert answer.instrument.provider_token_id == "id"
    assert tuple(f"card.{kind}" for kind in reversed(get_args(TokenKind))) == TOKEN_INCLUDES


# --- the fields of each body ------------------------------------------------------------------

EXPIRES = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
_GOODS = "goods: size, weight, picture, groups"
_DISCOUNT = "a discount is within the line's amount"
_SELLERS = "payouts to several sellers (Dintero Payout) are not ours"
_PERSON = "no personal data goes out; the customer's own id is enough"
_KLARNA = "for products that cannot be charged in the merchant's name"
# What the specification has and we leave out, and why. Whatever is not here is sent.
LEFT_OUT = {
    "quantity_unit": _GOODS,
    "groups": _GOODS,
    "version": "read only",
    "unit_volume": _GOODS,
    "unit_weight": _GOODS,
    "unit_dimensional_weight": _GOODS,
    "thumbnail_url": _GOODS,
    "type": "not required; a subscription is neither physical nor digital by itself",
    "fee_split": _SELLERS,
    "splits": _SELLERS,
    "payout_destination_id": _SELLERS,
    "emd": _KLARNA,
    "discount_lines": _DISCOUNT,
    "discount_codes": "no page on which a payer would enter one",
    "gift_cards": _KLARNA,
    "giftcards": _KLARNA,
    "vat": "a capture or refund names the line alone",
    "vat_amount": "a capture or refund names the line alone",
    "event_reference": "captures and refunds bear a reference of their own",
    "eligible_for_discount": _DISCOUNT,
    "is_changed": _DISCOUNT,
    "gross_amount": _DISCOUNT,
    "merchant_reference_2": "one reference is one attempt",
    "store": "no shop, no terminal",
    "shipping_address": _PERSON,
    "billing_address": _PERSON,
    "shipping_option": "nothing is shipped",
    "partial_payment": "the amount is the whole of what is charged",
    "email": _PERSON,
    "phone_number": _PERSON,
    "merchant_terms_url": "the account's profile has it",
    "configuration.theme": "the account's profile has it",
    "expires_at": "a charge has no page that could expire",
    "configuration": "the account's profile has it",
    "id": "a capture or refund names the line alone",
    "description": "a capture or refund names the line alone",
}


def token_order() -> TokenOrder:
    """A request for a token."""
    return TokenOrder(
        request_id=KEY,
        subscription_id="sub-1",
        customer_id="customer-1",
        terms=terms(),
        start_date=None,
    )


def charge() -> Any:
    """The body of a charge: the specification's line of 2000 at 20 % within it."""
    tax = Money(333, "NOK")
    line = ChargeLine(description="Stablestol", amount=Money(2000, "NOK"), tax=tax, tax_ppm=200_000)
    rest = attrs.evolve(line, amount=PRICE - line.amount, tax=Money(0, "NOK"), tax_ppm=0)
    asked = attrs.evolve(order(), lines=(line, rest))
    token = requests.stored_token(asked.token)
    assert token is not None
    return requests.pay_session(ACCOUNT, asked, token)


def capture() -> Any:
    """The body of a capture."""
    asked = CaptureOrder(
        attempt_id=KEY,
        capture_id=CAPTURE,
        reference="sub-1-1-1-aa",
        amount=PRICE,
        authorization_ref="T1.t1",
    )
    return requests.capture_body(ACCOUNT, asked)


def refund() -> Any:
    """The body of a refund."""
    asked = RefundOrder(
        refund_id=KEY,
        reference="sub-1-1-1-aa-r1",
        amount=Money(1000, "NOK"),
        charge_reference="sub-1-1-1-aa",
        charge_ref="T1.t1",
        reason="Returned goods",
    )
    return requests.refund_body(asked)


def page() -> Any:
    """The body of a token request."""
    account = attrs.evolve(ACCOUNT, profile_id="default")
    return requests.token_session(account, token_order(), EXPIRES)


@cache
def document() -> Any:
    """The specification."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(SPECIFICATION.read_text(encoding="utf-8"), Loader=loader)


def parts(schema: Any) -> Iterator[Any]:
    """A schema and all that it is made of."""
    if "$ref" in schema:
        yield from parts(document()["definitions"][schema["$ref"].rpartition("/")[2]])
        return
    yield schema
    for part in schema.get("allOf", ()):
        yield from parts(part)


def compared(schemas: list[Any], sent: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, schema's example and our value of each field that the specification has; the value is
    None where it is not sent."""
    if isinstance(sent, list):
        inner = [part["items"] for each in schemas for part in parts(each) if "items" in part]
        for item in sent:
            yield from compared(inner, item, path)
        return
    fields: dict[str, list[Any]] = {}
    for each in schemas:
        for part in parts(each):
            for name, field in part.get("properties", {}).items():
                fields.setdefault(name, []).append(field)
    for name, found in fields.items():
        place = f"{path}.{name}".lstrip(".")
        examples = [part["example"] for each in found for part in parts(each) if "example" in part]
        value = sent.get(name)
        yield place, examples[0] if examples else None, value
        if isinstance(value, dict | list):
            yield from compared(found, value, place)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sessions/payment-token", page),
        ("/sessions/pay", charge),
        ("/transactions/{id}/capture", capture),
        ("/transactions/{id}/refund", refund),
    ],
)
def test_every_field_of_a_body_is_sent_or_left_out_for_a_reason(path: str, body: Any) -> None:
    """And what is sent has the form of the example, where the specification gives one."""
    if not SPECIFICATION.exists():
        pytest.skip("Dintero's specification is not beside this checkout")
    operation = document()["paths"][path]["post"]["parameters"]
    (schema,) = (each["schema"] for each in operation if each.get("in") == "body")
    missing = []
    for place, example, value in compared([schema], body()):
        name = place.rpartition(".")[2]
        others = place.startswith("session.customer.tokens.") and "payex" not in place
        if place.endswith(("items.vat", "items.vat_amount")) and "/pay" in path:
            assert value is not None, place
        if value is None:
            excused = place in LEFT_OUT or name in LEFT_OUT
            kind_not_used = name in get_args(TokenKind) and "tokens" in place
            if not (excused or others or kind_not_used):
                missing.append(place)
        elif example is not None and "metadata" not in place:
            assert type(value) is type(example), (place, example, value)
    assert not missing, missing
