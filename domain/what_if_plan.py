"""Other terms for what_if.py: those of a version of a plan, for a history that had others."""

from __future__ import annotations

import attrs

from domain.catalogue.state import Version
from domain.deciding_anew import OtherPolicy
from domain.plan import Terms
from domain.plan_rules import check_same_arrangement
from domain.refusals import Refused


def on_version(version: Version) -> OtherPolicy:
    """The policy by which a history is decided on a version from its first day on.

    Quantity and trial stay as they were agreed to, a paid trial's price and rhythm with them.
    Announced moves are left out: the version is what is asked about.
    Refused, where it is applied: "currency-fixed", "kind-fixed", "timing-fixed" for terms that
        could not have become those of the version; "kind-schedule" where no periods are billed.
    """

    def other(agreed: Terms) -> Terms:
        new = version.terms
        check_same_arrangement(agreed, new)
        if not agreed.scheduled:
            raise Refused("kind-schedule", f"{agreed.kind.value} bills what is asked for")
        return attrs.evolve(new, quantity=agreed.quantity, trial=agreed.trial)

    return OtherPolicy(terms=other, keeps_paid_trial=True)
