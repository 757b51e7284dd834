"""One set of books: a schema of a PostgreSQL database, and how the application reaches it."""

from __future__ import annotations

import re
from typing import Any

import attrs
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

# A schema's name becomes part of role names ("<schema>_owner"), which PostgreSQL cuts at 63 bytes.
_SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,54}")
# Our statements are short: compiling a plan (JIT) costs far more than it can save.
_SESSION = "-c TimeZone=UTC -c client_encoding=UTF8 -c jit=off"


class BooksError(Exception):
    """The books cannot be opened as asked; the text says what to do about it."""


def checked_schema(name: str) -> str:
    """The name of a schema that may hold books: 1-55 of a-z 0-9 _, beginning with a letter.

    Raises: BooksError.
    """
    if not _SCHEMA_NAME.fullmatch(name) or name.startswith("pg_"):
        raise BooksError(f"{name[:64]!r} is not a schema name: 1-55 of a-z 0-9 _, a letter first")
    return name


@attrs.frozen
class Books:
    """Where one set of books lies, as the application's own role sees it.

    schema: its name; `identifier` is that name quoted for SQL.
    conninfo: a libpq connection string (several hosts and target_session_attrs included); it may
        hold a password and is therefore never shown.
    """

    schema: str = attrs.field(converter=checked_schema)
    conninfo: str = attrs.field(repr=False)

    @property
    def identifier(self) -> str:
        """The schema's name, quoted for SQL."""
        return f'"{self.schema}"'

    @property
    def connection_arguments(self) -> dict[str, Any]:
        """Keywords for psycopg.connect: the conninfo, in UTC and UTF-8 whatever the server has."""
        arguments: dict[str, Any] = dict(conninfo_to_dict(self.conninfo))
        arguments["options"] = f"{arguments.get('options', '')} {_SESSION}".strip()
        arguments.setdefault("application_name", f"billing {self.schema}")
        return arguments

    def connect(self, *, autocommit: bool = True) -> psycopg.Connection[TupleRow]:
        """A new connection in the application's role.

        Raises: psycopg.OperationalError when no host can be reached.
        """
        return psycopg.connect(make_conninfo(**self.connection_arguments), autocommit=autocommit)

    def pool(self, connections: int) -> ConnectionPool[psycopg.Connection[TupleRow]]:
        """Connections to share, at most so many, opened as they are needed.

        In autocommit mode: one statement is one round trip. Who needs several statements in one
        transaction says so.
        """
        return ConnectionPool(
            kwargs={**self.connection_arguments, "autocommit": True},
            min_size=1,
            max_size=connections,
            open=True,
        )
