"""One command, one key, one answer: every POST that writes is a `Posted`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID, uuid5

import attrs
import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, RawBody, SkipValidation

from domain.refusals import Refused
from infrastructure.api.asked import Asked
from infrastructure.api.callers import actor_of, caller_of
from infrastructure.api.measuring import Measures
from infrastructure.api.messages import Accepted
from infrastructure.api.problems import MISSING_KEY
from infrastructure.api.reading import Books
from infrastructure.bootstrap import System
from infrastructure.card_numbers import refuse
from infrastructure.commands.subscriptions import Done, Subscriptions
from infrastructure.store.commands import StoredAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
Counted = NamedDependency[SkipValidation[Measures]]
A = TypeVar("A", bound=Asked)
Answer = TypeVar("Answer", bound=msgspec.Struct)
_KEY = re.compile(r"[!-~]{1,200}")
# Command ids derive from callers' keys, so that a second run of a command whose answer was lost
# writes the same event ids, which the ledger knows.
_COMMANDS = UUID("5a0d8f0c-7b1e-4f4e-9a44-0f8a4d1f5c11")


IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(name=HEADER, required=False, description="1-200 visible ASCII."),
]


def strictly(body: bytes, read: A) -> A:
    """The body, decoded again by its type: the framework's reading takes "2985" for a number.

    read: what the framework made of it. Raises: msgspec.ValidationError.
    """
    return msgspec.json.decode(body, type=type(read))


@attrs.frozen
class Posted:
    """One POST that writes: who sent it, its bytes, and the key under which it counts once."""

    system: System
    request: Request[Any, Any, Any]
    body: bytes
    key: str | None

    @property
    def actor(self) -> str:
        """What facts name as their actor."""
        return actor_of(caller_of(self.request))

    @property
    def subscriptions(self) -> Subscriptions:
        """Commands in the caller's name."""
        return Subscriptions(self.system, actor=self.actor)

    def strictly(self, read: A) -> A:
        """What is asked, as `strictly` reads it."""
        return strictly(self.body, read)

    def once(
        self, asked: Asked, run: Callable[[UUID], Done], *, status: int = 201
    ) -> Response[Accepted]:
        """Carry a command out once under its key, and answer as every command does; see
        `answered`."""

        def run_once(command_id: UUID) -> Accepted:
            done = run(command_id)
            return Accepted(position=done.position, changed=done.changed)

        return self.answered(asked, Accepted, run_once, status=status)

    def answered(
        self, asked: Asked, kind: type[Answer], run: Callable[[UUID], Answer], *, status: int
    ) -> Response[Answer]:
        """Carry a command out once under its key; the same request again gets the same answer.

        A refusal is not kept: nothing was written, and the same request may be given again under
        the same key. Another request under it is refused in any case.
        Raises: Refused("idempotency-key-missing"), Refused("idempotency-key-malformed"),
        KeyReused, and whatever `run` raises.
        """
        commands, clock = self.system.commands, self.system.clock
        key = _key_of(self.request, self.key)
        digest = asked.digest(self.request.method, self.request.url.path)
        stored = commands.begin(key, digest, clock())
        replayed = stored is not None
        if stored is None:
            body = msgspec.json.encode(run(uuid5(_COMMANDS, key)))
            stored = commands.finish(key, digest, StoredAnswer(status, body), clock())
        answer = msgspec.json.decode(stored.body, type=kind)
        headers = {REPLAYED: "true"} if replayed else {}
        return Response(content=answer, status_code=stored.status, headers=headers)


async def posted(
    system: Books,
    request: Request[Any, Any, Any],
    body: RawBody,
    measures: Counted,
    idempotency_key: IdempotencyKey = None,
) -> Posted:
    """The dependency that every handler of a command asks for.

    Raises: Refused("card-number-found") for a body or a key with one in it, before any of it is
    read, stored or logged.
    """
    try:
        refuse(body, "request")
        refuse(idempotency_key or "", "request")
    except Refused:
        measures.card_number("request")
        raise
    return Posted(system, request, body, idempotency_key)


Post = NamedDependency[SkipValidation[Posted]]


def _key_of(request: Request[Any, Any, Any], key: str | None) -> str:
    """The caller's key behind the caller's name: callers cannot meet each other's."""
    if key is None:
        raise Refused(MISSING_KEY, f"every command needs the header {HEADER}")
    if not _KEY.fullmatch(key):
        raise Refused("idempotency-key-malformed", f"{HEADER} is 1-200 visible ASCII characters")
    return f"{caller_of(request)}:{key}"
