"""One command, one key, one answer: every POST that writes goes through `once`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID, uuid5

import msgspec
from litestar import Request, Response

from domain.refusals import Refused
from infrastructure.api.asked import Asked
from infrastructure.api.callers import caller_of
from infrastructure.api.messages import Accepted
from infrastructure.api.problems import MISSING_KEY
from infrastructure.bootstrap import System
from infrastructure.commands.subscriptions import Done
from infrastructure.store.commands import StoredAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
A = TypeVar("A", bound=Asked)
Answer = TypeVar("Answer", bound=msgspec.Struct)
_KEY = re.compile(r"[!-~]{1,200}")
# Command ids derive from callers' keys, so that a second run of a command whose answer was lost
# writes the same event ids, which the ledger knows.
_COMMANDS = UUID("5a0d8f0c-7b1e-4f4e-9a44-0f8a4d1f5c11")


def strictly(body: bytes, read: A) -> A:
    """The body, decoded again by its type: the framework's reading takes "2985" for a number.

    read: what the framework made of it. Raises: msgspec.ValidationError.
    """
    return msgspec.json.decode(body, type=type(read))


def once(
    request: Request[Any, Any, Any],
    system: System,
    given_key: str | None,
    asked: Asked,
    status: int,
    run: Callable[[UUID], Done],
) -> Response[Accepted]:
    """Carry a command out once under its key, and answer as every command does; see `answered`."""

    def run_once(command_id: UUID) -> Accepted:
        done = run(command_id)
        return Accepted(position=done.position, changed=done.changed)

    return answered(request, system, given_key, asked, status, Accepted, run_once)


def answered(
    request: Request[Any, Any, Any],
    system: System,
    given_key: str | None,
    asked: Asked,
    status: int,
    kind: type[Answer],
    run: Callable[[UUID], Answer],
) -> Response[Answer]:
    """Carry a command out once under its key; the same request again gets the same answer.

    A refusal is not kept: nothing was written, and the same request may be given again under the
    same key. Another request under it is refused in any case.
    Raises: Refused("idempotency-key-missing"), Refused("idempotency-key-malformed"), KeyReused,
        and whatever `run` raises.
    """
    key = _key_of(request, given_key)
    digest = asked.digest(request.method, request.url.path)
    stored = system.commands.begin(key, digest, system.clock())
    replayed = stored is not None
    if stored is None:
        body = msgspec.json.encode(run(uuid5(_COMMANDS, key)))
        stored = system.commands.finish(key, digest, StoredAnswer(status, body), system.clock())
    answer = msgspec.json.decode(stored.body, type=kind)
    headers = {REPLAYED: "true"} if replayed else {}
    return Response(content=answer, status_code=stored.status, headers=headers)


def _key_of(request: Request[Any, Any, Any], key: str | None) -> str:
    """The caller's key behind the caller's name: callers cannot meet each other's."""
    if key is None:
        raise Refused(MISSING_KEY, f"every command needs the header {HEADER}")
    if not _KEY.fullmatch(key):
        raise Refused("idempotency-key-malformed", f"{HEADER} is 1-200 visible ASCII characters")
    return f"{caller_of(request)}:{key}"
