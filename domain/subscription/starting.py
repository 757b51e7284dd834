"""Start a subscription."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import attrs

from domain.calendar import start_of_day, zone_named
from domain.identity import checked_id
from domain.plan import Terms
from domain.plan_rules import check_terms
from domain.providers import Provider
from domain.refusals import Refused
from domain.schedule import due_day, schedule_of
from domain.subscription.events import SubscriptionEvent, SubscriptionStarted
from domain.subscription.state import Subscription


@attrs.frozen(kw_only=True)
class Start:
    """The wish to start; see SubscriptionStarted for the fields."""

    subscription_id: str
    customer_id: str
    namespace: UUID
    provider: Provider
    account: str
    zone: str
    start: date
    terms: Terms


def start(
    state: Subscription | None, wish: Start, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Agree to terms. Quiet when the same subscription was started with the same terms.

    Refused: "subscription-exists" when the id belongs to another agreement; "id-malformed",
        "zone-unknown", and the codes of `check_terms`.
    """
    checked_id("subscription id", wish.subscription_id)
    checked_id("customer id", wish.customer_id)
    checked_id("account", wish.account)
    zone_named(wish.zone)
    check_terms(wish.terms)
    if state is not None:
        same = (state.customer_id, state.provider, state.account, state.zone, state.start)
        if (
            same == (wish.customer_id, wish.provider, wish.account, wish.zone, wish.start)
            and state.terms == wish.terms
        ):
            return ()
        raise Refused("subscription-exists", f"{wish.subscription_id} has other terms")
    first_due_at: datetime | None = None
    if wish.terms.scheduled:
        day = due_day(wish.terms, schedule_of(wish.start, wish.terms).period(1))
        first_due_at = start_of_day(day, wish.zone)
    return (
        SubscriptionStarted(
            subscription_id=wish.subscription_id,
            customer_id=wish.customer_id,
            namespace=wish.namespace,
            provider=wish.provider,
            account=wish.account,
            currency=wish.terms.price.currency,
            zone=wish.zone,
            zone_version=zone_version,
            start=wish.start,
            first_due_at=first_due_at,
            terms=wish.terms,
            effective_at=now,
        ),
    )
