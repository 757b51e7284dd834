"""A worker's life with one subscription, at a provider that remembers no keys.

The provider is the harshest there can be: it refuses no reference that was used before, and makes
again what it is sent again. Its book is the oracle. A life is lived, cut off at a fact, and lived
on from there, while the provider keeps its book.
"""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from domain.money import Money
from domain.plan import Terms
from domain.ports import Authorized, Captured, Declined, NotFound, Offered, Unknown
from domain.processes.agenda import agenda_of, next_due
from domain.providers import Provider
from domain.refund_ports import RefundDenied, Refunded, Voided
from domain.restorations.saying import Restored
from domain.subscription.events import DeclineClass, SubscriptionEvent
from domain.subscription.refunding import request_refund
from domain.subscription.state import Subscription
from infrastructure.store.agenda import Claim
from infrastructure.store.ledger import Append, Appended, Conflict
from infrastructure.workers.advance import Advancer
from infrastructure.workers.hand import Hand
from tests.specimens import DAY, DUE, MINUTE, ZONE_VERSION, signed_up
from tests.vocabulary import given
from tests.workers.test_refund_work import Desk

# A life with one invoice, with time for all retries and for doubts.
END = DUE + 20 * DAY
BEGUN = 4  # facts until somebody can be charged


class Luck(Enum):
    """What becomes of an attempt."""

    PAID = "paid"
    DECLINED = "declined"  # and nothing of it is ever shown
    SHOWN = "declined-and-shown"
    LOST = "lost"  # nothing was done, and nobody hears
    UNHEARD = "unheard"  # it was made, and nobody hears


@attrs.define
class Ledger:
    """The provider. now: its clock. luck: of attempts by their number on an invoice; then PAID.

    refund_luck: the same of refunds by their number. captured, refunded: by reference, what moved.
    """

    luck: Mapping[int, Luck]
    refund_luck: Mapping[int, Luck] = attrs.field(factory=dict)
    now: datetime = DUE
    captured: dict[str, list[Money]] = attrs.field(factory=dict)
    refunded: dict[str, list[Money]] = attrs.field(factory=dict)
    reserved: dict[str, Money] = attrs.field(factory=dict)
    declined: set[str] = attrs.field(factory=set)
    at: dict[str, datetime] = attrs.field(factory=dict)
    away: bool = False
    looks: int = 0
    asked: list[Any] = attrs.field(factory=list)
    pages: list[str] = attrs.field(factory=list)
    answers: dict[str, Any] = attrs.field(factory=dict)  # to looks, by the end of a reference

    async def charge(self, order: Any) -> Any:
        luck = self.luck.get(int(order.reference.split("-")[-2]), Luck.PAID)
        if luck in (Luck.DECLINED, Luck.SHOWN):
            if luck is Luck.SHOWN:
                self.declined.add(order.reference)
            return _no(self.now)
        if luck is Luck.LOST:
            return Unknown(reason="no answer")
        self.at.setdefault(order.reference, self.now)
        if order.capture.value == "AFTER_AUTHORIZATION":
            self.reserved[order.reference] = order.amount
        else:
            self.captured.setdefault(order.reference, []).append(order.amount)
        shown = self._shown(order.reference)
        return Unknown(reason="no answer") if luck is Luck.UNHEARD else shown

    async def capture(self, order: Any) -> Any:
        # No more than was reserved can be captured: by whoever asks, it is once.
        if order.reference in self.reserved:
            del self.reserved[order.reference]
            self.captured.setdefault(order.reference, []).append(order.amount)
        return self._shown(order.reference)

    async def void(self, order: Any) -> Any:
        self.reserved.pop(order.reference, None)
        return Voided(at=self.now)

    async def look_up(self, query: Any) -> Any:
        self.looks += 1
        self.asked.append(query)
        return Unknown(reason="away") if self.away else self._shown(query.reference)

    async def request_token(self, order: Any) -> Any:
        self.pages.append(order.first.reference)
        url = "https://pay.example/1"
        return Offered(provider_ref="session-1", approve_url=url, expires_at=None)

    async def refund(self, order: Any) -> Any:
        luck = self.refund_luck.get(int(order.reference.rsplit("-r", 1)[1]), Luck.PAID)
        if luck in (Luck.DECLINED, Luck.SHOWN):
            return RefundDenied(code="FAILED", message="")
        if luck is Luck.LOST:
            return Unknown(reason="no answer")
        self.refunded.setdefault(order.reference, []).append(order.amount)
        return Unknown(reason="no answer") if luck is Luck.UNHEARD else self._given(order.reference)

    async def look_up_refund(self, query: Any) -> Any:
        self.looks += 1
        self.asked.append(query)
        if self.away:
            return Unknown(reason="away")
        said = self.answers.get(query.reference.rsplit("-", 1)[1])
        return said or self._given(query.reference)

    def _shown(self, reference: str) -> Any:
        if reference in self.captured:
            amount = self.captured[reference][0]
            return Captured(amount=amount, provider_ref=f"c-{reference}", at=self.at[reference])
        if reference in self.reserved:
            return Authorized(
                amount=self.reserved[reference],
                authorization_ref=f"a-{reference}",
                order_ref=f"o-{reference}",
                expires_at=None,
                at=self.at[reference],
            )
        return _no(self.now) if reference in self.declined else NotFound(finding="nothing")

    def _given(self, reference: str) -> Any:
        if reference not in self.refunded:
            return NotFound(finding="nothing")
        amount = self.refunded[reference][0]
        return Refunded(amount=amount, provider_ref=f"r-{reference}", at=self.now)

    def times(self) -> Counter[int]:
        """How often each invoice was captured."""
        found: Counter[int] = Counter()
        for reference, amounts in self.captured.items():
            found[int(reference.split("-")[-3])] += len(amounts)
        return found


def _no(now: datetime) -> Declined:
    return Declined(decline=DeclineClass.SOFT, code="NO", message="", at=now)


def given_luck(luck: Mapping[int, Luck]) -> Ledger:
    """A provider whose book is empty."""
    return Ledger(luck)


class Records(Desk):
    """A desk that notes when each fact was recorded."""

    def __init__(self, facts: list[SubscriptionEvent], now: datetime) -> None:
        super().__init__(facts)
        self.now = now
        self.recorded: list[datetime] = [now] * len(facts)

    async def append(self, append: Append) -> Appended | Conflict:
        self.recorded += [self.now] * len(append.events)
        return await super().append(append)


@attrs.define(slots=False)
class Life:
    """A subscription's log, and the provider that it is charged at."""

    desk: Records
    provider: Ledger
    which: Provider = Provider.PAYPAL
    restored: Restored | None = None
    second: Ledger | None = None  # the same provider's other account

    @property
    def facts(self) -> tuple[SubscriptionEvent, ...]:
        return tuple(self.desk.facts_there)

    @property
    def state(self) -> Subscription:
        return given(*self.facts).state

    def work(self) -> Hand:
        """A worker claims it and does what is due now."""
        self.provider.now = self.desk.now
        state = self.state
        hand = Hand(
            claim=Claim(subscription_id="s-1", fence=1, taken_before=False, due_at=None, lease_s=9),
            state=state,
            version=len(self.facts),
            taken_before=False,
            check_lease_at=float("inf"),
        )
        desk: Any = self.desk
        gateways: Any = {(self.which.value, "main"): self.provider}
        if self.second is not None:
            gateways[self.which.value, "second"] = self.second
        worker = Advancer(desk, gateways, ZONE_VERSION, restoration=lambda: self.restored)
        asyncio.run(worker.advance(hand))
        return hand

    def live(self, until: datetime) -> None:
        """Work whatever falls due until then; a worker may come back many times."""
        for _ in range(300):
            hand = self.work()
            due = next_due(agenda_of(self.state))
            later = [each for each in (due, hand.not_before) if each and each > self.desk.now]
            if due is None or not later or min(later) > until:
                break
            waits = hand.not_before if hand.not_before and due <= self.desk.now else None
            self.desk.now = waits or min(later)
        else:
            raise AssertionError("it never comes to rest")
        self.desk.now = until

    def refund(self, amount: Money) -> None:
        """Somebody has money given back."""
        facts = request_refund(
            self.state, amount, reason="asked for", now=self.desk.now, credit_missing=True
        )
        append = self.desk.facts("s-1", len(self.facts), facts, "command:refund")
        asyncio.run(self.desk.append(append))

    def cut(self, version: int, *, said: bool = True) -> Life:
        """The same life from the backup of a version on. said: that it was restored."""
        desk = Records(list(self.facts[:version]), self.desk.now)
        since = self.desk.recorded[version - 1]
        restored = Restored(until=self.desk.now, since=since) if said else None
        desk.now = self.desk.now + MINUTE
        return Life(desk, copy.deepcopy(self.provider), self.which, restored)


def born(luck: Mapping[int, Luck], agreed: Terms, which: Provider = Provider.PAYPAL) -> Life:
    """A subscription that is ready to be billed."""
    facts = list(signed_up(agreed, provider=which))
    return Life(Records(facts, DUE), Ledger(luck), which)


def lived(
    luck: Mapping[int, Luck],
    agreed: Terms,
    which: Provider = Provider.PAYPAL,
    then: Callable[[Life], None] = lambda _: None,
) -> Life:
    """The life whose end is lost. then: what people do at its end."""
    life = born(luck, agreed, which)
    life.live(END)
    then(life)
    return life
