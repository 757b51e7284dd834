"""What every command starts from: the chosen settings, a system on them, and who is asking."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

if TYPE_CHECKING:
    from infrastructure.bootstrap import System
    from infrastructure.settings import Settings

# How long a reading waits for projections that another process keeps up to date.
CATCH_UP_S = 5.0


@attrs.frozen
class Chosen:
    """The options of `billing` itself."""

    config: Path | None
    schema: str | None

    def settings(self) -> Settings:
        """Raises: SettingsError."""
        from infrastructure.settings import read_settings

        environment = dict(os.environ)
        if self.schema is not None:
            environment["BILLING_SCHEMA"] = self.schema
        return read_settings(environment, self.config)

    def arguments(self) -> list[str]:
        """The same choice for a process of ours."""
        config = [] if self.config is None else ["--config", str(self.config)]
        return [*config, *([] if self.schema is None else ["--schema", self.schema])]

    @contextmanager
    def system(self) -> Iterator[System]:
        """A system on the chosen books. Raises: see bootstrap.running_system."""
        from infrastructure.bootstrap import running_system
        from infrastructure.logs import set_up_logs

        settings = self.settings()
        set_up_logs(settings.log)
        with running_system(settings) as system:
            yield system


pass_chosen = click.make_pass_decorator(Chosen)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")


def actor() -> str:
    """Who gives a command here, as facts name it: the login name, or what BILLING_ACTOR says."""
    try:
        name = os.environ.get("BILLING_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        name = "unnamed"
    return "cli:" + re.sub(r"[^A-Za-z0-9._-]", "_", name)[:40]


def bring_up_to_date(system: System) -> None:
    """Let the stored projections hold all that is recorded by now.

    With no worker running they are brought up here; else the process that leads them is waited
    for, a moment only: every answer says how far it reaches.
    """
    head = system.ledger.head()
    runner = system.projection_runner()
    try:
        runner.catch_up(system.clock())
    finally:
        runner.close()
    if any(position < head for position in system.views.positions().values()):
        system.views.wait_for(head, CATCH_UP_S)


def bring_journal_to(system: System, position: int) -> None:
    """Let the journal's tables hold a position; likewise."""
    reached = system.journal.reached()
    if reached is None or reached.position < position:
        bring_up_to_date(system)
        system.journal.wait_for(position, CATCH_UP_S)


class Moment(click.ParamType[datetime]):
    """An instant with its offset, or a day: then its last moment in UTC."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Raises: click.BadParameter."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        moment = _moment(text)
        if moment is None:
            self.fail(f"{text!r} is neither 2025-01-31 nor 2025-01-31T12:00:00Z", param, ctx)
        return moment


def _moment(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return instant.replace(tzinfo=UTC) + timedelta(days=1) - timedelta(microseconds=1)
        return None if instant.utcoffset() is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
