"""How a house is built: ports, secrets, settings, simulators, the callback door."""

from __future__ import annotations

import base64
import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import attrs
import psycopg
import uvicorn

from domain.ports import Secret
from infrastructure.api.app import build_app
from infrastructure.bootstrap import System, running_system
from infrastructure.clock import SteppingClock
from infrastructure.rehearsal.stage import Stage
from infrastructure.settings import read_settings
from infrastructure.simulators.dintero.app import (
    DinteroSimulatorOptions,
    build_dintero_simulator,
)
from infrastructure.simulators.paypal.app import build_paypal_simulator
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.webhooks import signer
from infrastructure.simulators.serving import running
from infrastructure.store.schema import drop_books
from tests.conftest import fresh_name
from tests.system.house import LEASE_S, House
from tests.waiting import WITHIN_S, until

SECOND_SECRET = secrets.token_urlsafe(24)


@contextlib.contextmanager
def house(
    conninfo: str, folder: Path, *, start: datetime, throw_away: bool, second: bool = False
) -> Iterator[House]:
    """A house over fresh books on a server; everything in it is ended in the end.

    conninfo: an administrator's. start: the books' first time.
    throw_away: the server goes with the test run, nothing has to be tidied up there.
    second: another account at each provider, called "second"; its simulators and controls are
        called "paypal second" and "dintero second".
    """
    hidden = {
        "PAYPAL_CLIENT_SECRET": secrets.token_urlsafe(24),
        "DINTERO_CLIENT_SECRET": secrets.token_urlsafe(24),
        "DINTERO_SIGNATURE_SECRET": secrets.token_urlsafe(24),
        "SECOND_SECRET": SECOND_SECRET,
        "BILLING_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    schema = fresh_name("system")
    environment = {
        "BILLING_CONFIG": str(folder / "billing.toml"),
        "BILLING_DATA_DIR": str(folder),
        "BILLING_DATABASE_URL": conninfo,
        "BILLING_SCHEMA": schema,
        "BILLING_CLOCK": "stepping",
        **hidden,
    }
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        door = f"http://127.0.0.1:{listener.getsockname()[1]}"
        paypal = stack.enter_context(running(lambda: _paypal(hidden, door)))
        dintero = stack.enter_context(running(lambda: _dintero(hidden)))
        others = {}
        if second:
            others["paypal second"] = stack.enter_context(running(lambda: _second_paypal(door)))
            others["dintero second"] = stack.enter_context(running(_second_dintero))
        (folder / "root.pem").write_bytes(signer().root_pem)
        urls = {"paypal": paypal.base_url, "dintero": dintero.base_url}
        more = {name: each.base_url for name, each in others.items()}
        settings = _settings(urls, door, folder) + (_second_settings(more, folder) if more else "")
        (folder / "billing.toml").write_text(settings, encoding="utf-8")
        system = stack.enter_context(running_system(read_settings(environment)))
        assert isinstance(system.clock, SteppingClock)
        system.clock.set(start)
        stack.enter_context(_callback_door(system, listener))
        stage = BigStage(folder, environment, urls["paypal"], urls["dintero"], door, more=more)
        controls = {"paypal": paypal.controls, "dintero": dintero.controls}
        controls |= {name: each.controls for name, each in others.items()}
        built = House(folder, environment, conninfo, system, stage, controls, hidden)
        built.set_time(start)
        try:
            yield built
        finally:
            for worker in built.alive():
                worker.kill()
            built.send_home()
            if not throw_away:
                _tidy_up(conninfo, schema)


@attrs.define
class BigStage(Stage):
    """A stage with more simulators than two. more: name to base URL."""

    more: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)

    def simulators(self) -> dict[str, str]:
        """All of them."""
        return {**super().simulators(), **self.more}


def _second_paypal(door: str) -> object:
    return build_paypal_simulator(
        PayPalOptions(
            client_id="second-client",
            client_secret=SECOND_SECRET,
            webhook_id="WH-SECOND",
            webhook_url=f"{door}/callbacks/paypal/second",
            tag="SIM2",
        )
    )


def _second_dintero() -> object:
    return build_dintero_simulator(
        DinteroSimulatorOptions(
            account_id="T00000002",
            client_id="second-client",
            client_secret=Secret(SECOND_SECRET),
            signature_secret=Secret(SECOND_SECRET),
        )
    )


def _second_settings(urls: Mapping[str, str], folder: Path) -> str:
    return f'''
[accounts.paypal.second]
client_id = "second-client"
client_secret_env = "SECOND_SECRET"
base_url = "{urls["paypal second"]}"
webhook_id = "WH-SECOND"
certificate_hosts = ["{urls["paypal second"]}"]
trust_roots_file = "{folder / "root.pem"}"

[accounts.dintero.second]
account_id = "T00000002"
client_id = "second-client"
client_secret_env = "SECOND_SECRET"
signature_secret_env = "SECOND_SECRET"
base_url = "{urls["dintero second"]}"
'''


def _paypal(hidden: Mapping[str, str], door: str) -> object:
    return build_paypal_simulator(
        PayPalOptions(
            client_secret=hidden["PAYPAL_CLIENT_SECRET"],
            webhook_url=f"{door}/callbacks/paypal/main",
        )
    )


def _dintero(hidden: Mapping[str, str]) -> object:
    return build_dintero_simulator(
        DinteroSimulatorOptions(
            account_id="T00000001",
            client_id="simulated-client",
            client_secret=Secret(hidden["DINTERO_CLIENT_SECRET"]),
            signature_secret=Secret(hidden["DINTERO_SIGNATURE_SECRET"]),
        )
    )


def _settings(urls: Mapping[str, str], door: str, folder: Path) -> str:
    return f'''public_url = "{door}"
lease_s = {LEASE_S}
log = "json"
in_flight = 8

[accounts.paypal.main]
client_id = "simulated-client"
client_secret_env = "PAYPAL_CLIENT_SECRET"
base_url = "{urls["paypal"]}"
webhook_id = "WH-SIMULATED"
certificate_hosts = ["{urls["paypal"]}"]
trust_roots_file = "{folder / "root.pem"}"

[accounts.dintero.main]
account_id = "T00000001"
client_id = "simulated-client"
client_secret_env = "DINTERO_CLIENT_SECRET"
signature_secret_env = "DINTERO_SIGNATURE_SECRET"
base_url = "{urls["dintero"]}"
'''


@contextlib.contextmanager
def _callback_door(system: System, listener: socket.socket) -> Iterator[None]:
    """The API in a thread, for callbacks and payers who come back."""
    config = uvicorn.Config(build_app(system), access_log=False, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive(), "the callback door to open")
    assert server.started
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(WITHIN_S)


def _tidy_up(conninfo: str, schema: str) -> None:
    drop_books(conninfo, schema)
    with psycopg.connect(conninfo, autocommit=True) as conn:
        for role in (f"{schema}_app", f"{schema}_owner"):
            conn.execute(f'DROP ROLE IF EXISTS "{role}"')
