"""F35: malicious proofs. Thousands of mutations of good proofs, and none is accepted.

A quick sample always; 100,000 under BILLING_LONG=1.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from domain.proof.merkle import leaf_hash
from domain.proof.notes import Checkpoint, Note, read_checkpoint, read_note
from infrastructure.proof.signing import Signer
from tests.proof.offline import verifier
from tests.proof.proofs import ASKED, OTHER_ATTEMPT, SIGNER, SIZES, proof_of, text_of, tree_of

COUNT = 100_000 if os.environ.get("BILLING_LONG") else 2_000
KEY = str(SIGNER.verifier)
SCRIPT = verifier()
LARGEST = max(size for _, size in SIZES)
GOOD = {
    (asked, sizes): proof_of(asked, sizes) for asked in ASKED for sizes in SIZES if sizes[1] > 36
}
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    2**64,
    10**40,
    1.0,
    1e309,
    float("nan"),
    "",
    "0",
    "null",
    "\0",
    "\u202e",
    "\ud800",
    [],
    {},
    [[]],
    {"": None},
    "a" * 64,
    "0" * 64,
    "00000000-0000-0000-0000-000000000000",
    "2026-03-01T12:00:00.000000Z",
)

Mutation = Callable[[random.Random, dict[str, Any]], Any]


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a value."""
    found = [path]
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, each in items:
        found += paths_of(each, (*path, key))
    return found


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Set a place; the new root."""
    if not path:
        return new
    at(value, path[:-1])[path[-1]] = new
    return value


def any_place(draw: random.Random, proof: dict[str, Any]) -> tuple[Any, ...]:
    """Fields as often as hashes, which are many."""
    part = draw.choice([(), ("what",), ("previous",), ("facts",), ("facts", 0)])
    inner = at(proof, part)
    return part + draw.choice(paths_of(inner)) if part else (draw.choice(list(proof)),)


def lists(draw: random.Random, proof: dict[str, Any]) -> list[Any]:
    """A list that has something in it."""
    found = [at(proof, each) for each in paths_of(proof)]
    full = [each for each in found if isinstance(each, list) and each]
    small = [each for each in full if not isinstance(each[0], str)]
    return draw.choice(small if small and draw.random() < 0.3 else full)


def wrong_size(draw: random.Random, proof: dict[str, Any]) -> Any:
    """Another size in a checkpoint, its signature left as it was."""
    note = read_note(proof["checkpoint"])
    stated = read_checkpoint(note.text)
    size = max(1, stated.size + draw.choice([-300, -2, -1, 1, 2, 256, 2**40]))
    if size == stated.size:
        size += 1
    proof["checkpoint"] = proof["checkpoint"].replace(f"\n{stated.size}\n", f"\n{size}\n", 1)
    return proof


def swapped_siblings(draw: random.Random, proof: dict[str, Any]) -> Any:
    """Two hashes of one list, or two facts, in each other's place."""
    chosen = lists(draw, proof)
    one, two = draw.randrange(len(chosen)), draw.randrange(len(chosen))
    chosen[one], chosen[two] = chosen[two], chosen[one]
    return proof


def flipped_hash(draw: random.Random, proof: dict[str, Any]) -> Any:
    """One digit of a hash of a path or of the linear part."""
    names = [each for each in paths_of(proof) if isinstance(at(proof, each), str)]
    hashes = [each for each in names if "inclusion" in each or "consistency" in each]
    linear = [each for each in names if "linear" in each]
    path = draw.choice(draw.choice([part for part in (hashes, linear) if part]))
    return put(proof, path, changed_text(draw, at(proof, path), "0123456789abcdef"))


def changed_text(draw: random.Random, text: str, letters: str) -> str:
    """Another letter somewhere."""
    if not text:
        return draw.choice(letters)
    place = draw.randrange(len(text))
    others = [each for each in letters if each != text[place]]
    return text[:place] + draw.choice(others) + text[place + 1 :]


def altered_fact(draw: random.Random, proof: dict[str, Any]) -> Any:
    """One field of one fact."""
    fact = draw.choice(proof["facts"])
    name = draw.choice([each for each in fact if each != "inclusion"])
    if isinstance(fact[name], int):
        fact[name] += draw.choice([-256, -1, 1, 2, 2**32, 2**63])
    elif draw.random() < 0.2:
        fact[name] += draw.choice([" ", "\n", "0", "\u0301", "\0"])
    else:
        fact[name] = changed_text(draw, fact[name], '0123456789abcdefTZ-:. {}"xé')
    return proof


def altered_linear(draw: random.Random, proof: dict[str, Any]) -> Any:
    """The linear part, longer, shorter, turned round, or of another log."""
    linear = proof["previous"]["linear"]
    way = draw.randrange(5)
    if way == 0:
        linear.insert(draw.randrange(len(linear) + 1), leaf_hash(draw.randbytes(8)).hex())
    elif way == 1:
        del linear[draw.randrange(len(linear))]
    elif way == 2:
        proof["previous"]["linear"] = linear[::-1]
    elif way == 3:
        proof["previous"]["linear"] = []
    else:
        linear[draw.randrange(len(linear))] = leaf_hash(draw.randbytes(8)).hex()
    return proof


def other_previous(draw: random.Random, proof: dict[str, Any]) -> Any:
    """Another earlier checkpoint, or none, or the same one again."""
    # Another mutation may have made it a size that no memory holds.
    size = min(read_checkpoint(read_note(proof["checkpoint"]).text).size, LARGEST)
    before = proof["previous"]["checkpoint"]
    choices: list[Any] = [None, proof["checkpoint"], ""]
    tree = tree_of(size, 0)
    choices.append(tree.checkpoint(draw.randrange(1, size)))
    proof["previous"]["checkpoint"] = draw.choice([each for each in choices if each != before])
    return proof


def duplicated(draw: random.Random, proof: dict[str, Any]) -> Any:
    """An element of a list twice."""
    chosen = lists(draw, proof)
    place = draw.randrange(len(chosen))
    chosen.insert(place, copy.deepcopy(chosen[place]))
    return proof


def dropped(draw: random.Random, proof: dict[str, Any]) -> Any:
    """An element of a list, or a key, less."""
    if draw.random() < 0.6:
        chosen = lists(draw, proof)
        del chosen[draw.randrange(len(chosen))]
        return proof
    holders = [each for each in paths_of(proof) if isinstance(at(proof, each), dict)]
    holder = at(proof, draw.choice(holders))
    del holder[draw.choice(list(holder))]
    return proof


def confused_type(draw: random.Random, proof: dict[str, Any]) -> Any:
    """A value of another type, or the same one in another dress."""
    path = any_place(draw, proof)
    value = at(proof, path)
    dresses = [*ODD_VALUES, [value], {"": value}, str(value)]
    if isinstance(value, int):
        dresses += [float(value), str(value), -value]
    # A copy: later mutations must not grow what all of them draw from.
    return put(proof, path, copy.deepcopy(draw.choice(dresses)))


def added_key(draw: random.Random, proof: dict[str, Any]) -> Any:
    """A key more."""
    holders = [each for each in paths_of(proof) if isinstance(at(proof, each), dict)]
    key = draw.choice(["x", "", "Position", "chain"])
    at(proof, draw.choice(holders))[key] = copy.deepcopy(draw.choice(ODD_VALUES))
    return proof


def other_subject(draw: random.Random, proof: dict[str, Any]) -> Any:
    """The same facts, said to be of something else."""
    what = proof["what"]
    changes = [
        ("kind", "charge"),
        ("kind", "invoice"),
        ("kind", "period"),
        ("of", OTHER_ATTEMPT),
        ("of", "2"),
        ("of", "01"),
        ("of", "1 "),
        ("of", what["of"].upper() + "A"),
        ("of", "2025-02"),
        ("stream", "subscription-s-2"),
        ("stream", what["stream"] + "0"),
    ]
    name, value = draw.choice([each for each in changes if what[each[0]] != each[1]])
    what[name] = value
    return proof


def other_signature(draw: random.Random, proof: dict[str, Any]) -> Any:
    """A checkpoint signed by another, of another log, or signed twice; or another key."""
    note = read_note(proof["checkpoint"])
    stated = read_checkpoint(note.text)
    thief = Signer(SIGNER.origin, draw.randbytes(32))
    other = Signer("billing-ledger/other", b"s" * 32)
    way = draw.randrange(5)
    if way == 0:
        proof["checkpoint"] = str(thief.sign(note.text))
    elif way == 1:
        proof["checkpoint"] = str(thief.sign(note.text))
        proof["key"] = str(thief.verifier)
    elif way == 2:
        moved = Checkpoint(
            origin=other.origin, size=stated.size, root=stated.root, chain=stated.chain
        )
        proof["checkpoint"] = str(other.sign(moved.text))
    elif way == 3:
        proof["checkpoint"] += thief.sign(note.text).signatures[0].text
    else:
        line = draw.choice(["chain", "\u2014", "test", "="])
        proof["checkpoint"] = proof["checkpoint"].replace(line, line + draw.choice(["", " "]) + "x")
    return proof


def changed_note(draw: random.Random, proof: dict[str, Any]) -> Any:
    """A letter of a checkpoint."""
    letters = "ABCDwxyz0189+/=\n \u2014"
    proof["checkpoint"] = changed_text(draw, proof["checkpoint"], letters)
    return proof


def spelled(draw: random.Random, text: str) -> str:
    """What changes the file's text: cut, doubled, other spaces, a letter, a key twice."""
    way = draw.randrange(7)
    if way == 0:
        return text[: draw.randrange(len(text))]
    if way == 1:
        return text + draw.choice([" ", "\n", text, "{}", "\0", "//"])
    if way == 2:
        return json.dumps(json.loads(text), indent=draw.choice([None, 0, 2, 4]))
    if way == 3:
        place = draw.randrange(len(text))
        return text[:place] + draw.choice(' \n\t\r,"0x\u00e9\ufeff') + text[place:]
    if way == 4:
        return text.replace('"format"', '"format": "x",\n "format"', 1)
    if way == 5:
        return changed_text(draw, text, 'abcdef0123456789{}[]",: \n')
    return json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=True)


MUTATIONS: tuple[Mutation, ...] = (
    wrong_size,
    swapped_siblings,
    flipped_hash,
    altered_fact,
    altered_linear,
    other_previous,
    duplicated,
    dropped,
    confused_type,
    added_key,
    other_subject,
    other_signature,
    changed_note,
)


@pytest.mark.parametrize("asked", ASKED, ids=lambda each: each[0])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_good_proof_is_accepted(asked, sizes):
    """What the mutations start from."""
    words = SCRIPT.verify(text_of(GOOD[asked, sizes]), KEY)
    assert words[0].startswith(f"PROVED: {'all facts' if asked[0] == 'period' else asked[0]}")


def test_F35_of_all_mutated_proofs_none_is_accepted():
    """And each refusal is told, none is a crash. One mutation each, now and then two."""
    draw = random.Random(20251)
    texts = {place: text_of(proof) for place, proof in GOOD.items()}
    refused: Counter[str] = Counter()
    while refused.total() < COUNT:
        place = draw.choice(list(GOOD))
        kinds = []
        if draw.random() < 0.12:
            text = spelled(draw, texts[place])
            kinds.append("spelled")
        else:
            proof: Any = copy.deepcopy(GOOD[place])
            for mutate in draw.sample(MUTATIONS, 2 if draw.random() < 0.1 else 1):
                kinds.append(mutate.__name__)
                try:
                    proof = mutate(draw, proof)
                except (KeyError, TypeError, IndexError, AttributeError, ValueError):
                    assert len(kinds) > 1, kinds  # the first left nothing to mutate
            text = text_of(proof)
        if text == texts[place]:
            continue
        try:
            words = SCRIPT.verify(text, KEY)
        except SCRIPT.NotProved:
            refused[kinds[0]] += 1
        else:
            pytest.fail(f"accepted after {kinds} of {place}: {words[0]}")
    assert len(refused) == len(MUTATIONS) + 1
    assert min(refused.values()) > COUNT // 100


def test_F35_a_checkpoint_that_is_kept_must_be_one_of_the_two():
    """The one it is against, or the one before; not one of another log, of whatever signature."""
    asked, sizes = ("invoice", "subscription-s-1", "1"), (256, 300)
    text = text_of(GOOD[asked, sizes])
    tree = tree_of(300, 256)
    for size in (256, 300):
        assert SCRIPT.verify(text, KEY, tree.checkpoint(size))
    thief = Signer(SIGNER.origin, b"t" * 32)
    for other in (tree.checkpoint(299), tree.checkpoint(300, thief), "", "x\n\ny\n"):
        with pytest.raises(SCRIPT.NotProved):
            SCRIPT.verify(text, KEY, other)
    with pytest.raises(SCRIPT.NotProved):
        SCRIPT.verify(text, str(thief.verifier))


def test_F35_another_fact_at_a_position_is_not_in_the_tree():
    """A fact that is not the one in the tree is refused, whoever signed that."""
    asked, sizes = next(iter(ASKED)), (256, 300)
    proof = copy.deepcopy(GOOD[asked, sizes])
    proof["facts"][1]["body"] = proof["facts"][1]["body"].replace('"invoice_number": 1', '"x": 1')
    with pytest.raises(SCRIPT.NotProved, match="not in the tree"):
        SCRIPT.verify(text_of(proof), KEY)


CHARGE, INVOICE, PERIOD = ASKED


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (CHARGE, (0, 1, 3, 4, 5)),
        (CHARGE, (0, 3, 4, 5, 6)),
        (CHARGE, (0, 4, 5)),
        (CHARGE, (3, 4, 5)),
        (CHARGE, (6, 7)),
        (INVOICE, (0, 1, 2, 3, 4, 5, 6)),
        (INVOICE, (1, 2, 3)),
        (INVOICE, (6,)),
        (INVOICE, (0, 4)),
        (PERIOD, (7, 9)),
        (PERIOD, (8, 9)),
        (PERIOD, (6, 7, 8, 9)),
        (PERIOD, ()),
    ],
)
def test_F35_true_facts_that_are_of_something_else(asked, told):
    """Each of them is in the tree; together they are not what they are said to be."""
    with pytest.raises(SCRIPT.NotProved):
        SCRIPT.verify(text_of(proof_of(asked, (256, 300), told)), KEY)


def test_F35_true_is_not_one():
    """JSON has a type for that."""
    proof = proof_of(PERIOD, (256, 300))
    assert proof["facts"][0]["version"] == 1
    proof["facts"][0]["version"] = True
    with pytest.raises(SCRIPT.NotProved):
        SCRIPT.verify(text_of(proof), KEY)


@pytest.mark.parametrize("text", ["", "null", "[]", "1", "{}", "[" * 100_000, '{"a":' * 50_000])
def test_F35_what_is_no_proof_at_all(text):
    """Neither a crash nor a wait."""
    with pytest.raises(SCRIPT.NotProved):
        SCRIPT.verify(text, KEY)


OLD = Signer(SIGNER.origin, b"o" * 32)


def rotated() -> dict[str, Any]:
    """A proof whose checkpoint before was signed by an older key."""
    asked, (before, size) = ("invoice", "subscription-s-1", "1"), (64, 256)
    proof = proof_of(asked, (before, size))
    proof["previous"]["checkpoint"] = tree_of(size, before).checkpoint(before, OLD)
    return proof


def test_a_proof_across_a_change_of_keys() -> None:
    """Proved by who knows both keys, also where the older one signed the checkpoint itself."""
    text, both = text_of(rotated()), [KEY, str(OLD.verifier)]
    assert SCRIPT.verify(text, both)[0].startswith("PROVED")
    assert SCRIPT.verify(text, list(reversed(both)), tree_of(256, 64).checkpoint(256))
    with pytest.raises(SCRIPT.NotProved, match="signed with another key"):
        SCRIPT.verify(text, KEY)
    with pytest.raises(SCRIPT.NotProved, match="another key than the one that you trust"):
        SCRIPT.verify(text, str(OLD.verifier))
    old = rotated()
    old["checkpoint"], old["key"] = tree_of(256, 64).checkpoint(256, OLD), str(OLD.verifier)
    assert SCRIPT.verify(text_of(old), both)
    with pytest.raises(SCRIPT.NotProved, match="another key"):
        SCRIPT.verify(text_of(old), KEY)
    old["key"] = KEY
    with pytest.raises(SCRIPT.NotProved, match="signed with another key"):
        SCRIPT.verify(text_of(old), both)


def test_two_signatures_of_a_checkpoint() -> None:
    """Both of trusted keys; one that fails spoils it, and in a proof strangers have no place."""
    both, proof = [KEY, str(OLD.verifier)], rotated()
    note = read_note(proof["checkpoint"])
    second = OLD.sign(note.text).signatures[0]
    proof["checkpoint"] = str(Note(note.text, (*note.signatures, second)))
    assert SCRIPT.verify(text_of(proof), both)
    with pytest.raises(SCRIPT.NotProved, match="another key, or twice"):
        SCRIPT.verify(text_of(proof), KEY)
    before = read_note(proof["previous"]["checkpoint"])
    good, proof = rotated(), rotated()
    cosigned = Note(before.text, (*before.signatures, *SIGNER.sign(before.text).signatures))
    proof["previous"]["checkpoint"] = str(cosigned)
    assert SCRIPT.verify(text_of(proof), both)
    spoilt = attrs.evolve(before.signatures[0], signature=second.signature)
    proof["previous"]["checkpoint"] = str(Note(before.text, (*cosigned.signatures[1:], spoilt)))
    with pytest.raises(SCRIPT.NotProved, match="does not hold"):
        SCRIPT.verify(text_of(proof), both)
    witness = Signer("witness.example/w", b"w" * 32)
    seen = Note(note.text, (*note.signatures, *witness.sign(note.text).signatures))
    assert SCRIPT.verify(text_of(good), both, str(seen))


def test_keys_of_two_logs_or_with_a_wrong_id() -> None:
    """Nobody trusts two logs at once, and an id is part of its key."""
    text, other = text_of(rotated()), Signer("billing-ledger/other", b"o" * 32)
    with pytest.raises(SCRIPT.NotProved, match="not of one log"):
        SCRIPT.verify(text, [KEY, str(other.verifier)])
    wrong = KEY.replace(SIGNER.verifier.key_id.hex(), OLD.verifier.key_id.hex())
    with pytest.raises(SCRIPT.NotProved, match="id is not its own"):
        SCRIPT.verify(text, [KEY, wrong])
