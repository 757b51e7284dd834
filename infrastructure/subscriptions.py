"""What people and programs may ask of subscriptions: the same for the API and the command line.

Each command loads the stream, lets the domain decide on it, appends what follows, and says at
which position the result can be read. A stream that moved meanwhile is loaded and decided anew.
A command that changes nothing because it was carried out before is quiet: it answers with the
present position.

errors
  Refused        a rule said no, nothing was written; "subscription-unknown" and "account-unknown"
                 are ours, "start-out-of-range" and the codes of the decisions come with the wish
  StreamBusy     other writers were faster too many times
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import attrs

from domain.identity import checked_id, stream_of
from domain.money import Money
from domain.recorded import Stamp
from domain.refusals import Refused
from domain.subscription.ending import cancel
from domain.subscription.events import SubscriptionEvent
from domain.subscription.folding import evolve
from domain.subscription.looking_up import decide_by_person
from domain.subscription.starting import Start, start
from domain.subscription.state import Subscription
from domain.subscription.vaulting import request_token
from infrastructure.store.ledger import Append, Appended
from infrastructure.wishes import check_evidence, checked_wish

if TYPE_CHECKING:
    from infrastructure.bootstrap import System

LARGEST_START_BATCH = 500
# Why a token is requested together with the start.
SIGN_UP = "sign-up"
_TRIES = 50

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


class Subscriptions:
    """Commands on the subscriptions of one set of books. Blocking; safe for many threads.

    actor: who gives them, e.g. "api:checkout", "cli"; no personal data.

    Every command takes `cause` (what the facts name as such, e.g. "command:cancel") and a
    `command_id`: the same one again after a lost answer writes once; None draws one.
    """

    def __init__(self, system: System, *, actor: str) -> None:
        self._ledger, self._clock = system.ledger, system.clock
        self._zone_version = system.zone_version
        self._accounts = {(each.provider, each.name) for each in system.settings.accounts}
        self._actor = actor

    def find(self, subscription_id: str) -> tuple[Subscription, int]:
        """A subscription and a position at which this is its state.

        Refused: "subscription-unknown".
        """
        position = self._ledger.head()
        return self._load(subscription_id)[0], position

    def start(
        self,
        wish: Start,
        *,
        request_token: bool = False,
        cause: str = "command:start",
        command_id: UUID | None = None,
    ) -> Done:
        """Start a subscription, and request its token in the same append if that is wanted.

        Refused: "account-unknown", and what starting.start refuses.
        """
        (outcome,) = self.start_many(
            [wish], request_token=request_token, cause=cause, command_id=command_id
        )
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def start_many(
        self,
        wishes: Sequence[Start],
        *,
        request_token: bool = False,
        cause: str = "command:start",
        command_id: UUID | None = None,
    ) -> list[Done | Refused]:
        """Start many, in appends of up to LARGEST_START_BATCH; what came of each, in order.

        A subscription that was started before with the same terms is left as it is: no second
        token is requested, and its keys stay.
        """
        stamp = self._stamp(cause, command_id)
        outcomes: list[Done | Refused] = []
        for first in range(0, len(wishes), LARGEST_START_BATCH):
            batch = wishes[first : first + LARGEST_START_BATCH]
            outcomes += self._start_batch(batch, stamp, request_token=request_token)
        return outcomes

    def request_token(
        self,
        subscription_id: str,
        *,
        reason: str,
        cause: str = "command:token",
        command_id: UUID | None = None,
    ) -> Done:
        """Ask for a new approval. Quiet while a request is open.

        Refused: "subscription-unknown", "reason-malformed", "subscription-ended".
        """
        if not 1 <= len(reason) <= 200 or not reason.isprintable():
            raise Refused("reason-malformed", "a reason is 1-200 printable characters")
        return self._change(
            subscription_id,
            lambda state: request_token(state, reason=reason, now=self._clock()),
            self._stamp(cause, command_id),
        )

    def cancel(
        self,
        subscription_id: str,
        *,
        reason: str,
        cause: str = "command:cancel",
        command_id: UUID | None = None,
    ) -> Done:
        """End billing now. Refused: "subscription-unknown", and what ending.cancel refuses."""
        return self._change(
            subscription_id,
            lambda state: cancel(state, reason=reason, now=self._clock()),
            self._stamp(cause, command_id),
        )

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

        return self._change(subscription_id, decide, self._stamp(cause, command_id))

    # --- inside -------------------------------------------------------------------------------

    def _stamp(self, cause: str, command_id: UUID | None) -> Stamp:
        return Stamp(actor=self._actor, cause=cause, command_id=command_id or uuid4())

    def _load(self, subscription_id: str) -> tuple[Subscription, int]:
        stream = stream_of(checked_id("subscription id", subscription_id))
        loaded = self._ledger.load([stream])[stream]
        if loaded.state is None:
            raise Refused("subscription-unknown", f"there is no subscription {subscription_id}")
        return loaded.state, loaded.version

    def _change(self, subscription_id: str, decide: Decide, stamp: Stamp) -> Done:
        for _ in range(_TRIES):
            state, version = self._load(subscription_id)
            events = decide(state)
            if not events:
                return Done(position=self._ledger.head(), changed=False)
            append = Append(stream_of(subscription_id), version, events, stamp)
            (result,) = self._ledger.append([append], now=self._clock())
            if isinstance(result, Appended):
                return Done(position=result.position, changed=True)
        raise StreamBusy(f"{subscription_id} is being written by others")

    def _start_batch(
        self, wishes: Sequence[Start], stamp: Stamp, *, request_token: bool
    ) -> list[Done | Refused]:
        outcomes: dict[int, Done | Refused] = {}
        waiting: dict[int, Start] = {}
        for place, wish in enumerate(wishes):
            try:
                waiting[place] = checked_wish(wish)
            except Refused as refused:
                outcomes[place] = refused
        for _ in range(_TRIES):
            if waiting:
                waiting = self._start_round(waiting, outcomes, stamp, request_token)
            if not waiting:
                return [outcomes[place] for place in range(len(wishes))]
        raise StreamBusy("subscriptions are being started by others")

    def _start_round(
        self,
        waiting: Mapping[int, Start],
        outcomes: dict[int, Done | Refused],
        stamp: Stamp,
        with_token: bool,
    ) -> dict[int, Start]:
        """Decide and append once; fill `outcomes`, and return what has to be decided anew."""
        streams = {place: stream_of(wish.subscription_id) for place, wish in waiting.items()}
        loaded = self._ledger.load(list(dict.fromkeys(streams.values())))
        appends: dict[int, Append] = {}
        again: dict[int, Start] = {}
        quiet: list[int] = []
        taken: set[str] = set()
        for place, wish in waiting.items():
            stream = streams[place]
            if stream in taken:
                again[place] = wish
                continue
            try:
                events = self._started(loaded[stream].state, wish, with_token)
            except Refused as refused:
                outcomes[place] = refused
                continue
            if events:
                taken.add(stream)
                appends[place] = Append(stream, loaded[stream].version, events, stamp)
            else:
                quiet.append(place)
        results = self._ledger.append(list(appends.values()), now=self._clock()) if appends else []
        for place, result in zip(appends, results, strict=True):
            if isinstance(result, Appended):
                outcomes[place] = Done(position=result.position, changed=True)
            else:
                again[place] = waiting[place]
        if quiet:
            head = self._ledger.head()
            outcomes.update({place: Done(position=head, changed=False) for place in quiet})
        return again

    def _started(self, state: Subscription | None, wish: Start, with_token: bool) -> Events:
        account = (wish.provider.value, wish.account)
        if account not in self._accounts:
            reason = f"the settings have no {account[0]} account {account[1][:64]!r}"
            raise Refused("account-unknown", reason)
        now = self._clock()
        events = start(state, wish, now=now, zone_version=self._zone_version)
        if not events or not with_token:
            return events
        new = None
        for event in events:
            new = evolve(new, event)
        assert new is not None
        return (*events, *request_token(new, reason=SIGN_UP, now=now))
