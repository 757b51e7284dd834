"""F45, the rest of it: the lost books had come to a second attempt, or had given money back.

An attempt that was declined leaves nothing at PayPal, so its reference is free when the books are
put back. Once it is said that they were restored, every number that the lost books may have come
to is looked for. The simulators' own books are the oracle: each invoice is captured once.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from domain.identity import attempt_id, charge_reference, reference_of_charge
from domain.money import Money
from domain.providers import Provider
from domain.restorations.events import BooksRestored
from domain.subscription.events import ChargeNotMade, ChargeSucceeded
from domain.subscription.refund_events import RefundSucceeded
from domain.subscription.starting import FirstPayment, Start
from infrastructure.commands.restoring import Restoring, read_restored
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import Fault, ScriptedFault
from tests.system import oracle
from tests.system.customers import FIRST_DAY, SORTS, customer, customers
from tests.system.house import House
from tests.system.test_restored import backed_up, fetched, put_back

EACH = len(SORTS)
# The first day of the second month of all of them.
BILLED = datetime(2025, 2, 28, tzinfo=UTC)


def reference(start: Start, invoice: int, attempt: int) -> str:
    """What both books call an attempt of a customer's."""
    key = attempt_id(start.namespace, invoice, attempt)
    return charge_reference(start.subscription_id, invoice, attempt, key)


def strike(home: House, start: Start, invoice: int, *faults: Fault) -> None:
    """What meets the first attempts on an invoice, in turn."""
    script = home.controls[start.provider.value].faults.script
    for nth, fault in enumerate(faults, 1):
        script.append(ScriptedFault("charge", reference(start, invoice, nth), 1, fault))


def captures(home: House) -> Counter[tuple[str, int]]:
    """How often each invoice was captured, by both books of the providers."""
    found: Counter[tuple[str, int]] = Counter()
    for controls in home.controls.values():
        for entry in controls.book.entries():
            parts = reference_of_charge(entry.reference)
            if entry.movement is Movement.CAPTURED and parts is not None:
                found[parts.subscription_id, parts.invoice_number] += 1
    return found


def refunds(home: House) -> Counter[str]:
    """How often each reference was given back."""
    return Counter(
        entry.reference
        for controls in home.controls.values()
        for entry in controls.book.entries()
        if entry.movement is Movement.REFUNDED
    )


def said(home: House) -> None:
    """Somebody says that the books were restored."""
    assert Restoring(home.system, actor="cli:kari").say("disk died", by="kari").changed


def month_lived(home: House) -> list[Start]:
    """Customers of every sort of luck, whose first month is paid; the next waits for its luck."""
    home.crowd = 0
    starts = customers(3 * EACH)
    home.move_in(starts)
    with home.helper():
        home.play(days=2)
    declined, unknown = starts[:EACH], starts[EACH : 2 * EACH]
    for each in declined:
        strike(home, each, 2, Fault.SOFT_DECLINE)
    for each in unknown:
        strike(home, each, 2, Fault.TIME_OUT_BEFORE, Fault.SOFT_DECLINE)
    return starts


def come_to(home: House, moment: datetime) -> None:
    """Work until then."""
    with home.helper():
        home.play(days=(moment - home.now) / timedelta(days=1))


@pytest.mark.parametrize(
    "kept_until",
    [
        BILLED - timedelta(days=20),
        BILLED + timedelta(minutes=2),  # some charges are in doubt
        BILLED + timedelta(hours=12),  # and declined, each after its attempt that was not made
        BILLED + timedelta(days=3, hours=6),  # some retries have paid
    ],
    ids=["before", "in doubt", "declined", "half paid"],
)
def test_F45_what_a_later_attempt_of_the_lost_books_took_is_not_taken_again(
    home: House, kept_until: datetime
) -> None:
    """Declined and then paid; never sent, declined and then paid; and the usual."""
    starts = month_lived(home)
    come_to(home, kept_until)
    backup = backed_up(home)
    come_to(home, BILLED + timedelta(days=8))
    before = captures(home)
    assert set(before.values()) == {1}
    assert len(before) == 2 * len(starts)
    put_back(home, backup)
    said(home)
    with home.helper():
        home.play(days=2)
    assert captures(home) == before
    assert len(home.facts(ChargeSucceeded)) == 2 * len(starts)
    come_to(home, BILLED + timedelta(days=33))
    home.send_home()
    assert set(captures(home).values()) == {1}
    assert len(captures(home)) == 3 * len(starts)
    oracle.check(home)


def test_the_numbers_before_the_one_that_was_paid_are_on_record(home: House) -> None:
    """As not made; so the lost attempts of eight customers count on. And `billing info` says it."""
    month_lived(home)
    backup = backed_up(home)
    come_to(home, BILLED + timedelta(days=8))
    put_back(home, backup)
    said(home)
    with home.helper():
        home.play(days=1)
    home.send_home()
    not_made = home.facts(ChargeNotMade)
    assert len(not_made) == EACH + 2 * EACH
    assert all("after a restoration" in each.evidence for each in not_made)
    known = read_restored(home.system.ledger)
    assert known is not None
    assert known.since < BILLED < known.until


def test_F45_what_was_given_back_is_not_given_back_again(home: House) -> None:
    """Asked for before the backup, and after it: then once more by somebody who misses it."""
    home.crowd = 0
    starts = customers(2 * EACH)
    home.move_in(starts)
    with home.helper():
        home.play(days=2)
    commands = Subscriptions(home.system, actor="test")
    before, later = starts[:EACH], starts[EACH:]

    def give_back(wishes: list[Start]) -> None:
        for each in wishes:
            money = Money(1_000, "USD")
            commands.refund(each.subscription_id, money, reason="late delivery", grant=True)

    give_back(before)
    backup = backed_up(home)
    give_back(later)
    with home.helper():
        home.play(days=3)
    made = refunds(home)
    assert len(made) == 2 * EACH
    put_back(home, backup)
    said(home)
    give_back(later)
    with home.helper():
        home.play(days=3)
    home.send_home()
    assert refunds(home) == made
    assert set(made.values()) == {1}
    assert len(home.facts(RefundSucceeded)) == 2 * EACH
    assert set(captures(home).values()) == {1}
    oracle.check(home)


@pytest.mark.parametrize("paid_first", [False, True], ids=["asked", "paid"])
def test_F45_what_was_paid_on_a_page_is_not_paid_again(home: House, paid_first: bool) -> None:
    """The backup is of the moment at which the page was asked for; or the payment is in it."""
    home.crowd = 0
    home.move_in(customers(1))  # a backup has all the tables, and a vault in use
    starts = [
        customer(number, first_payment=FirstPayment.IN_SESSION, start=FIRST_DAY - timedelta(days=1))
        for number in range(EACH, 3 * EACH)
        if SORTS[number % EACH][0] is Provider.DINTERO
    ]
    commands = Subscriptions(home.system, actor="test")
    for each in starts:
        commands.start(each)
    if paid_first:
        come_to(home, home.now + timedelta(days=1))
    backup = backed_up(home)
    come_to(home, home.now + timedelta(days=35))
    before = captures(home)
    assert len(before) == 2 * (len(starts) + 1)
    put_back(home, backup)
    said(home)
    with home.helper():
        home.play(days=3)
    home.send_home()
    assert captures(home) == before
    assert len(home.facts(ChargeSucceeded)) == 2 * (len(starts) + 1)
    oracle.check(home)


def test_F45_a_settlement_says_that_books_were_restored_where_nobody_did(home: House) -> None:
    """It shows charges that only these books can have made, and that are not in them."""
    starts = month_lived(home)
    backup = backed_up(home)
    come_to(home, BILLED + timedelta(days=8))
    before = captures(home)
    fetched(home, home.now.date())
    assert home.facts(BooksRestored) == []  # all of it is here
    put_back(home, backup)
    fetched(home, home.now.date())
    (fact,) = home.facts(BooksRestored)
    assert fact.restored_by == "settlements"
    assert "which is not here; in all" in fact.reason
    assert fact.head > 0
    fetched(home, home.now.date())
    assert len(home.facts(BooksRestored)) == 1
    with home.helper():
        home.play(days=1)
    home.send_home()
    assert captures(home) == before
    assert len(home.facts(ChargeSucceeded)) == 2 * len(starts)
    oracle.check(home)


def test_nothing_is_looked_for_where_nobody_said_it(home: House) -> None:
    """Books that were never restored ask the providers for no more than they did."""
    home.crowd = 0
    home.move_in(customers(EACH))
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "infrastructure.workers.lost.attempts_to_look_for", lambda *_: asked.append("looked")
        )
        with home.helper():
            home.play(days=2)
    assert asked == []
    assert set(captures(home).values()) == {1}
