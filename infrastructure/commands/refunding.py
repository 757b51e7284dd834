"""Money that goes back: asked for, and decided by a person where there is doubt."""

from __future__ import annotations

from uuid import UUID

from domain.money import Money
from domain.subscription.refunding import request_refund
from domain.subscription.settling_refunds import decide_refund
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import Deciding, Done, Events
from infrastructure.commands.wishes import check_evidence


class Refunding(Deciding):
    """Commands about refunds."""

    def refund(
        self,
        subscription_id: str,
        amount: Money | None,
        *,
        reason: str,
        attempt_id: UUID | None = None,
        grant: bool = False,
        cause: str = "command:refund",
        command_id: UUID | None = None,
    ) -> Done:
        """Pay credit out through charges that brought money in.

        amount: None: all credit. attempt_id: through this charge alone. grant: what credit lacks
        is granted out of goodwill.
        Never quiet: each command is one more refund, and only its `command_id` tells a repeat.
        Refused: "subscription-unknown", and what refunding.request_refund refuses.
        """

        def decide(state: Subscription) -> Events:
            return request_refund(
                state,
                amount,
                reason=reason,
                attempt_id=attempt_id,
                credit_missing=grant,
                now=self._clock(),
            )

        return self._change(subscription_id, decide, cause, command_id)

    def decide_refund(
        self,
        subscription_id: str,
        refund_id: UUID,
        *,
        made: Money | None,
        provider_ref: str,
        reason: str,
        cause: str = "command:decide-refund",
        command_id: UUID | None = None,
    ) -> Done:
        """Settle a refund of unknown outcome from a person's own evidence.

        made: what really went back, or None for nothing.
        Refused: "subscription-unknown", "provider-ref-malformed", and what
            settling_refunds.decide_refund refuses.
        """
        if made is not None and made.minor > 0:
            check_evidence(made, provider_ref)

        def decide(state: Subscription) -> Events:
            return decide_refund(
                state,
                refund_id,
                made=made,
                provider_ref=provider_ref,
                reason=reason,
                now=self._clock(),
            )

        return self._change(subscription_id, decide, cause, command_id)
