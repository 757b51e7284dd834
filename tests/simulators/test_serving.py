"""How a simulator is served, controlled and quiet; and how its callbacks go out."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from aiohttp import web

from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.deliveries import Build, Deliveries, Outgoing
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.simulators.paypal.app import build_paypal_simulator
from infrastructure.simulators.serving import running
from tests.waiting import WITHIN_S

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def test_simulator_runs_in_a_thread_and_is_controlled_over_http() -> None:
    """Clock, quiet, book and faults, for callers that are not asynchronous."""
    with running(build_paypal_simulator) as served, httpx.Client(base_url=served.base_url) as http:
        assert http.post("/_clock", json={"now": "2026-03-01T11:00:00+01:00"}).json() == {
            "now": "2026-03-01T10:00:00+00:00"
        }
        assert served.controls.clock.now() == NOW
        assert http.get("/_quiet").json()["callbacks_pending"] == 0
        assert http.get("/_book/summary").json()["entries"] == 0
        assert http.get("/_book?after=0&limit=5").json() == {"entries": [], "total": 0}
        line = {"operation": "charge", "reference": "r-1", "fault": "lost-answer"}
        assert http.post("/_faults", json={"plan": "none", "script": [line]}).json() == {
            "script": 1
        }
        assert served.controls.faults.script[0].fault is Fault.LOST_ANSWER
        assert http.get("/_root.pem").text.startswith("-----BEGIN CERTIFICATE")
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.base_url + "/_quiet")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_clock", {"now": "yesterday"}),
        ("/_clock", {"now": "2026-03-01T10:00:00"}),
        ("/_clock", {}),
        ("/_faults", {"plan": "gone=1"}),
        ("/_faults", {"script": [{"operation": "charge", "reference": "r", "fault": "gone"}]}),
        ("/_faults", {"script": [{"operation": "charge"}]}),
        ("/_faults", []),
        ("/_webhooks", {}),
    ],
)
def test_bad_control_is_refused(path: str, body: object) -> None:
    """400 with a reason; the simulator goes on."""
    with running(build_paypal_simulator) as served:
        answer = httpx.post(served.base_url + path, json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]


def test_process_ends_on_sigterm() -> None:
    """`serve` runs until it is told to stop, and then ends well."""
    code = (
        "from infrastructure.simulators.serving import serve\n"
        "from infrastructure.simulators.paypal.app import build_paypal_simulator\n"
        "serve(build_paypal_simulator(), '127.0.0.1', 0,"
        " announce=lambda url: print(url, flush=True))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        assert httpx.get(f"{url}/_quiet").status_code == 200
        process.send_signal(signal.SIGTERM)
        # Less than the minute that a server would wait for open connections.
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_clock_does_what_falls_due_in_order() -> None:
    """Actions wait for the clock, and get their own instants."""
    clock = SimulatorClock()
    clock.set(NOW)
    done: list[datetime] = []
    for seconds in (30, 10, 20):
        clock.at(NOW + timedelta(seconds=seconds), done.append)
    clock.due()
    assert (done, clock.waiting) == ([], 3)
    clock.set(NOW + timedelta(seconds=25))
    clock.due()
    assert (done, clock.waiting) == ([NOW + timedelta(seconds=s) for s in (10, 20)], 1)
    clock.set(None)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


class Listener:
    """What was delivered, in order; the first `failures` requests are answered 500."""

    def __init__(self, failures: int = 0) -> None:
        self.got: list[str] = []
        self._failures = failures

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((await request.read()).decode())
        self._failures -= 1
        return web.Response(status=500 if self._failures >= 0 else 200)


@asynccontextmanager
async def delivering(
    listener: Listener, **options: object
) -> AsyncIterator[tuple[Deliveries, str]]:
    app = web.Application()
    app.router.add_post("/", listener.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    deliveries = Deliveries(senders=1, pause_s=0.001, **options)  # type: ignore[arg-type]
    await deliveries.start()
    try:
        yield deliveries, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await deliveries.stop()
        await runner.cleanup()


def message(url: str, name: str) -> Build:
    def build(forged: bool) -> Outgoing:
        body = f"{name}{' forged' if forged else ''}".encode()
        return Outgoing(method="POST", url=url, headers={}, body=body)

    return build


async def quiet(deliveries: Deliveries) -> None:
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while deliveries.pending:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.001)


def delivered(
    faults: dict[str, CallbackFault | None], failures: int = 0, **options: object
) -> tuple[list[str], Deliveries]:
    """What arrives of messages put one after the other."""
    listener = Listener(failures)

    async def main() -> Deliveries:
        async with delivering(listener, **options) as (deliveries, url):
            for name, fault in faults.items():
                deliveries.put(message(url, name), fault)
            await quiet(deliveries)
            return deliveries

    return listener.got, asyncio.run(main())


def test_F10_duplicate_arrives_three_times() -> None:
    """And the others once."""
    got, _ = delivered({"a": CallbackFault.DUPLICATE, "b": None})
    assert got == ["a", "a", "a", "b"]


def test_F13_forged_one_goes_out_before_the_true_one() -> None:
    """It is not tried again, whatever it is answered."""
    got, deliveries = delivered({"a": CallbackFault.FORGED}, failures=1)
    assert got == ["a forged", "a"]
    assert (deliveries.delivered, deliveries.given_up) == (1, 1)


def test_late_one_is_overtaken() -> None:
    """Five others pass it; when nobody is left it goes out all the same."""
    names: dict[str, CallbackFault | None] = dict.fromkeys("bcdefgh")
    got, _ = delivered({"a": CallbackFault.LATE, **names})
    assert sorted(got) == list("abcdefgh")
    assert got.index("a") >= 5
    got, _ = delivered({"a": CallbackFault.LATE})
    assert got == ["a"]


def test_lost_one_never_arrives() -> None:
    """And nobody waits for it."""
    got, deliveries = delivered({"a": CallbackFault.LOST, "b": None})
    assert (got, deliveries.pending) == (["b"], 0)


def test_failed_delivery_is_tried_again_and_given_up_in_the_end() -> None:
    """Anything but 2xx is a failure; the number of tries is bounded."""
    got, deliveries = delivered({"a": None}, failures=2)
    assert (got, deliveries.delivered) == (["a"] * 3, 1)
    got, deliveries = delivered({"a": None}, failures=99, tries=4)
    assert (got, deliveries.given_up) == (["a"] * 4, 1)


def test_queue_is_bounded() -> None:
    """The oldest waiting delivery is dropped and counted."""
    names: dict[str, CallbackFault | None] = dict.fromkeys("abcdef")
    got, deliveries = delivered(names, capacity=2)
    assert got == ["e", "f"]
    assert deliveries.given_up == 4


def test_early_one_arrives_before_the_caller_goes_on() -> None:
    """`send_now` returns when it was delivered; a failed one joins the queue."""
    listener = Listener(failures=1)

    async def main() -> None:
        async with delivering(listener) as (deliveries, url):
            await deliveries.send_now(message(url, "a"))
            assert listener.got
            await quiet(deliveries)

    asyncio.run(main())
    assert listener.got == ["a", "a"]
