"""Tokens that are let go, and customers who are forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from domain.identity import stream_of
from domain.refusals import Refused
from domain.subscription.letting_go import Which, request_deletion
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import Deciding, Done, Events

if TYPE_CHECKING:
    from infrastructure.bootstrap import System

# Why tokens are let go that nobody in particular wished away.
ERASURE, IDLE = "erasure of the customer", "ended long ago"
_MOST_SUBSCRIPTIONS = 10_000


class LettingGo(Deciding):
    """Commands about the end of tokens."""

    def delete_tokens(
        self,
        subscription_id: str,
        which: Which,
        *,
        reason: str,
        cause: str = "command:delete-token",
        command_id: UUID | None = None,
    ) -> Done:
        """Have the provider forget tokens; nothing is charged with them from now on. Quiet where
        that is done or under way.

        Refused: "subscription-unknown", and what letting_go.request_deletion refuses.
        """

        def decide(state: Subscription) -> Events:
            return request_deletion(state, which, reason=reason, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)

    def delete_idle_tokens(self, subscription_id: str, *, ended_by: datetime) -> Done:
        """The same for a subscription that has ended by then, once nothing of it is open."""

        def decide(state: Subscription) -> Events:
            if state.ended_at is None or state.ended_at > ended_by or state.token is None:
                return ()
            if _without_outcome(state) is not None:
                return ()
            return request_deletion(state, Which.ALL, reason=IDLE, now=self._clock())

        return self._change(subscription_id, decide, "agenda:idle-tokens", None)


def check_at_rest(states: Sequence[Subscription]) -> None:
    """Refused: "customer-still-billed"; "charge-without-outcome", "refund-without-outcome": what
    is in doubt has to be resolved while the customer is still known."""
    for state in states:
        if (refusal := _without_outcome(state)) is not None:
            raise refusal
        if state.bills:
            reason = f"cancel {state.subscription_id} first; its token is still needed"
            raise Refused("customer-still-billed", reason)


def begin_erasure(system: System, commands: LettingGo, customer_id: str) -> tuple[str, ...]:
    """Let all tokens of a customer go; those that are not gone yet. Safe to repeat.

    Refused, and nothing written: what check_at_rest refuses.
    """
    states = states_of(system, customer_id)
    check_at_rest(states)
    for state in states:
        if any(each.let_go_at is None for each in state.tokens):
            commands.delete_tokens(
                state.subscription_id, Which.ALL, reason=ERASURE, cause="command:erase"
            )
    return held_tokens(states_of(system, customer_id))


def held_tokens(states: Sequence[Subscription]) -> tuple[str, ...]:
    """The references of all tokens that the provider may still hold."""
    return tuple(each.token_ref for state in states for each in state.tokens)


def states_of(system: System, customer_id: str) -> list[Subscription]:
    """A customer's subscriptions, as the ledger has them; the projections must be up to date.

    Raises: Unreadable.
    """
    page = system.views.select("due_dates", {"customer_id": customer_id}, limit=_MOST_SUBSCRIPTIONS)
    loaded = system.ledger.load([stream_of(each) for each in page.rows])
    return [one.state for one in loaded.values() if one.state is not None]


def _without_outcome(state: Subscription) -> Refused | None:
    """What of a subscription is open at the provider, as a refusal; None where nothing is."""
    if state.open_attempt is not None:
        reason = f"{state.subscription_id} has a charge whose outcome is not known"
        return Refused("charge-without-outcome", reason)
    if state.refunds:
        reason = f"{state.subscription_id} has a refund whose outcome is not known"
        return Refused("refund-without-outcome", reason)
    return None


def idle_tokens(system: System, ended_by: datetime, *, limit: int, offset: int = 0) -> list[str]:
    """Subscriptions that have ended by an instant, and whose tokens the provider still holds.

    Those that ended first come first.
    """
    page = system.views.select(
        "due_dates",
        at_most={"tokens_idle_since": ended_by},
        order="tokens_idle_since",
        limit=limit,
        offset=offset,
    )
    return list(page.rows)
