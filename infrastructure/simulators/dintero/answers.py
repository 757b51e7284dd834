"""Answers of the simulated Dintero, as HTTP."""

from __future__ import annotations

import msgspec
from aiohttp import web

# Of a fault: HTTP 429 and 500.
ERROR_BODY = b'{"error":{"message":"Request failed"}}'


def answered(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers=headers,
    )
