"""What closes of periods say of the log before them, read from the bytes of a fact."""

from __future__ import annotations

import json

import attrs

from domain.periods.events import PeriodClosed
from domain.proof.canonical import NotCanonical, decode
from domain.recorded import stored_name

_CLOSED = stored_name(PeriodClosed).encode()


@attrs.frozen(kw_only=True)
class HeadStated:
    """That the log's chain at a position is this one. head_hash: hex, as it was stored."""

    period: str
    position: int
    head_hash: str


def head_stated(data: bytes) -> HeadStated | None:
    """What a close of a period says; None of any other fact, and of one that says nothing.

    A fact that no program of ours would have written is not judged here: the audit cannot read it.
    """
    if _CLOSED not in data:
        return None
    try:
        fact = decode(data)
        body = json.loads(fact.body)
    except (NotCanonical, ValueError):
        return None
    if fact.name != _CLOSED.decode() or not isinstance(body, dict):
        return None
    period, position, head_hash = (body.get(name) for name in ("period", "position", "head_hash"))
    if not (isinstance(period, str) and isinstance(head_hash, str) and type(position) is int):
        return None
    return HeadStated(period=period, position=position, head_hash=head_hash)
