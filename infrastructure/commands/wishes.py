"""What callers say, checked before anything is looked up by it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import attrs

from domain.calendar import Interval
from domain.identity import checked_id
from domain.money import Money
from domain.plan import CaptureMode, DunningEnd, Meter, Proration, RetryPolicy, Terms
from domain.prices import Tier, Tiering
from domain.refusals import Refused
from domain.subscription.metering import Report
from domain.subscription.starting import Start
from domain.taxes import TaxRate

# Days outside cannot be turned into instants everywhere, and nobody bills them.
FIRST_START, LAST_START = date(1970, 1, 1), date(2999, 12, 31)


_OF_THE_POLICY = tuple(field.name for field in attrs.fields(RetryPolicy))


@attrs.frozen(kw_only=True)
class NewTerms:
    """What changes of the agreed terms; None: it stays. The fields are those of Terms; wait_days,
    end and grace_days those of RetryPolicy.

    tiers, meters: all of them; empty: there are none from then on. untaxed: the tax ends.
    """

    plan: str | None = None
    plan_version: int | None = None
    description: str | None = None
    interval: Interval | None = None
    price: Money | None = None
    quantity: int | None = None
    proration: Proration | None = None
    capture: CaptureMode | None = None
    backup: bool | None = None
    wait_days: tuple[int, ...] | None = None
    end: DunningEnd | None = None
    grace_days: int | None = None
    tiers: tuple[Tier, ...] | None = None
    tiering: Tiering | None = None
    tax: TaxRate | None = None
    untaxed: bool = False
    variable: bool | None = None
    meters: tuple[Meter, ...] | None = None
    threshold: Money | None = None

    def over(self, agreed: Terms) -> Terms:
        """The agreed terms with what changes of them.

        Refused: "id-malformed" for the plan; "tax-ambiguous" for a tax and none.
        """
        if self.plan is not None:
            checked_id("plan", self.plan)
        if self.untaxed and self.tax is not None:
            raise Refused("tax-ambiguous", "give either a tax or untaxed, not both")
        given = attrs.asdict(self, recurse=False, filter=lambda _, value: value is not None)
        del given["untaxed"]
        if self.untaxed:
            given["tax"] = None
        if self.tiers and self.price is None:
            given["price"] = self.tiers[0].unit_price
        policy = {name: given.pop(name) for name in _OF_THE_POLICY if name in given}
        return attrs.evolve(agreed, retry=attrs.evolve(agreed.retry, **policy), **given)


@attrs.frozen(kw_only=True)
class UsageWish:
    """One report of usage, and whose it is."""

    subscription_id: str
    report: Report


def checked_wish(wish: Start) -> Start:
    """The wish, if its names and days can be looked up and kept.

    Raises: Refused("id-malformed"), Refused("start-out-of-range").
    """
    checked_id("subscription id", wish.subscription_id)
    checked_id("plan", wish.terms.plan)
    checked_start(wish.start)
    return wish


def checked_start(day: date) -> date:
    """A day that can be billed. Raises: Refused("start-out-of-range")."""
    if not FIRST_START <= day <= LAST_START:
        raise Refused("start-out-of-range", f"{day} is not in {FIRST_START}..{LAST_START}")
    return day


def checked_instant(moment: datetime) -> datetime:
    """An instant in UTC that lies on a day that can be billed.

    Raises: Refused("instant-without-offset"), Refused("instant-out-of-range").
    """
    if moment.utcoffset() is None:
        raise Refused("instant-without-offset", "an instant needs its offset, e.g. ...T00:00:00Z")
    try:
        instant = moment.astimezone(UTC)
    except OverflowError:
        raise Refused("instant-out-of-range", "that instant has no place in UTC") from None
    if not FIRST_START <= instant.date() <= LAST_START:
        raise Refused("instant-out-of-range", f"{instant} is not in {FIRST_START}..{LAST_START}")
    return instant


def check_evidence(received: Money | None, provider_ref: str) -> None:
    """What a person says a provider took.

    Raises: Refused("received-not-positive"), Refused("provider-ref-malformed").
    """
    if received is None:
        return
    if received.minor <= 0:
        raise Refused("received-not-positive", "for nothing received, say that it was not made")
    if not (
        1 <= len(provider_ref) <= 100 and provider_ref.isascii() and provider_ref.isprintable()
    ):
        raise Refused("provider-ref-malformed", "money has the provider's id, 1-100 of ASCII")
