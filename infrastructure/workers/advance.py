"""Take one subscription as far as it can go now: decide, write, ask, write, until nothing is due.

Intention before effect: a charge is sent only after the append that holds its attempt succeeded.
Every fact is decided on the newest state; a stream that moved meanwhile is loaded and decided on
anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import structlog

from domain.budgets import BUDGETS, Budget
from domain.ports import Granted, LookUpAnswer, NotDone, NotFound, Secret, TokenShared, Unknown
from domain.processes.answers import Answer, follow, token_ref_of
from domain.processes.next_step import next_step
from domain.processes.places import place_for, without_place
from domain.processes.steps import (
    AskToken,
    BookReversal,
    Call,
    DeleteToken,
    LookUp,
    LookUpDispute,
    LookUpRefund,
    LookUpToken,
    Nothing,
    Record,
    SeeToken,
    SendCharge,
    SendRefund,
    SendRenewal,
)
from domain.refund_ports import Refunded, RefundLookUpAnswer
from domain.refusals import Refused
from domain.restorations.lost import Absent, Held
from domain.subscription.charging import LOOK_UP
from domain.subscription.disputing import taken_back
from domain.subscription.events import ChargeAttempted, SubscriptionEvent
from domain.subscription.folding import evolve
from domain.subscription.invoicing import invoice_due
from domain.subscription.looking_up import may_send_again
from domain.subscription.refund_events import RefundAttempted
from domain.subscription.settling_refunds import may_send_refund_again, refund_for_a_person
from domain.subscription.token_events import TokenRevoked
from infrastructure.store.ledger import Appended
from infrastructure.workers.causes import cause_of
from infrastructure.workers.crash_points import (
    AFTER_ANSWER,
    AFTER_INTENT,
    AFTER_OUTCOME,
    BEFORE_INTENT,
    PLACE_TAKEN,
    TOKEN_IN_VAULT,
    reached,
)
from infrastructure.workers.deletions import delete_later, leave
from infrastructure.workers.desk import SNAPSHOT_EVERY, Desk, Given
from infrastructure.workers.hand import Hand, LeaseLost, attempted_refunds
from infrastructure.workers.lost import LostBooks, RefundShown, Restoration, held_until, never
from infrastructure.workers.outages import Guards, hold_back_s, without_new
from infrastructure.workers.provider_calls import Gateways, ask

log = structlog.get_logger(__name__)

# How long something that was certainly not carried out is left alone, when nobody says.
WAIT_AFTER_NOT_DONE = timedelta(minutes=1)
# A subscription that is due many times over (a late sign-up, a long outage) is given back after
# this many steps, so that no claim outlives its lease.
MOST_STEPS = 40

Events = tuple[SubscriptionEvent, ...]


def _refunds_in(step: Record) -> set[UUID]:
    """The refunds that a step was to begin."""
    return {each.refund_id for each in step.events if isinstance(each, RefundAttempted)}


class Advancer:
    """Advances subscriptions of one set of books through its gateways.

    zone_version: version of the tz database that due instants are computed with.
    budgets: how often a card may be tried.
    guards: the gateways that may be out of order: nothing new is begun at those that are.
    restoration: what is known of restorations of these books.
    """

    def __init__(
        self,
        desk: Desk,
        gateways: Gateways,
        zone_version: str,
        budgets: Sequence[Budget] = BUDGETS,
        guards: Guards | None = None,
        restoration: Restoration = never,
    ) -> None:
        self._desk, self._gateways, self._zone_version = desk, gateways, zone_version
        self._budgets, self._guards = budgets, guards or {}
        self._lost = LostBooks(gateways, restoration)

    async def advance(self, hand: Hand) -> None:
        """Do all that is due now. Raises: LeaseLost."""
        for _ in range(MOST_STEPS):
            now = self._desk.clock()
            # Read only where something is billed, which is where a move is carried out.
            billing = invoice_due(hand.state, now=now)
            step = next_step(
                hand.state,
                now=now,
                taken_before=self._taken_before(hand),
                zone_version=self._zone_version,
                plan=await self._desk.plan(hand.state.terms.plan) if billing else None,
                refunds_taken=hand.refunds_taken,
                refunds_held=hand.refunds_held,
                not_renewed=hand.not_renewed,
                tokens_held=hand.tokens_held,
            )
            match step:
                case Nothing():
                    leave(hand)
                    return
                case Record():
                    kept, until = await self._allowed(hand, step)
                    if until is None or kept.events:
                        await self._record(hand, kept)
                        continue
                    hand.not_before = until
                    held = _refunds_in(step)
                    if not held:
                        return
                    hand.refunds_held |= held
                case SendRefund() as call:
                    if not await self._give_back(hand, call):
                        hand.refunds_held.add(call.refund.refund_id)
                case LookUpRefund() as call:
                    if not await self.carry_out(hand, call):
                        hand.refunds_held.add(call.refund.refund_id)
                case AskToken() as call:
                    page = await self._lost.page_held(hand, call, self._desk.clock())
                    if page is not None:
                        hand.not_before = held_until(hand.state, page)
                        return
                    if not await self.carry_out(hand, call):
                        return
                case DeleteToken() as call:
                    await self.carry_out(hand, call)
                case call:
                    if not await self.carry_out(hand, call):
                        return

    async def _allowed(self, hand: Hand, step: Record) -> tuple[Record, datetime | None]:
        """What of a step may be recorded now; and until when the rest has to wait, or None.

        Nothing new is begun at an account that is out of order, or that lost books may have begun
        before; what they did is recorded in its place.
        """
        now = self._desk.clock()
        wait = await hold_back_s(self._guards, hand.state, step)
        if wait is not None:
            return without_new(step), now + timedelta(seconds=wait)
        kept, held = await self._lost.looked_for(hand, step, now)
        return kept, None if held is None else held_until(hand.state, held)

    def _taken_before(self, hand: Hand) -> bool:
        """Whether somebody else may have sent the open attempt: another worker, or lost books."""
        attempt = hand.state.open_attempt
        looked = attempt is not None and attempt.attempt_id in hand.looked
        return hand.taken_before or (not looked and self._lost.sent_before(hand.state))

    async def _give_back(self, hand: Hand, call: SendRefund) -> bool:
        """Send a refund, unless lost books gave it back, or another of its charge. False: wait."""
        now = self._desk.clock()
        verdict = await self._lost.refund_looked_for(hand, call, now)
        look = LookUpRefund(call.refund, LOOK_UP)
        match verdict:
            case Absent():
                return await self.carry_out(hand, call)
            case Held():
                hand.not_before = held_until(hand.state, verdict)
                return False
            case RefundShown(answer=answer):
                if await self._conclude(hand, look, answer):
                    return True
                self._wait(hand, answer)
                return False
            case Refunded(amount=amount, provider_ref=provider_ref):
                words = f"not sent: {amount} went back as {provider_ref}, and is not in these books"
                key = call.refund.refund_id
                facts = refund_for_a_person(hand.state, key, words, now=now)
                if not await self._write(hand, facts, cause_of(look)):
                    await self._reload(hand)
                return True

    async def _record(self, hand: Hand, step: Record) -> None:
        """Write what follows from the state and the time.

        An attempt on a card needs a place in the card's budgets first, and is put off without.
        """
        place = place_for(hand.state, step.events, self._budgets)
        if place is not None:
            wait = await self._desk.reserve(place)
            reached(PLACE_TAKEN)
            if wait is not None:
                step = without_place(hand.state, step, wait, now=place.attempted_at)
                place = None
        reached(BEFORE_INTENT)
        if not step.events or await self._write(hand, step.events, f"agenda:{step.cause}"):
            reached(AFTER_INTENT)
            if any(isinstance(event, ChargeAttempted) for event in step.events):
                # What is open now was attempted here and sent by nobody else. Other facts (the
                # intention of a refund) say nothing of a charge that was found open.
                hand.taken_before = False
            return
        await self._reload(hand)
        # Whoever was faster may have attempted a charge, and sent it.
        hand.taken_before = True
        attempt = hand.state.open_attempt
        if place is not None and (attempt is None or attempt.attempt_id != place.attempt_id):
            await self._desk.release_place(place.attempt_id)

    async def carry_out(self, hand: Hand, call: Call) -> bool:
        """Make a call and write what follows. False when the provider did nothing: wait."""
        answer = await self._ask(hand, call)
        reached(AFTER_ANSWER)
        if (
            isinstance(call, LookUp)
            and may_send_again(
                hand.state,
                call.attempt.attempt_id,
                cast(LookUpAnswer, answer),
                now=self._desk.clock(),
            )
            and not self._lost.only_looked_up(hand.state)
        ):
            hand.taken_before = False
            hand.looked.add(call.attempt.attempt_id)
            return True
        if isinstance(call, LookUpRefund) and may_send_refund_again(
            hand.state,
            call.refund.refund_id,
            cast(RefundLookUpAnswer, answer),
            now=self._desk.clock(),
        ):
            hand.refunds_taken.discard(call.refund.refund_id)
            return True
        wrote = await self._conclude(hand, call, answer)
        reached(AFTER_OUTCOME)
        if wrote:
            return True
        if isinstance(call, DeleteToken):
            delete_later(hand, call, answer, self._desk.clock())
            return False
        if isinstance(call, SendRenewal) and not isinstance(answer, NotDone | Unknown):
            # What is reserved stands as it is, and is captured so.
            hand.not_renewed.add(call.capture_id)
            return True
        self._wait(hand, answer)
        hand.unanswered |= isinstance(answer, NotDone) and isinstance(
            call, LookUp | LookUpRefund | SeeToken
        )
        # Nobody looks at a token by schedule: a doubt is asked about again, too.
        hand.unanswered |= isinstance(answer, NotDone | Unknown) and isinstance(call, LookUpToken)
        return False

    async def look_at_dispute(self, hand: Hand, call: LookUpDispute) -> None:
        """Look at a dispute and write what follows; what cannot be booked is left to a person.

        No look is planned for a dispute: one that was not answered has to be made again.
        """
        answer = await self._ask(hand, call)
        reached(AFTER_ANSWER)
        if isinstance(answer, NotDone | Unknown):
            hand.unanswered = True
            log.warning("dispute not shown", dispute=call.dispute_ref, reason=answer.reason)
        elif isinstance(answer, NotFound):
            hand.refused[call.dispute_ref] = answer.finding
        else:
            try:
                await self._conclude(hand, call, answer)
            except Refused as refusal:
                hand.refused[call.dispute_ref] = str(refusal)
        reached(AFTER_OUTCOME)

    async def book(self, hand: Hand, told: BookReversal) -> None:
        """Write what a callback said was taken back; what cannot be booked is left to a person."""
        while True:
            now = self._desk.clock()
            try:
                events = taken_back(hand.state, told.reversal, evidence=told.evidence, now=now)
            except Refused as refusal:
                hand.refused[told.reversal.provider_ref] = str(refusal)
                return
            if not events or await self._write(hand, events, f"answer:{told.evidence}"):
                return
            await self._reload(hand)

    async def _ask(self, hand: Hand, call: Call) -> Answer:
        if time.monotonic() >= hand.check_lease_at:
            await self._check_lease(hand)
        if isinstance(call, DeleteToken) and await self._desk.is_shared(call.token.token_ref):
            return TokenShared()
        token = await self._token(call)
        return await ask(self._gateways, hand.state, call, token=token, now=self._desk.clock())

    async def _token(self, call: Call) -> Secret | None:
        match call:
            case SendCharge(attempt=attempt):
                return await self._desk.open_token(attempt.token_ref)
            case DeleteToken(token=token) | LookUpToken(token=token):
                return await self._desk.open_token(token.token_ref)
            case _:
                return None

    async def _check_lease(self, hand: Hand) -> None:
        claim = hand.claim
        if not await self._desk.renew(claim):
            raise LeaseLost(claim.subscription_id)
        hand.check_lease_at = time.monotonic() + self._desk.lease_s / 2

    async def _conclude(self, hand: Hand, call: Call, answer: Answer) -> bool:
        """Write what an answer makes of the state, however often the stream moves meanwhile.

        A token is put into the vault once a fact is going to name it, and before that fact is
        written: the vault holds no token that nobody asked for, the ledger names none that is not
        in the vault.
        """
        kept = False
        while True:
            events = follow(hand.state, call, answer, now=self._desk.clock())
            if not events:
                return False
            if not kept:
                await self._keep_token(hand, call, answer)
                kept = True
            if await self._write(hand, events, cause_of(call)):
                await self._drop_tokens(events)
                return True
            await self._reload(hand)

    async def _keep_token(self, hand: Hand, call: Call, answer: Answer) -> None:
        if isinstance(answer, Granted) and isinstance(call, SeeToken):
            given = Given(
                customer_id=hand.state.customer_id,
                token_ref=token_ref_of(call.request),
                token=answer.token,
                name=answer.instrument.provider_token_id,
            )
            await self._desk.keep_token(given)
            reached(TOKEN_IN_VAULT)

    async def _drop_tokens(self, events: Events) -> None:
        """Forget what can be charged no more; what is left after a crash can do no harm."""
        for event in events:
            if isinstance(event, TokenRevoked):
                await self._desk.drop_token(event.token_ref)

    async def _write(self, hand: Hand, events: Events, cause: str) -> bool:
        """Append facts; False when the stream has moved."""
        subscription_id = hand.state.subscription_id
        append = self._desk.facts(subscription_id, hand.version, events, cause)
        result = await self._desk.append(append)
        if not isinstance(result, Appended):
            log.info("stream moved", subscription=subscription_id, expected=hand.version)
            return False
        for event in events:
            hand.state = evolve(hand.state, event)
        if hand.version // SNAPSHOT_EVERY != result.version // SNAPSHOT_EVERY:
            hand.snapshot_due = True
        hand.version, hand.position = result.version, result.position
        return True

    async def _reload(self, hand: Hand) -> None:
        loaded = await self._desk.load(hand.state.subscription_id)
        assert loaded.state is not None, "a stream does not vanish"
        # What somebody else is about to send meanwhile may have been sent.
        hand.refunds_taken |= attempted_refunds(loaded.state) - attempted_refunds(hand.state)
        hand.state, hand.version = loaded.state, loaded.version

    def _wait(self, hand: Hand, answer: Answer) -> None:
        """Leave it alone for a while if the provider did nothing; else there was nothing to do."""
        if not isinstance(answer, NotDone | Unknown):
            return
        wait = WAIT_AFTER_NOT_DONE
        if isinstance(answer, NotDone) and answer.retry_after_s is not None:
            wait = timedelta(seconds=answer.retry_after_s)
        hand.not_before = self._desk.clock() + wait
        log.warning(
            "provider did nothing",
            subscription=hand.state.subscription_id,
            reason=answer.reason,
            until=hand.not_before.isoformat(),
        )
