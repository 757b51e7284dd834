"""Start subscriptions, one or many in one append."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from uuid import UUID

import attrs

from domain.catalogue.offering import BY_PLAN
from domain.catalogue.starting import StartByPlan, agreed_start
from domain.catalogue.state import Plan
from domain.identity import checked_id, stream_of
from domain.recorded import Stamp
from domain.refusals import Refused
from domain.subscription.folding import evolve_all
from domain.subscription.in_session import pay_in_session
from domain.subscription.starting import FirstPayment, Start, start
from domain.subscription.state import Subscription
from domain.subscription.vaulting import request_token
from infrastructure.commands.deciding import TRIES, Deciding, Done, Events, StreamBusy
from infrastructure.commands.wishes import checked_start, checked_wish
from infrastructure.store.ledger import Append, Appended

LARGEST_START_BATCH = 500
Wish = Start | StartByPlan
Offers = Callable[[str], Plan | None]
# Why a token is requested together with the start.
SIGN_UP = "sign-up"


class Starting(Deciding):
    """The commands that make subscriptions."""

    def start(
        self,
        wish: Wish,
        *,
        request_token: bool = False,
        cause: str = "command:start",
        command_id: UUID | None = None,
    ) -> Done:
        """Start a subscription, and request its token in the same append if that is wanted, or if
        its first invoice is paid on the same page.

        Refused: "account-unknown", what starting.start refuses; by a plan's name, what
            offering.offered refuses; with a first payment in the session, what
            in_session.pay_in_session refuses.
        """
        (outcome,) = self.start_many(
            [wish], request_token=request_token, cause=cause, command_id=command_id
        )
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def start_many(
        self,
        wishes: Sequence[Wish],
        *,
        request_token: bool = False,
        cause: str = "command:start",
        command_id: UUID | None = None,
    ) -> list[Done | Refused]:
        """Start many, in appends of up to LARGEST_START_BATCH; what came of each, in order.

        A subscription that was started before with the same terms, or on the plan that is named,
        is left as it is: no second token is requested, and its keys stay.
        """
        stamp = self._stamp(cause, command_id)
        outcomes: list[Done | Refused] = []
        for first in range(0, len(wishes), LARGEST_START_BATCH):
            batch = wishes[first : first + LARGEST_START_BATCH]
            outcomes += self._start_batch(batch, stamp, request_token=request_token)
        return outcomes

    def agreed_by_plan(self, wishes: Sequence[StartByPlan]) -> list[Start | Refused]:
        """What these would agree to if they were started now; nothing is written."""
        found: list[Start | Refused] = []
        for first in range(0, len(wishes), LARGEST_START_BATCH):
            batch = wishes[first : first + LARGEST_START_BATCH]
            loaded = self._ledger.load([stream_of(each.subscription_id) for each in batch])
            plans = self._published()
            for wish in batch:
                state = loaded[stream_of(wish.subscription_id)].state
                try:
                    agreed = self._agreed(state, wish, plans)
                    self._started(state, agreed, with_token=False)
                    found.append(agreed)
                except Refused as refused:
                    found.append(refused)
        return found

    # --- inside -------------------------------------------------------------------------------

    def _start_batch(
        self, wishes: Sequence[Wish], stamp: Stamp, *, request_token: bool
    ) -> list[Done | Refused]:
        outcomes: dict[int, Done | Refused] = {}
        waiting: dict[int, Wish] = {}
        for place, wish in enumerate(wishes):
            try:
                waiting[place] = checked_wish(wish) if isinstance(wish, Start) else _checked(wish)
            except Refused as refused:
                outcomes[place] = refused
        for _ in range(TRIES):
            if waiting:
                waiting = self._start_round(waiting, outcomes, stamp, request_token)
            if not waiting:
                return [outcomes[place] for place in range(len(wishes))]
        raise StreamBusy("subscriptions are being started by others")

    def _start_round(
        self,
        waiting: Mapping[int, Wish],
        outcomes: dict[int, Done | Refused],
        stamp: Stamp,
        with_token: bool,
    ) -> dict[int, Wish]:
        """Decide and append once; fill `outcomes`, and return what has to be decided anew."""
        streams = {place: stream_of(wish.subscription_id) for place, wish in waiting.items()}
        loaded = self._ledger.load(list(dict.fromkeys(streams.values())))
        appends: dict[int, Append] = {}
        again: dict[int, Wish] = {}
        quiet: list[int] = []
        taken: set[str] = set()
        by_plan = attrs.evolve(stamp, cause=stamp.cause + BY_PLAN)
        # Read anew each round: whatever is published by now is what is offered.
        plans = self._published()
        for place, wish in waiting.items():
            stream = streams[place]
            if stream in taken:
                again[place] = wish
                continue
            try:
                agreed = self._agreed(loaded[stream].state, wish, plans)
                events = self._started(loaded[stream].state, agreed, with_token=with_token)
            except Refused as refused:
                outcomes[place] = refused
                continue
            if events:
                taken.add(stream)
                why = by_plan if isinstance(wish, StartByPlan) else stamp
                appends[place] = Append(stream, loaded[stream].version, events, why)
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

    def _published(self) -> Offers:
        """Reads each plan once."""
        return lru_cache(None)(lambda code: self._plans.load(code)[0])

    def _agreed(self, state: Subscription | None, wish: Wish, plans: Offers) -> Start:
        """The wish with terms. Raises: Refused."""
        if isinstance(wish, Start):
            return checked_wish(wish)
        plan = plans(_checked(wish).choice.plan)
        return checked_wish(agreed_start(state, plan, wish, now=self._clock()))

    def _started(self, state: Subscription | None, wish: Start, *, with_token: bool) -> Events:
        now = self._clock()
        events = start(state, wish, now=now, zone_version=self._zone_version)
        if not events:
            return ()  # started before, perhaps at an account that is in use no more
        self._check_account(wish.provider, wish.account)
        started = evolve_all(None, events)
        if wish.first_payment is FirstPayment.IN_SESSION:
            zone_version = self._zone_version
            paid = pay_in_session(started, reason=SIGN_UP, now=now, zone_version=zone_version)
            return (*events, *paid)
        if not with_token:
            return events
        return (*events, *request_token(started, reason=SIGN_UP, now=now))


def _checked(wish: StartByPlan) -> StartByPlan:
    """The wish, if its names and days can be looked up. Raises: Refused."""
    checked_id("subscription id", wish.subscription_id)
    checked_id("plan", wish.choice.plan)
    checked_start(wish.start)
    return wish
