"""Both simulators in one event loop, with puppets for their fault plans."""

from __future__ import annotations

import asyncio
import socket
from datetime import datetime

from domain.ports import Secret
from infrastructure.settings import AccountSettings
from infrastructure.simulators import serving
from infrastructure.simulators.book import Movement
from infrastructure.simulators.dintero.app import (
    DinteroSimulatorOptions,
    build_dintero_simulator,
)
from infrastructure.simulators.paypal.app import build_paypal_simulator
from infrastructure.simulators.paypal.options import PayPalOptions
from tests.system.puppets import (
    Puppet,
)

CLIENT_SECRET, SIGNATURE_SECRET, WEBHOOK_SECRET = "c" * 24, "s" * 24, "w" * 24


def accounts(urls: dict[str, str], root_file: str) -> tuple[AccountSettings, ...]:
    """A main account at each simulator."""
    secrets = {
        "client_secret": Secret(CLIENT_SECRET),
        "signature_secret": Secret(SIGNATURE_SECRET),
        "webhook_secret": Secret(WEBHOOK_SECRET),
    }
    paypal = {"certificate_hosts": [urls["paypal"]], "trust_roots_file": root_file}
    values = {
        "paypal": {**paypal, "webhook_id": "WH-SIMULATED"},
        "dintero": {
            "account_id": "T00000001",
            "payment_product_type": "dintero_psp.creditcard",
            "save_card_checkbox": "opt_in",
        },
    }
    return tuple(
        AccountSettings(
            provider=provider,
            name="main",
            values={"client_id": "simulated-client", "base_url": urls[provider], **more},
            secrets=secrets,
        )
        for provider, more in values.items()
    )


class Simulators:
    """Both simulators in the loop of a runner, and the socket of the callback door."""

    def __init__(self, runner: asyncio.Runner, now: datetime) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.door = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.faults = {"paypal": Puppet(), "dintero": Puppet()}
        self.served = runner.run(self._start())
        self.urls = {name: each.base_url for name, each in self.served.items()}
        self.set_time(now)

    async def _start(self) -> dict[str, serving.Served]:
        paypal = PayPalOptions(
            client_secret=CLIENT_SECRET,
            webhook_url=f"{self.door}/callbacks/paypal/main",
            faults=self.faults["paypal"],
        )
        dintero = DinteroSimulatorOptions(
            account_id="T00000001",
            client_id="simulated-client",
            client_secret=Secret(CLIENT_SECRET),
            signature_secret=Secret(SIGNATURE_SECRET),
            faults=self.faults["dintero"],
            webhook_url=f"{self.door}/callbacks/dintero/main",
            webhook_secret=Secret(WEBHOOK_SECRET),
        )
        return {
            "paypal": await serving.start(build_paypal_simulator(paypal)),
            "dintero": await serving.start(build_dintero_simulator(dintero)),
        }

    def set_time(self, now: datetime) -> None:
        """Both clocks; what falls due at the providers happens now."""
        for each in self.served.values():
            each.controls.clock.set(now)
            each.controls.clock.due()

    def undelivered(self) -> int:
        """Callbacks on their way."""
        return sum(each.controls.deliveries.pending for each in self.served.values())

    def captured(self) -> dict[str, int]:
        """Reference -> minor units, by both books; fails if one was captured twice."""
        found: dict[str, int] = {}
        for each in self.served.values():
            assert not each.controls.book.captured_more_than_once(), "captured twice"
            for entry in each.controls.book.entries():
                if entry.movement is Movement.CAPTURED:
                    found[entry.reference] = entry.minor
        return found

    def voided(self) -> dict[str, int]:
        """Charge's reference -> minor units that were let go of, by both books; fails if a
        reservation was let go twice."""
        found: dict[str, int] = {}
        for each in self.served.values():
            for entry in each.controls.book.entries():
                if entry.movement is Movement.VOIDED:
                    assert entry.reference not in found, "let go twice"
                    found[entry.reference] = entry.minor
        return found

    def refunded(self) -> dict[str, int]:
        """Refund's reference -> minor units, by both books; fails if one was made twice."""
        found: dict[str, int] = {}
        for each in self.served.values():
            assert not each.controls.book.refunded_more_than_once(), "refunded twice"
            for entry in each.controls.book.entries():
                if entry.movement is Movement.REFUNDED:
                    found[entry.reference] = entry.minor
        return found

    def revoke(self, customer_id: str) -> int:
        """A payer ends every token at both providers; how many there were."""
        return sum(each.controls.revoke(customer_id) for each in self.served.values())

    def reversed(self) -> dict[str, int]:
        """Charge's reference -> minor units that were taken back of it in all."""
        found: dict[str, int] = {}
        for each in self.served.values():
            for entry in each.controls.book.entries():
                if entry.movement is Movement.REVERSED:
                    found[entry.reference] = found.get(entry.reference, 0) + entry.minor
        return found

    def at_work(self) -> bool:
        """Whether something will still happen at the providers by itself."""
        return any(each.controls.clock.waiting for each in self.served.values())
