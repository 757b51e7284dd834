"""Opening books: roles, tables, grants and triggers, made once and migrated forward.

The tables are in the .sql files beside this module: schema.sql first, the others in the order of
their names. Each is applied once, all that are missing in one transaction, and recorded in
`schema_version` with a checksum; a file that was applied must not change afterwards. In the files
@schema@, @owner@ and @app@ stand for the quoted names of the schema and of the two roles.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cache
from pathlib import Path

import attrs
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from infrastructure.store.books import Books, BooksError, checked_schema

_FOLDER = Path(__file__).parent
_FIRST = "schema.sql"

Admin = psycopg.Connection[TupleRow]


@attrs.frozen
class Roles:
    """The two roles of a set of books. Several sets may share them.

    owner: owns the tables; nobody logs in as it.
    app: what the application acts as.
    """

    owner: str
    app: str


@cache
def migrations() -> tuple[tuple[str, str, str], ...]:
    """Every migration in order: name, text with placeholders, checksum (hex)."""
    names = sorted(path.name for path in _FOLDER.glob("*.sql") if path.name != _FIRST)
    found = []
    for name in (_FIRST, *names):
        text = (_FOLDER / name).read_text("utf-8")
        found.append((name, text, hashlib.blake2b(text.encode(), digest_size=16).hexdigest()))
    return tuple(found)


def open_books(conninfo: str, schema: str, *, roles: Roles | None = None) -> Books:
    """Create the books if they are missing, migrate them, and say how the application gets in.

    conninfo: an administrator's connection string. It needs CREATE on the database. With
        CREATEROLE (or as a superuser) two roles are made, `<schema>_owner` and `<schema>_app`,
        and the returned connection string logs in as the latter: with a password derived from the
        administrator's, or, where the administrator needs none (peer, certificate), as the
        administrator in the application's role. Without CREATEROLE the given user plays both
        parts: triggers still refuse changes, but it could take the triggers away, so on a server
        of one's own give it CREATEROLE or make the two roles and let it be a member of both.
    schema: the name of the books (see `checked_schema`).
    roles: other names for the two roles.

    Safe to repeat and to run from several processes at once.
    Raises: BooksError for a bad name or for books that another version of this code made;
        psycopg.Error when the server refuses.
    """
    checked_schema(schema)
    with psycopg.connect(conninfo, autocommit=True) as admin:
        who = roles or Roles(owner=f"{schema}_owner", app=f"{schema}_app")
        who, password = _usable_roles(admin, who)
        if not _is_current(admin, schema):
            _migrate(admin, schema, who)
        return Books(schema, _app_conninfo(admin, conninfo, who, password))


def drop_books(conninfo: str, schema: str) -> None:
    """Remove a whole set of books, facts and all. For tests and rehearsals."""
    statement = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(
        sql.Identifier(checked_schema(schema))
    )
    with psycopg.connect(conninfo, autocommit=True) as admin:
        admin.execute(statement)


def _usable_roles(admin: Admin, wanted: Roles) -> tuple[Roles, str | None]:
    """The roles to use and the password of the app's login, None when it has none."""
    user = admin.info.user
    row = admin.execute(
        "SELECT rolsuper OR rolcreaterole, "
        "  (SELECT count(*) FROM pg_roles WHERE rolname IN (%(owner)s, %(app)s)), "
        "  (SELECT coalesce(bool_and(pg_has_role(oid, 'MEMBER')), false) FROM pg_roles"
        "   WHERE rolname IN (%(owner)s, %(app)s)) "
        "FROM pg_roles WHERE rolname = %(user)s",
        {"owner": wanted.owner, "app": wanted.app, "user": user},
    ).fetchone()
    assert row is not None
    may_create, existing, member = row
    secret = admin.info.password
    password = None
    if secret:
        # Derived, so that every process that knows the administrator's password knows this one
        # and it is kept nowhere. HMAC does not give the administrator's away.
        name = f"billing app role {wanted.app}".encode()
        password = hmac.new(secret.encode(), name, hashlib.sha256).hexdigest()
    if may_create:
        if existing < 2:
            _create_roles(admin, wanted, password)
        return wanted, password
    if existing == 2 and member:
        return wanted, None
    return Roles(owner=user, app=user), None


def _create_roles(admin: Admin, roles: Roles, password: str | None) -> None:
    template = (
        "DO $do$ BEGIN "
        "  PERFORM pg_advisory_xact_lock(hashtextextended({app}, 0)); "
        "  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {owner}) THEN "
        "    CREATE ROLE {owner_name} NOLOGIN; GRANT {owner_name} TO CURRENT_USER; "
        "  END IF; "
        "  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {app}) THEN "
        "    CREATE ROLE {app_name} {login}; GRANT {app_name} TO CURRENT_USER; "
        "  END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $do$"
    )
    names = {
        "owner": sql.Literal(roles.owner),
        "owner_name": sql.Identifier(roles.owner),
        "app": sql.Literal(roles.app),
        "app_name": sql.Identifier(roles.app),
        "login": sql.SQL("LOGIN PASSWORD {}").format(password) if password else sql.SQL("NOLOGIN"),
    }
    # The server's log would show a failing statement with the password in it.
    admin.execute(sql.SQL("SET log_min_error_statement = panic") if _is_superuser(admin) else "")
    admin.execute(sql.SQL(template).format(**names))


def _is_superuser(admin: Admin) -> bool:
    return admin.info.parameter_status("is_superuser") == "on"


def _applied(admin: Admin, schema: str) -> dict[str, str]:
    """Migrations that these books have, name to checksum; empty for no books."""
    table = f'"{schema}".schema_version'
    row = admin.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    if row is None or row[0] is None:
        return {}
    statement = sql.SQL("SELECT name, checksum FROM {}.schema_version")
    return dict(admin.execute(statement.format(sql.Identifier(schema))).fetchall())


def _is_current(admin: Admin, schema: str) -> bool:
    applied = _applied(admin, schema)
    known = {name: checksum for name, _, checksum in migrations()}
    for name, checksum in applied.items():
        if known.get(name) != checksum:
            raise BooksError(
                f"the books {schema!r} were made with another {name!r} than this code has; "
                "run the version that made them, or migrate them to this one"
            )
    return len(applied) == len(known)


def _migrate(admin: Admin, schema: str, roles: Roles) -> None:
    """Apply what is missing, in one transaction and one round trip."""
    names = {
        "schema": sql.Identifier(schema).as_string(admin),
        "owner": sql.Identifier(roles.owner).as_string(admin),
        "app": sql.Identifier(roles.app).as_string(admin),
    }
    with admin.transaction():
        lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))"
        admin.execute(lock, (schema,))
        applied = _applied(admin, schema)
        script = [] if applied else [_FOUNDATION]
        script.append("SET LOCAL ROLE @owner@; SET LOCAL check_function_bodies = off")
        for number, (name, text, checksum) in enumerate(migrations(), start=1):
            if name not in applied:
                script.append(text)
                record = "INSERT INTO {}.schema_version VALUES ({}, {}, {})"
                values = (sql.Identifier(schema), number, name, checksum)
                script.append(sql.SQL(record).format(*values).as_string(admin))
        text = ";\n".join(script)
        for placeholder, value in names.items():
            text = text.replace(f"@{placeholder}@", value)
        admin.execute(text.encode())


# The app may create tables (projections are built beside the old ones while it runs). It can touch
# no table of the owner's by that.
_FOUNDATION = """
CREATE SCHEMA IF NOT EXISTS @schema@ AUTHORIZATION @owner@;
SET LOCAL ROLE @owner@;
GRANT USAGE, CREATE ON SCHEMA @schema@ TO @app@;
CREATE TABLE @schema@.schema_version (
    version    integer     NOT NULL,
    name       text        NOT NULL PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON @schema@.schema_version TO @app@
"""


def _app_conninfo(admin: Admin, conninfo: str, roles: Roles, password: str | None) -> str:
    if roles.app == admin.info.user:
        return conninfo
    if password is None:
        return make_conninfo(conninfo, options=f"-c role={roles.app}")
    arguments = conninfo_to_dict(conninfo)
    arguments.pop("passfile", None)
    arguments.update(user=roles.app, password=password)
    return make_conninfo("", **arguments)
