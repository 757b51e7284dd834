"""Before anything is sent that lost books may have sent: look for it at the providers.

Where nobody said that the books were restored, nothing here loads, asks or waits for anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import cast

import attrs
import structlog

from domain.ports import LookUpAnswer, NotFound
from domain.processes.steps import AskToken, LookUp, LookUpRefund, Record, SendRefund
from domain.providers import Provider
from domain.refund_ports import Refunded, RefundLookUpAnswer
from domain.restorations.lost import (
    Absent,
    Found,
    Held,
    Place,
    Shown,
    Verdict,
    as_found,
    attempts_to_look_for,
    judged,
    lost_sight_of,
    may_be_lost,
    refund_judged,
    refund_may_be_lost,
    refunds_to_look_for,
)
from domain.restorations.saying import Restored
from domain.subscription.charging import LOOK_UP
from domain.subscription.events import ChargeAttempted
from domain.subscription.folding import evolve_all
from domain.subscription.in_session import awaited
from domain.subscription.owed import Attempt
from domain.subscription.refunds import OpenRefund
from domain.subscription.state import Subscription
from infrastructure.workers.hand import Hand
from infrastructure.workers.provider_calls import Gateways, ask

log = structlog.get_logger(__name__)

Restoration = Callable[[], Restored | None]


def never() -> Restored | None:
    """Books that were never restored."""
    return None


def held_until(state: Subscription, held: Held) -> datetime:
    """Until when something is not sent; the log says what, and why."""
    log.warning(
        "not sent, lost books may have sent it",
        subscription=state.subscription_id,
        reason=held.reason,
        until=held.until.isoformat(),
    )
    return held.until


@attrs.frozen
class RefundShown:
    """What was shown of a refund itself; it is recorded as any look is."""

    answer: RefundLookUpAnswer


class LostBooks:
    """Looks for what the lost books may have done, through the gateways of these.

    restoration: what is known of restorations now; no round trip.
    """

    def __init__(self, gateways: Gateways, restoration: Restoration = never) -> None:
        self._gateways, self._restoration = gateways, restoration

    def sent_before(self, state: Subscription) -> bool:
        """Whether the lost books may have gone on with the open attempt."""
        restored, attempt = self._restoration(), state.open_attempt
        return restored is not None and attempt is not None and lost_sight_of(attempt, restored)

    def only_looked_up(self, state: Subscription) -> bool:
        """Whether the open attempt is not sent whatever a look shows: the next one may have been
        made, too. What is reserved is captured, or let go, once at most, whoever does it."""
        attempt = state.open_attempt
        begun = attempt is not None and (attempt.capture_id or attempt.void_id)
        return not begun and self.sent_before(state)

    async def looked_for(
        self, hand: Hand, step: Record, now: datetime
    ) -> tuple[Record, Held | None]:
        """The step as it may be recorded; and what it has to wait for, where it attempts nothing.

        A charge that they made is recorded in place of the attempt, and not made again.
        """
        restored = self._restoration()
        attempted = next((each for each in step.events if isinstance(each, ChargeAttempted)), None)
        if restored is None or attempted is None:
            return step, None
        others = tuple(each for each in step.events if each is not attempted)
        after = evolve_all(hand.state, others)
        if not may_be_lost(after, attempted, restored):
            return step, None
        verdict = hand.lost.get(attempted.invoice_number)
        if verdict is None:
            verdict = await self._judged(after, attempted, restored, now)
            hand.lost[attempted.invoice_number] = verdict
        match verdict:
            case Absent():
                return step, None
            case Held():
                return Record(others, step.cause), verdict
            case Found():
                facts = as_found(others, after, attempted, verdict, now=now)
                if attempted.attempt_number == verdict.number:
                    # What comes after it is looked for anew.
                    del hand.lost[attempted.invoice_number]
                return Record(facts, step.cause), None

    async def page_held(self, hand: Hand, call: AskToken, now: datetime) -> Held | None:
        """What a page has to wait for on which the payer would pay what may be paid.

        The page itself is looked for by its reference before it is made, as every page is; here
        it is the attempts after it. Found, they are booked once this one is settled as not made.
        """
        restored, attempt = self._restoration(), awaited(hand.state, call.request)
        if restored is None or attempt is None or call.only_look:
            return None
        following = _following(hand.state, attempt)
        if not may_be_lost(hand.state, following, restored):
            return None
        verdict = hand.lost.get(attempt.invoice_number)
        if verdict is None:
            verdict = await self._judged(hand.state, following, restored, now)
            hand.lost[attempt.invoice_number] = verdict
        match verdict:
            case Absent():
                return None
            case Held():
                return verdict
            case Found(number=number):
                words = f"attempt {number} on invoice {attempt.invoice_number} is at the provider"
                return Held(until=attempt.key_expires_at, reason=words)

    async def refund_looked_for(
        self, hand: Hand, call: SendRefund, now: datetime
    ) -> Absent | Held | Refunded | RefundShown:
        """Whether a refund may be sent that was never sent by these books."""
        restored, refund = self._restoration(), call.refund
        if restored is None or not refund_may_be_lost(hand.state, refund, restored):
            return Absent()
        own, *others = refunds_to_look_for(hand.state, refund)
        charge = hand.state.charge(refund.attempt_id)
        since = refund.requested_at if charge is None else charge.at

        async def look(each: OpenRefund) -> RefundLookUpAnswer:
            call = LookUpRefund(each, LOOK_UP, since)
            answer = await ask(self._gateways, hand.state, call, token=None, now=now)
            return cast(RefundLookUpAnswer, answer)

        answer, *rest = await asyncio.gather(*(look(each) for each in (own, *others)))
        if not isinstance(answer, NotFound):
            return RefundShown(answer)
        shown = list(zip(others, rest, strict=True))
        return refund_judged(refund, shown, restored=restored, now=now)

    async def _judged(
        self, state: Subscription, attempted: ChargeAttempted, restored: Restored, now: datetime
    ) -> Verdict:
        at: Place = (attempted.provider, attempted.account)
        places = {at: None} | {(Provider(name), account): None for name, account in self._gateways}
        attempts = attempts_to_look_for(state, attempted, places)

        async def look(each: Attempt) -> Shown:
            call = LookUp(each, LOOK_UP, restored.since)
            answer = await ask(self._gateways, state, call, token=None, now=now)
            return Shown(each, cast(LookUpAnswer, answer))

        shown = await asyncio.gather(*(look(each) for each in attempts))
        verdict = judged(shown, at=at, restored=restored, now=now)
        log.info(
            "looked for what lost books charged",
            subscription=state.subscription_id,
            invoice=attempted.invoice_number,
            found=str(verdict),
        )
        return verdict


def _following(state: Subscription, attempt: Attempt) -> ChargeAttempted:
    """The attempt after one that is open, for what it would be called."""
    return ChargeAttempted(
        attempt_id=attempt.attempt_id,
        customer_id=state.customer_id,
        invoice_number=attempt.invoice_number,
        attempt_number=attempt.attempt_number + 1,
        amount=attempt.amount,
        provider=attempt.provider,
        account=attempt.account,
        token_ref=attempt.token_ref,
        reference=attempt.reference,
        capture=attempt.capture,
        key_expires_at=attempt.key_expires_at,
        effective_at=attempt.attempted_at,
    )
