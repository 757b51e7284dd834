"""The timeline: every fact in one plain sentence."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from domain.subscription.events import SubscriptionEvent, When
from projections.timeline import entry, words_of
from tests.books import Books
from tests.examples import EXAMPLES
from tests.histories import History
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_changes import (
    changed,
    ending,
    given_credit,
    paused,
    postpaid,
    running,
)
from tests.projections.scenes_of_first_payments import without_a_card
from tests.replies import Reply


def told(*replies: Reply) -> list[str]:
    """What the timeline says of a subscription that was answered so."""
    books = signed_up()
    for reply in replies:
        billed(books, reply)
    return [entry(recorded).words for recorded in books.log[4:]]


def test_a_life_reads_as_sentences():
    """Start, approval, invoice, decline, retry, money."""
    books = billed(billed(signed_up(), Reply.SOFT))
    words = [entry(recorded).words for recorded in books.log]
    assert words[0] == (
        "Started for customer c-1 with plan gold version 1: 299.00 NOK every 1 month(s) in "
        "advance, from 2024-01-31 (Europe/Oslo) through paypal account main; first invoice due "
        "at 2024-01-30 23:00Z."
    )
    assert words[1] == (
        "Token request 1 (initial: sign-up); the approval is awaited until 2024-01-23 09:00Z."
    )
    assert words[3] == "The payer approved; the token of a Visa card 1111 2029-04 is vaulted."
    assert words[4] == (
        "Invoice 1 issued for 2024-01-31 to 2024-02-29: 299.00 NOK, due 2024-01-31 (Gold "
        "membership, 2024-01-31 to 2024-02-29 (end exclusive) 299.00 NOK); the next is due at "
        "2024-02-28 23:00Z."
    )
    assert words[5].startswith(
        "About to charge 299.00 NOK for invoice 1, attempt 1, through paypal"
    )
    assert words[6] == (
        "Declined for invoice 1: INSUFFICIENT_FUNDS (soft), declined by the bank; known by answer."
    )
    assert words[7] == "Invoice 1 will be tried again at 2024-02-02 23:00Z (retry 1)."
    assert words[9].startswith("299.00 NOK received for invoice 1 (cap-s-1-1-2-")


def test_a_first_payment_reads_as_one():
    """The page takes it, and no card was saved."""
    words = [entry(recorded).words for recorded in without_a_card().log]
    assert words[2].startswith(
        "Token request 1 (initial: sign-up), on a page where the payer pays; the approval is"
    )
    assert words[3].startswith(
        "About to have the payer pay, and charge, 299.00 NOK for invoice 1, attempt 1, through "
        "dintero account main as s-1-1-1-"
    )
    assert words[5].startswith("299.00 NOK received for invoice 1 (cap-s-1-1-1-")
    assert words[6].startswith("The token request was refused: ")


def test_a_doubt_says_what_is_done_about_it():
    """When the provider is asked, and when again."""
    words = told(Reply.UNKNOWN, Reply.UNKNOWN)
    assert words[2] == (
        "Outcome unknown (ReadTimeout: no answer after 30 s); nothing else is charged, and the "
        "provider is asked at 2024-01-30 23:05Z."
    )
    assert words[3].startswith("Look 1 at the provider: ReadTimeout")
    assert words[3].endswith("asked again at 2024-01-31 00:05Z.")


def test_a_discrepancy_names_both_amounts():
    """A person sees what differs without opening anything."""
    assert told(Reply.LESS)[3] == (
        "Invoice 1: 299.00 NOK expected, 298.00 NOK received (amount); a person has to look."
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "charge-authorized.v1",
            "39.85 USD reserved (0VF52814937998046), known by answer; no money has moved.",
        ),
        (
            "charge-looked-up.v1",
            "Look 1 at the provider: pending at the provider (5O190127TN364715T); asked again at "
            "2026-01-31 06:05Z.",
        ),
        (
            "token-request-expired.v1",
            "The token request expired without an approval: not approved in time.",
        ),
    ],
)
def test_a_sentence_says_how_it_is_known(name: str, words: str):
    """The evidence, the id to ask the provider by, the reason."""
    assert words_of(EXAMPLES[name]) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "terms-changed.v1",
            "Terms changed (the payer asked for more): plan fibre-100 version 4, 2 x 49.75 USD "
            "every 1 month(s) in advance, from invoice 2 on; the running period counts from now "
            "on, too; on the next invoice: Fibre 100, månedlig, rest 2026-02-14 to 2026-02-28 "
            "(end exclusive) 49.75 USD; periods are counted every 1 month(s) from 2026-01-31; the "
            "next invoice is due at 2026-02-28 05:00Z.",
        ),
        (
            "credit-granted.v1",
            "Credit 1 of 14.93 USD granted, days given back by a change of terms (the payer asked "
            "for more): Fibre 100, månedlig, unused 2026-02-14 to 2026-02-28 (end exclusive) "
            "14.93 USD.",
        ),
        (
            "instalments-settled.v1",
            "Settled early (pays it all at once): instalments 3 to 6 are billed by invoice "
            "1000001, 319.60 USD; no other invoice is due.",
        ),
        ("credit-applied.v1", "Credit 1 paid 14.93 USD of invoice 2."),
        (
            "subscription-paused.v1",
            "Paused until 2026-03-10 05:00Z (travelling); invoice 1 is the last one before that; "
            "service is not paid for from 2026-02-14 on.",
        ),
        (
            "subscription-resumed.v1",
            "Resumed (the pause is over): periods are counted every 1 month(s) from 2026-01-31, "
            "and invoice 2 bills 2026-03-10 to 2026-03-31; the next invoice is due at 2026-03-10 "
            "05:00Z.",
        ),
        (
            "cancellation-scheduled.v1",
            "Going to be cancelled at 2026-02-28 05:00Z (moved abroad); nothing that falls due "
            "then or later is billed.",
        ),
        (
            "cancellation-withdrawn.v1",
            "The planned cancellation is withdrawn (stays after all); the next invoice is due at "
            "2026-02-28 05:00Z.",
        ),
    ],
)
def test_a_change_says_what_when_and_why(name: str, words: str):
    """Amounts, days and the caller's reason."""
    assert words_of(EXAMPLES[name]) == words


def test_changes_without_the_usual_parts_read_well_too():
    """Open ends, goodwill, the last invoice instead of an instant, nothing due any more."""
    books = paused(signed_up(), credit=False)
    assert said(books) == (
        "Paused until it is resumed (away); no invoice is issued before that; the running period "
        "stays paid for."
    )
    assert said(given_credit(books, 10000)) == "Credit 1 of 100.00 NOK granted, goodwill (sorry)."
    assert said(ending(running(postpaid()))) == (
        "Going to end (moves): invoice 1 is the last one, and it is complete when that is paid."
    )
    later = changed(running(), quantity=3, when=When.PERIOD_END)
    assert said(later) == (
        "Terms changed (asked): plan gold version 1, 3 x 299.00 NOK every 1 month(s) in advance, "
        "from invoice 2 on; the running period stays as it is; periods are counted every 1 "
        "month(s) from 2024-01-31; the next invoice is due at 2024-02-28 23:00Z."
    )
    assert said(paused(running(postpaid()))).endswith(
        "service is not paid for from 2024-02-10 on (Gold membership, unused 2024-02-10 to "
        "2024-02-29 (end exclusive) -195.90 NOK)."
    )


def said(books: Books) -> str:
    """What the timeline says of the last fact."""
    return entry(books.log[-1]).words


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_fact_is_one_sentence(name: str):
    """Ends with a full stop, shows no Python value and no link."""
    words = words_of(EXAMPLES[name])
    assert words.endswith(".")
    assert words[0].isupper() or words[0].isdigit()
    assert not re.search(r"datetime|UUID|Money|None|<|http|\n", words)


def test_every_fact_has_an_example():
    """The test above leaves none out."""
    assert {type(event) for event in EXAMPLES.values()} == set(get_args(SubscriptionEvent))


def test_an_entry_carries_both_times_and_who(corpus: list[History]):
    """When it took effect, when it was recorded, by whom and why."""
    for recorded in corpus[0].log:
        line = entry(recorded)
        assert (line.at, line.recorded_at) == (recorded.event.effective_at, recorded.recorded_at)
        assert (line.position, line.version) == (recorded.position, recorded.version)
        assert (line.actor, line.cause) == (recorded.actor, recorded.cause)
