"""Workers: one in this process, or several processes that are watched and started again."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence

import attrs
import click
import structlog

from infrastructure.cli.context import Chosen, pass_chosen
from infrastructure.cli.exits import DIFFERENT, TABLE, Ended
from infrastructure.cli.looping import run_loop

log = structlog.get_logger(__name__)

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
# Who has lived this long did not die of what kills at the start.
HEALTHY_AFTER_S = 60.0


@click.command(epilog=TABLE)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@pass_chosen
def work(chosen: Chosen, workers: int) -> None:
    """Work the agenda and the inbox, and keep the projections, until SIGTERM.

    Any number of these may run on any number of machines; each may be killed at any moment.
    """
    with chosen.system() as system:
        if workers == 1:
            from infrastructure.workers import crash_points
            from infrastructure.workers.process import stop_on_signals
            from infrastructure.workers.process import work as work_until

            async def alone() -> None:
                stopping = asyncio.Event()
                stop_on_signals(stopping)
                await work_until(system, stopping)

            crash_points.plan(os.environ.get("BILLING_CRASH_AT"))
            run_loop(alone())
            return
        # This process keeps the embedded server up while its workers come and go.
        command = [sys.executable, "-m", "infrastructure.cli.main", *chosen.arguments(), "work"]
        failed = asyncio.run(supervise(command, workers))
    if failed:
        raise Ended(DIFFERENT, "worker-failed", f"{failed} of {workers} workers ended badly")


@attrs.define
class Watched:
    """One place for a worker. code: how its last process ended; None while one runs."""

    number: int
    backoff_s: float = FIRST_BACKOFF_S
    code: int | None = None


async def supervise(command: Sequence[str], workers: int) -> int:
    """Keep that many processes running until SIGTERM or SIGINT, then end them the same way.

    Returns: how many ended with another code than 0 after they were told to.
    """
    from infrastructure.workers.process import stop_on_signals

    stopping = asyncio.Event()
    stop_on_signals(stopping)
    places = [Watched(number) for number in range(1, workers + 1)]
    async with asyncio.TaskGroup() as group:
        for place in places:
            group.create_task(_keep(place, command, stopping))
    return sum(place.code != 0 for place in places)


async def _keep(place: Watched, command: Sequence[str], stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(*command, start_new_session=True)
        log.info("worker started", number=place.number, pid=process.pid)
        place.code = await _ended(process, stopping)
        if stopping.is_set():
            return
        log.error("worker died", number=place.number, code=place.code, next_s=place.backoff_s)
        if time.monotonic() - began > HEALTHY_AFTER_S:
            place.backoff_s = FIRST_BACKOFF_S
        await _rest(stopping, place.backoff_s)
        place.backoff_s = min(place.backoff_s * 2, LONGEST_BACKOFF_S)


async def _ended(process: asyncio.subprocess.Process, stopping: asyncio.Event) -> int:
    """How it ended; it is asked to as soon as we are."""
    ended = asyncio.ensure_future(process.wait())
    told = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not ended.done():
        process.terminate()
    return await ended


async def _rest(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
