"""A log in memory, and proof files made from it as infrastructure.proof.proving makes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid5

import attrs

from domain.proof.canonical import RawFact, encode
from domain.proof.chain import GENESIS, follow
from domain.proof.merkle import consistency_path, inclusion_path, leaf_hash, root_of
from domain.proof.notes import Checkpoint
from infrastructure.proof.proving import FORMAT, as_data, as_text
from infrastructure.proof.signing import Signer

SIGNER = Signer("billing-ledger/test", b"s" * 32)
SPACE = UUID("6f1d3c52-7f0e-4f3e-9a52-0d6f6a3b7c11")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ATTEMPT = str(uuid5(SPACE, "attempt"))
OTHER_ATTEMPT = str(uuid5(SPACE, "other attempt"))
# Stream, name, body; every other fact is of other streams.
STORY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("subscription-s-1", "invoice-issued.v1", {"invoice_number": 1, "total": 3100}),
    ("subscription-s-1", "charge-attempted.v1", {"attempt_id": OTHER_ATTEMPT, "invoice_number": 1}),
    ("subscription-s-1", "charge-declined.v1", {"attempt_id": OTHER_ATTEMPT, "invoice_number": 1}),
    ("subscription-s-1", "charge-attempted.v1", {"attempt_id": ATTEMPT, "invoice_number": 1}),
    ("subscription-s-1", "charge-outcome-unknown.v1", {"attempt_id": ATTEMPT}),
    ("subscription-s-1", "charge-succeeded.v1", {"attempt_id": ATTEMPT, "invoice_number": 1}),
    ("subscription-s-1", "invoice-issued.v1", {"invoice_number": 2, "total": 3100}),
    ("period-2025-01", "period-closed.v1", {"chain": "00", "total": 7}),
    ("period-2025-01", "period-reopened.v1", {"by": "kari"}),
    ("period-2025-01", "period-closed.v1", {"chain": "01", "total": 8}),
)
# (kind, stream, of) -> places in the story.
ASKED = {
    ("charge", "subscription-s-1", ATTEMPT): (0, 3, 4, 5),
    ("invoice", "subscription-s-1", "1"): (0, 1, 2, 3, 4, 5),
    ("period", "period-2025-01", "2025-01"): (7, 8, 9),
}
# (size of the tree before, size of the tree): 0 for none.
SIZES = ((256, 300), (0, 40), (300, 301), (64, 256), (37, 41))


@attrs.frozen
class Tree:
    """A log of so many facts, with the story in it from `begins` on, at every third position."""

    facts: list[RawFact]
    leaves: list[bytes]
    places: list[int]

    def subtree(self, begin: int, end: int) -> bytes:
        """What proofs are made of."""
        return root_of(self.leaves[begin:end])

    def checkpoint(self, size: int, signer: Signer = SIGNER) -> str:
        """A signed checkpoint."""
        made = Checkpoint(
            origin=signer.origin,
            size=size,
            root=root_of(self.leaves[:size]),
            chain=follow(GENESIS, self.leaves[:size]),
        )
        return str(signer.sign(made.text))


@cache
def tree_of(size: int, signed_before: int) -> Tree:
    """The last fact of the story is the last but three; some of it was there before."""
    places = [size - 3 - 3 * n for n in reversed(range(len(STORY)))]
    told = dict(zip(places, STORY, strict=True))
    versions: dict[str, int] = {}
    facts = []
    for position in range(1, size + 1):
        stream, name, body = told.get(
            position, (f"subscription-x-{position % 5}", "usage-reported.v1", {"units": position})
        )
        versions[stream] = versions.get(stream, 0) + 1
        recorded = NOW + timedelta(seconds=position)
        facts.append(
            RawFact(
                position=position,
                stream=stream,
                version=versions[stream],
                name=name,
                body=json.dumps(body),
                event_id=uuid5(SPACE, f"event {position}"),
                recorded_at=recorded,
                effective_at=NOW,
                actor="worker",
                cause="agenda:é",
                command_id=uuid5(SPACE, f"command {position}"),
            )
        )
    assert signed_before < size
    return Tree(facts, [leaf_hash(encode(each)) for each in facts], places)


def proof_of(
    asked: tuple[str, str, str], sizes: tuple[int, int], told: tuple[int, ...] | None = None
) -> dict[str, Any]:
    """A proof as a value. told: places in the story; default: those that are asked for."""
    before, size = sizes
    tree = tree_of(size, before)
    positions = [tree.places[n] for n in (ASKED[asked] if told is None else told)]
    kind, stream, of = asked
    consistency = consistency_path(before, size, tree.subtree) if before else ()
    return {
        "format": FORMAT,
        "what": {"kind": kind, "stream": stream, "of": of, "positions": positions},
        "key": str(SIGNER.verifier),
        "checkpoint": tree.checkpoint(size),
        "previous": {
            "checkpoint": tree.checkpoint(before) if before else None,
            "consistency": [each.hex() for each in consistency],
            "linear": [each.hex() for each in tree.leaves[before:size]],
        },
        "facts": [
            {
                **as_data(tree.facts[position - 1]),
                "inclusion": [
                    each.hex() for each in inclusion_path(position - 1, size, tree.subtree)
                ],
            }
            for position in positions
        ],
    }


def text_of(proof: Any) -> str:
    """As it is written."""
    return as_text(proof)
