"""Who calls: bearer keys from the settings, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from domain.ports import Secret

log = structlog.get_logger(__name__)

# Who calls when no keys are set: somebody on this machine, see `billing serve`.
LOCAL = "local"
_CALLER = "billing_caller"


def guard_for(keys: Mapping[str, Secret]) -> Guard:
    """A guard that knows callers by their keys. With no keys every caller is LOCAL."""
    digests = {name: _digest(key.reveal()) for name, key in keys.items()}

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        caller = _known(digests, connection.headers.get("authorization", ""))
        if digests and caller is None:
            log.warning("unknown API key", security=True, path=connection.url.path)
            raise NotAuthorizedException
        connection.scope["state"][_CALLER] = caller or LOCAL

    return guard


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _known(digests: Mapping[str, bytes], header: str) -> str | None:
    """The caller's name. Every key is compared in full: the time tells nothing."""
    scheme, _, key = header.partition(" ")
    given = _digest(key.strip())
    found = None
    for name, digest in digests.items():
        if hmac.compare_digest(digest, given) and scheme.lower() == "bearer":
            found = name
    return found


def caller_of(request: Request[Any, Any, Any]) -> str:
    """The name under which the guard let this request in."""
    name: str = request.scope["state"][_CALLER]
    return name


def actor_of(caller: str) -> str:
    """What facts name as their actor."""
    return f"api:{caller}"
