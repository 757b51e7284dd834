"""Faults planted where the first payment is made on a page; see plants_of_changes.py."""

from __future__ import annotations

from uuid import UUID

import attrs

from domain.providers import Provider
from domain.subscription import events as e
from tests.projections.forging import Log, changed, doubled, dropped, renumbered
from tests.projections.plants_of_changes import Plant
from tests.projections.scenes_of_first_payments import (
    asked,
    paid,
    shown,
    turned_back,
    without_a_card,
)

OTHER = UUID(int=7)


def by_paypal(log: Log) -> Log:
    """All of it happened at a provider whose page takes no payment."""
    kinds = e.SubscriptionStarted | e.ChargeAttempted
    return [
        attrs.evolve(each, event=attrs.evolve(each.event, provider=Provider.PAYPAL))
        if isinstance(each.event, kinds)
        else each
        for each in log
    ]


def settled_first(log: Log) -> Log:
    """The page is shown to the payer after its payment was settled."""
    place = next(n for n, each in enumerate(log) if isinstance(each.event, e.ApprovalOffered))
    return renumbered([*log[:place], log[place + 1], log[place], *log[place + 2 :]])


def never_asked(log: Log) -> Log:
    """The log ends with the invoice."""
    return log[:2]


def never_attempted(log: Log) -> Log:
    """The log ends with the request."""
    return log[:3]


PLANTS_OF_FIRST_PAYMENTS: list[Plant] = [
    ("another attempt than the request names", "first-charge-wrong", paid,
     changed(e.TokenRequested, first_charge=lambda _: OTHER)),
    ("an attempt without a token, and no page", "first-charge-wrong", paid,
     changed(e.TokenRequested, first_charge=lambda _: None)),
    ("a page, and no attempt", "first-charge-wrong", shown, dropped(e.ChargeAttempted)),
    ("a page, and the log says no more", "first-charge-wrong", asked, never_attempted),
    ("the attempt names a token", "first-charge-wrong", paid,
     changed(e.ChargeAttempted, token_ref=lambda _: "token-x")),
    ("a later attempt without a token", "first-charge-wrong", paid,
     changed(e.ChargeAttempted, when=lambda event: event.invoice_number == 2,
             token_ref=lambda _: "")),
    ("for a backup", "first-charge-wrong", paid,
     changed(e.TokenRequested, purpose=lambda _: e.TokenPurpose.BACKUP)),
    ("on a page of PayPal's", "first-charge-wrong", paid, by_paypal),
    ("an invoice before there was a token", "invoice-before-token", turned_back,
     dropped(e.TokenRequested)),
    ("an invoice before there was a token, and nobody asks", "invoice-before-token", asked,
     never_asked),
    ("a page shown after its payment was settled", "page-after-payment", turned_back,
     settled_first),
    ("paid twice on the page", "settled-without-attempt", paid, doubled(e.ChargeSucceeded)),
    ("attempted while the page can be paid", "attempt-doubled", shown, doubled(e.ChargeAttempted)),
    ("billed before the first money came", "invoice-after-end", without_a_card,
     dropped(e.ChargeSucceeded)),
]  # fmt: skip
