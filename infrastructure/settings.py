"""Settings: one TOML file, overridden by the environment. Secrets come by reference only.

A secret is named as `<name>_env` (an environment variable) or `<name>_file` (a file); it is never
written into the settings file itself, so the file can be shown to anyone.

Environment
  BILLING_CONFIG         the settings file (default: billing.toml in the data folder, if it exists)
  BILLING_DATA_DIR       data folder of the embedded PostgreSQL and the master key (.billing)
  BILLING_DATABASE_URL   a PostgreSQL of one's own; empty: the embedded one. Several hosts work.
  BILLING_SCHEMA         the set of books: one schema, one ledger (books)
  BILLING_MASTER_KEY     base64 of 32 bytes that seal the token vault
  BILLING_SEAL_KEY       base64 of 32 bytes that sign checkpoints (or `seal_key_file`); derived from
                         the master key where there is none
  BILLING_CHECKPOINTS    the folder outside the database where checkpoints are published (none)
  BILLING_CLOCK          "system", or "stepping" in a rehearsal
  BILLING_LOG            "text" or "json"
  BILLING_CUT_OFF_ZONE   the time zone in which a day of the books ends (UTC)
  BILLING_CHART          the file of the chart of accounts (the project's own)
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any

import attrs

from domain.calendar import zone_named
from domain.ports import Secret
from domain.proof.notes import NotANote, VerifierKey, read_key
from domain.refusals import Refused

MASTER_KEY_BYTES = 32
SHORTEST_API_KEY = 24


class SettingsError(Exception):
    """The settings cannot be used; the text says which one and why, and holds no secret."""


@attrs.frozen(kw_only=True)
class AccountSettings:
    """One merchant account at one provider.

    name: what subscriptions call it, e.g. "main".
    values: the provider's own settings as read; `secrets` holds those that print as stars.
    """

    provider: str
    name: str
    values: Mapping[str, Any]
    secrets: Mapping[str, Secret]

    def text(self, key: str, default: str | None = None) -> str:
        """A required (or defaulted) text setting. Raises: SettingsError."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise SettingsError(f"accounts.{self.provider}.{self.name}: {key} is missing")
        return value

    def secret(self, key: str) -> Secret:
        """A required secret. Raises: SettingsError."""
        try:
            return self.secrets[key]
        except KeyError:
            raise SettingsError(
                f"accounts.{self.provider}.{self.name}: {key}_env or {key}_file is missing"
            ) from None


@attrs.frozen(kw_only=True)
class Settings:
    """Everything a process needs to know before it starts.

    database_url: None for the embedded PostgreSQL.
    public_url: under which providers reach our callbacks.
    cut_off_zone: IANA name of the time zone in which days and periods of the books end.
    chart: file of the chart of accounts; None: the project's own.
    lease_s: seconds a worker may hold a subscription; longer than any provider call.
    company: whose books they are, as the file names it; exports/company.py judges it.
    api_keys: caller's name -> bearer key of the API; none: it is served on loopback only.
    in_flight: subscriptions one worker process works on at a time.
    delete_tokens_after_days: how long after a subscription has ended the provider is to forget its
        tokens; None: it keeps them until somebody wishes otherwise.
    provider_calls: calls one worker process has open at one merchant account at a time.
    older_seal_keys: public keys that signed checkpoints before the present one.
    checkpoints: folder outside the database where checkpoints are published; None: nowhere.
    verify_every_s: seconds between quick verifications that workers make; None: they make none.
    verify_whole_at: when, in the cut-off zone, they make a whole one each day; None: never.
    """

    data_dir: Path
    schema: str = "books"
    database_url: str | None = None
    clock: str = "system"
    log: str = "text"
    public_url: str = "http://127.0.0.1:8080"
    cut_off_zone: str = "UTC"
    chart: Path | None = None
    lease_s: float = 120.0
    in_flight: int = 256
    provider_calls: int = 64
    provider_timeout_s: float = 20.0
    delete_tokens_after_days: int | None = None
    accounts: tuple[AccountSettings, ...] = ()
    company: Mapping[str, Any] = attrs.field(factory=dict)
    api_keys: Mapping[str, Secret] = attrs.field(factory=dict)
    master_key: Secret | None = None
    seal_key: Secret | None = None
    older_seal_keys: tuple[VerifierKey, ...] = ()
    checkpoints: Path | None = None
    checkpoint_every_s: float = 3600.0
    verify_every_s: float | None = None
    verify_whole_at: time | None = None


_NUMBERS = ("lease_s", "in_flight", "provider_calls", "provider_timeout_s", "checkpoint_every_s")
# What workers verify by themselves where the settings do not say: by the machine's clock alone, for
# a rehearsal's clock makes a month of an hour.
_VERIFY_EVERY_S, _VERIFY_WHOLE_AT = 3600.0, time(3)
_TEXTS = ("schema", "clock", "log", "public_url", "cut_off_zone")


def read_settings(environment: Mapping[str, str], config: Path | None = None) -> Settings:
    """Settings from the file and the environment. Raises: SettingsError."""
    data_dir = Path(environment.get("BILLING_DATA_DIR", ".billing"))
    named = config or (
        Path(environment["BILLING_CONFIG"]) if "BILLING_CONFIG" in environment else None
    )
    path = named or data_dir / "billing.toml"
    if named is not None and not named.exists():
        raise SettingsError(f"no settings file at {named}")
    table = _read_toml(path) if path.exists() else {}
    chosen: dict[str, Any] = {name: table[name] for name in (*_TEXTS, *_NUMBERS) if name in table}
    for name in _TEXTS:
        if f"BILLING_{name.upper()}" in environment:
            chosen[name] = environment[f"BILLING_{name.upper()}"]
    for name in _TEXTS:
        if not isinstance(chosen.get(name, ""), str):
            raise SettingsError(f"{name} must be text")
    for name in _NUMBERS:
        if not isinstance(chosen.get(name, 1), int | float) or chosen.get(name, 1) <= 0:
            raise SettingsError(f"{name} must be a number above 0")
    after_days = table.get("delete_tokens_after_days")
    if after_days is not None and (type(after_days) is not int or not 0 <= after_days <= 36_500):
        raise SettingsError("delete_tokens_after_days must be a whole number of days")
    chart = environment.get("BILLING_CHART") or table.get("chart")
    company = table.get("company", {})
    if not isinstance(company, dict):
        raise SettingsError("company is not a table")
    settings = Settings(
        delete_tokens_after_days=after_days,
        data_dir=data_dir,
        database_url=environment.get("BILLING_DATABASE_URL") or table.get("database_url") or None,
        chart=None if chart is None else Path(chart),
        company=company,
        accounts=_accounts(table.get("accounts", {}), environment),
        api_keys=_api_keys(table.get("api_keys", {}), environment),
        master_key=_master_key(environment, data_dir),
        seal_key=_seal_key(environment, table.get("seal_key_file")),
        older_seal_keys=_older_keys(table.get("older_seal_keys", [])),
        checkpoints=_folder(environment.get("BILLING_CHECKPOINTS") or table.get("checkpoints")),
        **_verifying(table, chosen.get("clock", "system")),
        **chosen,
    )
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", settings.schema):
        raise SettingsError(f"schema {settings.schema!r} is not 1-41 of a-z 0-9 _")
    try:
        zone_named(settings.cut_off_zone)
    except Refused as error:
        raise SettingsError(f"cut_off_zone: {error}") from error
    if settings.clock not in ("system", "stepping"):
        raise SettingsError('clock is "system" or "stepping"')
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _accounts(table: Any, environment: Mapping[str, str]) -> tuple[AccountSettings, ...]:
    found = []
    for provider, named in dict(table).items():
        for name, values in dict(named).items():
            if not isinstance(values, dict):
                raise SettingsError(f"accounts.{provider}.{name} is not a table")
            found.append(_account(provider, name, values, environment))
    return tuple(found)


def _account(
    provider: str, name: str, values: dict[str, Any], environment: Mapping[str, str]
) -> AccountSettings:
    where = f"accounts.{provider}.{name}"
    plain: dict[str, Any] = {}
    hidden: dict[str, Secret] = {}
    for key, value in values.items():
        if key.endswith("secret"):
            raise SettingsError(f"{where}: give {key}_env or {key}_file, not the secret itself")
        if key.endswith("_env"):
            if value not in environment:
                raise SettingsError(f"{where}: the environment has no {value}")
            hidden[key.removesuffix("_env")] = Secret(environment[value])
        elif key.endswith("secret_file"):
            hidden[key.removesuffix("_file")] = Secret(_secret_file(Path(value), where))
        else:
            plain[key] = value
    return AccountSettings(provider=provider, name=name, values=plain, secrets=hidden)


def _api_keys(table: Any, environment: Mapping[str, str]) -> dict[str, Secret]:
    """Keys by caller: `checkout_env = "VARIABLE"` or `checkout_file = "path"`."""
    found: dict[str, Secret] = {}
    for key, value in dict(table).items():
        name, _, kind = key.rpartition("_")
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name) or not isinstance(value, str):
            raise SettingsError(f"api_keys: {key!r} is not <caller>_env or <caller>_file")
        if kind == "env" and value in environment:
            text = environment[value]
        elif kind == "file":
            text = _secret_file(Path(value), f"api_keys.{name}")
        else:
            raise SettingsError(f"api_keys: {key} names nothing that is there")
        if len(text) < SHORTEST_API_KEY or not text.isascii() or not text.isprintable():
            raise SettingsError(
                f"api_keys: {name}'s key is not {SHORTEST_API_KEY}+ plain characters"
            )
        found[name] = Secret(text)
    return found


def _secret_file(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where}: cannot read {path}") from error


def _master_key(environment: Mapping[str, str], data_dir: Path) -> Secret | None:
    text = environment.get("BILLING_MASTER_KEY")
    if text is None:
        path = data_dir / "master.key"
        if not path.exists():
            return None
        text = _secret_file(path, "master key")
    return _key(text, "master key")


def _seal_key(environment: Mapping[str, str], file: Any) -> Secret | None:
    text = environment.get("BILLING_SEAL_KEY")
    if text is None:
        if file is None:
            return None
        if not isinstance(file, str):
            raise SettingsError("seal_key_file must be text")
        text = _secret_file(Path(file), "seal key")
    return _key(text, "seal key")


def _older_keys(given: Any) -> tuple[VerifierKey, ...]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise SettingsError("older_seal_keys must be a list of NAME+ID+KEY")
    try:
        return tuple(read_key(each) for each in given)
    except NotANote as error:
        raise SettingsError(f"older_seal_keys: {error}") from error


def _folder(given: Any) -> Path | None:
    if given is not None and not isinstance(given, str):
        raise SettingsError("checkpoints must be the path of a folder")
    return Path(given) if given else None


def _verifying(table: Mapping[str, Any], clock: Any) -> dict[str, Any]:
    """When workers verify. 0 and "never" are for not at all. Raises: SettingsError."""
    own = clock == "system"
    every = table.get("verify_every_s", _VERIFY_EVERY_S if own else 0)
    if type(every) not in (int, float) or every < 0:
        raise SettingsError("verify_every_s must be a number, 0 for never")
    at = table.get("verify_whole_at", _VERIFY_WHOLE_AT if own else "never")
    if at != "never" and (not isinstance(at, time) or at.tzinfo is not None):
        raise SettingsError('verify_whole_at must be a time of day such as 03:00:00, or "never"')
    return {
        "verify_every_s": float(every) or None,
        "verify_whole_at": None if at == "never" else at,
    }


def _key(text: str, name: str) -> Secret:
    """A key as base64. Raises: SettingsError."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise SettingsError(f"the {name} is not base64 of {MASTER_KEY_BYTES} bytes")
    return Secret(text)


def seal_key_bytes(settings: Settings) -> bytes | None:
    """The seed that signs checkpoints, where one is named."""
    return None if settings.seal_key is None else base64.b64decode(settings.seal_key.reveal())


def master_key_bytes(settings: Settings) -> bytes:
    """The master key; made on first use when the database is the embedded one.

    With a database of one's own the key must be given: a key beside the code would be lost with
    the machine, and the tokens with it.
    Raises: SettingsError.
    """
    if settings.master_key is not None:
        return base64.b64decode(settings.master_key.reveal())
    if settings.database_url is not None:
        raise SettingsError("BILLING_MASTER_KEY is missing (base64 of 32 bytes)")
    path = settings.data_dir / "master.key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    text = base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return base64.b64decode(_secret_file(path, "master key"))
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return base64.b64decode(text)
