"""What a recorded fact tells of the wish behind it: by which rule, with what beside it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from domain.plan import Proration
from domain.recorded import Recorded
from domain.subscription.events import (
    CreditGranted,
    CreditKind,
    LineKind,
    SubscriptionEvent,
    SubscriptionStarted,
    TermsChanged,
    When,
)
from domain.subscription.state import Subscription


@attrs.frozen(kw_only=True)
class Told:
    """A fact of the history. real: the subscription as it really was before it. log: all facts."""

    recorded: Recorded[SubscriptionEvent]
    real: Subscription | None
    log: Sequence[Recorded[SubscriptionEvent]]


def moves_days(event: TermsChanged, real: Subscription | None) -> bool:
    """Whether nothing but the days of the periods was to change."""
    assert real is not None, "a stream begins with SubscriptionStarted"
    agreed, schedule = real.plan_of(event.from_invoice)
    stays = event.terms == agreed and event.when is When.PERIOD_END
    return stays and event.schedule != schedule


def rule_of(event: TermsChanged, told: Told) -> Proration | None:
    """The rule of a change; None: the one that is agreed to. One that counts from now on had a
    rule, even where that came to nothing; another rhythm counts without one, too."""
    assert told.real is not None, "a stream begins with SubscriptionStarted"
    before = told.real.terms
    rule = _policy_of(told.recorded, told.log)
    anew = event.terms.interval != before.interval
    if rule is Proration.NONE and event.when is When.NOW and not anew:
        agreed = before.proration
        return Proration.BY_DAY if agreed is Proration.NONE else None
    return None if rule is before.proration else rule


def zone_version_of(log: Sequence[Recorded[SubscriptionEvent]]) -> str:
    """The tz database that the history began with."""
    begun = log[0].event
    assert isinstance(begun, SubscriptionStarted), "a stream begins with SubscriptionStarted"
    return begun.zone_version


def _beside(
    recorded: Recorded[SubscriptionEvent], log: Sequence[Recorded[SubscriptionEvent]]
) -> list[SubscriptionEvent]:
    """The facts of the same command."""
    return [each.event for each in log if each.command_id == recorded.command_id]


def _policy_of(
    recorded: Recorded[SubscriptionEvent], log: Sequence[Recorded[SubscriptionEvent]]
) -> Proration | None:
    """The rule that a change was settled by, as its lines say; None where nothing was settled."""
    for event in _beside(recorded, log):
        if isinstance(event, TermsChanged | CreditGranted):
            for line in event.lines:
                if line.kind in (LineKind.REST, LineKind.UNUSED):
                    return Proration(line.working.policy)
    return Proration.NONE if isinstance(recorded.event, TermsChanged) else None


def credit_at_the_end(
    recorded: Recorded[SubscriptionEvent],
    other: Proration | None,
    log: Sequence[Recorded[SubscriptionEvent]],
) -> Proration:
    """The rule that a cancellation gave credit by, or the other one; NONE where it gave none."""
    given = any(
        isinstance(event, CreditGranted) and event.kind is CreditKind.CANCELLATION
        for event in _beside(recorded, log)
    )
    if not given:
        return Proration.NONE
    return other or _policy_of(recorded, log) or Proration.NONE
