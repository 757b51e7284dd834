"""A simulator as a server: its control endpoints, and how it is started and stopped.

control endpoints, the same for both simulators
  GET  /_book?after=N&limit=M   entries of the book, at most 1,000 a page
  GET  /_book/summary           totals, and references captured or refunded more than once
  GET  /_clock, POST /_clock {"now": ISO or null}
  GET  /_quiet                  {"callbacks_pending", "actions_waiting"}: 0 and 0 means quiet
  POST /_revoke {"customer_id"}  a payer ends what was agreed to; {"revoked": how many tokens}
  POST /_faults {"plan": text} or {"script": [{"operation","reference","nth","fault"}]}
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from json import JSONDecodeError

import attrs
from aiohttp import web

from infrastructure.simulators.book import Book
from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.deliveries import Deliveries
from infrastructure.simulators.faults import (
    CallbackFault,
    Fault,
    FaultPlan,
    FaultPlanMalformed,
    ScriptedFault,
)

_PAGE = 1_000


@attrs.define(kw_only=True)
class Controls:
    """What every simulator has. `faults` may be replaced while it runs.

    revoke: a payer ends all tokens of one of the merchant's customers, at the provider's own pages;
        how many there were.
    """

    book: Book
    clock: SimulatorClock
    deliveries: Deliveries
    faults: FaultPlan = attrs.field(factory=FaultPlan.none)
    revoke: Callable[[str], int] = lambda _: 0


CONTROLS = web.AppKey("controls", Controls)


def add_controls(app: web.Application, controls: Controls) -> None:
    """Put the control endpoints on an app, and tie its deliveries and book to its life."""
    app[CONTROLS] = controls
    app.router.add_get("/_book", _book)
    app.router.add_get("/_book/summary", _summary)
    app.router.add_get("/_clock", _clock)
    app.router.add_post("/_clock", _set_clock)
    app.router.add_get("/_quiet", _quiet)
    app.router.add_post("/_faults", _set_faults)
    app.router.add_post("/_revoke", _revoke)

    async def start(_: web.Application) -> None:
        await controls.deliveries.start()

    async def stop(_: web.Application) -> None:
        await controls.deliveries.stop()
        controls.book.close()

    app.on_startup.append(start)
    app.on_cleanup.append(stop)


async def _book(request: web.Request) -> web.Response:
    controls = request.app[CONTROLS]
    controls.clock.due()
    try:
        after = max(0, int(request.query.get("after", "0")))
        limit = min(_PAGE, max(1, int(request.query.get("limit", str(_PAGE)))))
    except ValueError:
        return web.json_response({"error": "after and limit are numbers"}, status=400)
    entries = [entry.as_json() for entry in controls.book.entries(after, limit)]
    return web.json_response({"entries": entries, "total": len(controls.book)})


async def _summary(request: web.Request) -> web.Response:
    controls = request.app[CONTROLS]
    controls.clock.due()
    return web.json_response(controls.book.summary())


async def _clock(request: web.Request) -> web.Response:
    return web.json_response({"now": request.app[CONTROLS].clock.now().isoformat()})


async def _set_clock(request: web.Request) -> web.Response:
    clock = request.app[CONTROLS].clock
    try:
        text = (await request.json())["now"]
        instant = None if text is None else datetime.fromisoformat(text)
    except (JSONDecodeError, KeyError, TypeError, ValueError):
        return web.json_response({"error": 'give {"now": ISO instant or null}'}, status=400)
    if instant is not None and instant.tzinfo is None:
        return web.json_response({"error": "an instant needs its offset"}, status=400)
    clock.set(instant)
    clock.due()
    return web.json_response({"now": clock.now().isoformat()})


async def _quiet(request: web.Request) -> web.Response:
    controls = request.app[CONTROLS]
    controls.clock.due()
    return web.json_response(
        {
            "callbacks_pending": controls.deliveries.pending,
            "actions_waiting": controls.clock.waiting,
            "callbacks_delivered": controls.deliveries.delivered,
            "callbacks_given_up": controls.deliveries.given_up,
        }
    )


async def _set_faults(request: web.Request) -> web.Response:
    controls = request.app[CONTROLS]
    try:
        body = await request.json()
        if "plan" in body:
            controls.faults = FaultPlan.parse(body["plan"])
        for line in body.get("script", []):
            controls.faults.script.append(_scripted(line))
    except (JSONDecodeError, KeyError, TypeError, AttributeError, FaultPlanMalformed) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
    return web.json_response({"script": len(controls.faults.script)})


async def _revoke(request: web.Request) -> web.Response:
    controls = request.app[CONTROLS]
    controls.clock.due()
    try:
        customer_id = str((await request.json())["customer_id"])
    except (JSONDecodeError, KeyError, TypeError):
        return web.json_response({"error": 'give {"customer_id"}'}, status=400)
    return web.json_response({"revoked": controls.revoke(customer_id)})


def _scripted(line: dict[str, object]) -> ScriptedFault:
    operation, name = str(line["operation"]), str(line["fault"])
    kind: Callable[[str], Fault | CallbackFault]
    kind = CallbackFault if operation == "callback" else Fault
    try:
        fault = kind(name)
    except ValueError:
        raise FaultPlanMalformed(f"{name}: no such fault") from None
    return ScriptedFault(operation, str(line["reference"]), int(str(line.get("nth", 1))), fault)


# --- starting and stopping --------------------------------------------------------------------


@attrs.frozen
class Served:
    """A simulator that runs in this event loop. base_url has no slash at its end."""

    base_url: str
    controls: Controls
    _runner: web.AppRunner

    async def close(self) -> None:
        """Stop it; connections are cut."""
        await self._runner.cleanup()


async def start(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> Served:
    """Serve an app in the running loop; port 0 takes a free one."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    await site.start()
    bound = runner.addresses[0][1]
    return Served(f"http://{host}:{bound}", app[CONTROLS], runner)


@contextmanager
def running(build: Callable[[], web.Application]) -> Iterator[Served]:
    """Serve in a thread of its own, for callers that are not asynchronous.

    build: makes the app; it is called in the thread, inside its event loop.
    """
    started: list[Served] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    finish = asyncio.Event()

    async def main() -> None:
        try:
            started.append(await start(build()))
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            ready.set()
        await finish.wait()
        await started[0].close()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    ready.wait()
    if failed:
        thread.join()
        raise failed[0]
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(finish.set)
        thread.join()
        loop.close()


def serve(
    app: web.Application,
    host: str,
    port: int,
    *,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serve in this process until SIGTERM or SIGINT. announce: told the URL once it answers."""

    async def main() -> None:
        served = await start(app, host, port)
        if announce is not None:
            announce(served.base_url)
        finish = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, finish.set)
        await finish.wait()
        await served.close()

    asyncio.run(main())
