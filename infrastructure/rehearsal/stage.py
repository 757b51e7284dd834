"""The stage: one process each for the two simulators and the API, and some for the workers."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import httpx

STARTED_WITHIN_S = 60.0
STOPPED_WITHIN_S = 60.0
TRUST_ROOTS = "paypal-root.pem"


class StageFailed(Exception):
    """A process of the rehearsal did not start, or died; the text ends with what it said."""


@attrs.define
class Actor:
    """One process. log: where its output goes. peak_kib: the most memory it has held."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    peak_kib: int = 0

    def sample_memory(self) -> None:
        """Note the peak of resident memory, where the system tells it."""
        with contextlib.suppress(OSError, ValueError, StopIteration):
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
            line = next(each for each in status.splitlines() if each.startswith("VmHWM:"))
            self.peak_kib = max(self.peak_kib, int(line.split()[1]))


@attrs.define
class Stage:
    """What plays. folder: settings, logs and the simulators' books of this rehearsal."""

    folder: Path
    environment: Mapping[str, str]
    paypal_url: str
    dintero_url: str
    api_url: str
    actors: list[Actor] = attrs.field(factory=list)

    def simulators(self) -> dict[str, str]:
        """Provider -> base URL of its simulator."""
        return {"paypal": self.paypal_url, "dintero": self.dintero_url}

    def start(self, name: str, *arguments: str) -> Actor:
        """Start `billing` with these arguments."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program, arguments of our own
                [sys.executable, "-m", "infrastructure.cli.main", *arguments],
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        actor = Actor(name=name, process=process, log=log)
        self.actors.append(actor)
        return actor

    def check(self) -> None:
        """Raises: StageFailed if anything has died."""
        for actor in self.actors:
            actor.sample_memory()
            code = actor.process.poll()
            if code is not None:
                said = actor.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise StageFailed(f"{actor.name} ended with {code}:\n{said}")

    def stop(self) -> None:
        """Ask everyone to end, workers first; kill who does not."""
        for actor in reversed(self.actors):
            actor.sample_memory()
            if actor.process.poll() is None:
                actor.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOPPED_WITHIN_S
        for actor in reversed(self.actors):
            try:
                actor.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                actor.process.kill()
                actor.process.wait()


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def set_stage(folder: Path, *, schema: str, extra: Mapping[str, str]) -> Iterator[Stage]:
    """Ports, secrets and a settings file for one rehearsal; everything stops at the end.

    The secrets are drawn here and reach the processes by their environment only.
    """
    ports = {name: free_port() for name in ("paypal", "dintero", "api")}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    environment = {
        "BILLING_DATA_DIR": str(folder),
        "BILLING_CONFIG": str(folder / "billing.toml"),
        "BILLING_SCHEMA": schema,
        "BILLING_CLOCK": "stepping",
        "PAYPAL_CLIENT_SECRET": secrets.token_urlsafe(24),
        "DINTERO_CLIENT_SECRET": secrets.token_urlsafe(24),
        "DINTERO_SIGNATURE_SECRET": secrets.token_urlsafe(24),
        **extra,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "billing.toml").write_text(_settings(urls, folder.absolute()), encoding="utf-8")
    stage = Stage(
        folder=folder,
        environment=environment,
        paypal_url=urls["paypal"],
        dintero_url=urls["dintero"],
        api_url=urls["api"],
    )
    try:
        yield stage
    finally:
        stage.stop()


def _settings(urls: Mapping[str, str], folder: Path) -> str:
    return f'''public_url = "{urls["api"]}"

[accounts.paypal.main]
client_id = "rehearsal"
client_secret_env = "PAYPAL_CLIENT_SECRET"
base_url = "{urls["paypal"]}"
webhook_id = "WH-REHEARSAL"
certificate_hosts = ["{urls["paypal"]}"]
trust_roots_file = "{folder / TRUST_ROOTS}"

[accounts.dintero.main]
account_id = "T00000001"
client_id = "rehearsal"
client_secret_env = "DINTERO_CLIENT_SECRET"
signature_secret_env = "DINTERO_SIGNATURE_SECRET"
base_url = "{urls["dintero"]}"
'''


def wait_for(url: str, stage: Stage) -> None:
    """Until a server of the stage answers. Raises: StageFailed."""
    deadline = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < deadline:
        stage.check()
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2.0).status_code < 500:
                return
        time.sleep(0.05)
    raise StageFailed(f"nothing answers at {url}")
