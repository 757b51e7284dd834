"""The token vault: tokens encrypted per customer, in a store that can forget.

Each customer has a data key of its own; the master key, which is never stored, wraps it. What is
sealed is bound to its place: a ciphertext that is moved to another reference or another customer
does not open. To forget a customer is to destroy the data key; a tombstone says that it was done.

VaultError
  WrongMasterKey    the keys given do not open this vault
  TokenUnknown      there is no such reference, or its token was dropped
  TokenTaken        the reference holds another token
  CustomerErased    the customer's data key was destroyed
  VaultDamaged      a stored value does not open: it was altered, or moved

No error, log line or repr here holds a token or a key.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, LiteralString

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier
from psycopg_pool import ConnectionPool

from domain.ports import Secret
from infrastructure.store.sealing import (
    KEY_BYTES,
    VaultDamaged,
    VaultError,
    key_id_of,
    opened,
    sealed,
)
from infrastructure.store.token_names import NOBODY, TokenNames

_NO_NAMES: Mapping[str, str] = {}
_log = structlog.get_logger(__name__)

__all__ = [
    "CustomerErased",
    "TokenTaken",
    "TokenUnknown",
    "TokenVault",
    "VaultDamaged",
    "VaultError",
    "WrongMasterKey",
]


class WrongMasterKey(VaultError):
    """The keys given are not those that this vault's data keys are wrapped with."""


class TokenUnknown(VaultError):
    """There is no token under this reference, or none any more."""


class TokenTaken(VaultError):
    """The reference holds another token; a reference is never given a second one."""


class CustomerErased(VaultError):
    """The customer's data key was destroyed; its tokens are gone for good."""


class TokenVault:
    """The tokens of one set of books.

    names: finds them by what their providers call them.
    master_key: 32 bytes; new data keys are wrapped with it.
    former_keys: master keys of before, while `rewrap` has not gone through yet.
    Raises: WrongMasterKey at once, not at the first charge; ValueError for keys of another length.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        schema: str,
        master_key: bytes,
        *,
        former_keys: Collection[bytes] = (),
    ) -> None:
        if any(len(key) != KEY_BYTES for key in (master_key, *former_keys)):
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._pool = pool
        self._master_id = key_id_of(master_key)
        self._masters = {key_id_of(key): AESGCM(key) for key in (master_key, *former_keys)}
        self._names = {
            "masters": Identifier(schema, "vault_master_keys"),
            "customers": Identifier(schema, "vault_customers"),
            "tokens": Identifier(schema, "vault_tokens"),
        }
        self.names = TokenNames(pool, schema, self._digest_key)
        self._check_masters()

    def put_many(
        self, tokens: Sequence[tuple[str, str, Secret]], named: Mapping[str, str] = _NO_NAMES
    ) -> None:
        """Seal tokens: (customer_id, token_ref, token); all of them or none.

        named: by reference, what the provider calls a token where that is not the token itself.
        Safe to repeat: the same token under the same reference is what is there already.
        Raises: CustomerErased, TokenTaken.
        """
        if not tokens:
            return
        customers = sorted({customer_id for customer_id, _, _ in tokens})
        names = [self.names.digest(named.get(ref) or token.reveal()) for _, ref, token in tokens]
        with self._pool.connection() as conn, conn.transaction():
            keys = self._data_keys(conn, customers)
            rows = [
                (
                    ref,
                    customer,
                    sealed(keys[customer], token.reveal().encode(), customer, ref),
                    name,
                )
                for (customer, ref, token), name in zip(tokens, names, strict=True)
            ]
            written = conn.execute(
                self._sql(
                    "INSERT INTO {tokens} (token_ref, customer_id, sealed, digest)"
                    " SELECT * FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::bytea[])"
                    " ON CONFLICT (token_ref) DO NOTHING RETURNING token_ref"
                ),
                [list(column) for column in zip(*rows, strict=True)],
            )
            new = {ref for (ref,) in written}
            if len(new) < len(tokens):
                held = self._open(conn, [ref for _, ref, _ in tokens])
                for _, ref, token in tokens:
                    if held.get(ref) != token:
                        raise TokenTaken(f"token reference {ref!r} holds another token")

    def open_many(self, refs: Collection[str]) -> dict[str, Secret]:
        """The tokens under these references, with one query.

        Those that cannot be opened are left out: unknown, erased or damaged (the last is logged as
        an error). `open` says which; one bad token must not stop the charges of a whole batch.
        Raises: WrongMasterKey, when another process has begun with a new master key.
        """
        with self._pool.connection() as conn:
            found = self._open(conn, refs)
        for ref, token in found.items():
            if isinstance(token, VaultDamaged):
                _log.error("vault-token-damaged", token_ref=ref)
        return {ref: token for ref, token in found.items() if isinstance(token, Secret)}

    def open(self, ref: str) -> Secret:
        """One token. Raises: TokenUnknown, CustomerErased, VaultDamaged, WrongMasterKey."""
        with self._pool.connection() as conn:
            token = self._open(conn, [ref]).get(ref)
        if token is None:
            raise TokenUnknown(f"no token under reference {ref!r}")
        if isinstance(token, VaultError):
            raise token
        return token

    def drop(self, refs: Collection[str]) -> None:
        """Forget tokens that cannot be charged any more; their references stay. Safe to repeat."""
        with self._pool.connection() as conn:
            statement = "UPDATE {tokens} SET sealed = NULL WHERE token_ref = ANY(%s)"
            conn.execute(self._sql(statement), [list(refs)])

    def erase(self, customer_id: str) -> bool:
        """Destroy a customer's data key and tokens; False if that had been done before.

        A customer without tokens gets a tombstone too: no token is taken in for it afterwards.
        Old row versions go with the next vacuum; copies in backups stay sealed under a data key
        that is wrapped with the master key of their time.
        """
        with self._pool.connection() as conn, conn.transaction():
            erased = conn.execute(
                self._sql(
                    "INSERT INTO {customers} AS customer"
                    " (customer_id, master_key_id, wrapped_key, erased_at)"
                    " VALUES (%s, %s, NULL, clock_timestamp()) ON CONFLICT (customer_id) DO UPDATE"
                    " SET wrapped_key = NULL, erased_at = excluded.erased_at"
                    " WHERE customer.erased_at IS NULL"
                ),
                [customer_id, self._master_id],
            )
            conn.execute(
                self._sql("UPDATE {tokens} SET sealed = NULL WHERE customer_id = %s"),
                [customer_id],
            )
            return erased.rowcount == 1

    def rewrap(self, limit: int = 1000) -> int:
        """Wrap up to `limit` data keys of former master keys with the present one; how many.

        Tokens are not touched. Run it when every process has the new key; when it returns 0,
        former keys need not be given any more.
        """
        with self._pool.connection() as conn, conn.transaction():
            rows = conn.execute(
                self._sql(
                    "SELECT customer_id, master_key_id, wrapped_key FROM {customers}"
                    " WHERE wrapped_key IS NOT NULL AND master_key_id <> %s"
                    " ORDER BY customer_id LIMIT %s FOR UPDATE SKIP LOCKED"
                ),
                [self._master_id, limit],
            ).fetchall()
            for customer_id, master_id, wrapped in rows:
                key = self._unwrap(customer_id, master_id, bytes(wrapped))
                conn.execute(
                    self._sql(
                        "UPDATE {customers} SET master_key_id = %s, wrapped_key = %s"
                        " WHERE customer_id = %s"
                    ),
                    [self._master_id, self._wrap(customer_id, key), customer_id],
                )
            if not rows:
                conn.execute(
                    self._sql(
                        "UPDATE {masters} SET retired_at = clock_timestamp() WHERE key_id <> %s"
                        " AND retired_at IS NULL AND NOT EXISTS (SELECT FROM {customers}"
                        " WHERE master_key_id = key_id AND wrapped_key IS NOT NULL)"
                    ),
                    [self._master_id],
                )
        return len(rows)

    # --- keys ---------------------------------------------------------------------------------

    def _check_masters(self) -> None:
        """Register the present master key, if the ones before it are given as well."""
        with self._pool.connection() as conn, conn.transaction():
            # Two processes that open an empty vault with different keys: one of them is wrong.
            conn.execute(self._sql("LOCK TABLE {masters} IN SHARE ROW EXCLUSIVE MODE"))
            known = {
                key_id
                for (key_id,) in conn.execute(
                    self._sql("SELECT key_id FROM {masters} WHERE retired_at IS NULL")
                )
            }
            if missing := known - set(self._masters):
                raise WrongMasterKey(
                    f"this vault needs the master keys with the ids {', '.join(sorted(missing))};"
                    f" given: {', '.join(sorted(self._masters))}"
                )
            if self._master_id not in known:
                conn.execute(
                    self._sql(
                        "INSERT INTO {masters} (key_id) VALUES (%s)"
                        " ON CONFLICT (key_id) DO UPDATE SET retired_at = NULL"
                    ),
                    [self._master_id],
                )

    def _digest_key(self) -> bytes:
        """The key of the digests of tokens' names; made by whoever needs it first."""
        with self._pool.connection() as conn, conn.transaction():
            return self._raw_keys(conn, [NOBODY])[NOBODY]

    def _data_keys(self, conn: Connection[Any], customers: list[str]) -> dict[str, AESGCM]:
        """The customers' data keys; made where there is none. Locked against erasure meanwhile."""
        return {each: AESGCM(key) for each, key in self._raw_keys(conn, customers).items()}

    def _raw_keys(self, conn: Connection[Any], customers: list[str]) -> dict[str, bytes]:
        fresh = {each: os.urandom(KEY_BYTES) for each in customers}
        conn.execute(
            self._sql(
                "INSERT INTO {customers} (customer_id, master_key_id, wrapped_key)"
                " SELECT id, %b::text, wrapped FROM unnest(%b::text[], %b::bytea[])"
                " AS new (id, wrapped) ORDER BY id ON CONFLICT (customer_id) DO NOTHING"
            ),
            [self._master_id, customers, [self._wrap(each, fresh[each]) for each in customers]],
        )
        rows = conn.execute(
            self._sql(
                "SELECT customer_id, master_key_id, wrapped_key FROM {customers}"
                " WHERE customer_id = ANY(%s) ORDER BY customer_id FOR SHARE"
            ),
            [customers],
        ).fetchall()
        keys = {}
        for customer_id, master_id, wrapped in rows:
            if wrapped is None:
                raise CustomerErased(f"customer {customer_id!r} was erased")
            keys[customer_id] = self._unwrap(customer_id, master_id, bytes(wrapped))
        return keys

    def _wrap(self, customer_id: str, key: bytes) -> bytes:
        return sealed(self._masters[self._master_id], key, customer_id, "data-key")

    def _unwrap(self, customer_id: str, master_id: str, wrapped: bytes) -> bytes:
        master = self._masters.get(master_id)
        if master is None:
            raise WrongMasterKey(f"this vault needs the master key with the id {master_id}")
        return opened(master, wrapped, customer_id, "data-key")

    # --- tokens -------------------------------------------------------------------------------

    def _open(self, conn: Connection[Any], refs: Collection[str]) -> dict[str, Secret | VaultError]:
        rows = conn.execute(
            self._sql(
                "SELECT token_ref, customer_id, sealed, master_key_id, wrapped_key"
                " FROM {tokens} JOIN {customers} USING (customer_id) WHERE token_ref = ANY(%b)"
            ),
            [list(refs)],
            binary=True,
        ).fetchall()
        return {row[0]: self._opened_row(*row) for row in rows}

    def _opened_row(
        self,
        ref: str,
        customer_id: str,
        token: bytes | None,
        master_id: str,
        wrapped: bytes | None,
    ) -> Secret | VaultError:
        if wrapped is None:
            return CustomerErased(f"the customer of token reference {ref!r} was erased")
        if token is None:
            return TokenUnknown(f"the token of reference {ref!r} was dropped")
        try:
            key = AESGCM(self._unwrap(customer_id, master_id, wrapped))
            return Secret(opened(key, token, customer_id, ref).decode())
        except VaultDamaged as error:
            return error

    def _sql(self, text: LiteralString) -> Composed:
        return SQL(text).format(**self._names)
