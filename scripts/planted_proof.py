"""Faults to plant in the proof: bytes, chain, tree, notes, and the verifier that stands alone."""

from __future__ import annotations

from planted_faults import Fault

CANONICAL, CHAIN = "domain/proof/canonical.py", "domain/proof/chain.py"
MERKLE, NOTES = "domain/proof/merkle.py", "domain/proof/notes.py"
TAMPERING, SIGNING = "domain/proof/tampering.py", "infrastructure/proof/signing.py"
OFFLINE = "scripts/verify_proof.py"

RUN_ON = "tests/proof"
TESTS = ("test_corpus",)
FAULTS = (
    # --- bytes ----------------------------------------------------------------------------------
    Fault(
        "fields without their lengths: two facts with the same bytes",
        CANONICAL,
        'b"".join(_LENGTH.pack(len(each)) + each for each in fields)',
        'b"".join(each for each in fields)',
    ),
    Fault(
        "the cause is not in the hash",
        CANONICAL,
        "        fact.cause.encode(),\n",
        '        b"",\n',
    ),
    Fault(
        "recorded and effective time in each other's place",
        CANONICAL,
        "        _NUMBER.pack((fact.recorded_at - _EPOCH) // _MICROSECOND),\n"
        "        _NUMBER.pack((fact.effective_at - _EPOCH) // _MICROSECOND),\n",
        "        _NUMBER.pack((fact.effective_at - _EPOCH) // _MICROSECOND),\n"
        "        _NUMBER.pack((fact.recorded_at - _EPOCH) // _MICROSECOND),\n",
    ),
    # --- chain and tree -------------------------------------------------------------------------
    Fault(
        "the chain begins anew with each fact",
        CHAIN,
        '        chain = sha256(b"\\x02" + chain + leaf).digest()',
        '        chain = sha256(b"\\x02" + GENESIS + leaf).digest()',
    ),
    Fault(
        "leaves hashed like nodes",
        MERKLE,
        '    return sha256(b"\\x00" + data).digest()',
        '    return sha256(b"\\x01" + data).digest()',
    ),
    Fault(
        "a lone node is paired with itself",
        MERKLE,
        "            above.append(level[-1])",
        "            above.append(node_hash(level[-1], level[-1]))",
    ),
    Fault(
        "an inclusion proof may be too short",
        MERKLE,
        "    return last == 0 and node == root\n",
        "    return node == root\n",
    ),
    Fault(
        "a consistency proof says nothing about the older tree",
        MERKLE,
        "    return last == 0 and first == old_root and second == new_root",
        "    return last == 0 and second == new_root",
    ),
    # --- notes ----------------------------------------------------------------------------------
    Fault(
        "a signature of whatever text",
        SIGNING,
        "        except InvalidSignature:\n            return None\n",
        "        except InvalidSignature:\n            return key\n",
    ),
    Fault(
        "base64 in more spellings than one",
        NOTES,
        "    if _base64(value) != text:\n",
        "    if False:\n",
    ),
    Fault(
        "the key's id is not checked",
        NOTES,
        "    if key.key_id.hex() != stated:\n",
        "    if not stated:\n",
    ),
    # --- what happened --------------------------------------------------------------------------
    Fault(
        "an inserted fact is called an edited one",
        TAMPERING,
        "        return _broken(position, Kind.INSERTED, words)",
        "        return _broken(position, Kind.EDITED, words)",
    ),
    Fault(
        "a gap that was closed is called an edit",
        TAMPERING,
        ', whose own is gone"\n        return _broken(position, Kind.DELETED, words)',
        ', whose own is gone"\n        return _broken(position, Kind.EDITED, words)',
    ),
    # --- the verifier ---------------------------------------------------------------------------
    Fault(
        "offline: the linear part is not followed to the checkpoint",
        OFFLINE,
        "    if link != chain:\n",
        "    if len(link) != len(chain):\n",
    ),
    Fault(
        "offline: the consistency proof is not held against the tree",
        OFFLINE,
        "        if _roots(old, size, path, old_root) != (old_root, root):\n",
        "        if _roots(old, size, path, old_root)[0] != old_root:\n",
    ),
    Fault(
        "offline: a fact's own hash is not compared",
        OFFLINE,
        "        if _root(leaf, position - 1, size, path) != root:\n",
        "        if len(_root(leaf, position - 1, size, path)) != 32:\n",
    ),
    Fault(
        "offline: the signature is not verified",
        OFFLINE,
        '        refuse("the signature of a checkpoint does not hold")',
        "        pass",
    ),
    Fault(
        "offline: true counts as one",
        OFFLINE,
        "    if type(value) is not int or not 1 <= value <= LARGEST:",
        "    if not isinstance(value, int) or not 1 <= value <= LARGEST:",
    ),
    Fault(
        "offline: facts of another charge pass",
        OFFLINE,
        '        refuse("there are facts of something else than the charge")',
        "        pass",
    ),
    Fault(
        "offline: the same proof in other spellings",
        OFFLINE,
        "    if again != text:\n",
        "    if not again:\n",
    ),
    Fault(
        "offline: whatever key the file brings along",
        OFFLINE,
        '    if proof["key"] not in keys:\n',
        '    if not proof["key"]:\n',
    ),
)
