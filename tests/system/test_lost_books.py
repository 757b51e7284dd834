"""F45, the rest of it: the lost books had come to a second attempt, or had given money back.

An attempt that was declined leaves nothing at PayPal, so its reference is free when the books are
put back. Once it is said that they were restored, every number that the lost books may have come
to is looked for. The simulators' own books are the oracle: each invoice is captured once.
"""

from __future__ import annotations

from collections import Counter

from domain.identity import attempt_id, charge_reference, reference_of_charge
from domain.subscription.events import ChargeNotMade, ChargeSucceeded
from domain.subscription.starting import Start
from infrastructure.commands.restoring import Restoring
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import Fault, ScriptedFault
from tests.system import oracle
from tests.system.customers import SORTS, customers
from tests.system.house import House
from tests.system.test_restored import backed_up, put_back

EACH = len(SORTS)


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


def lived(home: House) -> list[Start]:
    """Customers of every sort of luck, whose first month is paid; and then the next."""
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


def test_F45_what_a_later_attempt_of_the_lost_books_took_is_not_taken_again(home: House) -> None:
    """Declined and then paid; never sent, declined and then paid; and the usual."""
    starts = lived(home)
    backup = backed_up(home)
    with home.helper():
        home.play(days=36)
    assert set(captures(home).values()) == {1}
    before = captures(home)
    assert len(before) == 2 * len(starts)
    put_back(home, backup)
    said(home)
    with home.helper():
        home.play(days=1)
    assert captures(home) == before
    assert len(home.facts(ChargeSucceeded)) == 2 * len(starts)
    # The numbers before the one that was paid are on record, as not made.
    assert len(home.facts(ChargeNotMade)) == EACH + 2 * EACH
    with home.helper():
        home.play(days=23)
    home.send_home()
    assert set(captures(home).values()) == {1}
    assert len(captures(home)) == 3 * len(starts)
    oracle.check(home)
