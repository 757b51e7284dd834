"""Transactions and sessions as Dintero shows them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from infrastructure.simulators.dintero.tables import (
    Checkout,
    Event,
    Tables,
    Token,
    Transaction,
    iso,
    micros,
)


def transaction_json(
    tables: Tables, transaction: Transaction, includes: Collection[str] = ()
) -> dict[str, Any]:
    """A transaction; its token and its session only where `includes` asks for them."""
    last = transaction.events[-1].at if transaction.events else transaction.authorized_at
    shown: dict[str, Any] = {
        "id": tables.transaction_id(transaction),
        "session_id": tables.session_id(transaction),
        "status": transaction.status,
        "amount": transaction.amount,
        "currency": transaction.currency,
        "merchant_reference": transaction.reference,
        "payment_product": transaction.token.product.partition(".")[0],
        "payment_product_type": transaction.token.product,
        "payment_operation": transaction.operation,
        "customer": {"customer_id": transaction.customer_id},
        "card": _card(transaction, includes),
        "items": [{"line_id": name, "amount": minor} for name, minor in transaction.lines()],
        "events": _events(transaction),
        "settlement_status": "NOT_SETTLED",
        "created_at": iso(transaction.created_at),
        "updated_at": iso(last or transaction.created_at),
    }
    if "session" in includes:
        shown["session"] = session_of(tables, transaction)
    return shown


def _card(transaction: Transaction, includes: Collection[str]) -> dict[str, Any]:
    token = transaction.token
    shown = {
        "brand": token.card.brand,
        "masked_pan": token.card.masked_pan,
        "expiry_date": token.card.expiry,
        "type": "Credit Card",
    }
    if transaction.checkout and token.id:
        shown[f"{token.kind}_id"] = token.id
        if f"card.{token.kind}" in includes:
            shown[token.kind] = token.value
    return shown


def _events(transaction: Transaction) -> list[dict[str, Any]]:
    number, amount = transaction.number, transaction.amount
    created = transaction.created_at
    moves = [Event("INITIALIZE", "INITIATED", True, amount, created)]
    if transaction.error is not None:
        moves.append(Event("AUTHORIZE", "FAILED", False, amount, created, error=transaction.error))
    elif transaction.authorized_at:
        at = transaction.authorized_at
        moves.append(Event("AUTHORIZE", "AUTHORIZED", True, amount, at))
    moves += transaction.events
    return [_event(number, place, event) for place, event in enumerate(moves, start=1)]


def _event(number: int, place: int, event: Event) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": str(place),
        "event": event.name,
        "transaction_status": event.status,
        "success": event.success,
        "amount": event.amount,
        "created_at": iso(event.at),
        "request_id": request_id(number, place),
    }
    if event.reference:
        shown["event_reference"] = event.reference
    if event.correlation_id:
        shown["correlation_request_id"] = event.correlation_id
    if event.error is not None:
        shown["error"] = event.error
    return shown


def request_id(number: int, place: int) -> str:
    """The request id of a transaction's nth event, in the form of a UUID."""
    return f"{number:08x}-0000-4000-8000-{place:012x}"


def event_count(transaction: Transaction) -> int:
    """How many events a transaction shows."""
    settled = transaction.error is not None or transaction.authorized_at
    return 1 + bool(settled) + len(transaction.events)


def session_of(tables: Tables, transaction: Transaction) -> dict[str, Any]:
    """The session that made a transaction."""
    if transaction.checkout:
        return checkout_json(tables, tables.checkouts[transaction.checkout - 1])
    shown: dict[str, Any] = {
        "id": tables.session_id(transaction),
        "created_at": iso(transaction.created_at),
        "order": {
            "amount": transaction.amount,
            "currency": transaction.currency,
            "merchant_reference": transaction.reference,
        },
        "url": {"callback_url": transaction.callback_url} if transaction.callback_url else {},
        "customer": {"customer_id": transaction.customer_id},
        "configuration": {"auto_capture": transaction.auto_capture},
        "payment_operation": transaction.operation,
        "events": [{"name": "INITIATED", "created_at": iso(transaction.created_at)}],
    }
    if transaction.status:
        shown["transaction_id"] = tables.transaction_id(transaction)
    return shown


def checkout_json(tables: Tables, checkout: Checkout) -> dict[str, Any]:
    """A checkout session. There is no status: the events and the transaction tell."""
    family, _, product = checkout.product.partition(".")
    wanted: dict[str, Any] = {"enabled": True} | {
        f"generate_{kind}": True for kind in checkout.token_types
    }
    shown: dict[str, Any] = {
        "id": tables.checkout_id(checkout),
        "created_at": iso(checkout.created_at),
        "expires_at": iso(checkout.expires_at),
        "order": {
            "amount": checkout.amount,
            "currency": checkout.currency,
            "merchant_reference": checkout.reference,
        },
        "url": {"return_url": checkout.return_url, "callback_url": checkout.callback_url},
        "customer": {"customer_id": checkout.customer_id},
        "configuration": {family: {product: wanted}, "auto_capture": checkout.auto_capture},
        "metadata": checkout.metadata,
        "payment_operation": operation_of(checkout),
        "events": [{"name": name, "created_at": iso(at)} for name, at in checkout.events],
    }
    if checkout.box:
        wanted["generate_payment_token_config"] = {"save_card_checkbox": checkout.box}
    if not checkout.callback_url:
        del shown["url"]["callback_url"]
    if checkout.cancelled_at:
        shown["cancelled_at"] = iso(checkout.cancelled_at)
    if checkout.transaction:
        made = tables.transactions[checkout.transaction - 1]
        shown["transaction_id"] = tables.transaction_id(made)
    return shown


def operation_of(checkout: Checkout) -> str:
    """What its transaction is."""
    return "unscheduled_purchase" if checkout.amount else "generate_payment_token"


def token_json(tables: Tables, token: Token, deleted_at: datetime | None = None) -> dict[str, Any]:
    """A stored card, without the value that can be charged."""
    shown = {
        "id": token.id,
        "type": token.kind,
        "status": "ACTIVE",
        "card_brand": token.card.brand.lower(),
        "account_id": tables.account_id,
        "payment_product_type": token.product,
        "masked_pan": token.card.masked_pan,
        "pan_expiry_date": token.card.expiry,
        "customer_id": token.customer_id,
    }
    if deleted_at is None:
        return shown
    return shown | {"status": "DELETED", "deleted_at": iso(micros(deleted_at))}
