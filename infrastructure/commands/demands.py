"""What is billed beside the schedule: charges on demand, balances for auto-reload, and instalments
that are settled early."""

from __future__ import annotations

from uuid import UUID

import attrs

from domain.subscription.demanding import BalanceReport, Demand, demand, report_balance
from domain.subscription.settling import settle_early
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import Deciding, Done, Events
from infrastructure.commands.wishes import checked_instant


class Demands(Deciding):
    """The commands about what is asked for in between."""

    def demand(
        self,
        subscription_id: str,
        wish: Demand,
        *,
        cause: str = "command:demand",
        command_id: UUID | None = None,
    ) -> Done:
        """Charge once, now. Quiet where the same was asked for by that id before.

        Refused: "subscription-unknown", and what demanding.demand refuses.
        """

        def decide(state: Subscription) -> Events:
            return demand(state, wish, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)

    def report_balance(
        self,
        subscription_id: str,
        wish: BalanceReport,
        *,
        cause: str = "command:report-balance",
        command_id: UUID | None = None,
    ) -> Done:
        """Take note of a balance, and reload it where it is too low. Quiet for a report that is
        known, or not later than the last one.

        Refused: "subscription-unknown", "instant-without-offset", "instant-out-of-range", and
            what demanding.report_balance refuses.
        """
        report = attrs.evolve(wish, at=checked_instant(wish.at))

        def decide(state: Subscription) -> Events:
            return report_balance(state, report, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)

    def settle(
        self,
        subscription_id: str,
        *,
        reason: str,
        cause: str = "command:settle",
        command_id: UUID | None = None,
    ) -> Done:
        """Bill all instalments that are left, now.

        Refused: "subscription-unknown", and what settling.settle_early refuses.
        """

        def decide(state: Subscription) -> Events:
            now, zone_version = self._clock(), self._zone_version
            return settle_early(state, reason=reason, now=now, zone_version=zone_version)

        return self._change(subscription_id, decide, cause, command_id)
