"""Where a payer's browser comes back to: our own page, with what tells one request from another.

What the browser brings along is never believed. It only says at which request to look, so that a
payer who has just approved does not wait for a callback.
"""

from __future__ import annotations

from urllib.parse import urlencode

from domain.ports import TokenOrder


def returning_from(url: str, order: TokenOrder) -> str:
    """`url` with the subscription and the token request in its query."""
    query = urlencode({"subscription": order.subscription_id, "request_id": str(order.request_id)})
    return f"{url}{'&' if '?' in url else '?'}{query}"
