"""Faults planted in refunds; see plants_of_changes.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs

from domain.identity import refund_id, refund_reference
from domain.providers import Provider
from domain.subscription import events as e
from domain.subscription import refund_events as r
from tests.projections import scenes_of_refunds as s
from tests.projections.forging import (
    DAY,
    NOBODY,
    Log,
    changed,
    doubled,
    dropped,
    followed,
    foreign,
    more,
    renumbered,
)
from tests.projections.plants_of_changes import Plant


def _less(money: Any) -> Any:
    return attrs.evolve(money, minor=money.minor - 1)


def _parts(minor: int) -> Any:
    """The first part is for so much more."""

    def make(event: r.RefundRequested) -> tuple[r.CreditPart, ...]:
        first, *others = event.credits
        amount = attrs.evolve(first.amount, minor=first.amount.minor + minor)
        return (attrs.evolve(first, amount=amount), *others)

    return make


def dearer_than_the_charge(log: Log) -> Log:
    """Granted, asked for, sent and gone back: more than ever came, and all of it fits."""
    forged = []
    for recorded in log:
        event = recorded.event
        if isinstance(event, e.CreditGranted | r.RefundAttempted | r.RefundSucceeded):
            event = attrs.evolve(event, amount=attrs.evolve(event.amount, minor=29901))
        if isinstance(event, r.RefundRequested):
            amount = attrs.evolve(event.amount, minor=29901)
            parts = (r.CreditPart(credit_number=1, amount=amount),)
            event = attrs.evolve(event, amount=amount, credits=parts)
        forged.append(attrs.evolve(recorded, event=event))
    return forged


def second_refund_of_the_same_credit(log: Log) -> Log:
    """The refund once more, under the key of the next one, all the way to its outcome."""
    tail = [each for each in log if isinstance(each.event, r.RefundEvent)]
    again = []
    for recorded in tail:
        event = recorded.event
        key = refund_id(_attempt(log), 2)
        if isinstance(event, r.RefundRequested):
            of_charge = event.reference.removesuffix("-r1")
            event = attrs.evolve(event, refund_number=2, reference=refund_reference(of_charge, 2))
        again.append(attrs.evolve(recorded, event=attrs.evolve(event, refund_id=key)))
    return renumbered([*log, *again])


def _attempt(log: Log) -> Any:
    return next(each.event.attempt_id for each in log if isinstance(each.event, r.RefundRequested))


def asked_for_before_the_invoice_is_paid(log: Log) -> Log:
    """The refund stands in front of the money of the invoice."""
    paid = next(p for p, each in enumerate(log) if isinstance(each.event, e.ChargeSucceeded))
    second = next(
        p for p, each in enumerate(log) if p > paid and isinstance(each.event, e.ChargeSucceeded)
    )
    asked = [each for each in log if isinstance(each.event, e.CreditGranted | r.RefundEvent)]
    rest = [each for each in log if each not in asked]
    return renumbered([*rest[:second], *asked, *rest[second:]])


def a_look(event: r.RefundAttempted) -> r.RefundLookedUp:
    return r.RefundLookedUp(
        refund_id=event.refund_id,
        look_number=1,
        finding="nothing",
        provider_ref="",
        next_look_up_at=None,
        effective_at=event.effective_at,
    )


def unseen(log: Log) -> Log:
    """Nobody has looked at what was found late."""
    return renumbered(each for each in log if not isinstance(each.event, e.DiscrepancyResolved))


def found_again(event: e.DiscrepancyResolved) -> r.RefundFoundLate:
    """The same money once more, after a person has looked."""
    return r.RefundFoundLate(
        refund_id=event.attempt_id,
        attempt_id=NOBODY,
        customer_id=event.customer_id,
        invoice_number=event.invoice_number,
        amount=event.received,
        provider_ref="ref-9",
        evidence="callback",
        effective_at=event.effective_at,
    )


PLANTS_OF_LATE_REFUNDS: list[Plant] = [
    ("gone twice, and nobody looked", "refunded-above-captured", s.refunded_twice, unseen),
    ("gone without credit, and nobody looked", "refund-not-covered", s.refunded_twice, unseen),
    ("its credit was used, and nobody looked", "refund-not-covered", s.used_meanwhile, unseen),
    ("found late without a failure", "refund-late-unfounded", s.made_after_all,
     dropped(r.RefundFailed)),
    ("found late twice", "refund-late-unfounded", s.made_after_all, doubled(r.RefundFoundLate)),
    ("found late once more", "refund-late-unfounded", s.refunded_twice,
     followed(e.DiscrepancyResolved, found_again)),
    ("found late of another charge", "refund-outcome-wrong", s.made_after_all,
     changed(r.RefundFoundLate, attempt_id=lambda _: NOBODY)),
    ("found late of another invoice", "refund-outcome-wrong", s.made_after_all,
     changed(r.RefundFoundLate, invoice_number=lambda _: 2)),
    ("nothing was found late", "refund-outcome-wrong", s.made_after_all,
     changed(r.RefundFoundLate, amount=lambda event: attrs.evolve(event.amount, minor=0))),
    ("found late without the provider's id", "refund-outcome-wrong", s.made_after_all,
     changed(r.RefundFoundLate, provider_ref=lambda _: "")),
    ("found late in francs", "refund-not-covered", s.made_after_all,
     changed(r.RefundFoundLate, amount=lambda event: foreign(event.amount))),
    ("more was found late than is credit", "refund-not-covered", s.made_after_all,
     changed(r.RefundFoundLate, amount=lambda event: more(event.amount))),
    ("another customer's, found late", "customer-mixed", s.made_after_all,
     changed(r.RefundFoundLate, customer_id=lambda _: "someone")),
    ("looked at twice", "resolution-unfounded", s.used_meanwhile, doubled(e.DiscrepancyResolved)),
    ("another amount was looked at", "resolution-wrong", s.used_meanwhile,
     changed(e.DiscrepancyResolved, received=lambda event: more(event.received))),
    ("looked at for another invoice", "resolution-wrong", s.used_meanwhile,
     changed(e.DiscrepancyResolved, invoice_number=lambda _: 9)),
    ("looked at without a reason", "resolution-wrong", s.used_meanwhile,
     changed(e.DiscrepancyResolved, reason=lambda _: "")),
    ("looked at by another customer's name", "customer-mixed", s.used_meanwhile,
     changed(e.DiscrepancyResolved, customer_id=lambda _: "someone")),
]  # fmt: skip


PLANTS_OF_REFUNDS: list[Plant] = [
    *PLANTS_OF_LATE_REFUNDS,
    ("more goes back than came", "refund-above-captured", s.refunded_out_of_goodwill,
     dearer_than_the_charge),
    ("one credit, two refunds", "credit-overdrawn", s.refunded_out_of_goodwill,
     second_refund_of_the_same_credit),
    ("no credit granted for it", "credit-overdrawn", s.refunded_out_of_goodwill,
     dropped(e.CreditGranted)),
    ("the later credit first", "credit-out-of-order", s.refunded,
     changed(r.RefundRequested, credits=lambda event: tuple(reversed(event.credits)))),
    ("parts above the amount", "refund-credit-wrong", s.refunded,
     changed(r.RefundRequested, credits=_parts(1))),
    ("parts below the amount", "refund-credit-wrong", s.refunded,
     changed(r.RefundRequested, credits=_parts(-1))),
    ("no credit named", "refund-credit-wrong", s.refunded,
     changed(r.RefundRequested, credits=lambda _: ())),
    ("another id", "refund-key-wrong", s.refunded,
     changed(r.RefundRequested, refund_id=lambda _: NOBODY)),
    ("another number", "refund-key-wrong", s.refunded,
     changed(r.RefundRequested, refund_number=lambda _: 2)),
    ("another reference", "refund-key-wrong", s.refunded,
     changed(r.RefundRequested, reference=lambda event: event.reference + "0")),
    ("asked for twice", "refund-key-wrong", s.refunded, doubled(r.RefundRequested)),
    ("through no charge", "refund-charge-wrong", s.refunded,
     changed(r.RefundRequested, attempt_id=lambda _: NOBODY)),
    ("of another invoice", "refund-charge-wrong", s.refunded,
     changed(r.RefundRequested, invoice_number=lambda _: 2)),
    ("after more than a year", "refund-charge-wrong", s.refunded,
     changed(r.RefundRequested, effective_at=lambda event: event.effective_at + 367 * DAY)),
    ("in francs", "currency-mixed", s.refunded,
     changed(r.RefundRequested, amount=lambda event: foreign(event.amount))),
    ("another customer's", "customer-mixed", s.refunded,
     changed(r.RefundRequested, customer_id=lambda _: "someone")),
    ("while an invoice is open", "refund-before-payment", s.through_two_charges,
     asked_for_before_the_invoice_is_paid),
    ("more is sent than was asked for", "refund-attempt-wrong", s.refunded,
     changed(r.RefundAttempted, amount=lambda event: more(event.amount))),
    ("of another capture", "refund-attempt-wrong", s.refunded,
     changed(r.RefundAttempted, charge_ref=lambda _: "cap-9")),
    ("of another charge's reference", "refund-attempt-wrong", s.refunded,
     changed(r.RefundAttempted, charge_reference=lambda _: "s-9-1-1-0123456789")),
    ("through another provider", "refund-attempt-wrong", s.refunded,
     changed(r.RefundAttempted, provider=lambda _: Provider.DINTERO)),
    ("through the account that it has left for", "refund-attempt-wrong", s.on_both_sides_of_a_move,
     changed(r.RefundAttempted, when=lambda event: event.provider is Provider.PAYPAL,
             provider=lambda _: Provider.DINTERO)),
    ("through the account that it came from", "refund-attempt-wrong", s.on_both_sides_of_a_move,
     changed(r.RefundAttempted, when=lambda event: event.provider is Provider.DINTERO,
             provider=lambda _: Provider.PAYPAL)),
    ("with a key of the past", "refund-attempt-wrong", s.refunded,
     changed(r.RefundAttempted, key_expires_at=lambda event: event.effective_at)),
    ("intended twice", "refund-sent-twice", s.refunded, doubled(r.RefundAttempted)),
    ("sent after its outcome", "refund-not-open", s.refunded,
     followed(r.RefundSucceeded, lambda event: s.refunded().log[-2].event)),
    ("never intended", "refund-not-open", s.refunded, dropped(r.RefundAttempted)),
    ("two outcomes", "refund-not-open", s.refunded, doubled(r.RefundSucceeded)),
    ("a look without a doubt", "refund-not-open", s.in_doubt, followed(r.RefundAttempted, a_look)),
    ("a look's number", "look-number-wrong", s.looked_up,
     changed(r.RefundLookedUp, look_number=lambda _: 7)),
    ("less went back, and nobody looked", "refund-outcome-wrong", s.refunded,
     changed(r.RefundSucceeded, amount=lambda event: _less(event.amount))),
    ("more went back than a person may say", "refund-outcome-wrong", s.decided_by_a_person,
     changed(r.RefundSucceeded, amount=lambda event: attrs.evolve(event.amount, minor=1001))),
    ("another currency went back", "refund-outcome-wrong", s.refunded,
     changed(r.RefundSucceeded, amount=lambda event: foreign(event.amount))),
    ("the outcome of another charge", "refund-outcome-wrong", s.refunded,
     changed(r.RefundSucceeded, attempt_id=lambda _: NOBODY)),
    ("the outcome of another invoice", "refund-outcome-wrong", s.denied,
     changed(r.RefundFailed, invoice_number=lambda _: 2)),
    ("less comes back as credit", "refund-outcome-wrong", s.denied,
     changed(r.RefundFailed, amount=lambda event: _less(event.amount))),
    ("not made, and nobody was in doubt", "refund-outcome-wrong", s.denied,
     changed(r.RefundFailed, code=lambda _: "NOT-MADE")),
    ("a person decides what was no doubt", "refund-outcome-wrong", s.refunded,
     changed(r.RefundSucceeded, evidence=lambda _: "person: seen")),
    ("another customer's outcome", "customer-mixed", s.refunded,
     changed(r.RefundSucceeded, customer_id=lambda _: "someone")),
    ("a gift after the end, kept", "credit-after-end", s.goodwill_after_the_end,
     lambda log: [each for each in log if not isinstance(each.event, r.RefundEvent)]),
    ("an overpayment after the end, kept a while", "credit-after-end", s.surplus_after_the_end,
     followed(e.CreditGranted, lambda event: e.UsageReported(
         customer_id="c-1", usage_id="u", meter="data", quantity=1, lines=(),
         effective_at=event.effective_at - timedelta(hours=1)))),
    ("nothing credited for what is unused", "credit-overdrawn", s.cancelled_with_refund,
     dropped(e.CreditGranted)),
]  # fmt: skip
