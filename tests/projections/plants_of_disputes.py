"""Faults planted in disputes and reversals; see plants_of_changes.py."""

from __future__ import annotations

from typing import Any

import attrs

from domain.subscription import dispute_events as d
from domain.subscription import events as e
from domain.subscription import refund_events as r
from domain.subscription.dispute_events import DisputeOutcome
from tests.projections import scenes_of_disputes as s
from tests.projections.forging import (
    NOBODY,
    Log,
    changed,
    doubled,
    dropped,
    followed,
    foreign,
    renumbered,
)
from tests.projections.plants_of_changes import Plant


def _times(money: Any, factor: int) -> Any:
    return attrs.evolve(money, minor=money.minor * factor)


def reversed_twice_over(log: Log) -> Log:
    """Another reversal of all that came, under another name."""
    last = next(each for each in log if isinstance(each.event, d.ChargeReversed))
    again = attrs.evolve(last, event=attrs.evolve(last.event, provider_ref="rev-2", dispute_ref=""))
    return renumbered([*log, again])


def collected_by_nobodys_wish(log: Log) -> Log:
    """The person's word is missing, and a dispute is open."""
    return renumbered(each for each in log if not isinstance(each.event, e.CollectionResumed))


def opened_last(log: Log) -> Log:
    """The dispute stands in front of what is sent, not behind it."""
    (opened,) = (each for each in log if isinstance(each.event, d.DisputeOpened))
    rest = [each for each in log if each is not opened]
    asked = next(p for p, each in enumerate(rest) if isinstance(each.event, e.CreditGranted))
    return renumbered([*rest[:asked], opened, *rest[asked:]])


def sent_while_disputed(log: Log) -> Log:
    """The refund goes out before the dispute is over."""
    over = next(p for p, each in enumerate(log) if isinstance(each.event, d.DisputeClosed))
    return renumbered([*log[:over], *log[over + 1 :], log[over]])


PLANTS_OF_DISPUTES: list[Plant] = [
    ("about no charge", "dispute-charge-wrong", s.disputed,
     changed(d.DisputeOpened, attempt_id=lambda _: NOBODY)),
    ("about another invoice", "dispute-charge-wrong", s.disputed,
     changed(d.DisputeOpened, invoice_number=lambda _: 2)),
    ("ends as another's", "dispute-charge-wrong", s.won,
     changed(d.DisputeClosed, attempt_id=lambda _: NOBODY)),
    ("another customer's", "customer-mixed", s.disputed,
     changed(d.DisputeOpened, customer_id=lambda _: "someone")),
    ("opened twice", "dispute-wrong", s.disputed, doubled(d.DisputeOpened)),
    ("without a name", "dispute-wrong", s.disputed,
     changed(d.DisputeOpened, dispute_ref=lambda _: "")),
    ("moved to where it was", "dispute-wrong", s.escalated, doubled(d.DisputeAdvanced)),
    ("won, and it cost something", "dispute-wrong", s.lost,
     changed(d.DisputeClosed, outcome=lambda _: DisputeOutcome.WON)),
    ("never opened", "dispute-not-open", s.escalated, dropped(d.DisputeOpened)),
    ("closed twice", "dispute-not-open", s.won, doubled(d.DisputeClosed)),
    ("collected by nobody's wish", "attempt-while-disputed", s.collected_by_a_person,
     collected_by_nobodys_wish),
    ("a reversed invoice, collected by nobody's wish", "attempt-after-collection-ended",
     s.paid_again, collected_by_nobodys_wish),
    ("a token that was lost", "token-unusable", s.paid_again,
     changed(d.DisputeOpened, reason=lambda _: "UNAUTHORISED")),
    ("a refund of what is disputed", "refund-while-disputed", s.refund_waits, opened_last),
    ("a refund sent while it is disputed", "refund-while-disputed", s.refund_goes_on,
     sent_while_disputed),
    ("let go, and enough was left", "refund-outcome-wrong", s.refund_let_go,
     changed(d.ChargeReversed, amount=lambda event: attrs.evolve(event.amount, minor=100))),
    ("let go twice", "refund-not-open", s.refund_let_go, doubled(r.RefundFailed)),
    ("lost, and nothing taken back", "reversal-missing", s.paid_again, dropped(d.ChargeReversed)),
    ("another amount taken back", "reversal-missing", s.lost,
     changed(d.DisputeClosed, amount=lambda event: attrs.evolve(event.amount, minor=100))),
    ("told twice", "reversal-doubled", s.told_while_it_was_open, doubled(d.ChargeReversed)),
    ("taken back twice for one dispute", "reversal-doubled", s.lost, doubled(d.ChargeReversed)),
    ("more than came", "returned-above-captured", s.lost, reversed_twice_over),
    ("nothing taken back", "reversal-wrong", s.reversed_by_hand,
     changed(d.ChargeReversed, amount=lambda event: _times(event.amount, 0))),
    ("of no charge", "reversal-wrong", s.reversed_by_hand,
     changed(d.ChargeReversed, attempt_id=lambda _: NOBODY)),
    ("of another invoice", "reversal-wrong", s.reversed_by_hand,
     changed(d.ChargeReversed, invoice_number=lambda _: 2)),
    ("for a dispute that nobody knows", "reversal-wrong", s.reversed_by_hand,
     changed(d.ChargeReversed, dispute_ref=lambda _: "PP-9")),
    ("in francs", "currency-mixed", s.reversed_by_hand,
     changed(d.ChargeReversed, amount=lambda event: foreign(event.amount))),
    ("another customer's money", "customer-mixed", s.reversed_by_hand,
     changed(d.ChargeReversed, customer_id=lambda _: "someone")),
    ("written off, and more", "write-off-above-open", s.given_up,
     changed(d.ChargeReversed, amount=lambda event: attrs.evolve(event.amount, minor=100))),
    ("collected as it was billed", "attempt-amount-wrong", s.paid_again,
     changed(d.ChargeReversed, amount=lambda event: attrs.evolve(event.amount, minor=100))),
    ("paid from credit that is not there", "credit-overdrawn", s.surplus_taken_back_first,
     followed(e.CreditApplied, lambda event: event)),
]  # fmt: skip
