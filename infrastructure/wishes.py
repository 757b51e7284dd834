"""What callers say, checked before anything is looked up by it."""

from __future__ import annotations

from datetime import date

from domain.identity import checked_id
from domain.money import Money
from domain.refusals import Refused
from domain.subscription.starting import Start

# Days outside cannot be turned into instants everywhere, and nobody bills them.
FIRST_START, LAST_START = date(1970, 1, 1), date(2999, 12, 31)


def checked_wish(wish: Start) -> Start:
    """The wish, if its names and days can be looked up and kept.

    Raises: Refused("id-malformed"), Refused("start-out-of-range").
    """
    checked_id("subscription id", wish.subscription_id)
    checked_id("plan", wish.terms.plan)
    if not FIRST_START <= wish.start <= LAST_START:
        raise Refused("start-out-of-range", f"{wish.start} is not in {FIRST_START}..{LAST_START}")
    return wish


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
