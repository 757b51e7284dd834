"""What the rules must know about each provider: how long it remembers, how late it reports.

Sources: reference notes on PayPal section 3 (keys: orders 6 h, vault 3 h, payments 45 d;
transaction search up to 3 h late) and 2.6 (reservations: honoured 3 days, valid 29) and Dintero
section 6 (no keys; a merchant reference is refused when it was used before; transactions are
searchable by it at once).
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

import attrs


class Provider(Enum):
    """Who holds the card or wallet."""

    PAYPAL = "paypal"
    DINTERO = "dintero"


@attrs.frozen(kw_only=True)
class ProviderRules:
    """Times after which a provider's silence means something.

    charge_key_window: from the intention on, a repeat under the same key cannot charge twice.
    capture_key_window: the same for the capture of an authorisation.
    refund_key_window: the same for a refund. refund_repeats: whether the provider recognises a
        repeat of a refund by its key; where it does not, one that may have been sent never is
        sent again.
    token_key_window: the same for a token request.
    token_request_life: how long a payer may take to approve.
    report_delay: a charge that a look-up does not show this long after the intention, and after
        the key window, was not made.
    session_pays: whether the page that makes a token can take a payment, too.
    honour_period: a reservation older than this is renewed, once, before it is captured; None:
        the provider renews none. reservation_life: how long one can be captured at all, where the
        provider does not name an end; None: it shows when it has ended.
    """

    charge_key_window: timedelta
    capture_key_window: timedelta
    refund_key_window: timedelta
    refund_repeats: bool
    token_key_window: timedelta
    token_request_life: timedelta
    report_delay: timedelta
    session_pays: bool = False
    honour_period: timedelta | None = None
    reservation_life: timedelta | None = None


# A safety margin is taken off PayPal's windows: we stop resending before PayPal may forget.
RULES: dict[Provider, ProviderRules] = {
    Provider.PAYPAL: ProviderRules(
        charge_key_window=timedelta(hours=5, minutes=30),
        capture_key_window=timedelta(days=44),
        refund_key_window=timedelta(days=44),
        refund_repeats=True,
        token_key_window=timedelta(hours=2, minutes=30),
        token_request_life=timedelta(days=3),
        report_delay=timedelta(hours=9),
        honour_period=timedelta(days=3),
        reservation_life=timedelta(days=29),
    ),
    # Dintero has no keys: it refuses a merchant reference that any session has used. That refusal
    # is not said to hold in a race, so the time in which we send at all is kept short.
    Provider.DINTERO: ProviderRules(
        charge_key_window=timedelta(minutes=30),
        capture_key_window=timedelta(minutes=30),
        refund_key_window=timedelta(minutes=30),
        refund_repeats=False,
        token_key_window=timedelta(hours=1),
        token_request_life=timedelta(days=3),
        report_delay=timedelta(hours=1),
        session_pays=True,
    ),
}

# A payer who began before a page's end may still be at the bank's page.
PAYERS_LAST_MINUTES = timedelta(hours=1)
# After an unknown outcome: when the provider is asked again, counted from the look before. When
# these are used up a person decides.
LOOK_UP_WAITS: tuple[timedelta, ...] = (
    timedelta(minutes=5),
    timedelta(hours=1),
    *(timedelta(days=1),) * 7,
)
# The same for refunds: a bank may take days over one.
REFUND_LOOK_UP_WAITS: tuple[timedelta, ...] = (
    timedelta(minutes=5),
    timedelta(hours=1),
    *(timedelta(days=1),) * 14,
)
