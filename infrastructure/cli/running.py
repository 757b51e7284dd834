"""A due run: work everything that falls due up to a date, then end."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from infrastructure.cli.context import (
    Chosen,
    Moment,
    actor,
    bring_up_to_date,
    json_option,
    pass_chosen,
)
from infrastructure.cli.exits import DIFFERENT, INCOMPLETE, TABLE, USAGE, Ended
from infrastructure.cli.output import instant, print_json

if TYPE_CHECKING:
    from infrastructure.bootstrap import System

_LOOK_EVERY_S = 0.05
# Without a fact written for so long, waiting will not help.
STUCK_AFTER_S = 120.0
# A stepping clock moves by at least this, so that waits of fractions are no steps of their own.
SMALLEST_STEP = timedelta(seconds=1)


@click.command(epilog=TABLE)
@click.option("--until", type=Moment(), required=True, help="A day (to its end, UTC) or instant.")
@json_option
@pass_chosen
def run(chosen: Chosen, until: datetime, as_json: bool) -> None:
    """Work what is due up to a date with the workers of this process, and end when nothing is.

    With the stepping clock of a rehearsal the clock is moved from one due instant to the next.
    With the machine's clock the date must have begun; what is due by now is worked.
    What it found due, and how each of it ended, is recorded: `billing runs`.
    """
    from infrastructure.commands.due_runs import begin_run, end_run

    with chosen.system() as system:
        stepping = system.settings.clock == "stepping"
        if not stepping:
            until = _not_in_the_future(until, system.clock())
        bring_up_to_date(system)
        begun = begin_run(system, until, actor=actor())
        steps = asyncio.run(_work_until(system, until, stepping=stepping))
        head = end_run(system, begun, actor=actor())
        unknown = system.views.count("due_dates", {"unknown": True})
        needs_person = system.views.count("due_dates", {"needs_person": True})
    facts = head - begun.position
    answer = {"until": until, "position": head, "facts": facts, "clock_steps": steps}
    answer |= {"run": begun.run_id}
    if as_json:
        print_json({**answer, "unknown": unknown, "needs_person": needs_person})
        return
    click.echo(f"nothing is due up to {instant(until)}; {facts} facts, position {head}")
    click.echo(f"run {begun.run_id}: billing runs check {begun.run_id}")
    click.echo(f"{unknown} of unknown outcome, {needs_person} wait for a person")


@click.command(epilog=TABLE)
@click.option("--set", "to", type=Moment(), help="Move a stepping clock there; forward only.")
@json_option
@pass_chosen
def clock(chosen: Chosen, to: datetime | None, as_json: bool) -> None:
    """What time it is in these books, and the first setting of a rehearsal's stepping clock."""
    from infrastructure.clock import SteppingClock

    with chosen.system() as system:
        now = system.clock
        if to is not None:
            if not isinstance(now, SteppingClock):
                raise Ended(USAGE, "not-a-stepping-clock", 'the settings say clock = "system"')
            now.set(to)
        answer = {"clock": system.settings.clock, "now": now()}
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{answer['clock']} clock: {answer['now']}")


def _not_in_the_future(until: datetime, now: datetime) -> datetime:
    """Raises: Ended."""
    if until.date() > now.date() or (until > now and not _is_end_of_day(until)):
        raise Ended(USAGE, "date-in-the-future", f"it is {instant(now)}, and {until} is to come")
    return min(until, now)


def _is_end_of_day(moment: datetime) -> bool:
    return (moment + timedelta(microseconds=1)).time() == moment.min.time()


async def _work_until(system: System, until: datetime, *, stepping: bool) -> int:
    """Work, and lead the clock if it is to be led; how many times it moved."""
    from infrastructure.workers.process import stop_on_signals, work

    stopping, told = asyncio.Event(), asyncio.Event()
    stop_on_signals(told)
    worker = asyncio.create_task(work(system, stopping, poll_s=_LOOK_EVERY_S))
    leader = asyncio.create_task(_lead(system, until, stepping=stepping))
    interrupted = asyncio.create_task(told.wait())
    try:
        await asyncio.wait({worker, leader, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        if leader.done():
            return leader.result()
        if interrupted.done():
            raise Ended(INCOMPLETE, "interrupted", "told to stop; what was in flight is finished")
        await worker
        raise Ended(DIFFERENT, "worker-ended", "the worker ended before the run did")
    finally:
        leader.cancel()
        interrupted.cancel()
        stopping.set()
        await asyncio.wait({worker})


async def _lead(system: System, until: datetime, *, stepping: bool) -> int:
    from infrastructure.clock import SteppingClock

    steps = 0
    while True:
        await _come_to_rest(system, until)
        clock = system.clock
        if not stepping or not isinstance(clock, SteppingClock):
            return steps
        now = clock()
        following = await asyncio.to_thread(system.agenda.next_due, now)
        if following is None or following > until:
            if now >= until:
                return steps
            following = until
        clock.set(min(max(following, now + SMALLEST_STEP), until))
        steps += 1


async def _come_to_rest(system: System, until: datetime) -> None:
    """Until nothing is due, under way or unprojected. Raises: Ended."""
    last, since = -1, time.monotonic()
    while True:
        head = await asyncio.to_thread(system.ledger.head)
        if await asyncio.to_thread(_at_rest, system, head, until):
            return
        if head != last:
            last, since = head, time.monotonic()
        if time.monotonic() - since > STUCK_AFTER_S:
            raise Ended(INCOMPLETE, "not-at-rest", "something is held that nobody finishes")
        await asyncio.sleep(_LOOK_EVERY_S)


def _at_rest(system: System, head: int, until: datetime) -> bool:
    """Asked in the order in which one thing makes the next; all must be quiet at once.

    A callback that belongs to nothing we know waits in the inbox for minutes; it holds nobody up.
    """
    return (
        all(stands >= head for stands in system.views.positions().values())
        and system.agenda.idle(min(system.clock(), until))
        and system.ledger.head() == head
    )
