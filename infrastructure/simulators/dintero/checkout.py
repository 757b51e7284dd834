"""The checkout page of the simulated Dintero, where a payer enters a card or turns back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import attrs

from infrastructure.simulators.dintero import bodies
from infrastructure.simulators.dintero.bodies import bad
from infrastructure.simulators.dintero.provider import STRICT_AMOUNTS, SimulatedDintero
from infrastructure.simulators.dintero.refusals import Refused, named_error
from infrastructure.simulators.dintero.rendering import operation_of
from infrastructure.simulators.dintero.tables import (
    CARDS,
    Card,
    Checkout,
    Token,
    Transaction,
    micros,
)
from infrastructure.simulators.faults import Fault

# Not documented by Dintero; long enough for every test that does not name its own.
DEFAULT_LIFE = timedelta(days=1)


def open_checkout(dintero: SimulatedDintero, asked: bodies.AskForToken) -> Checkout:
    """A session that asks a payer for a card and charges nothing. Raises: Refused."""
    bodies.checked_token_request(asked)
    session, tables = asked.session, dintero.tables
    now = dintero.controls.clock.now()
    expires_at = _expiry(session.expires_at) if session.expires_at else now + DEFAULT_LIFE
    if expires_at <= now:
        raise bad("session.expires_at has passed")
    checkout = Checkout(
        number=len(tables.checkouts) + 1,
        reference=session.order.merchant_reference,
        currency=session.order.currency,
        customer_id=session.customer.customer_id or "",
        product=asked.token_provider.payment_product_type,
        token_types=tuple(asked.token_provider.token_types),
        return_url=session.url.return_url,
        callback_url=session.url.callback_url,
        created_at=micros(now),
        expires_at=micros(expires_at),
        metadata=session.metadata,
        events=[("INITIATED", micros(now))],
    )
    tables.add_checkout(checkout)
    return checkout


def open_payment(
    dintero: SimulatedDintero,
    asked: bodies.SessionProfile,
    toggles: Collection[str],
    fault: Fault | None,
) -> Checkout:
    """A session in which a payer pays, and the card becomes a token. Raises: Refused, also for a
    session that comes late."""
    product, card = bodies.checked_profile(asked)
    if dintero.strict_amounts or STRICT_AMOUNTS in toggles:
        bodies.checked_sums(asked.order)
    tables, now = dintero.tables, dintero.controls.clock.now()
    expires_at = _expiry(asked.expires_at) if asked.expires_at else now + DEFAULT_LIFE
    if expires_at <= now:
        raise bad("expires_at has passed")
    kinds = {
        "payment_token": card.generate_payment_token,
        "recurrence_token": card.generate_recurrence_token,
    }
    items, box = asked.order.items, card.generate_payment_token_config
    checkout = Checkout(
        number=0,
        reference=asked.order.merchant_reference,
        currency=asked.order.currency,
        customer_id=asked.customer.customer_id or "",
        product=product,
        token_types=tuple(kind for kind, wanted in kinds.items() if wanted),
        return_url=asked.url.return_url,
        callback_url=asked.url.callback_url,
        created_at=micros(now),
        expires_at=micros(expires_at),
        metadata=asked.metadata,
        events=[("INITIATED", micros(now))],
        amount=asked.order.amount,
        auto_capture=asked.configuration.auto_capture,
        line_ids=tuple(item.line_id for item in items),
        line_amounts=tuple(item.amount or 0 for item in items),
        box="" if box is None else box.save_card_checkbox,
        fault=fault,
    )

    def made(_: datetime) -> None:
        checkout.number = len(tables.checkouts) + 1
        tables.add_checkout(checkout)

    if fault is Fault.LATE_SUCCESS:
        dintero.later(now, made)
        raise Refused(503, "Service temporarily unavailable")
    made(now)
    return checkout


def _expiry(text: str) -> datetime:
    try:
        expires_at = datetime.fromisoformat(text)
    except ValueError:
        raise bad("session.expires_at is not a date-time") from None
    return expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)


def pay_with(
    dintero: SimulatedDintero, checkout: Checkout, card: Card, *, save: bool = True
) -> str:
    """The payer enters a card. Returns where the browser goes. Raises: Refused.

    save: whether the box "save this card" is ticked, where there is one.
    """
    _check_open(dintero, checkout)
    if checkout.amount:
        return _paid(dintero, checkout, card, save=save or not checkout.box)
    tables, now = dintero.tables, micros(dintero.controls.clock.now())
    token = _token(dintero, checkout, card)
    transaction = Transaction(
        number=len(tables.transactions) + 1,
        reference=checkout.reference,
        amount=0,
        currency=checkout.currency,
        status="FAILED" if card.refusal else "AUTHORIZED",
        customer_id=checkout.customer_id,
        token=token,
        operation="generate_payment_token",
        created_at=now,
        auto_capture=False,
        callback_url=checkout.callback_url,
        authorized_at=0 if card.refusal else now,
        error=named_error(card.refusal) if card.refusal else None,
        checkout=checkout.number,
    )
    tables.add(transaction)
    checkout.transaction = transaction.number
    checkout.events.append(("FAILED" if card.refusal else "AUTHORIZED", now))
    error = "authorization" if card.refusal else ""
    if not card.refusal:
        tables.tokens[token.value] = token
    dintero.put(checkout.reference, dintero.notices.about(transaction, error=error))
    dintero.tell_hooks(transaction, error=error)
    if not card.refusal:
        dintero.tell_of_token("checkout_token_add", token)
    return _return_url(checkout, error, tables.transaction_id(transaction))


def _paid(dintero: SimulatedDintero, checkout: Checkout, card: Card, *, save: bool) -> str:
    """The payer pays what the session is about; with the card's token, if it is saved."""
    tables, now = dintero.tables, micros(dintero.controls.clock.now())
    token = _token(dintero, checkout, card)
    if not save or not checkout.token_types:
        token = attrs.evolve(token, id="", value="")
    transaction = Transaction(
        number=len(tables.transactions) + 1,
        reference=checkout.reference,
        amount=checkout.amount,
        currency=checkout.currency,
        status="INITIATED",
        customer_id=checkout.customer_id,
        token=token,
        operation=operation_of(checkout),
        created_at=now,
        auto_capture=checkout.auto_capture,
        callback_url=checkout.callback_url,
        line_ids=checkout.line_ids,
        line_amounts=checkout.line_amounts,
        checkout=checkout.number,
    )
    checkout.transaction = transaction.number
    if token.value and not card.refusal:
        tables.tokens[token.value] = token
    dintero.paid_by_payer(transaction, checkout.fault)
    refused = transaction.status == "FAILED"
    checkout.events.append((transaction.status, now))
    if refused:
        # A payment that is refused makes no token.
        tables.tokens.pop(token.value, None)
        transaction.token = attrs.evolve(token, id="", value="")
    elif token.value:
        dintero.tell_of_token("checkout_token_add", token)
    error = "authorization" if refused else ""
    return _return_url(checkout, error, tables.transaction_id(transaction))


def turn_back(dintero: SimulatedDintero, checkout: Checkout) -> str:
    """The payer cancels. Returns where the browser goes. Raises: Refused."""
    _check_open(dintero, checkout)
    checkout.cancelled_at = micros(dintero.controls.clock.now())
    checkout.events.append(("CANCELLED", checkout.cancelled_at))
    dintero.put(checkout.reference, dintero.notices.cancelled(checkout))
    said = {
        "merchant_reference": checkout.reference,
        "session_id": dintero.tables.checkout_id(checkout),
        "error": "cancelled",
    }
    dintero.hooks.tell("checkout_authorization", {"authorization": said})
    return _return_url(checkout, "cancelled", "")


def _check_open(dintero: SimulatedDintero, checkout: Checkout) -> None:
    if checkout.transaction or checkout.cancelled_at:
        raise bad("the session has ended")
    if micros(dintero.controls.clock.now()) >= checkout.expires_at:
        raise Refused(410, "the session has expired")


def _token(dintero: SimulatedDintero, checkout: Checkout, card: Card) -> Token:
    kinds = checkout.token_types
    kind = "recurrence_token" if "recurrence_token" in kinds else "payment_token"

    def drawn(what: str) -> str:
        """The same in every run, and not to be guessed by looking."""
        name = f"{dintero.tables.account_id}/{checkout.number}/{kind}/{what}"
        digits = blake2b(name.encode(), digest_size=16).hexdigest()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    return Token(
        id="" if card.refusal else drawn("id"),
        value="" if card.refusal else drawn("value"),
        kind=kind,
        product=checkout.product,
        card=card,
        customer_id=checkout.customer_id,
    )


def _return_url(checkout: Checkout, error: str, transaction_id: str) -> str:
    parts = urlsplit(checkout.return_url)
    facts = {
        "transaction_id": transaction_id,
        "merchant_reference": checkout.reference,
        "error": error,
    }
    pairs = parse_qsl(parts.query) + [(name, value) for name, value in facts.items() if value]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def page(checkout: Checkout) -> str:
    """A page with two forms; no script, no picture."""
    cards = "".join(
        f'<option value="{card.number}">{escape(card.brand)} {card.masked_pan}'
        f"{' (will be refused)' if card.refusal else ''}</option>"
        for card in CARDS.values()
    )
    title, box = "Save a card", ""
    if checkout.amount:
        title = f"Pay {checkout.amount} minor units {escape(checkout.currency)}"
    if checkout.box:
        ticked = " checked" if checkout.box == "opt_out" else ""
        box = f"<label><input type=checkbox name=save value=yes{ticked}>Save this card</label>"
    return (
        "<!doctype html><meta charset=utf-8><title>Dintero simulator</title>"
        f"<h1>{title}</h1><p>{escape(checkout.reference)}</p>"
        f"<form method=post><select name=card>{cards}</select>{box}"
        "<button name=action value=pay>Pay</button></form>"
        "<form method=post><button name=action value=cancel>Cancel</button></form>"
    )
