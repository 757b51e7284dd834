"""The catalogue: its facts against each other, and what subscriptions took from it.

What can be checked follows from the facts alone. A start whose cause says that it was made by a
plan's name has the terms of a published version; one with terms of its own may name any plan and is
left alone. A change whose cause is a move follows from an announcement; and an invoice shows where
a move was forgotten.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import assert_never

import attrs

from domain.calendar import start_of_day
from domain.catalogue.events import (
    PlanEvent,
    PlanMoveAnnounced,
    PlanMoveWithdrawn,
    PlanRetired,
    PlanVersionPublished,
)
from domain.catalogue.moving import MOVE
from domain.catalogue.offering import BY_PLAN
from domain.identity import plan_stream
from domain.plan import Kind, Terms
from domain.subscription.events import InvoiceIssued, LineKind, SubscriptionStarted, TermsChanged
from domain.subscription.state import Status
from projections.auditing.book import Book
from projections.auditing.codes import Say
from projections.auditing.schedules import days_of

BY_MOVE = f"agenda:{MOVE}"
_FURTHEST_AHEAD, _WITHDRAWAL_TAKES = timedelta(hours=14), timedelta(minutes=1)


@attrs.define
class Announced:
    """A move that was announced; see PlanMoveAnnounced."""

    to_version: int
    on: date
    withdrawn_at: datetime | None = None


@attrs.define
class Shelf:
    """One plan. blind: an event of it cannot be read, so nothing is judged by it.

    versions: terms and since when they are available, in order. moves: by the version left.
    """

    blind: bool = False
    versions: list[tuple[Terms, datetime]] = attrs.field(factory=list)
    retired_at: datetime | None = None
    moves: dict[int, list[Announced]] = attrs.field(factory=dict)

    def has(self, number: int) -> bool:
        """Whether a version of that number was published."""
        return 1 <= number <= len(self.versions)

    def stands(self, number: int) -> Announced | None:
        """The move away from a version that was announced last, unless it was withdrawn."""
        last = next(iter(self.moves.get(number, [])[-1:]), None)
        return None if last is None or last.withdrawn_at is not None else last

    def version_of(self, terms: Terms) -> int | None:
        """The version that terms are on, in whatever quantity, with whatever trial."""
        number = terms.plan_version
        if not self.has(number) or self.at(number, terms) != terms:
            return None
        return number

    def at(self, number: int, terms: Terms) -> Terms:
        """A version's terms in the quantity, and with the trial, of others."""
        published = self.versions[number - 1][0]
        return attrs.evolve(published, quantity=terms.quantity, trial=terms.trial)

    def holding(self, number: int, day: date, instant: datetime) -> int:
        """The version that a period has which begins then, if it is on this one until then."""
        seen = {number}
        while True:
            onward = [
                move.to_version
                for move in self.moves.get(number, ())
                if move.on <= day
                and self.has(move.to_version)
                and (move.withdrawn_at is None or instant - move.withdrawn_at < _WITHDRAWAL_TAKES)
            ]
            if not onward or onward[-1] in seen:
                return number
            number = onward[-1]
            seen.add(number)


class Shelves:
    """Every plan that was met in the log."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}

    def cannot_read(self, code: str) -> None:
        """An event of a plan could not be decoded."""
        self._shelves.setdefault(code, Shelf()).blind = True

    def _of(self, terms: Terms) -> Shelf | None:
        shelf = self._shelves.get(terms.plan)
        return None if shelf is None or shelf.blind else shelf

    # --- the plan's own facts -------------------------------------------------------------------

    def judge(self, event: PlanEvent, stream: str, say: Say) -> None:
        """A plan's fact against those before it."""
        if stream != plan_stream(event.plan):
            say("plan-misnamed", f"a fact of plan {event.plan} in {stream}")
        shelf = self._shelves.setdefault(event.plan, Shelf())
        if shelf.blind:
            return
        match event:
            case PlanVersionPublished():
                _published(shelf, event, say)
            case PlanRetired():
                again = shelf.retired_at is not None
                if again or not shelf.versions or event.retired_at < event.effective_at:
                    say("retirement-wrong", f"{event.plan} from {event.retired_at} on")
                shelf.retired_at = event.retired_at
            case PlanMoveAnnounced():
                _announced(shelf, event, say)
            case PlanMoveWithdrawn():
                move = shelf.stands(event.from_version)
                if move is None or move.to_version != event.to_version:
                    words = f"{event.plan}, {event.from_version} to {event.to_version}"
                    say("move-withdrawal-wrong", words)
                else:
                    move.withdrawn_at = event.effective_at
            case _:
                assert_never(event)

    # --- what subscriptions took from it --------------------------------------------------------

    def check_start(self, event: SubscriptionStarted, cause: str, say: Say) -> None:
        """A start by a plan's name has the terms of a version that was on offer."""
        terms = event.terms
        shelf = self._of(terms)
        if not cause.endswith(BY_PLAN) or (shelf is None and terms.plan in self._shelves):
            return
        what = f"version {terms.plan_version} of {terms.plan}"
        if shelf is None or not shelf.has(terms.plan_version):
            say("start-off-catalogue", f"{what} was not published")
            return
        published, available_from = shelf.versions[terms.plan_version - 1]
        if terms != attrs.evolve(published, quantity=terms.quantity):
            say("plan-terms-wrong", f"other terms than those of {what}")
        if shelf.retired_at is not None and shelf.retired_at <= event.effective_at:
            say("start-off-catalogue", f"{terms.plan} was retired from {shelf.retired_at} on")
        begins = start_of_day(event.start, event.zone)
        numbers = range(1, len(shelf.versions) + 1)
        led_here = any(
            shelf.holding(number, event.start, begins) == terms.plan_version
            for number in numbers
            if number != terms.plan_version
        )
        if available_from > event.effective_at and not led_here:
            say("start-off-catalogue", f"{what} is available from {available_from} on")
        if shelf.holding(terms.plan_version, event.start, begins) != terms.plan_version:
            say("start-off-catalogue", f"subscribers on {what} have moved on by {event.start}")

    def check_change(self, book: Book, event: TermsChanged, cause: str, say: Say) -> None:
        """A move, before it is booked: to the version that was announced for that period."""
        shelf = self._of(book.agreed_for(event.from_invoice).terms)
        if cause != BY_MOVE or (shelf is None and event.terms.plan in self._shelves):
            return
        expected = None if shelf is None else _moved(shelf, book, event.from_invoice)
        if event.terms != expected:
            what = f"to version {event.terms.plan_version} of {event.terms.plan}"
            say("move-unfounded", f"{what} from invoice {event.from_invoice} on")

    def check_invoice(self, book: Book, event: InvoiceIssued, say: Say) -> None:
        """A period, before it is booked: no move was announced that it has not followed.

        Nothing of what is going to end, or is paused, is changed.
        """
        if book.status is not Status.ACTIVE or book.ending is not None or book.closed:
            return
        if not any(line.kind is LineKind.PERIOD for line in event.lines):
            return
        shelf = self._of(book.agreed_for(event.invoice_number).terms)
        expected = None if shelf is None else _moved(shelf, book, event.invoice_number)
        if expected is not None:
            words = f"invoice {event.invoice_number} is to be at version {expected.plan_version}"
            say("move-missed", f"{words} of {expected.plan}")


def _moved(shelf: Shelf, book: Book, invoice_number: int) -> Terms | None:
    """What an invoice's terms become by the announced moves; None where they stay."""
    agreed = book.agreed_for(invoice_number)
    number, period = shelf.version_of(agreed.terms), days_of(agreed.schedule, invoice_number)
    if number is None or period is None:
        return None
    begins = start_of_day(period.start, book.beginning.zone)
    holding = shelf.holding(number, period.start, begins)
    return None if holding == number else shelf.at(holding, agreed.terms)


def _published(shelf: Shelf, event: PlanVersionPublished, say: Say) -> None:
    named = (event.terms.plan, event.terms.plan_version)
    if event.version != len(shelf.versions) + 1 or named != (event.plan, event.version):
        say("plan-version-wrong", f"version {event.version} of {event.plan}")
    if shelf.versions and event.available_from < shelf.versions[-1][1]:
        say("plan-available-too-early", f"version {event.version} from {event.available_from} on")
    shelf.versions.append((event.terms, event.available_from))


def _announced(shelf: Shelf, event: PlanMoveAnnounced, say: Say) -> None:
    moves = shelf.moves.setdefault(event.from_version, [])
    if not _can_be_announced(shelf, event):
        words = f"{event.plan}, {event.from_version} to {event.to_version} on {event.on}"
        say("move-wrong", words)
    moves.append(Announced(event.to_version, event.on))


def _can_be_announced(shelf: Shelf, event: PlanMoveAnnounced) -> bool:
    if not shelf.has(event.from_version) or not shelf.has(event.to_version):
        return False
    if shelf.stands(event.from_version) is not None or event.from_version == event.to_version:
        return False
    old, new = (shelf.versions[n - 1][0] for n in (event.from_version, event.to_version))
    fixed = [(each.price.currency, each.kind, each.timing) for each in (old, new)]
    if fixed[0] != fixed[1] or old.kind is Kind.INSTALLMENT:
        return False
    reached: int = event.to_version
    while (onward := shelf.stands(reached)) is not None:
        reached = onward.to_version
        if reached == event.from_version:
            return False
    return event.on > (event.effective_at + _FURTHEST_AHEAD).date()
