"""How a command is carried out: load the stream, let the domain decide, append what follows.

A stream that moved meanwhile is loaded and decided anew. A command that changes nothing because
it was carried out before is quiet: it answers with the present position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import attrs

from domain.catalogue.moving import MOVE, move_due
from domain.identity import checked_id, stream_of
from domain.providers import Provider
from domain.recorded import Stamp
from domain.refusals import Refused
from domain.subscription.events import SubscriptionEvent
from domain.subscription.invoicing import invoice_due
from domain.subscription.state import Subscription
from infrastructure.store.ledger import Append, Appended

if TYPE_CHECKING:
    from infrastructure.bootstrap import System

TRIES = 50

Events = tuple[SubscriptionEvent, ...]
Decide = Callable[[Subscription], Events]


class StreamBusy(Exception):
    """The stream moved on every one of our tries; the command may be given again."""


@attrs.frozen(kw_only=True)
class Done:
    """A command was carried out. position: reads at or after it show the result.

    changed: False when there was nothing left to do.
    """

    position: int
    changed: bool


class Deciding:
    """What every command needs of the books. Blocking; safe for many threads.

    actor: who gives the commands, e.g. "api:checkout", "cli"; no personal data.
    """

    def __init__(self, system: System, *, actor: str) -> None:
        self._ledger, self._clock, self._plans = system.ledger, system.clock, system.plans
        self._zone_version = system.zone_version
        self._accounts = {(each.provider, each.name) for each in system.settings.accounts}
        self._actor = actor

    def find(self, subscription_id: str) -> tuple[Subscription, int]:
        """A subscription and a position at which this is its state.

        Refused: "subscription-unknown".
        """
        position = self._ledger.head()
        return self._load(subscription_id)[0], position

    def _change(
        self, subscription_id: str, decide: Decide, cause: str, command_id: UUID | None
    ) -> Done:
        """Decide on one subscription and append what follows.

        A command whose id was given may have been carried out before, and its answer lost: then
        its facts are in the stream, and nothing is decided again, whatever the state is now.
        What was announced for a period that has begun comes first: a command may bill it.
        """
        stamp = self._stamp(cause, command_id)
        for _ in range(TRIES):
            state, version = self._load(subscription_id)
            stream = stream_of(subscription_id)
            if command_id is not None and (before := self._written(stream, stamp)):
                return Done(position=before, changed=True)
            if moved := self._moves(state):
                append = Append(stream, version, moved, self._stamp(f"agenda:{MOVE}", None))
                self._ledger.append([append], now=self._clock())
                continue
            events = decide(state)
            if not events:
                return Done(position=self._ledger.head(), changed=False)
            append = Append(stream, version, events, stamp)
            (result,) = self._ledger.append([append], now=self._clock())
            if isinstance(result, Appended):
                return Done(position=result.position, changed=True)
        raise StreamBusy(f"{subscription_id} is being written by others")

    def _moves(self, state: Subscription) -> Events:
        """The announced move to another version that is due."""
        now = self._clock()
        if not invoice_due(state, now=now):
            return ()
        plan = self._plans.recent(state.terms.plan)
        return move_due(state, plan, now=now, zone_version=self._zone_version)

    def _written(self, stream: str, stamp: Stamp) -> int | None:
        """The position of the last fact that this very command has written."""
        facts = self._ledger.read_stream(stream)
        asked = (stamp.command_id, stamp.cause)
        positions = [each.position for each in facts if (each.command_id, each.cause) == asked]
        return max(positions, default=None)

    def _load(self, subscription_id: str) -> tuple[Subscription, int]:
        stream = stream_of(checked_id("subscription id", subscription_id))
        loaded = self._ledger.load([stream])[stream]
        if loaded.state is None:
            raise Refused("subscription-unknown", f"there is no subscription {subscription_id}")
        return loaded.state, loaded.version

    def _check_account(self, provider: Provider, account: str) -> None:
        """Refused: "account-unknown" for one that the settings do not have."""
        if (provider.value, account) not in self._accounts:
            reason = f"the settings have no {provider.value} account {account[:64]!r}"
            raise Refused("account-unknown", reason)

    def _stamp(self, cause: str, command_id: UUID | None) -> Stamp:
        return Stamp(actor=self._actor, cause=cause, command_id=command_id or uuid4())
