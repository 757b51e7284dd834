"""The ledger is append-only, and the database itself sees to it."""

from __future__ import annotations

import psycopg
import pytest

from infrastructure.store.schema import migrations, open_books
from tests.conftest import ROLES
from tests.store.writing import NOW, facts_for

CHANGES = {
    "UPDATE": "UPDATE {}.events SET actor = 'me'",
    "UPDATE of nothing": "UPDATE {}.events SET actor = 'me' WHERE false",
    "DELETE": "DELETE FROM {}.events",
    "TRUNCATE": "TRUNCATE {}.events",
    "TRUNCATE CASCADE": "TRUNCATE {}.events CASCADE",
}
REFUSED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def written(ledger, books):
    """Books with one fact in them."""
    ledger.append([facts_for("a")], now=NOW)
    yield books
    assert ledger.head() == 1
    assert ledger.read_log(0, 1)[0].actor == "tests"


@pytest.mark.parametrize("change", CHANGES)
def test_the_application_cannot_change_what_is_recorded(written, change):
    """Not with any statement."""
    with written.connect() as conn, pytest.raises(REFUSED):
        conn.execute(CHANGES[change].format(written.identifier))


@pytest.mark.parametrize("change", CHANGES)
def test_not_even_the_owner_can(server, written, change):
    """A trigger stands in the way of those whom grants do not stop."""
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        owner = f"SELECT tableowner FROM pg_tables WHERE schemaname = '{written.schema}'"
        row = admin.execute(owner).fetchone()
        assert row is not None
        admin.execute(f'SET ROLE "{row[0]}"')
        with pytest.raises(REFUSED, match="append-only"):
            admin.execute(CHANGES[change].format(written.identifier))


@pytest.mark.parametrize("change", ["UPDATE", "DELETE", "TRUNCATE"])
def test_not_even_a_superuser_who_poses_as_a_replica(server, written, change):
    """session_replication_role switches ordinary triggers off, not this one."""
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        try:
            admin.execute("SET session_replication_role = replica")
        except REFUSED:
            pytest.skip("the server's user is no superuser")
        with pytest.raises(REFUSED, match="append-only"):
            admin.execute(CHANGES[change].format(written.identifier))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {}.events SELECT 9, 'x', 1, 'n', '{{}}', gen_random_uuid(), now(), now(),"
        " 'a', 'c', gen_random_uuid()",
        "ALTER TABLE {}.events DISABLE TRIGGER append_only",
        "DROP TABLE {}.events",
        "CREATE OR REPLACE FUNCTION {}.refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER mine BEFORE INSERT ON {}.events FOR EACH ROW EXECUTE FUNCTION"
        " suppress_redundant_updates_trigger()",
        "INSERT INTO {}.schema_version VALUES (99, 'x', 'x')",
    ],
    ids=lambda text: " ".join(text.split()[:3]),
)
def test_the_application_cannot_get_round_the_append_function(server, written, statement):
    """It may not insert, alter, drop or replace anything of the ledger's."""
    if _plays_both_parts(server, written):
        pytest.skip("the server's user may not create roles, so it owns the tables")
    with written.connect() as conn, pytest.raises(REFUSED):
        conn.execute(statement.format(written.identifier))


def test_the_application_cannot_become_the_owner(server, written):
    """It is a member of nothing."""
    if _plays_both_parts(server, written):
        pytest.skip("the server's user may not create roles, so it owns the tables")
    with written.connect() as conn, pytest.raises(REFUSED):
        conn.execute(f'SET ROLE "{ROLES.owner}"')


def _plays_both_parts(server, books):
    with psycopg.connect(server.conninfo) as admin, books.connect() as conn:
        mine = conn.execute("SELECT current_user").fetchone()
        return mine == admin.execute("SELECT current_user").fetchone()


def test_a_function_of_the_callers_own_making_is_not_called(written):
    """The append function's search_path is pinned, so nobody's operators and functions get in."""
    with written.connect() as conn:
        config = conn.execute(
            "SELECT proconfig FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE proname = 'append_events' AND nspname = %s AND prosecdef",
            (written.schema,),
        ).fetchone()
    assert config is not None
    assert "search_path=pg_catalog, pg_temp" in config[0]


def test_opening_again_changes_nothing_and_keeps_what_is_there(server, written):
    """Every process opens the books."""
    again = open_books(server.conninfo, written.schema, roles=ROLES)
    assert again == written
    with again.connect() as conn:
        versions = conn.execute(
            f"SELECT name FROM {again.identifier}.schema_version ORDER BY version"
        ).fetchall()
    assert [name for (name,) in versions] == [name for name, _, _ in migrations()]


def test_books_of_another_making_are_refused(server, books, monkeypatch):
    """A migration that differs from the one that was applied is no place to go on."""
    from infrastructure.store import schema

    other = tuple((name, text, checksum + "0") for name, text, checksum in migrations())
    monkeypatch.setattr(schema, "migrations", lambda: other)
    with pytest.raises(schema.BooksError, match=r"schema\.sql"):
        open_books(server.conninfo, books.schema, roles=ROLES)


def test_a_missing_migration_is_applied_to_books_with_facts_in_them(server, written, monkeypatch):
    """Newer code brings older books up to date when it opens them."""
    from infrastructure.store import schema

    more = (*migrations(), ("zz.sql", "CREATE TABLE @schema@.zz (n int)", "c"))
    monkeypatch.setattr(schema, "migrations", lambda: more)
    open_books(server.conninfo, written.schema, roles=ROLES)
    open_books(server.conninfo, written.schema, roles=ROLES)
    with psycopg.connect(server.conninfo) as admin:
        assert admin.execute(f"SELECT count(*) FROM {written.identifier}.zz").fetchone() == (0,)


@pytest.mark.parametrize("name", ["", "1a", "A", "a-b", 'a"b', "pg_a", "a" * 56, "a;b"])
def test_a_schema_name_is_an_identifier(server, name):
    """It becomes part of SQL and of role names."""
    from infrastructure.store.books import BooksError

    with pytest.raises(BooksError):
        open_books(server.conninfo, name)
