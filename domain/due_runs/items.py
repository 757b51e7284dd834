"""What a due run finds due, and which one outcome each item has in the end. Pure.

found due     collect, charge, look-up and invoice items of the agenda, due by the run's instant
came due      every invoice that is billed or tried while the run goes on, renewals among them
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Any
from uuid import UUID

import attrs

from domain.due_runs.events import DueRunBegan, DueRunEnded, SkippedItem
from domain.identity import on_demand
from domain.money import Money
from domain.processes.agenda import Item, ItemKind, agenda_of
from domain.recorded import Recorded
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeSucceeded,
    InvoiceIssued,
)
from domain.subscription.state import Status, Subscription

QUERY = "agenda items collect, charge, look-up, invoice with due_at <= until"
_KINDS = (ItemKind.COLLECT, ItemKind.CHARGE, ItemKind.LOOK_UP, ItemKind.INVOICE)

# A stream and an invoice number.
Key = tuple[str, int]


@attrs.frozen
class Due:
    """An item that was found due. open: what is left to pay; None: it is not billed yet."""

    stream: str
    invoice_number: int
    open: Money | None

    @property
    def key(self) -> Key:
        """What tells items apart."""
        return self.stream, self.invoice_number

    def __str__(self) -> str:
        return f"{self.stream} {self.invoice_number} {_plain(self.open)}"


def found_due(stream: str, state: Subscription, until: datetime) -> tuple[Due, ...]:
    """The items of one subscription that are due by an instant, each once."""
    numbers: set[int] = set()
    for item in agenda_of(state):
        if item.kind not in _KINDS or item.due_at is None or item.due_at > until:
            continue
        if item.kind in (ItemKind.CHARGE, ItemKind.LOOK_UP):
            assert state.open_attempt is not None
            numbers.add(state.open_attempt.invoice_number)
        elif item.key.isdigit():
            # What is billed for its usage alone has no number before.
            numbers.add(int(item.key))
    return tuple(Due(stream, number, _open(state, number)) for number in sorted(numbers))


def first_due(state: Subscription) -> datetime | None:
    """When the first item of one subscription that a run would find falls due; None: never."""
    dues = (item.due_at for item in agenda_of(state) if item.kind in _KINDS)
    return min((each for each in dues if each is not None), default=None)


def _open(state: Subscription, number: int) -> Money | None:
    invoice = state.invoice(number)
    return None if invoice is None else invoice.open


# --- what the run did -----------------------------------------------------------------------------


@attrs.define
class Done:
    """What was recorded of one item while the run went on. received: each charge that came."""

    received: list[Money] = attrs.field(factory=list)
    billed: bool = False
    declined: bool = False


@attrs.define
class RunFacts:
    """The facts of a run, item by item: `take` each in the log's order."""

    done: dict[Key, Done] = attrs.field(factory=dict)

    def take(self, recorded: Recorded[Any]) -> None:
        """One more fact."""
        event = recorded.event
        match event:
            case InvoiceIssued():
                self._of(recorded).billed = True
            case ChargeSucceeded() | ChargeFoundLate():
                self._of(recorded).received.append(event.amount)
            case ChargeDeclined():
                self._of(recorded).declined = True
            case ChargeAttempted() | ChargeNotMade():
                self._of(recorded).declined = False

    def _of(self, recorded: Recorded[Any]) -> Done:
        return self.done.setdefault((recorded.stream, recorded.event.invoice_number), Done())


class Outcome(Enum):
    """How an item ended. UNKNOWN: tried, and no outcome yet."""

    CHARGED = "charged"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


NO_OUTCOME = "no-outcome"
REASONS = {
    "nothing-to-pay": "paid by credit, or by nothing; or given up",
    "due-later": "put off beyond the run: a retry, a budget of its card",
    "not-begun": "the first token has not come",
    "no-token": "no token that could be charged",
    "disputed": "a charge is disputed; a person has to look",
    "collection-ended": "not collected by itself any more; a person has to look",
    "other-charge-open": "another charge has no outcome",
    "parked": "too many lines on one day; a person has to look",
    "not-billed": "paused, suspended, ended, or not to be billed by then",
    NO_OUTCOME: "still due: nothing says why it was left",
}


@attrs.frozen
class ItemEnd:
    """An item's one outcome. reason: one of REASONS where it was skipped, else "".

    taken: each charge that came for it while the run went on; more than one is one too many.
    """

    key: Key
    outcome: Outcome
    reason: str = ""
    taken: tuple[Money, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether it has an outcome, and one only."""
        return self.reason != NO_OUTCOME and len(self.taken) <= 1

    def __str__(self) -> str:
        stream, number = self.key
        word = " ".join(part for part in (self.outcome.value, self.reason) if part)
        return f"{stream} {number} {word} {','.join(_plain(each) for each in self.taken) or '-'}"


def end_of(key: Key, done: Done | None, state: Subscription | None, until: datetime) -> ItemEnd:
    """How an item ended. done: while the run went on; state: in the end."""
    number = key[1]
    if done is not None and done.received:
        return ItemEnd(key, Outcome.CHARGED, taken=tuple(done.received))
    attempt = None if state is None else state.open_attempt
    if attempt is not None and attempt.invoice_number == number:
        return ItemEnd(key, Outcome.UNKNOWN)
    if done is not None and done.declined:
        return ItemEnd(key, Outcome.DECLINED)
    reason = NO_OUTCOME if state is None else _why_skipped(state, number, until)
    return ItemEnd(key, Outcome.SKIPPED, reason)


def _why_skipped(state: Subscription, number: int, until: datetime) -> str:
    """One of REASONS, from what the agenda holds of it."""
    if any(due.invoice_number == number for due in found_due("", state, until)):
        return NO_OUTCOME
    invoice = state.invoice(number)
    if invoice is None:
        if number <= state.invoices_issued or on_demand(number):
            return "nothing-to-pay"
        if state.status is Status.PENDING:
            return "not-begun"
        return "parked" if state.parked else "not-billed"
    if not state.collects:
        return "not-billed"
    if invoice.ended:
        return "collection-ended"
    if state.held_back(invoice):
        return "disputed"
    if state.open_attempt is not None:
        return "other-charge-open"
    due = next((item for item in agenda_of(state) if _collects(item, number)), None)
    return "no-token" if due is None or due.due_at is None else "due-later"


def _collects(item: Item, number: int) -> bool:
    return item.kind is ItemKind.COLLECT and item.key == str(number)


def _plain(money: Money | None) -> str:
    return "-" if money is None else f"{money.minor} {money.currency}"


# --- the facts ------------------------------------------------------------------------------------

# So many skipped items are named in a fact; all of them are in its digest.
MOST_NAMED = 1_000


def began(
    run_id: UUID, found: Iterable[Due], *, until: datetime, position: int, now: datetime
) -> DueRunBegan:
    """A run begins. found: the items due by `until`, of the facts up to `position`."""
    items = sorted(found, key=lambda each: each.key)
    return DueRunBegan(
        run_id=run_id,
        until=until,
        query=QUERY,
        items=len(items),
        sums=_sums(each.open for each in items if each.open is not None),
        digest=_digest(items),
        position=position,
        effective_at=now,
    )


def ended(run_id: UUID, ends: Iterable[ItemEnd], *, now: datetime) -> DueRunEnded:
    """A run ends. ends: of every item, those that came due while it ran among them."""
    all_ = sorted(ends, key=lambda each: each.key)
    count = Counter(each.outcome for each in all_)
    skipped = [each for each in all_ if each.outcome is Outcome.SKIPPED]
    return DueRunEnded(
        run_id=run_id,
        charged=count[Outcome.CHARGED],
        declined=count[Outcome.DECLINED],
        unknown=count[Outcome.UNKNOWN],
        skipped=tuple(SkippedItem(*each.key, each.reason) for each in skipped[:MOST_NAMED]),
        sums=_sums(money for each in all_ for money in each.taken),
        digest=_digest(all_),
        effective_at=now,
        skipped_beyond=max(0, len(skipped) - MOST_NAMED),
    )


def _sums(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """By currency, in the order of its code."""
    found: Counter[str] = Counter()
    for each in amounts:
        found[each.currency] += each.minor
    return tuple(Money(found[code], code) for code in sorted(found))


def _digest(lines: Iterable[Due | ItemEnd]) -> str:
    return sha256("".join(sorted(f"{each}\n" for each in lines)).encode()).hexdigest()
