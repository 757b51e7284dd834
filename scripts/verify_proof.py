"""Check a proof file of billing-ledger: no database, no other code of the ledger's.

    python verify_proof.py PROOF --key KEY [--key OLDER ...] [--checkpoint FILE]

KEY is the ledger's public key, NAME+ID+KEY, or a file with it. Get it from the ledger's owner by
another way than the proof: `billing checkpoint --key` prints it. Where the key was changed, name
each that you trust: a checkpoint counts that one of them signed. FILE is a checkpoint that you were
given earlier: the one that the proof is against, or the one before it, must be the same.

It needs Python 3.11 and the package `cryptography`. Exit status: 0 proved, 1 not, 2 wrong usage.

What it checks: the checkpoint's signature (Ed25519, C2SP signed-note); for each fact, that its
bytes are a leaf of the signed Merkle tree, at its own position (RFC 9162); that the tree continues
the one of the checkpoint before it, and the hash chain between the two; and that all facts are of
what the proof says it is about. What it cannot know: whether facts were left out (those of a period
have versions without a gap), and whether what was recorded is true.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import struct
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "billing-ledger proof 1"
FIELDS = (
    ("position", "number"),
    ("stream", "text"),
    ("version", "number"),
    ("name", "text"),
    ("body", "text"),
    ("event_id", "id"),
    ("recorded_at", "instant"),
    ("effective_at", "instant"),
    ("actor", "text"),
    ("cause", "text"),
    ("command_id", "id"),
)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
LARGEST = 2**63 - 1
# No honest proof comes near: it keeps what is hostile from taking long.
LONGEST_TEXT, MOST_HASHES, MOST_LINEAR = 64 * 2**20, 63, 256
ISSUED, ATTEMPTED = "invoice-issued.", "charge-attempted."


class NotProved(Exception):
    """The file proves nothing; the text says why."""


def refuse(why: str) -> NoReturn:
    """Stop."""
    raise NotProved(why)


def verify(text: str, keys: str | list[str], known: str | None = None) -> list[str]:
    """What a proof file proves, in words. Raises: NotProved, and nothing else.

    keys: the trusted public key, or several. known: the text of a checkpoint that was kept.
    """
    try:
        trusted = [keys] if isinstance(keys, str) else keys
        return _verify(text, [each.strip() for each in trusted], known)
    except NotProved:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError, struct.error) as error:
        raise NotProved(f"malformed: {type(error).__name__}: {str(error)[:200]}") from error


def _verify(text: str, keys: list[str], known: str | None) -> list[str]:
    proof = _read(text)
    _keys(proof, "proof", "checkpoint", "facts", "format", "key", "previous", "what")
    if proof["format"] != FORMAT:
        refuse(f"the format is not {FORMAT!r}")
    name, known_keys = _trusted(keys)
    if proof["key"] not in keys:
        refuse("the proof was made with another key than the one that you trust")
    _, public = _key(proof["key"])
    size, root, chain = _checkpoint(proof["checkpoint"], name, known_keys)
    # By the key that the proof names, among them.
    _checkpoint(proof["checkpoint"], name, {_id_of(name, public): public}, strangers=True)
    earlier = _previous(proof["previous"], name, known_keys, size, root, chain)
    linear = proof["previous"]["linear"]
    facts = _list(proof["facts"], "facts")
    if not facts:
        refuse("there are no facts in it")
    last = 0
    for fact in facts:
        _keys(fact, "fact", *(field for field, _ in FIELDS), "inclusion")
        leaf = sha256(b"\x00" + _bytes(fact)).digest()
        position = fact["position"]
        if not last < position <= size:
            refuse(f"position {position} is out of order, or beyond the checkpoint")
        last = position
        path = _hashes(fact["inclusion"], MOST_HASHES)
        if _root(leaf, position - 1, size, path) != root:
            refuse(f"the fact at position {position} is not in the tree of the checkpoint")
        if position > earlier and leaf.hex() != linear[position - earlier - 1]:
            refuse(f"the fact at position {position} is not in the chain to the checkpoint")
    about = _about(proof["what"], facts)
    if known is not None:
        kept = known.split("\n\n")[0]
        mine = [proof["checkpoint"], proof["previous"]["checkpoint"] or ""]
        _checkpoint(known, name, known_keys, strangers=True)
        if kept not in [each.split("\n\n")[0] for each in mine]:
            refuse("neither of its checkpoints is the one that you keep")
    return _words(name, size, root, earlier, facts, about, known is not None)


# --- the tree and the chain -----------------------------------------------------------------------


def _root(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    node, place, last = leaf, index, size - 1
    for other in path:
        if last == 0:
            refuse("an inclusion proof is too long")
        if place & 1 or place == last:
            node = sha256(b"\x01" + other + node).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + other).digest()
        place, last = place >> 1, last >> 1
    if last:
        refuse("an inclusion proof is too short")
    return node


def _roots(old: int, new: int, path: list[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """The two roots that a consistency proof leads to (RFC 9162, 2.1.4.2)."""
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        refuse("a consistency proof is too short")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for other in steps[1:]:
        if last == 0:
            refuse("a consistency proof is too long")
        if place & 1 or place == last:
            first = sha256(b"\x01" + other + first).digest()
            second = sha256(b"\x01" + other + second).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = sha256(b"\x01" + second + other).digest()
        place, last = place >> 1, last >> 1
    if last:
        refuse("a consistency proof is too short")
    return first, second


def _previous(
    given: Any, name: str, keys: dict[bytes, bytes], size: int, root: bytes, chain: bytes
) -> int:
    """The size of the tree before, once tree and chain continue it; 0 at the log's beginning."""
    _keys(given, "previous", "checkpoint", "consistency", "linear")
    path = _hashes(given["consistency"], MOST_HASHES)
    linear = _hashes(given["linear"], MOST_LINEAR)
    old, link = 0, bytes(32)
    if given["checkpoint"] is not None:
        old, old_root, link = _checkpoint(given["checkpoint"], name, keys)
        if not 0 < old < size:
            refuse("the checkpoint before is not before it")
        if _roots(old, size, path, old_root) != (old_root, root):
            refuse("the tree does not continue the one of the checkpoint before it")
    elif path:
        refuse("there is a consistency proof, and nothing to be consistent with")
    if len(linear) != size - old:
        refuse(f"{len(linear)} hashes do not lead from {old} to {size}")
    for leaf in linear:
        link = sha256(b"\x02" + link + leaf).digest()
    if link != chain:
        refuse("the hash chain does not lead to the checkpoint")
    return old


# --- checkpoints and keys -------------------------------------------------------------------------


def _key(text: str) -> tuple[str, bytes]:
    """Name and public key (C2SP signed-note)."""
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text)
    raw = _base64(match[3]) if match else b""
    if match is None or len(raw) != 33 or raw[0] != 1:
        refuse("the key is not NAME+ID+KEY of an Ed25519 key")
    if sha256(match[1].encode() + b"\n" + raw).digest()[:4].hex() != match[2]:
        refuse("the key's id is not its own")
    return match[1], raw[1:]


def _trusted(keys: list[str]) -> tuple[str, dict[bytes, bytes]]:
    """The name of the log, and the trusted public keys by their ids."""
    read = [_key(each) for each in keys]
    if not read or len({name for name, _ in read}) != 1:
        refuse("the keys are not of one log")
    return read[0][0], {_id_of(name, public): public for name, public in read}


def _id_of(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def _checkpoint(
    note: Any, name: str, keys: dict[bytes, bytes], strangers: bool = False
) -> tuple[int, bytes, bytes]:
    """Size, root and chain of a checkpoint that one of these keys signed.

    No signature of a trusted key may fail (C2SP signed-note). strangers: those of others, such as
    witnesses, are passed over; in a proof, that has one spelling only, they have no place.
    """
    pattern = (
        r"((\S+)\n([1-9][0-9]{0,18})\n([A-Za-z0-9+/=]{44})\nchain ([A-Za-z0-9+/=]{44})\n)"
        r"\n((?:\u2014 [^\s+]+ [A-Za-z0-9+/=]{8,400}\n){1,16})"
    )
    match = re.fullmatch(pattern, _text(note, "checkpoint"))
    if match is None:
        refuse("that is no signed checkpoint of such a log")
    text, origin, size, root, chain, below = match.groups()
    if origin != name:
        refuse(f"a checkpoint of {origin!r}; the key is of {name!r}")
    signed = set()
    for line in below.splitlines():
        _, signer, signature = line.split(" ")
        raw = _base64(signature)
        public = keys.get(raw[:4]) if signer == name else None
        if public is None and strangers:
            continue
        if public is None or raw[:4] in signed:
            refuse("a checkpoint is signed with another key, or twice")
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
        except InvalidSignature:
            refuse("the signature of a checkpoint does not hold")
        signed.add(raw[:4])
    if not signed:
        refuse("a checkpoint is signed with another key")
    return int(size), _base64(root), _base64(chain)


# --- facts ----------------------------------------------------------------------------------------


def _bytes(fact: dict[str, Any]) -> bytes:
    """The canonical bytes of a fact: a count, and each field with its length before it."""
    made = []
    for field, kind in FIELDS:
        value = fact[field]
        if kind == "number":
            made.append(struct.pack("!q", _number(value, field)))
        elif kind == "text":
            made.append(_text(value, field).encode())
        elif kind == "id":
            made.append(_id(value, field).bytes)
        else:
            made.append(struct.pack("!q", _microseconds(value, field)))
    return struct.pack("!h", len(FIELDS)) + b"".join(
        struct.pack("!i", len(each)) + each for each in made
    )


def _microseconds(value: Any, what: str) -> int:
    """Since 2000, of an instant in the one way in which it is written."""
    text = _text(value, what)
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text, re.ASCII):
        refuse(f"{what} is not an instant in UTC")
    moment = datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def _about(what: Any, facts: list[dict[str, Any]]) -> str:
    """What the facts are about, once they all are."""
    _keys(what, "what", "kind", "of", "positions", "stream")
    kind, of = _text(what["kind"], "kind"), _text(what["of"], "of")
    stream = _text(what["stream"], "stream")
    positions = [_number(each, "position") for each in _list(what["positions"], "positions")]
    if positions != [fact["position"] for fact in facts]:
        refuse("the facts are not those of the positions that it is about")
    if any(fact["stream"] != stream for fact in facts):
        refuse("there are facts of other streams")
    bodies = [json.loads(fact["body"], object_pairs_hook=_once) for fact in facts]
    if any(type(body) is not dict for body in bodies):
        refuse("a fact's body is not an object")
    if kind == "period":
        if stream != f"period-{of}":
            refuse("the stream is not that of the period")
        if [fact["version"] for fact in facts] != list(range(1, len(facts) + 1)):
            refuse("facts of the period are missing")
        return f"all facts of the accounting period {of}, to version {len(facts)} of its stream"
    if not re.fullmatch(r"subscription-[A-Za-z0-9._-]{1,64}", stream, re.ASCII):
        refuse("the stream is not that of a subscription")
    whose = stream.removeprefix("subscription-")
    named = [(fact["name"], body) for fact, body in zip(facts, bodies, strict=True)]
    if kind == "invoice":
        _all_of_invoice(of, named)
        return f"invoice {of} of subscription {whose}"
    if kind == "charge":
        number = _all_of_charge(str(_id(of, "of")), named)
        return f"charge {of} for invoice {number} of subscription {whose}"
    refuse("what it is about is not a charge, an invoice or a period")


def _all_of_invoice(of: str, named: list[tuple[str, dict[str, Any]]]) -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", of, re.ASCII):
        refuse("no number of an invoice")
    number = int(of)
    attempts = {
        body["attempt_id"]
        for _, body in named
        if "attempt_id" in body and body.get("invoice_number") == number
    }
    if (
        sum(name.startswith(ISSUED) and body["invoice_number"] == number for name, body in named)
        != 1
    ):
        refuse("the invoice itself is not among the facts")
    if any(
        body.get("invoice_number") != number and body.get("attempt_id") not in attempts
        for _, body in named
    ):
        refuse("there are facts of something else than the invoice")


def _all_of_charge(attempt: str, named: list[tuple[str, dict[str, Any]]]) -> int:
    numbers = [
        body["invoice_number"]
        for name, body in named
        if name.startswith(ATTEMPTED) and body["attempt_id"] == attempt
    ]
    if len(numbers) != 1:
        refuse("the attempt itself is not among the facts")
    if not any(
        name.startswith(ISSUED) and body["invoice_number"] == numbers[0] for name, body in named
    ):
        refuse("the invoice that was charged is not among the facts")
    if any(
        body.get("attempt_id") != attempt
        and not (name.startswith(ISSUED) and body["invoice_number"] == numbers[0])
        for name, body in named
    ):
        refuse("there are facts of something else than the charge")
    return _number(numbers[0], "invoice_number")


# --- strict JSON ----------------------------------------------------------------------------------


def _read(text: str) -> dict[str, Any]:
    """A proof, if it is spelled as a proof is: what means the same in other words is refused."""
    if len(text) > LONGEST_TEXT:
        refuse("it is too long")
    found = json.loads(
        text, object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float
    )
    if type(found) is not dict:
        refuse("it is not an object")
    again = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if again != text:
        refuse("it is not spelled as a proof is")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        refuse("a key stands twice in an object")
    return found


def _no_float(text: str) -> NoReturn:
    refuse(f"{text[:30]} is not a whole number")


def _keys(value: Any, what: str, *names: str) -> None:
    if type(value) is not dict or set(value) != set(names):
        refuse(f"{what} has not the keys that it has to have")


def _list(value: Any, what: str) -> list[Any]:
    if type(value) is not list:
        refuse(f"{what} is not a list")
    return value


def _text(value: Any, what: str) -> str:
    if type(value) is not str:
        refuse(f"{what} is not a text")
    return value


def _number(value: Any, what: str) -> int:
    if type(value) is not int or not 1 <= value <= LARGEST:
        refuse(f"{what} is not a number from 1 on")
    return value


def _id(value: Any, what: str) -> UUID:
    found = UUID(_text(value, what))
    if str(found) != value:
        refuse(f"{what} is not an id as it is written")
    return found


def _hashes(value: Any, most: int) -> list[bytes]:
    given = _list(value, "hashes")
    if len(given) > most:
        refuse("there are too many hashes")
    for each in given:
        if not re.fullmatch(r"[0-9a-f]{64}", _text(each, "hash"), re.ASCII):
            refuse("a hash is not 64 hexadecimal digits")
    return [bytes.fromhex(each) for each in given]


def _base64(text: str) -> bytes:
    value = base64.b64decode(text, validate=True)
    if base64.b64encode(value).decode() != text:
        refuse("base64 that is not as it is written")
    return value


# --- words ----------------------------------------------------------------------------------------


def _words(
    name: str,
    size: int,
    root: bytes,
    earlier: int,
    facts: list[dict[str, Any]],
    about: str,
    kept: bool,
) -> list[str]:
    lines = [
        f"PROVED: {about}.",
        f"{len(facts)} facts were in the log {name!r} when it had {size} facts and root "
        f"{root.hex()[:16]}..., each at its own position and to the letter:",
    ]
    lines += [
        f"  {fact['position']:>9}  {fact['recorded_at'][:19]}Z  {fact['name']}  "
        f"by {fact['actor']} ({fact['cause']})"
        for fact in facts
    ]
    lines.append(
        f"The log continues the one of {earlier} facts that was signed before."
        if earlier
        else "The chain leads from the log's first fact to the checkpoint."
    )
    lines.append(
        "It is the log of the checkpoint that you keep."
        if kept
        else "Hold the checkpoint against one that you keep: the owner of the key could sign "
        "another log."
    )
    lines.append("Not shown: that there are no other facts, and that what was recorded is true.")
    return lines


def main() -> int:
    """Read, check, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("proof", type=Path)
    parser.add_argument(
        "--key", required=True, action="append", help="NAME+ID+KEY, or a file with it; repeatable"
    )
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint that you keep")
    chosen = parser.parse_args()
    try:
        # Not read_text, which takes other ends of lines for ours.
        text = chosen.proof.read_bytes().decode()
        known = None if chosen.checkpoint is None else chosen.checkpoint.read_text("utf-8")
        keys = [each if "+" in each else Path(each).read_text("utf-8") for each in chosen.key]
    except (OSError, UnicodeDecodeError) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    try:
        print("\n".join(verify(text, keys, known)))
    except NotProved as why:
        print(f"NOT PROVED: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
