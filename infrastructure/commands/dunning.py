"""What a person may decide about invoices that were not paid, or not as they were asked for."""

from __future__ import annotations

from uuid import UUID

from domain.subscription.discrepancies import resolve
from domain.subscription.dunning import collect_again, reinstate, write_off
from domain.subscription.events import Resolution
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import Done, Events
from infrastructure.commands.starting import Starting


class Dunning(Starting):
    """The commands of people who look after what is owed."""

    def reinstate(
        self,
        subscription_id: str,
        *,
        reason: str,
        cause: str = "command:reinstate",
        command_id: UUID | None = None,
    ) -> Done:
        """Let service and billing go on, paid or not. Quiet when it is not suspended.

        Refused: "subscription-unknown", and what dunning.reinstate refuses.
        """

        def decide(state: Subscription) -> Events:
            now, zone_version = self._clock(), self._zone_version
            return reinstate(state, reason=reason, now=now, zone_version=zone_version)

        return self._change(subscription_id, decide, cause, command_id)

    def write_off(
        self,
        subscription_id: str,
        invoice_number: int,
        *,
        reason: str,
        cause: str = "command:write-off",
        command_id: UUID | None = None,
    ) -> Done:
        """Give up what is left of an invoice.

        Refused: "subscription-unknown", and what dunning.write_off refuses.
        """

        def decide(state: Subscription) -> Events:
            return write_off(state, invoice_number, reason=reason, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)

    def collect_again(
        self,
        subscription_id: str,
        invoice_number: int,
        *,
        reason: str,
        cause: str = "command:collect",
        command_id: UUID | None = None,
    ) -> Done:
        """Collect an invoice whose collection had ended. Quiet where it is collected.

        Refused: "subscription-unknown", and what dunning.collect_again refuses.
        """

        def decide(state: Subscription) -> Events:
            return collect_again(state, invoice_number, reason=reason, now=self._clock())

        return self._change(subscription_id, decide, cause, command_id)

    def resolve_discrepancy(
        self,
        subscription_id: str,
        attempt_id: UUID,
        resolution: Resolution,
        *,
        reason: str,
        refund: bool = False,
        cause: str = "command:discrepancy",
        command_id: UUID | None = None,
    ) -> Done:
        """Say what becomes of a charge that was not the one asked for.

        attempt_id: of the charge, or the key of a refund that was found late.
        refund: whether a surplus that is accepted goes back.

        Refused: "subscription-unknown", and what discrepancies.resolve refuses.
        """

        def decide(state: Subscription) -> Events:
            now = self._clock()
            return resolve(state, attempt_id, resolution, reason=reason, now=now, refund=refund)

        return self._change(subscription_id, decide, cause, command_id)
