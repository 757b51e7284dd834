"""The bodies and addresses of our calls to Dintero.

Empty strings are left out, since Dintero refuses them. A charge has a line for each rate of its
invoice's tax, and they add up to it; where nothing is known of tax it is one line that states none.
Dintero shows what a line says of VAT and never checks it.
Source: reference notes on Dintero, sections 2, 3, 6, 7 and 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import get_args
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import attrs

from domain.money import Money
from domain.plan import CaptureMode, Kind, Terms
from domain.ports import CaptureOrder, ChargeLine, ChargeOrder, FirstCharge, Secret, TokenOrder
from domain.refund_ports import RefundOrder
from infrastructure.gateways.dintero.account import TOKEN_KINDS, DinteroAccount, TokenKind
from infrastructure.gateways.returning import returning_from

# order.amount is an int32 of minor units.
LARGEST_AMOUNT = 2**31 - 1
# Lines are numbered from 1; a capture must name the same lines.
LINE_ID = "1"
PPM_OF_PERCENT = 10_000
TOKEN_REFERENCES = "token-"  # noqa: S105 - the beginning of a reference, not a token
DEFAULT_PROFILE = "default"
STRICT_AMOUNTS = {"Dintero-Feature-Toggles": "strict-session-amounts"}
STRICT_REFERENCE = {"Dintero-Feature-Toggles": "strict-merchant-reference"}
# Line ids and minor units of a charge.
Lines = tuple[tuple[str, int], ...]
# Dintero reports the later operations that the address asks for, whoever made them.
REPORTED = ("CAPTURE", "REFUND", "VOID")
# sid instead of session_id: firewalls take the latter for an attack. Failures are reported too.
CALLBACK_OPTIONS = {"method": "GET", "report_error": "true", "sid_parameter_name": "sid"}


@attrs.frozen
class StoredToken:
    """A token with what it takes to charge it, as it lies in the vault.

    product: the payment product type that made it.
    """

    product: str
    kind: TokenKind
    value: str = attrs.field(repr=False)

    def operation(self, terms: Terms) -> str:
        """What a charge by these terms is called.

        Where a product makes both kinds of token, the kind says it, whatever has become of the
        terms since. A product without recurrence tokens has one token for both operations.
        """
        both = "recurrence_token" in TOKEN_KINDS[self.product]
        recurring = self.kind == "recurrence_token" if both else _has_rhythm(terms)
        return "recurring_purchase" if recurring else "unscheduled_purchase"

    def sealed(self) -> Secret:
        """As one secret, e.g. payex.creditcard/recurrence_token/<value>."""
        return Secret(f"{self.product}/{self.kind}/{self.value}")


def stored_token(secret: Secret) -> StoredToken | None:
    """The token in a secret that `sealed` made; None for any other secret."""
    product, _, rest = secret.reveal().partition("/")
    named, _, value = rest.partition("/")
    for kind in get_args(TokenKind):
        if named == kind and kind in TOKEN_KINDS.get(product, ()) and value:
            return StoredToken(product, kind, value)
    return None


def token_reference(request_id: UUID) -> str:
    """The merchant reference of a token request."""
    return f"{TOKEN_REFERENCES}{request_id}"


def page_reference(order: TokenOrder) -> str:
    """The merchant reference of a page: of what is paid there, else of the token request."""
    return token_reference(order.request_id) if order.first is None else order.first.reference


def callback_url(base: str, *reported: str) -> str:
    """Our address with the options that tell Dintero how to call it.

    reported: the later operations that it is to call about, too.
    """
    parts = urlsplit(base)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | CALLBACK_OPTIONS
    pairs = [*query.items(), *(("report_event", event) for event in reported)]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def token_session(
    account: DinteroAccount, order: TokenOrder, expires_at: datetime
) -> dict[str, object]:
    """A checkout page that makes a token and charges nothing."""
    url = {"return_url": returning_from(account.return_url, order)}
    if account.callback_url:
        url["callback_url"] = callback_url(account.callback_url)
    session: dict[str, object] = {
        "order": {
            "currency": order.terms.price.currency,
            "merchant_reference": token_reference(order.request_id),
        },
        "url": url,
        "customer": {"customer_id": order.customer_id},
        "expires_at": _instant(expires_at),
        "metadata": {"ext_subscription": order.subscription_id},
    }
    if account.profile_id:
        session["profile_id"] = account.profile_id
    provider = {
        "payment_product_type": account.payment_product_type,
        "token_types": [_token_kind(account, order.terms)],
    }
    return {"session": session, "token_provider": provider}


def first_payment_session(
    account: DinteroAccount, order: TokenOrder, first: FirstCharge, expires_at: datetime
) -> dict[str, object]:
    """A checkout page where the payer pays, and the card that pays is made a token.

    The profile has to be named here; most accounts have one named "default".
    """
    url = {"return_url": returning_from(account.return_url, order)}
    if account.callback_url:
        url["callback_url"] = callback_url(account.callback_url, *REPORTED)
    family, _, product = account.payment_product_type.partition(".")
    wanted: dict[str, object] = {
        "enabled": True,
        f"generate_{_token_kind(account, order.terms)}": True,
    }
    if account.save_card_checkbox:
        box = {"save_card_checkbox": account.save_card_checkbox}
        wanted["generate_payment_token_config"] = box
    return {
        "order": _placed(order.terms, first.reference, first.amount, first.lines),
        "url": url,
        "customer": {"customer_id": order.customer_id},
        "expires_at": _instant(expires_at),
        "metadata": {
            "ext_subscription": order.subscription_id,
            "ext_attempt": str(first.attempt_id),
        },
        "profile_id": account.profile_id or DEFAULT_PROFILE,
        "configuration": {
            "auto_capture": first.capture is CaptureMode.AT_ONCE,
            family: {product: wanted},
        },
    }


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _token_kind(account: DinteroAccount, terms: Terms) -> TokenKind:
    """A recurrence token is for a constant rhythm; whatever has none takes a payment token."""
    return account.token_kind if _has_rhythm(terms) else "payment_token"


def _has_rhythm(terms: Terms) -> bool:
    """Whether it is charged by a schedule (recurring_purchase), not when it is asked for or when
    usage comes to an amount (unscheduled_purchase)."""
    return terms.scheduled and terms.kind is not Kind.THRESHOLD


def items_of(terms: Terms, total: Money, lines: Sequence[ChargeLine]) -> list[dict[str, object]]:
    """The lines of a charge: their amounts are the charge's, with VAT."""

    def item(line_id: str, description: str, amount: Money) -> dict[str, object]:
        shown = {"id": terms.plan, "line_id": line_id, "description": description}
        return {**shown, "quantity": 1, "amount": amount.minor}

    if not lines:
        return [item(LINE_ID, terms.description, total)]
    return [
        item(str(number), line.description, line.amount)
        | {"vat": percent(line.tax_ppm), "vat_amount": line.tax.minor}
        for number, line in enumerate(lines, start=1)
    ]


def _placed(
    terms: Terms, reference: str, total: Money, lines: Sequence[ChargeLine]
) -> dict[str, object]:
    """The order of a session that is paid."""
    placed: dict[str, object] = {
        "amount": total.minor,
        "currency": total.currency,
        "merchant_reference": reference,
        "items": items_of(terms, total, lines),
    }
    if lines:
        placed["vat_amount"] = sum(line.tax.minor for line in lines)
    return placed


def percent(ppm: int) -> int | float:
    """A rate as Dintero writes it, e.g. 25 or 12.5: percent, two decimals. It is no money."""
    whole, rest = divmod(ppm, PPM_OF_PERCENT)
    return whole if not rest else round(ppm / PPM_OF_PERCENT, 2)


def pay_session(
    account: DinteroAccount, order: ChargeOrder, token: StoredToken
) -> dict[str, object]:
    """A session that is created and paid in one call, with nobody present."""
    session: dict[str, object] = {
        "order": _placed(order.terms, order.reference, order.amount, order.lines),
        "customer": {
            "customer_id": order.customer_id,
            "tokens": {token.product: {token.kind: token.value}},
        },
        "configuration": {"auto_capture": order.capture is CaptureMode.AT_ONCE},
        "metadata": {
            "ext_subscription": order.subscription_id,
            "ext_attempt": str(order.attempt_id),
        },
    }
    if account.callback_url:
        session["url"] = {"callback_url": callback_url(account.callback_url, *REPORTED)}
    payment = {"payment_product_type": token.product, "operation": token.operation(order.terms)}
    return {"session": session, "payment": payment}


def capture_body(account: DinteroAccount, order: CaptureOrder) -> dict[str, object]:
    """The capture of an authorisation, or of a part of it, under its own reference.

    `final_capture` lets go of the rest; only Dintero's own acquiring has it.
    """
    body: dict[str, object] = {
        "amount": order.amount.minor,
        "capture_reference": str(order.capture_id),
    }
    lines = tuple((str(n), each.amount.minor) for n, each in enumerate(order.lines, start=1))
    if items := _items(order.amount, lines):
        body["items"] = items
    if order.final and account.payment_product_type.startswith("dintero_psp."):
        body["final_capture"] = True
    return body


def refund_body(order: RefundOrder, lines: Lines = ()) -> dict[str, object]:
    """A refund, in full or in part, under its own reference. lines: of the charge, as far as they
    are known."""
    body: dict[str, object] = {
        "amount": order.amount.minor,
        "refund_reference": order.reference,
    }
    if items := _items(order.amount, lines):
        body["items"] = items
    if order.reason:
        body["reason"] = order.reason
    return body


def delete_token_body() -> dict[str, object]:
    """Why a stored card is to be forgotten, and on whose wish."""
    return {"reason": "The merchant needs it no more", "requestor": "MERCHANT"}


def _items(amount: Money, lines: Lines) -> list[dict[str, object]]:
    """The charge's lines, for as much of them as is captured or given back.

    None for a part of several lines: nobody has said of which of them it is. None where the lines
    are not numbered as ours: naming one that is not there would have all of it refused.
    """
    known = lines or ((LINE_ID, amount.minor),)
    if [name for name, _ in known] != [str(number + 1) for number in range(len(known))]:
        return []
    if len(known) == 1:
        known = ((LINE_ID, amount.minor),)
    if sum(minor for _, minor in known) != amount.minor:
        return []
    return [{"line_id": name, "quantity": 1, "amount": minor} for name, minor in known]
