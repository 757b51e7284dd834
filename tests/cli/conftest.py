"""Books of one's own for the command line, and its runner."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result

from infrastructure.cli.main import billing
from infrastructure.store.schema import drop_books
from tests.conftest import Server, fresh_name

SETTINGS = """
public_url = "http://127.0.0.1:8080"
[accounts.paypal.main]
client_id = "x"
client_secret_env = "TEST_CLIENT_SECRET"
base_url = "http://127.0.0.1:9"
[accounts.dintero.main]
account_id = "T12345678"
client_id = "x"
client_secret_env = "TEST_CLIENT_SECRET"
signature_secret_env = "TEST_CLIENT_SECRET"
base_url = "http://127.0.0.1:9"
"""
CLIENT_SECRET = "client-secret-of-the-test"


@attrs.frozen
class Terminal:
    """Runs `billing` in this process. folder: for files of the test."""

    environment: Mapping[str, str]
    folder: Path

    def run(self, *arguments: str, **changes: str) -> Result:
        """One command. changes: of the environment."""
        environment = {**self.environment, **changes}
        return CliRunner().invoke(billing, list(arguments), env=environment)

    def json(self, *arguments: str) -> Any:
        """What a command prints with --json; it must end well."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return msgspec.json.decode(result.stdout)

    def file(self, text: str) -> str:
        """A customer file of that text."""
        path = self.folder / "customers.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def set_clock(self, day: str) -> None:
        """Move the stepping clock of these books to a day, or to an hour such as 2025-01-31T23."""
        text = f"{day}:00:00Z" if "T" in day else f"{day}T00:00:00Z"
        assert self.run("clock", "--set", text).exit_code == 0


@pytest.fixture
def terminal(server: Server, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal over fresh books with a stepping clock, which nobody has set yet."""
    schema = fresh_name("cli")
    config = tmp_path / "billing.toml"
    config.write_text(SETTINGS, encoding="utf-8")
    environment = {
        "BILLING_CONFIG": str(config),
        "BILLING_DATA_DIR": str(tmp_path),
        "BILLING_DATABASE_URL": server.conninfo,
        "BILLING_SCHEMA": schema,
        "BILLING_CLOCK": "stepping",
        "BILLING_MASTER_KEY": base64.b64encode(b"k" * 32).decode(),
        "BILLING_ACTOR": "tester",
        "TEST_CLIENT_SECRET": CLIENT_SECRET,
    }
    yield Terminal(environment, tmp_path)
    if not server.throw_away:
        drop_books(server.conninfo, schema)
        with psycopg.connect(server.conninfo, autocommit=True) as conn:
            for role in (f"{schema}_app", f"{schema}_owner"):
                conn.execute(f'DROP ROLE IF EXISTS "{role}"')
