"""Report usage, one report or many in one append, and correct it.

A batch loads all its streams at once, decides each subscription's reports together, in their
order, and appends for all subscriptions at once. Each report is answered by itself: a refused one
takes nothing from its neighbours, and a repeat is known by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid5

import attrs

from domain.identity import checked_id, stream_of, subscription_of
from domain.recorded import Stamp
from domain.refusals import Refused
from domain.subscription.events import SubscriptionEvent, UsageReported
from domain.subscription.folding import evolve_all
from domain.subscription.metering import Report, correct_usage, report_usage
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import TRIES, Deciding, Done, Events, StreamBusy
from infrastructure.commands.wishes import UsageWish, checked_instant
from infrastructure.store.ledger import Append, Appended

LARGEST_USAGE_BATCH = 1000


@attrs.define
class _Batch:
    """What is left to decide, and what came of the rest. Places are those of the caller's list."""

    waiting: dict[str, list[int]]
    reports: dict[int, Report]
    outcomes: dict[int, Done | Refused]


@attrs.frozen
class _Decided:
    """What follows for one stream from its reports. accepted: places of those that count now."""

    events: Events
    accepted: tuple[int, ...]


class Metering(Deciding):
    """The commands about usage."""

    def report_usage(
        self,
        wishes: Sequence[UsageWish],
        *,
        cause: str = "command:usage",
        command_id: UUID | None = None,
    ) -> list[Done | Refused]:
        """Count usage, LARGEST_USAGE_BATCH reports an append; what came of each, in order.

        Done.changed is False for a report that was known already.
        Refused, each by itself: "subscription-unknown", "id-malformed",
            "instant-without-offset", "instant-out-of-range", and what metering.report_usage
            refuses. Raises: StreamBusy; give the same reports again, what was counted is known.
        """
        stamp = self._stamp(cause, command_id)
        outcomes: list[Done | Refused] = []
        for first in range(0, len(wishes), LARGEST_USAGE_BATCH):
            outcomes += self._report_batch(wishes[first : first + LARGEST_USAGE_BATCH], stamp)
        return outcomes

    def correct_usage(
        self,
        subscription_id: str,
        usage_id: str,
        quantity: int,
        *,
        reason: str,
        cause: str = "command:usage-correct",
        command_id: UUID | None = None,
    ) -> Done:
        """Say what a report should have said. Quiet when it says so already.

        Refused: "subscription-unknown", and what metering.correct_usage refuses.
        """

        def decide(state: Subscription) -> Events:
            return correct_usage(state, usage_id, quantity, reason=reason, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)

    # --- inside -------------------------------------------------------------------------------

    def _report_batch(self, wishes: Sequence[UsageWish], stamp: Stamp) -> list[Done | Refused]:
        batch = _sorted_by_stream(wishes)
        for _ in range(TRIES):
            if batch.waiting:
                self._report_round(batch, stamp)
            if not batch.waiting:
                return [batch.outcomes[place] for place in range(len(wishes))]
        raise StreamBusy("usage of these subscriptions is being written by others")

    def _report_round(self, batch: _Batch, stamp: Stamp) -> None:
        """Decide and append once; what was overtaken by another writer stays in `waiting`."""
        loaded = self._ledger.load(list(batch.waiting))
        decided: dict[str, _Decided] = {}
        appends: list[Append] = []
        quiet: list[int] = []
        for stream, places in batch.waiting.items():
            found = self._decided(loaded[stream].state, stream, places, batch)
            decided[stream] = found
            taken = {*found.accepted}
            quiet += [each for each in places if each not in batch.outcomes and each not in taken]
            if found.events:
                own = _own_stamp(stamp, found.events)
                appends.append(Append(stream, loaded[stream].version, found.events, own))
        results = self._ledger.append(appends, now=self._clock())
        if quiet:
            # Read after the append: what was known lies at or before it, also within the batch.
            head = self._ledger.head()
            batch.outcomes.update({place: Done(position=head, changed=False) for place in quiet})
        again = {}
        for append, result in zip(appends, results, strict=True):
            if isinstance(result, Appended):
                done = Done(position=result.position, changed=True)
                batch.outcomes.update(dict.fromkeys(decided[append.stream].accepted, done))
            else:
                again[append.stream] = _undone(batch, batch.waiting[append.stream])
        batch.waiting = again

    def _decided(
        self, state: Subscription | None, stream: str, places: Sequence[int], batch: _Batch
    ) -> _Decided:
        """Decide a subscription's reports, each on what the ones before it made; refusals are
        noted."""
        events: list[SubscriptionEvent] = []
        accepted = []
        now = self._clock()
        for place in places:
            try:
                if state is None:
                    raise Refused(
                        "subscription-unknown",
                        f"there is no subscription {subscription_of(stream)}",
                    )
                following = report_usage(state, batch.reports[place], now=now)
            except Refused as refused:
                batch.outcomes[place] = refused
                continue
            if following:
                accepted.append(place)
                events += following
                state = evolve_all(state, following)
        return _Decided(tuple(events), tuple(accepted))


def _undone(batch: _Batch, places: list[int]) -> list[int]:
    """All reports of a stream that moved, to be decided anew on what it is now."""
    for place in places:
        batch.outcomes.pop(place, None)
    return places


def _sorted_by_stream(wishes: Sequence[UsageWish]) -> _Batch:
    """The reports by stream; those that no stream is to be asked about are refused."""
    batch = _Batch({}, {}, {})
    for place, wish in enumerate(wishes):
        try:
            stream = stream_of(checked_id("subscription id", wish.subscription_id))
            at = checked_instant(wish.report.at)
        except Refused as refused:
            batch.outcomes[place] = refused
            continue
        batch.reports[place] = attrs.evolve(wish.report, at=at)
        batch.waiting.setdefault(stream, []).append(place)
    return batch


def _own_stamp(stamp: Stamp, events: Sequence[object]) -> Stamp:
    """A command id of these very reports.

    A repeat of the batch may decide otherwise than the first run (a moment later, another report
    is no longer in the future): its facts must not pass for those that were written.
    """
    reports = [each for each in events if isinstance(each, UsageReported)]
    named = "\n".join(f"{each.usage_id}={each.quantity}@{each.effective_at}" for each in reports)
    return attrs.evolve(stamp, command_id=uuid5(stamp.command_id, named))
