"""Where billing goes on after it stood still, by a pause or a suspension: which days are billed."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import attrs

from domain.calendar import Period, local_day, start_of_day
from domain.pricing import AS_GIVEN_BACK
from domain.schedule import Schedule, Stub, due_day
from domain.subscription.events import InvoiceLine, LineKind
from domain.subscription.running import rest_of, rule_for, running
from domain.subscription.state import Subscription


class Resume(Enum):
    """KEEP_ANCHOR: the old boundaries; a part of a period is billed up to the next one.
    RESTART: whole periods from the day of resuming on."""

    KEEP_ANCHOR = "KEEP_ANCHOR"
    RESTART = "RESTART"


def announced(state: Subscription, schedule: Schedule) -> datetime | None:
    """The UTC instant at which the next invoice falls due by a schedule; None where there is none.

    state: without what billing stood still for.
    """
    last = state.last_invoice
    over = last is not None and state.invoices_issued >= last
    if over or not state.terms.scheduled:
        return None
    period = schedule.period(state.invoices_issued + 1)
    return start_of_day(due_day(state.terms, period), state.zone)


def served_from(
    state: Subscription, unused_from: date | None, how: Resume, now: datetime
) -> tuple[Schedule, tuple[InvoiceLine, ...]]:
    """Which days the invoices to come bill where service goes on now, and what the next one
    charges beside them. Everything due must have been billed.

    unused_from: local day from which on the running period was given back, or None.
    """
    day, period = local_day(now, state.zone), running(state, now=now)
    if period is None:
        return _after_a_gap(state, day, how), ()
    if unused_from is None:
        return state.schedule, ()
    if how is Resume.RESTART and period.billed:
        return _restarted(state, day), ()
    rule = rule_for(state, state.terms.proration)
    item = AS_GIVEN_BACK if period.billed else ""
    rest = rest_of(state, period.cost, LineKind.REST, now=now, policy=rule, item=item)
    return state.schedule, rest


def _after_a_gap(state: Subscription, day: date, how: Resume) -> Schedule:
    """No period runs: the days since the last one are billed by nobody."""
    if day <= state.schedule.period(state.invoices_issued + 1).start:
        return state.schedule
    if how is Resume.RESTART:
        return _restarted(state, day)
    schedule, number = state.schedule, state.invoices_issued + 1
    index = schedule.first_boundary(day)
    boundary = schedule.boundary(index)
    if boundary == day:
        return attrs.evolve(schedule, anchor_invoice=number - index, stub=None)
    whole = Period(schedule.boundary(index - 1), boundary)
    stub = Stub(invoice_number=number, period=Period(day, boundary), whole_days=whole.days)
    return attrs.evolve(schedule, anchor_invoice=number + 1 - index, stub=stub)


def _restarted(state: Subscription, day: date) -> Schedule:
    return Schedule(
        anchor=day, anchor_invoice=state.invoices_issued + 1, interval=state.terms.interval
    )
