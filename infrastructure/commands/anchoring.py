"""When periods begin, and billing that waits for a person."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.subscription.aligning import change_anchor
from domain.subscription.parking import release
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import Deciding, Done, Events
from infrastructure.commands.wishes import checked_start


class Anchoring(Deciding):
    """The commands about the days on which periods begin."""

    def change_anchor(
        self,
        subscription_id: str,
        anchor: date,
        *,
        reason: str,
        cause: str = "command:anchor",
        command_id: UUID | None = None,
    ) -> Done:
        """Let regular periods begin on another local day. Quiet where they do.

        Refused: "subscription-unknown", "start-out-of-range", and what aligning.change_anchor
            refuses.
        """
        day = checked_start(anchor)

        def decide(state: Subscription) -> Events:
            now, zone_version = self._clock(), self._zone_version
            return change_anchor(state, day, reason=reason, now=now, zone_version=zone_version)

        return self._change(subscription_id, decide, cause, command_id)

    def release(
        self,
        subscription_id: str,
        *,
        reason: str,
        cause: str = "command:release",
        command_id: UUID | None = None,
    ) -> Done:
        """Bill on, after a person has looked at what was parked. Quiet where nothing is.

        Refused: "subscription-unknown", "reason-malformed".
        """

        def decide(state: Subscription) -> Events:
            return release(state, reason=reason, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)
