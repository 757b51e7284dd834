"""Start a subscription by the name of a plan: its terms come from the catalogue."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import attrs

from domain.calendar import zone_named
from domain.catalogue.offering import Choice, offered
from domain.catalogue.state import Plan
from domain.identity import checked_id
from domain.plan import PaidTrial, Terms
from domain.providers import Provider
from domain.subscription.starting import FirstPayment, Past, Start
from domain.subscription.state import Subscription


@attrs.frozen(kw_only=True)
class StartByPlan:
    """The wish to start on a plan; see SubscriptionStarted and Start for the fields."""

    subscription_id: str
    customer_id: str
    namespace: UUID
    provider: Provider
    account: str
    zone: str
    start: date
    choice: Choice
    paid_trial: PaidTrial | None = None
    anchor: date | None = None
    past: Past = Past.BILL
    first_payment: FirstPayment = FirstPayment.CHARGED

    def on(self, terms: Terms) -> Start:
        """The same wish, with terms."""
        return Start(
            subscription_id=self.subscription_id,
            customer_id=self.customer_id,
            namespace=self.namespace,
            provider=self.provider,
            account=self.account,
            zone=self.zone,
            start=self.start,
            terms=terms,
            paid_trial=self.paid_trial,
            anchor=self.anchor,
            past=self.past,
            first_payment=self.first_payment,
        )


def agreed_start(
    state: Subscription | None, plan: Plan | None, wish: StartByPlan, *, now: datetime
) -> Start:
    """The wish with the terms that it comes to now.

    state: of the subscription, if there is one: where it is on what is named, its own terms. A
        repeat is then quiet, whatever was published since.
    Refused: "id-malformed" for the plan, "zone-unknown", and what offering.offered refuses.
    """
    checked_id("plan", wish.choice.plan)
    zone_named(wish.zone)
    if state is not None and _names(wish.choice, state.agreed):
        return wish.on(state.agreed)
    return wish.on(offered(plan, wish.choice, start=wish.start, zone=wish.zone, now=now))


def _names(choice: Choice, terms: Terms) -> bool:
    return (
        choice.plan == terms.plan
        and choice.version in (None, terms.plan_version)
        and choice.quantity in (None, terms.quantity)
    )
