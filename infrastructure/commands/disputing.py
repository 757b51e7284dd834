"""Money that a provider took back, as a person learned of it."""

from __future__ import annotations

from uuid import UUID

from domain.money import Money
from domain.subscription.disputing import reverse_charge
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import Deciding, Done, Events
from infrastructure.commands.wishes import check_evidence


class Disputing(Deciding):
    """Commands about reversals."""

    def reverse(
        self,
        subscription_id: str,
        attempt_id: UUID,
        amount: Money,
        *,
        reason: str,
        provider_ref: str = "",
        cause: str = "command:reverse",
        command_id: UUID | None = None,
    ) -> Done:
        """Record that a provider took back so much of what a charge brought in.

        provider_ref: the provider's id of that, or "". Quiet where it is on the ledger; without
        one only its `command_id` tells a repeat.
        Refused: "subscription-unknown", "provider-ref-malformed", and what
            disputing.reverse_charge refuses.
        """
        if provider_ref and amount.minor > 0:
            check_evidence(amount, provider_ref)

        def decide(state: Subscription) -> Events:
            return reverse_charge(
                state,
                attempt_id,
                amount,
                reason=reason,
                provider_ref=provider_ref,
                now=self._clock(),
            )

        return self._change(subscription_id, decide, cause, command_id)
