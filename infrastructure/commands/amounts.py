"""What invoices to come cost: amounts that are set, and discounts."""

from __future__ import annotations

from uuid import UUID

from domain.money import Money
from domain.subscription.discounting import Reduction, end_discount, grant_discount
from domain.subscription.setting_amounts import set_amount
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import Deciding, Done, Events


class Amounts(Deciding):
    """The commands about what is billed beside the terms."""

    def set_amount(
        self,
        subscription_id: str,
        amount: Money,
        *,
        reason: str,
        cause: str = "command:set-amount",
        command_id: UUID | None = None,
    ) -> Done:
        """Say what the next period costs, before tax. Quiet where that is set.

        Refused: "subscription-unknown", and what setting_amounts.set_amount refuses.
        """

        def decide(state: Subscription) -> Events:
            now, zone_version = self._clock(), self._zone_version
            return set_amount(state, amount, reason=reason, now=now, zone_version=zone_version)

        return self._change(subscription_id, decide, cause, command_id)

    def grant_discount(
        self,
        subscription_id: str,
        wish: Reduction,
        *,
        cause: str = "command:discount",
        command_id: UUID | None = None,
    ) -> Done:
        """Reduce invoices to come by a coupon. Quiet where it was granted with the same values.

        Refused: "subscription-unknown", and what discounting.grant_discount refuses.
        """

        def decide(state: Subscription) -> Events:
            return grant_discount(state, wish, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)

    def end_discount(
        self,
        subscription_id: str,
        coupon: str,
        *,
        reason: str,
        cause: str = "command:discount-end",
        command_id: UUID | None = None,
    ) -> Done:
        """Reduce no further invoice by a coupon. Quiet where it is used up or ended.

        Refused: "subscription-unknown", and what discounting.end_discount refuses.
        """

        def decide(state: Subscription) -> Events:
            return end_discount(state, coupon, reason=reason, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)
