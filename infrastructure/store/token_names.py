"""Tokens by what their provider calls them, without opening any of them.

A provider's notice names a token by its id: PayPal's is the token itself, Dintero's is another one.
The vault keeps a keyed digest of that name beside each token; a notice is reduced to the same
digest before it is stored anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any, LiteralString

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier
from psycopg_pool import ConnectionPool

# Of the digests' key, which is wrapped like a customer's. No customer has an empty id.
NOBODY = ""


@attrs.frozen
class NamedToken:
    """A token that the vault knows. token_ref: where; customer_id: whose."""

    token_ref: str
    customer_id: str


class TokenNames:
    """The names of the tokens of one set of books.

    key: gives the digests' key; asked once.
    """

    def __init__(
        self, pool: ConnectionPool[Connection[Any]], schema: str, key: Callable[[], bytes]
    ) -> None:
        self._pool, self._key_of = pool, key
        self._tokens = Identifier(schema, "vault_tokens")

    @cached_property
    def _key(self) -> bytes:
        return self._key_of()

    def digest(self, name: str) -> bytes:
        """The digest of a provider's name of a token; 32 bytes, the same in every process."""
        return hmac.new(self._key, name.encode(), hashlib.sha256).digest()

    def find(self, digests: Collection[bytes]) -> Mapping[bytes, tuple[NamedToken, ...]]:
        """Every token of these digests, dropped ones included; unknown digests are left out."""
        found: dict[bytes, list[NamedToken]] = defaultdict(list)
        for digest, ref, customer_id in self._rows(
            "SELECT digest, token_ref, customer_id FROM {} WHERE digest = ANY(%s::bytea[])"
            " ORDER BY token_ref",
            [list(digests)],
        ):
            found[bytes(digest)].append(NamedToken(ref, customer_id))
        return {digest: tuple(tokens) for digest, tokens in found.items()}

    def others(self, token_ref: str) -> tuple[NamedToken, ...]:
        """The other references under which the same token was put into the vault."""
        rows = self._rows(
            "SELECT other.token_ref, other.customer_id FROM {0} AS one JOIN {0} AS other"
            " ON other.digest = one.digest AND other.token_ref <> one.token_ref"
            " WHERE one.token_ref = %s ORDER BY other.token_ref",
            [token_ref],
        )
        return tuple(NamedToken(*row) for row in rows)

    def unnamed(self, after: str, limit: int) -> list[NamedToken]:
        """Tokens without a digest, kept before there were any; by reference, beyond `after`."""
        rows = self._rows(
            "SELECT token_ref, customer_id FROM {} WHERE digest IS NULL AND sealed IS NOT NULL"
            " AND token_ref > %s ORDER BY token_ref LIMIT %s",
            [after, limit],
        )
        return [NamedToken(*row) for row in rows]

    def keep(self, digests: Mapping[str, bytes]) -> None:
        """Keep the digests of tokens, by reference, where there is none."""
        statement = SQL(
            "UPDATE {} AS token SET digest = new.digest"
            " FROM unnest(%s::text[], %s::bytea[]) AS new (ref, digest)"
            " WHERE token.token_ref = new.ref AND token.digest IS NULL"
        ).format(self._tokens)
        with self._pool.connection() as conn:
            conn.execute(statement, [list(digests), list(digests.values())])

    def _rows(self, query: LiteralString, values: list[Any]) -> list[tuple[Any, ...]]:
        statement: Composed = SQL(query).format(self._tokens)
        with self._pool.connection() as conn:
            return conn.execute(statement, values).fetchall()
