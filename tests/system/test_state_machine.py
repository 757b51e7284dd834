"""A state machine over the whole system: every rule in any order, the oracle after each.

The rules move one world (world.py): customers of every sort, payers, the clock, workers that work,
die and sleep, providers that misbehave, projections that lag, people who decide. In CI the same
histories are drawn every time; with BILLING_LONG=1 more of them, other ones each time, and a
failure is shrunk:

    BILLING_LONG=1 scripts/test tests/system/test_state_machine.py
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from domain.money import Money
from domain.plan import CaptureMode, DunningEnd, Kind, RetryPolicy
from domain.providers import Provider
from domain.subscription.events import (
    BillingParked,
    BillingReleased,
    SubscriptionEvent,
)
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.workers.crash_points import CRASH_POINTS, TOKEN_IN_VAULT
from tests.specimens import terms
from tests.system.machine import Billing
from tests.system.puppets import PLACES, REACHED
from tests.system.reservations import have_reservations
from tests.system.troubles import (
    CHARGE_FAULTS,
    Trouble,
    by_usage,
    every_trouble,
    on_demand,
)
from tests.systems import T0

LONG = bool(os.environ.get("BILLING_LONG"))

SETTINGS = settings(
    max_examples=300 if LONG else 25,
    stateful_step_count=40 if LONG else 25,
    deadline=None,
    derandomize=not LONG,
    database=None,
    phases=list(Phase) if LONG else [Phase.generate],
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


# What the histories of CI must have met, or they prove little.
IMPORTANT = (
    # No terms of these worlds make billing run wild: test_parking.py does.
    *(kind.__name__ for kind in {*get_args(SubscriptionEvent)} - {BillingParked, BillingReleased}),
    *("by answer", "by look-up", "by callback", "by person"),
    *("decided received", "decided not made", "rebuilt", "lease lost", "stream moved"),
    *(f"charge met {fault.value}" for fault in CHARGE_FAULTS),
    *("started on a page", "asked on a page again", "no card saved", "charged on a page"),
    *("void met lost-answer", "void met error-before", "void answered Voided"),
    *("renewal answered Authorized", "credit pays a part"),
    *(f"callback met {fault.value}" for fault in CallbackFault),
    *(f"died {point}" for point in CRASH_POINTS),
    *(f"stopped {place}" for place in PLACES),
)


@pytest.mark.timeout(7200 if LONG else 600)
def test_whatever_happens_nothing_is_charged_twice_or_lost(machine: type[Billing]) -> None:
    """Each trouble once by plan, then histories drawn from all rules; everything was reached."""
    REACHED.clear()
    play_each_trouble(machine)
    planned = Counter(REACHED)
    run_state_machine_as_test(machine, settings=SETTINGS)
    for what, times in sorted(REACHED.items()):
        print(f"{times:7} {planned[what]:7} by plan  {what}")
    missing = [what for what in IMPORTANT if not REACHED[what]]
    assert not missing, missing


def play_each_trouble(machine: type[Billing]) -> None:
    """One world in which each day has its own trouble, at both providers and both captures."""
    billing = machine()
    try:
        billing.open_with_customers([])
        everything = list(every_trouble())
        for number, trouble in enumerate(everything):
            # A card that is tried again too soon is put off.
            tried_again = number % 2 or Fault.SOFT_DECLINE in trouble.charges
            for provider, capture in product(Provider, CaptureMode):
                agreed_to = terms(
                    kind=Kind.INSTALLMENT if number % 3 == 0 else Kind.SUBSCRIPTION,
                    cycles=1 if number % 3 == 0 else None,
                    price=Money(1000 + number, "USD"),
                    capture=capture,
                    retry=RetryPolicy(
                        (1,) if tried_again else (), list(DunningEnd)[number // 2 % len(DunningEnd)]
                    ),
                )
                billing.enter(provider, agreed_to, days=number + 1, zone="UTC")
        for provider in (*Provider,) * 5:
            billing.enter(provider, on_demand(CaptureMode.AFTER_AUTHORIZATION), days=1, zone="UTC")
        unpaid = terms(price=Money(777, "USD"), retry=RetryPolicy((), DunningEnd.SUSPEND, 1))
        billing.enter(Provider.PAYPAL, unpaid, days=len(everything) + 1, zone="UTC")
        by_the_year = terms(kind=Kind.INSTALLMENT, cycles=12, price=Money(1000, "USD"))
        billing.enter(Provider.PAYPAL, by_the_year, days=1, zone="UTC")
        for agreed_to in (by_usage(CaptureMode.AT_ONCE), on_demand(CaptureMode.AT_ONCE)):
            billing.enter(Provider.PAYPAL, agreed_to, days=1, zone="UTC")
        on_demand_one, days = len(billing.names) - 1, len(everything)
        for provider in Provider:
            unpaid = terms(price=Money(1000, "USD"), retry=RetryPolicy((), DunningEnd.SUSPEND))
            billing.enter(provider, unpaid, days=days + 2, zone="UTC")
        billing.let_all_approve(death=(TOKEN_IN_VAULT, 3))
        for number, trouble in enumerate(everything, start=1):
            billing.providers_misbehave(list(CallbackFault), "look-up", [Fault.ERROR_BEFORE])
            billing.have_a_day(T0 + timedelta(days=number), trouble)
            billing.project_a_little_or_rebuild(batches=number % 4, number=number // 4)
        billing.have_it_unpaid(2)
        declined = Trouble(charges=(Fault.SOFT_DECLINE,) * 4)
        for number, trouble in enumerate((declined, Trouble(), Trouble()), len(everything) + 1):
            billing.have_a_day(T0 + timedelta(days=number), trouble)
        billing.look_after_everybody()
        billing.have_refunds()
        billing.have_disputes()
        have_reservations(billing)
        billing.have_every_wish()
        billing.have_every_price(on_demand_one - 1)
        billing.settle_early(on_demand_one - 2)
        for wish in ("balance", "demand"):
            billing.wish_something(on_demand_one, wish)
        billing.have_tokens_end()
        billing.have_first_payments()
        billing.have_dunning()
        for name in billing.names[::3]:
            billing.wish_something(billing.names.index(name), "leave")
    finally:
        billing.teardown()
