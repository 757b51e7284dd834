"""Houses and machines for the tests of the whole system."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.money import Money
from domain.plan import CaptureMode
from domain.providers import Provider
from infrastructure.simulators.paypal.webhooks import signer
from tests.conftest import Server
from tests.specimens import terms
from tests.system.building import house
from tests.system.house import House
from tests.system.machine import Billing
from tests.system.puppets import DEATHS

# The evening before the first subscriptions of these tests begin.
EVENING = datetime(2025, 1, 30, 12, tzinfo=UTC)


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Iterator[House]:
    """A house over fresh books, with nobody in it yet."""
    throw_away = server.throw_away
    with house(server.conninfo, tmp_path, start=EVENING, throw_away=throw_away) as built:
        yield built


@pytest.fixture
def machine(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Billing]]:
    """The machine on this run's server; its workers die by DEATHS."""
    for module in ("advance", "agenda_worker", "callback_worker"):
        monkeypatch.setattr(f"infrastructure.workers.{module}.reached", DEATHS.reached)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.pem"
        root.write_bytes(signer().root_pem)
        Billing.server, Billing.root_file = server, str(root)
        yield Billing


@pytest.fixture
def billing(machine: type[Billing]) -> Iterator[Billing]:
    """10.00 USD a month, at both providers and by both captures; the first month is paid."""
    made = machine()
    try:
        plans = [terms(price=Money(1000, "USD"), capture=each) for each in CaptureMode]
        made.open_with_customers([(p, each) for each in plans for p in Provider])
        made.world.work(1000)
        made.world.come_to_rest()
        yield made
    finally:
        made.teardown()
