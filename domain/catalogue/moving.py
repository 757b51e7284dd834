"""Move subscribers from one version of their plan to another, on the announced day.

A move is carried out where a period begins, just before anything is billed for it, and not before:
until then it can be withdrawn, and whatever the customer does meanwhile comes first. It is decided
as of the last instant before that period, so a worker that comes late decides the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import attrs

from domain.calendar import start_of_day
from domain.catalogue.offering import destination, is_on
from domain.catalogue.state import Plan
from domain.plan import Terms, Timing
from domain.refusals import Refused
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import SubscriptionEvent, When
from domain.subscription.folding import evolve_all
from domain.subscription.invoicing import invoice_due, issue_invoice
from domain.subscription.state import Status, Subscription

# What the facts of a move name as their cause, behind "agenda:".
MOVE = "move"
_INSTANT = timedelta(microseconds=1)


def move_due(
    state: Subscription, plan: Plan | None, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """The change of terms that an announced move asks for by now; nothing where none does.

    plan: that of the subscription's terms. What fell due before the period that is moved is billed
    with it, at the terms it was served under.
    A subscription that is going to end keeps its version. One that cannot be billed at the new
    terms (its quantity makes them too large for money) keeps the old: the audit names it.
    Safe to repeat: who was moved is not on that version any more.
    """
    if plan is None or not plan.moves:
        return ()
    if state.status is not Status.ACTIVE or state.cancellation is not None:
        return ()
    after = state
    while invoice_due(after, now=now):
        for begins, terms in _moved(after, plan):
            wish = Change(terms=terms, when=When.PERIOD_END, reason=_words(terms))
            before = begins - _INSTANT
            try:
                return change_terms(state, wish, now=before, zone_version=zone_version)
            except Refused:
                return ()
        issued = issue_invoice(after, now=now, zone_version=zone_version)
        after = evolve_all(after, issued)
    return ()


def _moved(state: Subscription, plan: Plan) -> Iterator[tuple[datetime, Terms]]:
    """The periods billed next that are to begin on another version: when, and at which terms.

    Billed afterwards, the period that begins as the next invoice falls due is one of them; so is
    the one that this invoice bills, where its version was kept for an end that was withdrawn.
    """
    number = state.invoices_issued + 1
    ahead = 1 if state.terms.timing is Timing.POSTPAID else 0
    for each in range(number, number + ahead + 1):
        if state.last_invoice is not None and each > state.last_invoice:
            return
        terms, schedule = state.plan_of(each)
        day = schedule.period(each).start
        begins = start_of_day(day, state.zone)
        other = moved_terms(terms, plan, day=day, begins=begins)
        if other is not None:
            yield begins, other


def moved_terms(terms: Terms, plan: Plan, *, day: date, begins: datetime) -> Terms | None:
    """What terms become by the announced moves, where a period begins; None: they stay.

    day, begins: where it begins: local day, and UTC instant.
    """
    version = plan.version(terms.plan_version)
    if terms.plan != plan.code or version is None or not is_on(terms, version):
        return None
    number = destination(plan, version.number, day, begins)
    if number == version.number:
        return None
    moved = plan.versions[number - 1].terms
    return attrs.evolve(moved, quantity=terms.quantity, trial=terms.trial)


def _words(terms: Terms) -> str:
    return f"subscribers of {terms.plan} are moved to version {terms.plan_version}"
