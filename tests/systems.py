"""A whole system over fresh books, without a process around it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs

from domain.identity import stream_of
from domain.ports import Secret
from domain.recorded import Stamp
from infrastructure.bootstrap import System
from infrastructure.settings import AccountSettings, Settings
from infrastructure.store.books import Books
from infrastructure.store.ledger import Append, Appended

T0 = datetime(2025, 1, 1, 12, tzinfo=UTC)


@attrs.define
class HandClock:
    """A clock that stands until it is moved."""

    now: datetime = T0

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Move on by a timedelta's arguments."""
        self.now += timedelta(**span)


def settings_of(**chosen: Any) -> Settings:
    """Settings with a main account at each provider, and none of them reachable."""
    accounts = tuple(
        AccountSettings(
            provider=provider,
            name="main",
            values={"client_id": "x", "account_id": "T12345678", "base_url": "http://127.0.0.1:9"},
            secrets={
                "client_secret": Secret("x" * 24),
                "signature_secret": Secret("y" * 24),
                "webhook_secret": Secret("w" * 24),
            },
        )
        for provider in ("paypal", "dintero")
    )
    key = Secret(base64.b64encode(b"k" * 32).decode())
    plain = {"data_dir": Path("unused"), "accounts": accounts, "master_key": key}
    return Settings(**{**plain, **chosen})


@contextmanager
def system_over(books: Books, **chosen: Any) -> Iterator[System]:
    """A system over books that are open already; its clock is a HandClock."""
    system = System(
        settings=settings_of(**chosen),
        books=books,
        pool=books.pool(8),
        owner="test",
        zone_version="2025.2",
    )
    system.__dict__["clock"] = HandClock()
    try:
        yield system
    finally:
        system.close()


def project(system: System) -> None:
    """Bring the stored projections up to the log's end."""
    runner = system.projection_runner()
    runner.catch_up(system.clock())
    runner.close()


def write(system: System, facts: tuple[Any, ...], subscription_id: str = "s-1") -> int:
    """Put facts at the beginning of a subscription's stream; the position of the last."""
    stamp = Stamp(actor="test", cause="given", command_id=uuid4())
    append = Append(stream_of(subscription_id), 0, facts, stamp)
    (result,) = system.ledger.append([append], now=system.clock())
    assert isinstance(result, Appended)
    return result.position
