"""What people and programs may ask of subscriptions: the same for the API and the command line.

Each command loads the stream, lets the domain decide on it, appends what follows, and says at
which position the result can be read (deciding.py). Starting many at once: starting.py;
usage: usage.py; discounts and amounts that are set: amounts.py; anchors: anchoring.py; beside the
schedule: demands.py; what was not paid, or not as it was asked for: dunning.py; refunds:
refunding.py; reversals: disputing.py; tokens that are let go: letting_go.py.

errors
  Refused        a rule said no, nothing was written; "subscription-unknown" and "account-unknown"
                 are ours, the codes of wishes.py and of the decisions come with the wish
  StreamBusy     other writers were faster too many times
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.money import Money
from domain.plan import Proration
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.changing import Change, change_terms
from domain.subscription.crediting import grant_credit
from domain.subscription.ending import cancel, schedule_cancellation, withdraw_cancellation
from domain.subscription.events import When
from domain.subscription.in_session import pay_in_session
from domain.subscription.looking_up import decide_by_person
from domain.subscription.pausing import Resume, pause, resume
from domain.subscription.starting import FirstPayment
from domain.subscription.state import Subscription
from domain.subscription.vaulting import HERE, Elsewhere, ask_payer
from domain.subscription.wording import checked_reason
from infrastructure.commands.amounts import Amounts
from infrastructure.commands.anchoring import Anchoring
from infrastructure.commands.deciding import Done, Events, StreamBusy
from infrastructure.commands.demands import Demands
from infrastructure.commands.disputing import Disputing
from infrastructure.commands.dunning import Dunning
from infrastructure.commands.letting_go import LettingGo
from infrastructure.commands.refunding import Refunding
from infrastructure.commands.starting import LARGEST_START_BATCH, SIGN_UP
from infrastructure.commands.usage import LARGEST_USAGE_BATCH, Metering
from infrastructure.commands.wishes import (
    NewTerms,
    UsageWish,
    check_evidence,
    checked_instant,
)

__all__ = [
    "LARGEST_START_BATCH",
    "LARGEST_USAGE_BATCH",
    "SIGN_UP",
    "Done",
    "StreamBusy",
    "Subscriptions",
    "UsageWish",
]


class Subscriptions(
    Dunning, Metering, Amounts, Anchoring, Demands, Refunding, Disputing, LettingGo
):
    """Commands on the subscriptions of one set of books. Blocking; safe for many threads.

    actor: who gives them, e.g. "api:checkout", "cli"; no personal data.

    Every command takes `cause` (what the facts name as such, e.g. "command:cancel") and a
    `command_id`: the same one again after a lost answer writes once; None draws one.
    """

    def request_token(
        self,
        subscription_id: str,
        *,
        reason: str,
        backup: bool = False,
        provider: Provider | None = None,
        account: str = "",
        first_payment: FirstPayment = FirstPayment.CHARGED,
        cause: str = "command:token",
        command_id: UUID | None = None,
    ) -> Done:
        """Ask for a new approval. Quiet while such a request is open.

        backup: of the backup method, which replaces nothing.
        provider, account: where, if not where the subscription is charged: it moves there.
        first_payment: whether the payer pays the oldest open invoice on the same page.
        Refused: "subscription-unknown", "reason-malformed", "account-unknown" for one that the
            settings do not have; "first-payment-elsewhere" for one of a backup, or on a move; and
            what vaulting.ask_payer and in_session.pay_in_session refuse.
        """
        checked_reason(reason)
        where = Elsewhere(provider, account)
        in_session = first_payment is FirstPayment.IN_SESSION
        if in_session and (backup or where != HERE):
            words = "on the page of the first method, where the subscription is charged"
            raise Refused("first-payment-elsewhere", words)

        def decide(state: Subscription) -> Events:
            if in_session:
                now, zone_version = self._clock(), self._zone_version
                return pay_in_session(state, reason=reason, now=now, zone_version=zone_version)
            if where != HERE:
                self._check_account(*where.of(state))
            return ask_payer(state, backup=backup, reason=reason, now=self._clock(), where=where)

        return self._change(subscription_id, decide, cause, command_id)

    def change_terms(
        self,
        subscription_id: str,
        new: NewTerms,
        *,
        when: When,
        reason: str,
        proration: Proration | None = None,
        refund: bool = False,
        cause: str = "command:change",
        command_id: UUID | None = None,
    ) -> Done:
        """Agree to other terms, now or from the next period on. Quiet where they are agreed to.

        new: what changes of the terms that are agreed to by then; the rest stays.
        proration: instead of the agreed rule, for this change only. refund: whether what it gives
            back goes back to the payer.
        Refused: "subscription-unknown", and what changing.change_terms refuses.
        """

        def decide(state: Subscription) -> Events:
            wish = Change(
                terms=new.over(state.agreed),
                when=when,
                reason=reason,
                proration=proration,
                refund=refund,
            )
            return change_terms(state, wish, now=self._clock(), zone_version=self._zone_version)

        return self._change(subscription_id, decide, cause, command_id)

    def pause(
        self,
        subscription_id: str,
        *,
        until: datetime | None,
        credit: bool,
        reason: str,
        cause: str = "command:pause",
        command_id: UUID | None = None,
    ) -> Done:
        """Bill no period from now on, until it is resumed. Quiet when it is paused already.

        until: instant at which it resumes by itself, or None. credit: whether the rest of the
            running period is given back.
        Refused: "subscription-unknown", "instant-without-offset", "instant-out-of-range", and
            what pausing.pause refuses.
        """
        moment = None if until is None else checked_instant(until)

        def decide(state: Subscription) -> Events:
            return pause(
                state,
                until=moment,
                credit=credit,
                reason=reason,
                now=self._clock(),
                zone_version=self._zone_version,
            )

        return self._change(subscription_id, decide, cause, command_id)

    def resume(
        self,
        subscription_id: str,
        *,
        how: Resume,
        reason: str,
        cause: str = "command:resume",
        command_id: UUID | None = None,
    ) -> Done:
        """Bill periods again. Quiet when it is not paused.

        Refused: "subscription-unknown", and what pausing.resume refuses.
        """

        def decide(state: Subscription) -> Events:
            now, zone_version = self._clock(), self._zone_version
            return resume(state, how=how, reason=reason, now=now, zone_version=zone_version)

        return self._change(subscription_id, decide, cause, command_id)

    def grant_credit(
        self,
        subscription_id: str,
        amount: Money,
        *,
        reason: str,
        cause: str = "command:credit",
        command_id: UUID | None = None,
    ) -> Done:
        """Credit out of goodwill; it pays the invoices to come, oldest credit first.

        Never quiet: each command is one more credit, and only its `command_id` tells a repeat.
        Refused: "subscription-unknown", and what crediting.grant_credit refuses.
        """

        def decide(state: Subscription) -> Events:
            return grant_credit(state, amount, reason=reason, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)

    def cancel(
        self,
        subscription_id: str,
        *,
        reason: str,
        credit: Proration = Proration.NONE,
        refund: bool = False,
        cause: str = "command:cancel",
        command_id: UUID | None = None,
    ) -> Done:
        """End billing now. Quiet when it is cancelled already.

        credit: by which rule the rest of a period that is billed already becomes credit.
        refund: whether that goes back; by the agreed rule where `credit` names none.
        Refused: "subscription-unknown", and what ending.cancel refuses.
        """

        def decide(state: Subscription) -> Events:
            agreed = refund and credit is Proration.NONE
            rule = state.terms.proration if agreed else credit
            return cancel(state, reason=reason, now=self._clock(), credit=rule, refund=refund)

        return self._change(subscription_id, decide, cause, command_id)

    def schedule_cancellation(
        self,
        subscription_id: str,
        *,
        at: datetime | None,
        reason: str,
        cause: str = "command:cancel",
        command_id: UUID | None = None,
    ) -> Done:
        """End billing at an instant, or, with None, when the running period is over.

        Refused: "subscription-unknown", "instant-without-offset", "instant-out-of-range", and
            what ending.schedule_cancellation refuses.
        """
        moment = None if at is None else checked_instant(at)

        def decide(state: Subscription) -> Events:
            now, zone_version = self._clock(), self._zone_version
            return schedule_cancellation(
                state, at=moment, reason=reason, now=now, zone_version=zone_version
            )

        return self._change(subscription_id, decide, cause, command_id)

    def withdraw_cancellation(
        self,
        subscription_id: str,
        *,
        reason: str,
        cause: str = "command:reactivate",
        command_id: UUID | None = None,
    ) -> Done:
        """Let a subscription go on that was going to end. Quiet where no end is planned.

        Refused: "subscription-unknown", and what ending.withdraw_cancellation refuses.
        """

        def decide(state: Subscription) -> Events:
            now, zone_version = self._clock(), self._zone_version
            return withdraw_cancellation(state, reason=reason, now=now, zone_version=zone_version)

        return self._change(subscription_id, decide, cause, command_id)

    def decide_by_person(
        self,
        subscription_id: str,
        attempt_id: UUID,
        *,
        received: Money | None,
        provider_ref: str,
        reason: str,
        cause: str = "command:decide",
        command_id: UUID | None = None,
    ) -> Done:
        """Settle an unknown outcome from a person's own evidence.

        received: what the provider took, or None for nothing.
        Refused: "subscription-unknown", "received-not-positive", "provider-ref-malformed", and
            what looking_up.decide_by_person refuses.
        """
        check_evidence(received, provider_ref)

        def decide(state: Subscription) -> Events:
            return decide_by_person(
                state,
                attempt_id,
                received=received,
                provider_ref=provider_ref,
                reason=reason,
                now=self._clock(),
            )

        return self._change(subscription_id, decide, cause, command_id)
