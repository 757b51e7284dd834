"""Proof files: facts, and why they are in the log that a signed checkpoint stands for.

A file is JSON in one spelling only (keys sorted, one space of indentation), so that nothing in it
can be changed unseen:

    format      "billing-ledger proof 1"
    what        kind (charge, invoice, period), stream, of (which one), positions
    key         the public key that signed the checkpoint, NAME+ID+KEY
    checkpoint  the signed note of the tree that all is proved against
    previous    the checkpoint before it (null at the log's beginning), the proof that the tree
                continues it, and `linear`: the hashes of all leaves since, which lead from its
                chain to the chain of the checkpoint
    facts       each as it is stored, with its inclusion proof

`scripts/verify_proof.py` checks it without this code and without a database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from domain.identity import checked_id, stream_of
from domain.proof.canonical import NotCanonical, RawFact, decode
from domain.proof.merkle import includes, leaf_hash
from domain.proof.notes import VerifierKey, read_note
from domain.refusals import Refused
from infrastructure.proof.raw_log import last_position, rows_at
from infrastructure.proof.sealed import Seal, SealedLog
from infrastructure.proof.sealer import Sealer
from infrastructure.proof.signing import named, signer_of

FORMAT = "billing-ledger proof 1"
PERIODS = "period-"
_ISSUED, _ATTEMPTED = "invoice-issued.", "charge-attempted."

# A fact of a stream as the choosing sees it: its stored name, and its body as JSON says it.
Chooses = Callable[[str, dict[str, Any]], bool]


@attrs.frozen(kw_only=True)
class Asked:
    """What is to be proved. kind: charge, invoice, period; of: which one, within the stream."""

    kind: str
    stream: str
    of: str


def charge_asked(subscription_id: str, attempt_id: UUID) -> Asked:
    """Everything of one attempt to collect, and the invoice that it was for."""
    return Asked(kind="charge", stream=stream_of(subscription_id), of=str(attempt_id))


def invoice_asked(subscription_id: str, invoice_number: int) -> Asked:
    """An invoice, and all that names it or an attempt to collect it. Refused: "id-malformed"."""
    checked_id("subscription id", subscription_id)
    return Asked(kind="invoice", stream=stream_of(subscription_id), of=str(invoice_number))


def period_asked(period: str) -> Asked:
    """All facts of the stream of an accounting period. Refused: "id-malformed"."""
    return Asked(kind="period", stream=PERIODS + checked_id("period", period), of=period)


def prove(sealer: Sealer, connect: Callable[[], Connection[Any]], schema: str, asked: Asked) -> str:
    """The text of a proof file against the newest checkpoint; what is not sealed yet is sealed now.

    Refused: "nothing-to-prove" where no such fact is recorded; "log-broken" where the log is not
    what was sealed. Raises: SealDamaged, LogBroken; the driver's errors.
    """
    with connect() as conn:
        sealer.seal_to(last_position(conn, schema))
        log = SealedLog(conn, schema)
        newest = log.last()
        positions = chosen(conn, schema, asked)
        if newest is None or not positions:
            raise Refused("nothing-to-prove", f"no facts of {asked.kind} {asked.of} are recorded")
        # Recorded meanwhile: sealed with the next one.
        positions = [each for each in positions if each <= newest.position]
        before = log.before(newest.first)
        facts = []
        for data in rows_at(conn, schema, positions):
            fact = _decoded(data)
            path = log.inclusion(fact.position, newest.position)
            index, size = fact.position - 1, newest.position
            if not includes(leaf_hash(data), index, size, path, newest.root):
                reason = f"the fact at {fact.position} is not the one sealed; see billing verify"
                raise Refused("log-broken", reason)
            facts.append({**as_data(fact), "inclusion": _hex(path)})
        proof = {
            "format": FORMAT,
            "what": {**attrs.asdict(asked), "positions": positions},
            "key": str(_key_of(newest, sealer)),
            "checkpoint": newest.note,
            "previous": {
                "checkpoint": None if before is None else before.note,
                "consistency": _hex(
                    () if before is None else log.consistency(before.position, newest.position)
                ),
                "linear": _hex(newest.hashes),
            },
            "facts": facts,
        }
    return as_text(proof)


def as_text(proof: Any) -> str:
    """JSON in the one spelling that a proof has."""
    return json.dumps(proof, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def as_data(fact: RawFact) -> dict[str, Any]:
    """A fact as a proof file has it: times in UTC, to the microsecond."""
    plain = attrs.asdict(fact)
    for name, value in plain.items():
        if isinstance(value, datetime):
            plain[name] = value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
        elif isinstance(value, UUID):
            plain[name] = str(value)
    return plain


def chosen(conn: Connection[Any], schema: str, asked: Asked) -> list[int]:
    """The positions of the facts that make it up. verify_proof.py knows the same rules."""
    statement = SQL("SELECT position, name, body FROM {} WHERE stream = %s ORDER BY version")
    table = Identifier(schema, "events")
    rows = conn.execute(statement.format(table), [asked.stream]).fetchall()
    chooses = _RULES[asked.kind](asked.of, [(name, body) for _, name, body in rows])
    return [position for position, name, body in rows if chooses(name, body)]


def _of_charge(attempt: str, facts: Iterable[tuple[str, dict[str, Any]]]) -> Chooses:
    numbers = {
        body["invoice_number"]
        for name, body in facts
        if name.startswith(_ATTEMPTED) and body.get("attempt_id") == attempt
    }
    return lambda name, body: (
        body.get("attempt_id") == attempt
        or (name.startswith(_ISSUED) and body["invoice_number"] in numbers)
    )


def _of_invoice(number: str, facts: Iterable[tuple[str, dict[str, Any]]]) -> Chooses:
    attempts = {
        body["attempt_id"]
        for _, body in facts
        if "attempt_id" in body and body.get("invoice_number") == int(number)
    }
    return lambda _, body: (
        body.get("invoice_number") == int(number) or body.get("attempt_id") in attempts
    )


def _of_period(period: str, facts: Iterable[tuple[str, dict[str, Any]]]) -> Chooses:  # noqa: ARG001
    return lambda _, __: True


_RULES = {"charge": _of_charge, "invoice": _of_invoice, "period": _of_period}


def _key_of(newest: Seal, sealer: Sealer) -> VerifierKey:
    """Who signed the newest checkpoint. Refused: "log-broken" where none of our keys did."""
    key = signer_of(read_note(newest.note), sealer.keys)
    if key is None:
        reason = f"the checkpoint at {newest.position} is not signed by {named(sealer.keys)}"
        raise Refused("log-broken", reason)
    return key


def _decoded(data: bytes) -> RawFact:
    try:
        return decode(data)
    except NotCanonical as error:
        raise Refused("log-broken", f"{error}; see billing verify") from error


def _hex(hashes: Iterable[bytes]) -> list[str]:
    return [each.hex() for each in hashes]
