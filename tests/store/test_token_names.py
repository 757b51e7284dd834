"""Tokens by what their provider calls them: found by a digest, and dropped without being lost."""

from __future__ import annotations

from typing import Any

import pytest

from domain.ports import Secret
from infrastructure.store.books import Books
from infrastructure.store.token_names import NamedToken
from infrastructure.store.vault import CustomerErased, TokenUnknown, TokenVault
from tests.store.test_vault import KEY, pool, sql, vault

__all__ = ["pool", "vault"]

TOKEN = Secret("8kk845-super-secret")
A, B, C = NamedToken("a", "c-1"), NamedToken("b", "c-2"), NamedToken("c", "c-1")


@pytest.fixture
def filled(vault: TokenVault) -> TokenVault:
    """The same token for two customers, and one that has a name of its own."""
    vault.put_many([("c-1", "a", TOKEN), ("c-2", "b", TOKEN)])
    vault.put_many([("c-1", "c", Secret("another"))], {"c": "its-id"})
    return vault


def test_a_token_is_found_by_its_name(filled: TokenVault) -> None:
    """By the token itself, or by the id that cannot be charged."""
    names = filled.names
    digests = [names.digest(each) for each in (TOKEN.reveal(), "its-id", "another", "nobody")]
    assert names.find(digests) == {digests[0]: (A, B), digests[1]: (C,)}
    assert names.find([]) == {}


def test_who_else_holds_it(filled: TokenVault) -> None:
    """Under other references, of whichever customer."""
    assert filled.names.others("a") == (B,)
    assert filled.names.others("c") == filled.names.others("x") == ()


def test_every_process_makes_the_same_digest(books: Books, pool: Any, filled: TokenVault) -> None:
    """By a key that lies in the vault; the digest gives nothing of the name away."""
    another = TokenVault(pool, books.schema, KEY)
    assert another.names.digest("x") == filled.names.digest("x")
    assert len(filled.names.digest("x")) == 32
    found = sql(books, "SELECT digest FROM {s}.vault_tokens WHERE token_ref = 'c'")
    assert bytes(found[0][0]) == filled.names.digest("its-id")
    everything = str(sql(books, "SELECT * FROM {s}.vault_tokens"))
    assert "its-id" not in everything


def test_a_dropped_token_is_known_and_does_not_open(filled: TokenVault) -> None:
    """A notice of it that comes late is recognised."""
    filled.drop(["a"])
    filled.drop(["a", "x"])
    with pytest.raises(TokenUnknown):
        filled.open("a")
    assert filled.open("b") == TOKEN
    assert filled.open_many(["a", "b"]) == {"b": TOKEN}
    digest = filled.names.digest(TOKEN.reveal())
    assert filled.names.find([digest]) == {digest: (A, B)}


def test_one_of_an_erased_customer_is_known_too(filled: TokenVault) -> None:
    """The digest says nothing of a token that is nowhere any more."""
    filled.erase("c-1")
    with pytest.raises(CustomerErased):
        filled.open("a")
    assert filled.names.others("b") == (A,)
