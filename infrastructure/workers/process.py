"""One worker process: agenda, inbox and projections side by side, and a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import ThreadPoolExecutor

import structlog

from infrastructure.bootstrap import System
from infrastructure.clock import ClockJumped
from infrastructure.gateways.guarded import guards_of
from infrastructure.proof.watching import ProofWatch
from infrastructure.store.tracking import ViewMissing
from infrastructure.workers.advance import Advancer
from infrastructure.workers.agenda_worker import AgendaWorker, rest, unless_away
from infrastructure.workers.callback_worker import CallbackWorker
from infrastructure.workers.desk import Desk
from infrastructure.workers.idle_tokens import IdleTokens
from infrastructure.workers.older_tokens import name_older_tokens
from infrastructure.workers.outage_watch import OutageWatch
from infrastructure.workers.restorations import RestorationWatch

log = structlog.get_logger(__name__)

CALLBACK_BATCH = 200
_VIEWS_POLL_S = 0.05
_PROOF_GRACE_S = 5.0


async def work(
    system: System,
    stopping: asyncio.Event,
    *,
    project: bool = True,
    poll_s: float = 0.2,
) -> None:
    """Work until `stopping`: SIGTERM finishes what is in flight.

    project: also keep the projections up to date, seal the log, and do what the settings ask for
        of its proof; one process of all leads each, the others stand by.
    poll_s: seconds between looks at an empty agenda.
    Raises: ClockJumped when the machine's clock cannot be trusted; nothing is billed by it.
        ShapeChanged when the stored projections are another program's.
    """
    gateways = system.gateways()
    desk = Desk(
        ledger=system.ledger,
        agenda=system.agenda,
        attempts=system.attempts,
        vault=system.vault,
        clock=system.clock,
        actor="worker",
        owner=system.owner,
        lease_s=system.settings.lease_s,
        plans=system.plans,
        holders=system.holders,
    )
    guards = guards_of(gateways)
    restorations = RestorationWatch(system.ledger)
    advancer = Advancer(
        desk, gateways, system.zone_version, guards=guards, restoration=restorations.known
    )
    watch = OutageWatch(guards, system.circuits, system.owner)
    idle = IdleTokens(system)
    agenda = AgendaWorker(desk, advancer, in_flight=system.settings.in_flight, poll_s=poll_s)
    callbacks = CallbackWorker(
        desk,
        advancer,
        system.inbox,
        system.views,
        system.holders,
        batch=CALLBACK_BATCH,
        poll_s=poll_s,
    )
    async with _projections(system, stopping, enabled=project):
        try:
            await _views_exist(system, stopping)
            await unless_away(asyncio.to_thread(name_older_tokens, system))
            await unless_away(watch.look())
            await restorations.first_look(stopping)
            async with asyncio.TaskGroup() as group:
                group.create_task(_until_told(agenda.run(stopping), stopping))
                group.create_task(_until_told(callbacks.run(stopping), stopping))
                group.create_task(_until_told(watch.run(stopping), stopping))
                group.create_task(_until_told(restorations.run(stopping), stopping))
                group.create_task(_until_told(idle.run(stopping), stopping))
        except* ClockJumped as jumped:
            log.error("clock jumped; stopping", reason=str(jumped.exceptions[0]))
            raise ClockJumped(str(jumped.exceptions[0])) from None
        finally:
            for gateway in gateways.values():
                await gateway.close()


async def _views_exist(system: System, stopping: asyncio.Event) -> None:
    """Wait for whoever leads the projections to make their tables; in new books there are none."""
    while not stopping.is_set():
        try:
            await asyncio.to_thread(system.views.get, "due_dates", "")
        except ViewMissing:
            await rest(stopping, _VIEWS_POLL_S)
        else:
            return


async def _until_told(loop: Awaitable[None], stopping: asyncio.Event) -> None:
    """Run one loop; if it fails, tell the others to finish what they have in flight."""
    try:
        await loop
    finally:
        stopping.set()


@contextlib.asynccontextmanager
async def _projections(
    system: System, stopping: asyncio.Event, *, enabled: bool
) -> AsyncIterator[None]:
    """The projection runner, the sealer and the proof's schedule, each in a thread of its own,
    ended with the worker.

    If the runner fails the worker ends too, with its error: without projections no agenda
    moves, and a worker that only seems to work is started again by nobody.
    """
    if not enabled:
        yield
        return
    end = threading.Event()
    runner, sealer = system.projection_runner(), system.sealer
    with ThreadPoolExecutor(2, thread_name_prefix="behind-the-log") as threads:
        loop = asyncio.get_running_loop()
        leading = loop.run_in_executor(threads, runner.run_forever, end)
        leading.add_done_callback(lambda _: stopping.set())
        # Without seals money moves as before: what keeps the sealer from its work is told, no more.
        sealing = loop.run_in_executor(threads, sealer.run_forever, end)
        # Of itself: it may be in the middle of a long statement, and nobody waits for its end.
        watch = ProofWatch(system)
        proving = threading.Thread(target=watch.run_forever, args=(end,), daemon=True)
        proving.start()
        try:
            yield
        finally:
            end.set()
            await asyncio.gather(leading, sealing)
            await asyncio.to_thread(proving.join, _PROOF_GRACE_S)


def stop_on_signals(stopping: asyncio.Event) -> None:
    """SIGTERM and SIGINT ask for a graceful end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
