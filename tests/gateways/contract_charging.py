"""The contract: charges, their answers, and what a look-up makes of the lack of one."""

from __future__ import annotations

from datetime import timedelta

from domain.money import Money
from domain.ports import (
    Captured,
    Declined,
    NotDone,
    NotFound,
    Unknown,
)
from domain.subscription.events import DeclineClass
from infrastructure.simulators.faults import Fault
from tests.gateways.bench import PRICE, START, Bench, on_the_bench

CARRIED_OUT_UNSEEN = (
    Fault.LOST_ANSWER,
    Fault.ERROR_AFTER,
    Fault.HTML_AFTER,
    Fault.TRUNCATED_AFTER,
    Fault.FORGOTTEN_KEY,
)
NOTHING_DONE_UNSEEN = (Fault.TIME_OUT_BEFORE, Fault.ERROR_BEFORE, Fault.HTML_BEFORE)


class ChargingContract:
    """Charges, their answers, and what a look-up makes of the lack of one."""

    @on_the_bench
    async def test_charge_captures_once(self, bench: Bench) -> None:
        """A charge takes the amount once, and says when and as what."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        answer = await bench.gateway.charge(order)
        (entry,) = bench.controls.book.captures(order.reference)
        assert isinstance(answer, Captured), answer
        assert answer == Captured(amount=PRICE, provider_ref=entry.provider_id, at=START)

    @on_the_bench
    async def test_same_key_charges_once(self, bench: Bench) -> None:
        """A repeat under the same key moves no money and never says it did not."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        first = await bench.gateway.charge(order)
        second = await bench.gateway.charge(order)
        assert isinstance(first, Captured)
        assert isinstance(second, Unknown) or second == first
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_decline_classes(self, bench: Bench) -> None:
        """A definite no carries the provider's code and what it means for us."""
        expected = {
            Fault.SOFT_DECLINE: DeclineClass.SOFT,
            Fault.HARD_DECLINE: DeclineClass.HARD,
            Fault.PAYER_ACTION: DeclineClass.PAYER_ACTION,
        }
        for number, (fault, decline) in enumerate(expected.items()):
            reference = f"sub-1-{number}-1-aa"
            granted = await bench.vaulted(f"token/{number}")
            bench.strike("charge", reference, fault)
            answer = await bench.gateway.charge(bench.charge_order(granted, reference))
            assert isinstance(answer, Declined), (fault, answer)
            assert (answer.decline, answer.code == answer.code.upper()) == (decline, True)
            assert len(answer.message) <= 200
            assert bench.controls.book.captures(reference) == ()

    @on_the_bench
    async def test_look_up_finds_a_decline(self, bench: Bench) -> None:
        """A look-up never makes a captured charge of a declined one."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.SOFT_DECLINE)
        await bench.gateway.charge(order)
        bench.pass_time(bench.report_delay)
        answer = await bench.gateway.look_up(bench.query(order))
        assert isinstance(answer, Declined | NotFound), answer

    @on_the_bench
    async def test_F06_F08_charge_made_but_answer_unseen_is_found(self, bench: Bench) -> None:
        """Lost, broken and foreign answers are unknown, and the look-up finds the charge."""
        granted = await bench.vaulted()
        for number, fault in enumerate(CARRIED_OUT_UNSEEN):
            order = bench.charge_order(granted, f"sub-1-{number}-1-aa")
            bench.strike("charge", order.reference, fault)
            answer = await bench.gateway.charge(order)
            assert isinstance(answer, Unknown), (fault, answer)
        bench.pass_time(bench.report_delay)
        for number, fault in enumerate(CARRIED_OUT_UNSEEN):
            order = bench.charge_order(granted, f"sub-1-{number}-1-aa")
            (entry,) = bench.controls.book.captures(order.reference)
            found = await bench.gateway.look_up(bench.query(order))
            assert found == Captured(amount=PRICE, provider_ref=entry.provider_id, at=START), fault
            assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F06_forgotten_key_does_not_charge_again(self, bench: Bench) -> None:
        """Where the provider forgot our key, the repeated reference is refused, not charged."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.FORGOTTEN_KEY)
        await bench.gateway.charge(order)
        again = await bench.gateway.charge(order)
        assert isinstance(again, Unknown), again
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F07_F08_charge_not_made_is_not_found(self, bench: Bench) -> None:
        """A time-out or 5xx before anything happened is unknown, and the look-up finds nothing."""
        granted = await bench.vaulted()
        for number, fault in enumerate(NOTHING_DONE_UNSEEN):
            order = bench.charge_order(granted, f"sub-1-{number}-1-aa")
            bench.strike("charge", order.reference, fault)
            answer = await bench.gateway.charge(order)
            assert isinstance(answer, Unknown), (fault, answer)
            bench.pass_time(bench.report_delay)
            found = await bench.gateway.look_up(bench.query(order))
            assert isinstance(found, NotFound), (fault, found)
            assert bench.controls.book.captures(order.reference) == ()

    @on_the_bench
    async def test_F07_repeat_within_the_key_window_charges_once(self, bench: Bench) -> None:
        """After a time-out without effect the same key may be sent again, and charges once."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.TIME_OUT_BEFORE)
        assert isinstance(await bench.gateway.charge(order), Unknown)
        assert isinstance(await bench.gateway.charge(order), Captured)
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F06_late_success_is_found(self, bench: Bench) -> None:
        """A charge that is carried out after its 5xx is unknown first and found later."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.LATE_SUCCESS)
        assert isinstance(await bench.gateway.charge(order), Unknown)
        assert bench.controls.book.captures(order.reference) == ()
        assert isinstance(await bench.gateway.look_up(bench.query(order)), NotFound | Unknown)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        bench.pass_time(bench.report_delay)
        found = await bench.gateway.look_up(bench.query(order))
        assert isinstance(found, Captured), found
        assert found.at > START

    @on_the_bench
    async def test_pending_is_unknown_until_it_completes(self, bench: Bench) -> None:
        """A pending charge is a doubt with an id; under that id its end is found."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.PENDING)
        pending = await bench.gateway.charge(order)
        assert isinstance(pending, Unknown)
        assert pending.provider_ref
        known = bench.query(order, provider_ref=pending.provider_ref)
        assert isinstance(await bench.gateway.look_up(known), Unknown)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        assert isinstance(await bench.gateway.look_up(known), Captured)

    @on_the_bench
    async def test_F08_rate_limit_is_not_done_and_says_how_long(self, bench: Bench) -> None:
        """429 is a definite "not carried out", with the provider's wait."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.RATE_LIMITED)
        answer = await bench.gateway.charge(order)
        assert isinstance(answer, NotDone), answer
        assert answer.retry_after_s == bench.controls.faults.retry_after_s
        assert isinstance(await bench.gateway.charge(order), Captured)
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F09_wrong_amount_is_reported_as_received(self, bench: Bench) -> None:
        """Where the provider took another amount, that amount is the answer."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.WRONG_AMOUNT)
        answer = await bench.gateway.charge(order)
        (entry,) = bench.controls.book.captures(order.reference)
        assert isinstance(answer, Captured)
        assert answer.amount == Money(entry.minor, entry.currency) != PRICE
