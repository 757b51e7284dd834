"""The token vault: seals, opens, forgets, and never shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from domain.ports import Secret
from infrastructure.store.books import Books
from infrastructure.store.vault import (
    CustomerErased,
    TokenTaken,
    TokenUnknown,
    TokenVault,
    VaultDamaged,
    VaultError,
    WrongMasterKey,
)

KEY = bytes(range(32))
TOKEN = Secret("8kk845-super-secret")


@pytest.fixture
def pool(books: Books) -> Iterator[ConnectionPool[Any]]:
    with ConnectionPool(
        kwargs={**books.connection_arguments, "autocommit": True}, min_size=1, max_size=4, open=True
    ) as made:
        yield made


@pytest.fixture
def vault(books: Books, pool: ConnectionPool[Any]) -> TokenVault:
    return TokenVault(pool, books.schema, KEY)


def sql(books: Books, statement: str, *values: Any) -> list[Any]:
    with books.connect() as conn:
        cursor = conn.execute(SQL(statement).format(s=Identifier(books.schema)), values)
        return cursor.fetchall() if cursor.description else []


def test_what_was_put_in_comes_out(vault):
    """Many at a time, of several customers; unknown references are left out."""
    tokens = [(f"c{n % 3}", f"ref-{n}", Secret(f"token-{n}-øå")) for n in range(10)]
    vault.put_many(tokens)
    vault.put_many([])
    assert vault.open_many(["ref-0", "ref-9", "ref-x"]) == {
        "ref-0": Secret("token-0-øå"),
        "ref-9": Secret("token-9-øå"),
    }
    assert vault.open("ref-4") == Secret("token-4-øå")
    with pytest.raises(TokenUnknown):
        vault.open("ref-x")


def test_nothing_readable_lies_in_the_tables(books, vault):
    """Neither the token nor a data key; the same token twice looks different."""
    vault.put_many([("c", "a", TOKEN), ("c", "b", TOKEN)])
    rows = sql(books, "SELECT sealed FROM {s}.vault_tokens")
    sealed = {bytes(value) for (value,) in rows}
    assert len(sealed) == 2
    everything = str(sql(books, "SELECT * FROM {s}.vault_tokens, {s}.vault_customers")).encode()
    assert b"super-secret" not in everything
    assert all(b"super-secret" not in value for value in sealed)


def test_a_repeat_is_quiet_and_another_token_is_refused(vault):
    """A reference means one token for good."""
    vault.put_many([("c", "a", TOKEN)])
    vault.put_many([("c", "a", TOKEN), ("c", "b", Secret("second"))])
    with pytest.raises(TokenTaken) as refused:
        vault.put_many([("c", "new", TOKEN), ("c", "a", Secret("not-me"))])
    assert "not-me" not in str(refused.value)
    with pytest.raises(TokenTaken):
        vault.put_many([("c", "new", TOKEN), ("c", "new", Secret("not-me"))])
    assert set(vault.open_many(["a", "b", "new"])) == {"a", "b"}


def test_an_erased_customer_is_gone_for_good(books, vault):
    """The data key is destroyed; other customers are untouched; a tombstone is kept."""
    vault.put_many([("gone", "a", TOKEN), ("stays", "b", TOKEN)])
    assert vault.erase("gone")
    assert not vault.erase("gone")
    with pytest.raises(CustomerErased):
        vault.open("a")
    assert vault.open_many(["a", "b"]) == {"b": TOKEN}
    with pytest.raises(CustomerErased):
        vault.put_many([("gone", "c", TOKEN)])
    rows = sql(books, "SELECT wrapped_key, erased_at IS NOT NULL FROM {s}.vault_customers"
               " WHERE customer_id = 'gone'")  # fmt: skip
    assert rows == [(None, True)]
    assert sql(books, "SELECT sealed FROM {s}.vault_tokens WHERE token_ref = 'a'") == [(None,)]


def test_a_customer_without_tokens_can_be_erased(vault):
    """Nothing is taken in for it afterwards."""
    assert vault.erase("new")
    with pytest.raises(CustomerErased):
        vault.put_many([("new", "a", TOKEN)])


def test_F43_a_wrong_master_key_is_told_at_start(books, vault, pool):
    """Not at the first charge, and nothing is sealed with it."""
    with pytest.raises(WrongMasterKey):
        TokenVault(pool, books.schema, bytes(32))
    with pytest.raises(ValueError, match="32 bytes"):
        TokenVault(pool, books.schema, b"short")
    assert TokenVault(pool, books.schema, KEY)


def test_master_keys_are_rotated_without_touching_tokens(books, vault, pool):
    """New key with the former one; rewrap; then the former one is not needed any more."""
    vault.put_many([(f"c{n}", f"r{n}", TOKEN) for n in range(5)])
    vault.erase("c4")
    before = sql(books, "SELECT sealed FROM {s}.vault_tokens ORDER BY token_ref")
    new = os.urandom(32)
    rotated = TokenVault(pool, books.schema, new, former_keys=[KEY])
    assert rotated.open("r0") == TOKEN
    rotated.put_many([("c9", "r9", TOKEN)])
    with pytest.raises(WrongMasterKey):
        vault.open_many(["r0", "r9"])
    # The fifth is the key of the digests.
    assert [rotated.rewrap(limit=3), rotated.rewrap(limit=3), rotated.rewrap(limit=3)] == [3, 2, 0]
    alone = TokenVault(pool, books.schema, new)
    assert set(alone.open_many([f"r{n}" for n in range(10)])) == {"r0", "r1", "r2", "r3", "r9"}
    after = sql(books, "SELECT sealed FROM {s}.vault_tokens WHERE token_ref <> 'r9'"
                " ORDER BY token_ref")  # fmt: skip
    assert before == after
    with pytest.raises(WrongMasterKey):
        TokenVault(pool, books.schema, KEY)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE {s}.vault_tokens SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)"
        " WHERE token_ref = 'a'",
        "UPDATE {s}.vault_tokens SET sealed = 'short' WHERE token_ref = 'a'",
        "UPDATE {s}.vault_tokens SET sealed = (SELECT sealed FROM {s}.vault_tokens"
        " WHERE token_ref = 'b') WHERE token_ref = 'a'",
        "UPDATE {s}.vault_tokens SET customer_id = 'other' WHERE token_ref = 'a'",
        "UPDATE {s}.vault_customers SET wrapped_key = (SELECT wrapped_key FROM"
        " {s}.vault_customers WHERE customer_id = 'other') WHERE customer_id = 'c'",
    ],
)
def test_what_was_altered_or_moved_does_not_open(books, vault, damage):
    """It is an error of its own, and leaves the others of a batch alone."""
    vault.put_many([("c", "a", TOKEN), ("c", "b", Secret("b")), ("other", "z", TOKEN)])
    sql(books, damage)
    with pytest.raises(VaultDamaged):
        vault.open("a")
    with structlog.testing.capture_logs() as logs:
        assert "z" in vault.open_many(["a", "z"])
    assert [(log["event"], log["token_ref"]) for log in logs] == [("vault-token-damaged", "a")]


def test_no_error_and_no_repr_shows_a_secret(books, vault, pool):
    """Looked for in the texts that could reach a log."""
    vault.put_many([("c", "a", TOKEN)])
    texts = [repr(vault), str(vault.__dict__.get("_names")), repr(vault.open_many(["a"]))]
    sql(books, "UPDATE {s}.vault_tokens SET sealed = 'xx'")
    for attempt in (
        lambda: vault.open("a"),
        lambda: vault.put_many([("c", "a", TOKEN)]),
        lambda: TokenVault(pool, books.schema, bytes(32)),
    ):
        with pytest.raises(VaultError) as raised:
            attempt()
        texts += [str(raised.value), repr(raised.value), repr(raised.value.__context__)]
    assert all("super-secret" not in text and KEY.hex() not in text for text in texts)
