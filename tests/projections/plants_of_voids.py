"""Faults planted in the life of reservations; see plants_of_changes.py."""

from __future__ import annotations

from typing import Any

import attrs

from domain.identity import capture_id, void_id
from domain.money import Money
from domain.subscription import events as e
from domain.subscription import void_events as v
from tests.projections import scenes_of_voids as s
from tests.projections.forging import (
    DAY,
    NOBODY,
    Log,
    changed,
    doubled,
    dropped,
    followed,
    more,
    renumbered,
)
from tests.projections.plants_of_changes import Plant


def a_void(event: Any) -> v.VoidAttempted:
    return v.VoidAttempted(
        attempt_id=event.attempt_id,
        void_id=void_id(event.attempt_id, 1),
        number=1,
        reason="nobody asked for it",
        effective_at=event.effective_at,
    )


def a_capture(event: Any) -> e.CaptureAttempted:
    return e.CaptureAttempted(
        attempt_id=event.attempt_id,
        capture_id=capture_id(event.attempt_id, 1),
        amount=Money(29900, "NOK"),
        key_expires_at=event.effective_at + DAY,
        effective_at=event.effective_at,
    )


def captured_whole(log: Log) -> Log:
    """The capture asks for all that was reserved, though less is open."""
    whole = next(each.event.amount for each in log if isinstance(each.event, e.ChargeAttempted))
    return [
        attrs.evolve(each, event=attrs.evolve(each.event, amount=whole))
        if isinstance(each.event, e.CaptureAttempted)
        else each
        for each in log
    ]


def captured_a_month_later(log: Log) -> Log:
    """The same capture, when the reservation was too old for it."""
    forge = changed(e.CaptureAttempted, effective_at=lambda event: event.effective_at + 30 * DAY)(
        log
    )
    assert forge is not None
    return forge


def wanted_again(log: Log) -> Log:
    """The cancellation is taken out, and what was reserved is let go all the same."""
    return renumbered(each for each in log if not isinstance(each.event, e.SubscriptionCancelled))


PLANTS_OF_VOIDS: list[Plant] = [
    ("let go, and it was wanted", "void-unfounded", s.let_go, wanted_again),
    ("let go before it was too old", "void-unfounded", s.too_old,
     changed(v.VoidAttempted, effective_at=lambda event: event.effective_at - 20 * DAY)),
    ("let go in the middle of its capture", "void-unfounded", s.reserved,
     followed(e.CaptureAttempted, a_void)),
    ("nobody says why", "void-unfounded", s.let_go, changed(v.VoidAttempted, reason=lambda _: "")),
    ("another key", "void-wrong", s.let_go, changed(v.VoidAttempted, void_id=lambda _: NOBODY)),
    ("another number", "void-wrong", s.let_go, changed(v.VoidAttempted, number=lambda _: 2)),
    ("the second under a key of its own", "void-wrong", s.let_go_late,
     lambda log: [*log[:-2], attrs.evolve(log[-2], event=attrs.evolve(
         log[-2].event, number=2, void_id=void_id(log[-2].event.attempt_id, 2))), log[-1]]),
    ("intended twice, and nobody was in doubt", "void-wrong", s.let_go, doubled(v.VoidAttempted)),
    ("nothing was reserved", "void-wrong", s.let_go, dropped(e.ChargeAuthorized)),
    ("of another attempt", "attempt-not-open", s.let_go,
     changed(v.VoidAttempted, attempt_id=lambda _: NOBODY)),
    ("gone, and nobody had let it go", "voided-unfounded", s.let_go, dropped(v.VoidAttempted)),
    ("gone twice", "settled-without-attempt", s.let_go, doubled(v.AuthorizationVoided)),
    ("gone for another invoice", "invoice-mixed", s.let_go,
     changed(v.AuthorizationVoided, invoice_number=lambda _: 2)),
    ("gone for another customer", "customer-mixed", s.let_go,
     changed(v.AuthorizationVoided, customer_id=lambda _: "someone")),
    ("attempted beside one that is open", "attempt-doubled", s.second_let_go,
     dropped(e.ChargeNotMade)),
    ("captured after it was let go", "capture-unwanted", s.letting_go,
     followed(v.VoidAttempted, a_capture)),
    ("captured after the end", "capture-unwanted", s.letting_go,
     followed(e.ChargeAuthorized, a_capture)),
    ("captured when it was too old", "capture-unwanted", s.reserved, captured_a_month_later),
    ("captured whole, though less is open", "capture-wrong", s.captured_in_part, captured_whole),
    ("captured for less than is open", "capture-wrong", s.captured_in_part,
     changed(e.CaptureAttempted,
             amount=lambda event: attrs.evolve(event.amount, minor=event.amount.minor - 1))),
    ("captured for more than is open", "capture-wrong", s.captured_in_part,
     changed(e.CaptureAttempted, amount=lambda event: more(event.amount))),
    ("renewed at once", "renewal-wrong", s.renewed,
     changed(e.ChargeAuthorized, when=lambda event: event.authorization_ref.endswith("again"),
             effective_at=lambda event: event.effective_at - 2 * DAY)),
    ("renewed by itself", "renewal-wrong", s.reserved, doubled(e.ChargeAuthorized)),
    ("renewed twice", "renewal-wrong", s.renewed, followed(
        e.ChargeAuthorized,
        lambda event: attrs.evolve(event, authorization_ref=event.authorization_ref + "-3",
                                   effective_at=event.effective_at + 4 * DAY),
        when=lambda event: event.authorization_ref.endswith("again"))),
    ("a look of a void by another number", "look-number-wrong", s.let_go_late,
     changed(e.ChargeLookedUp, look_number=lambda _: 2)),
]  # fmt: skip
