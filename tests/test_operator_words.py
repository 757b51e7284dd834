"""What an operator is told of a decline: what its code means, and what we do."""

from __future__ import annotations

import attrs
import pytest

from domain.providers import Provider
from domain.subscription.events import ChargeAttempted, ChargeDeclined, DeclineClass
from infrastructure.gateways.paypal.issues import ISSUES, Meaning
from infrastructure.operator_words import (
    UNKNOWN_CODE,
    WHAT_WE_DO,
    told_explanation,
    told_of_charges,
    told_timeline,
    words_of,
)
from projections.charges import CHARGES
from projections.explaining import explain_charge
from tests.books import Books
from tests.projections.scenes import billed, facts, rows, signed_up
from tests.replies import Reply

PAYPAL, DINTERO = Provider.PAYPAL, Provider.DINTERO


def declined(code: str, kind: DeclineClass, provider: Provider = PAYPAL) -> Books:
    """One charge, declined by this code."""
    books = billed(signed_up(provider=provider), Reply.HARD)
    for place, recorded in enumerate(books.log):
        if isinstance(recorded.event, ChargeDeclined):
            event = attrs.evolve(recorded.event, code=code, decline=kind)
            books.log[place] = attrs.evolve(recorded, event=event)
    return books


def test_the_timeline_tells_what_a_decline_means_and_what_we_do() -> None:
    """Behind the provider's own words; nothing is put to any other fact."""
    books = declined("CARD_EXPIRED", DeclineClass.HARD)
    lines = [each.words for each in told_timeline(books.log)]
    told = [each for each in lines if each.startswith("Declined")]
    assert told == [
        "Declined for invoice 1: CARD_EXPIRED (hard), declined by the bank; known by answer. The "
        "card has expired. This method is charged no more; another one is tried, or asked for."
    ]
    assert sum("The card has expired." in each for each in lines) == 1


@pytest.mark.parametrize(
    ("code", "provider", "words"),
    [
        ("INSUFFICIENT_FUNDS", DINTERO, "There is not enough money on the card."),
        ("INSUFFICIENT_FUNDS", PAYPAL, UNKNOWN_CODE),
        ("INSTRUMENT_DECLINED", PAYPAL, "The payer's bank or card issuer declined."),
        ("instrument_declined", PAYPAL, "The payer's bank or card issuer declined."),
        ("CAPTURE_DECLINED", PAYPAL, "The payer's bank or card issuer declined."),
        ("TOKEN_DELETED", DINTERO, "Dintero has deleted the token."),
        ("INVENTED_YESTERDAY", DINTERO, UNKNOWN_CODE),
    ],
)
def test_a_code_is_read_in_its_providers_table(code: str, provider: Provider, words: str) -> None:
    """One word may mean something at one provider, and nothing at the other."""
    assert words_of(provider, code) == words
    books = declined(code, DeclineClass.SOFT, provider)
    (line,) = [each.words for each in told_timeline(books.log) if "Declined" in each.words]
    assert line.endswith(f"{words} {WHAT_WE_DO[DeclineClass.SOFT]}")


def test_an_explanation_of_a_charge_tells_it() -> None:
    """In the step that is the decline."""
    books = declined("PAYEE_ACCOUNT_RESTRICTED", DeclineClass.MERCHANT)
    (attempted,) = facts(books, ChargeAttempted)
    found = told_explanation(explain_charge(books.log, attempted.reference), books.log)
    (step,) = found.steps
    assert step.words == (
        "declined: PAYEE_ACCOUNT_RESTRICTED (merchant). Our account at PayPal is restricted. It is "
        "not tried again until somebody has put our side right (billing collect)."
    )


def test_a_list_of_charges_tells_each_code_once() -> None:
    """Two of one code, one of another; what was paid has none."""
    first = declined("CARD_EXPIRED", DeclineClass.HARD)
    second = declined("COMPLIANCE_VIOLATION", DeclineClass.HARD)
    (one,), (other,) = (tuple(rows(CHARGES, each).values()) for each in (first, second))
    paid = tuple(rows(CHARGES, billed(signed_up())).values())
    told = told_of_charges((one, *paid, other, one))
    assert [(each.code, each.decline) for each in told] == [
        ("CARD_EXPIRED", DeclineClass.HARD),
        ("COMPLIANCE_VIOLATION", DeclineClass.HARD),
    ]
    assert told[1].words.startswith("PayPal may not take this payment")
    assert facts(first, ChargeDeclined)


def test_every_class_says_what_we_do() -> None:
    """And a doubt is none of them: nothing is declined by it."""
    assert set(WHAT_WE_DO) == set(DeclineClass)
    classes = {row.meaning.name for row in ISSUES.values()}
    assert classes - {each.name for each in DeclineClass} == {
        Meaning.CONFLICT.name,
        Meaning.TRANSIENT.name,
    }
