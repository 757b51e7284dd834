"""The contract: money goes back once, never more than was taken, and a doubt is looked up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from domain.money import Money
from domain.ports import Captured, NotDone, NotFound, Unknown
from domain.refund_ports import RefundDenied, Refunded, RefundOrder
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import CallbackFault, Fault
from tests.gateways.bench import PRICE, START, Bench, Mangling, on_the_bench
from tests.gateways.contract_charging import CARRIED_OUT_UNSEEN, NOTHING_DONE_UNSEEN


class RefundContract:
    """Refunds, their answers, and what a look-up makes of the lack of one."""

    @on_the_bench
    async def test_refund_in_full(self, bench: Bench) -> None:
        """All of a charge goes back, once, and the answer says when and as what."""
        order, captured = await bench.captured()
        bench.pass_time(timedelta(hours=1))
        refund = bench.refund_order(order, captured)
        answer = await bench.gateway.refund(refund)
        (entry,) = bench.controls.book.refunds(refund.reference)
        assert isinstance(answer, Refunded), answer
        assert (answer.amount, answer.at) == (PRICE, START + timedelta(hours=1))
        assert (entry.minor, entry.currency, entry.at) == (PRICE.minor, "USD", answer.at)
        assert answer.provider_ref

    @on_the_bench
    async def test_parts_add_up_and_one_more_is_denied(self, bench: Bench) -> None:
        """10.00 and 19.85 are all of 29.85; one cent more is refused, and so is a part of it."""
        order, captured = await bench.captured()
        refs = set()
        for number, minor in enumerate((1000, 1985), start=1):
            part = bench.refund_order(order, captured, minor, number=number)
            answer = await bench.gateway.refund(part)
            assert isinstance(answer, Refunded), answer
            assert answer.amount == Money(minor, "USD")
            refs.add(answer.provider_ref)
        more = bench.refund_order(order, captured, 1, number=3)
        denied = await bench.gateway.refund(more)
        assert isinstance(denied, RefundDenied), denied
        assert denied.code == denied.code.upper()
        assert denied.code
        assert 0 < len(denied.message) <= 200
        assert len(refs) == 2, "each refund has an id of its own"
        assert bench.controls.book.total(Movement.REFUNDED, "USD") == (2, PRICE.minor)

    @on_the_bench
    async def test_more_than_was_taken_is_denied(self, bench: Bench) -> None:
        """A refund above the charge, or above what is left of it, moves nothing."""
        order, captured = await bench.captured()
        above = bench.refund_order(order, captured, PRICE.minor + 1)
        assert isinstance(await bench.gateway.refund(above), RefundDenied)
        part = bench.refund_order(order, captured, 2000, number=2)
        assert isinstance(await bench.gateway.refund(part), Refunded)
        above_rest = bench.refund_order(order, captured, 986, number=3)
        assert isinstance(await bench.gateway.refund(above_rest), RefundDenied)
        assert bench.controls.book.total(Movement.REFUNDED, "USD") == (1, 2000)

    @on_the_bench
    async def test_F41_refunds_at_once_stay_within_the_charge(self, bench: Bench) -> None:
        """Two refunds that race, together more than was taken: one of them gets through."""
        order, captured = await bench.captured()
        refunds = [bench.refund_order(order, captured, 2000, number=n) for n in (1, 2)]
        answers = await asyncio.gather(*(bench.gateway.refund(refund) for refund in refunds))
        assert sorted(type(answer).__name__ for answer in answers) == ["RefundDenied", "Refunded"]
        assert bench.controls.book.total(Movement.REFUNDED, "USD") == (1, 2000)

    @on_the_bench
    async def test_repeat_of_a_refund_refunds_once(self, bench: Bench) -> None:
        """Who may have sent a refund before ends with the first one, not with a second."""
        order, captured = await bench.captured()
        refund = bench.refund_order(order, captured, 1000)
        first = await bench.gateway.refund(refund)
        assert isinstance(first, Refunded), first
        assert await bench.refund_again(refund) == first
        assert bench.controls.book.total(Movement.REFUNDED, "USD") == (1, 1000)

    @on_the_bench
    async def test_refund_of_no_charge_is_denied(self, bench: Bench) -> None:
        """A charge that the provider does not know gives nothing back."""
        order, captured = await bench.captured()
        ref = captured.provider_ref
        elsewhere = Captured(
            amount=PRICE, provider_ref=ref[:-3] + ref[-3:][::-1] + "0", at=captured.at
        )
        answer = await bench.gateway.refund(bench.refund_order(order, elsewhere))
        assert isinstance(answer, RefundDenied), answer
        assert bench.controls.book.total(Movement.REFUNDED, "USD") == (0, 0)

    @on_the_bench
    async def test_F06_F08_refund_made_but_answer_unseen_is_found(self, bench: Bench) -> None:
        """Lost, broken and foreign answers are unknown, and the look-up finds the refund."""
        made = []
        for number, fault in enumerate(CARRIED_OUT_UNSEEN):
            order, captured = await bench.captured(f"sub-1-{number}-1-aa")
            refund = bench.refund_order(order, captured, 1000)
            bench.strike("refund", refund.reference, fault)
            answer = await bench.gateway.refund(refund)
            assert isinstance(answer, Unknown), (fault, answer)
            made.append(refund)
        bench.pass_time(bench.report_delay)
        for refund, fault in zip(made, CARRIED_OUT_UNSEEN, strict=True):
            (entry,) = bench.controls.book.refunds(refund.reference)
            for _ in range(2):
                found = await bench.gateway.look_up_refund(bench.refund_query(refund))
                assert isinstance(found, Refunded), (fault, found)
                assert (found.amount, found.at) == (Money(1000, "USD"), entry.at)
            assert len(bench.controls.book.refunds(refund.reference)) == 1

    @on_the_bench
    async def test_F06_lost_refund_that_is_repeated_is_one_refund(self, bench: Bench) -> None:
        """Also where it was all of the charge, so that nothing is left for a second one, and also
        where the provider forgot our key."""
        for number, fault in enumerate((Fault.LOST_ANSWER, Fault.FORGOTTEN_KEY)):
            order, captured = await bench.captured(f"sub-1-{number}-1-aa")
            refund = bench.refund_order(order, captured)
            bench.strike("refund", refund.reference, fault)
            assert isinstance(await bench.gateway.refund(refund), Unknown)
            again = await bench.refund_again(refund)
            assert isinstance(again, Refunded | Unknown), (fault, again)
            found = await bench.gateway.look_up_refund(bench.refund_query(refund))
            assert isinstance(found, Refunded), (fault, found)
            assert len(bench.controls.book.refunds(refund.reference)) == 1

    @on_the_bench
    async def test_F07_F08_refund_not_made_is_not_found(self, bench: Bench) -> None:
        """A time-out or 5xx before anything happened is unknown; the look-up finds nothing, even
        beside a refund of the same charge that was made."""
        for number, fault in enumerate(NOTHING_DONE_UNSEEN):
            order, captured = await bench.captured(f"sub-1-{number}-1-aa")
            other = bench.refund_order(order, captured, 500)
            assert isinstance(await bench.gateway.refund(other), Refunded)
            refund = bench.refund_order(order, captured, 500, number=2)
            bench.strike("refund", refund.reference, fault)
            answer = await bench.gateway.refund(refund)
            assert isinstance(answer, Unknown), (fault, answer)
            bench.pass_time(bench.report_delay)
            found = await bench.gateway.look_up_refund(bench.refund_query(refund))
            assert isinstance(found, NotFound), (fault, found)
            assert bench.controls.book.refunds(refund.reference) == ()

    @on_the_bench
    async def test_F06_late_refund_is_found(self, bench: Bench) -> None:
        """A refund that is carried out after its 5xx is unknown first and found later."""
        order, captured = await bench.captured()
        refund = bench.refund_order(order, captured)
        bench.strike("refund", refund.reference, Fault.LATE_SUCCESS)
        assert isinstance(await bench.gateway.refund(refund), Unknown)
        assert bench.controls.book.refunds(refund.reference) == ()
        query = bench.refund_query(refund)
        assert isinstance(await bench.gateway.look_up_refund(query), NotFound | Unknown)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        bench.pass_time(bench.report_delay)
        found = await bench.gateway.look_up_refund(bench.refund_query(refund))
        assert isinstance(found, Refunded), found
        assert found.at > START

    @on_the_bench
    async def test_pending_refund_is_unknown_until_it_ends(self, bench: Bench) -> None:
        """Accepted is not given back: a doubt, until it completes or fails."""
        ends: dict[Fault, type] = {Fault.PENDING: Refunded, Fault.PENDING_FAILS: RefundDenied}
        for number, (fault, end) in enumerate(ends.items()):
            order, captured = await bench.captured(f"sub-1-{number}-1-aa")
            refund = bench.refund_order(order, captured, 1000)
            bench.strike("refund", refund.reference, fault)
            pending = await bench.gateway.refund(refund)
            assert isinstance(pending, Unknown), (fault, pending)
            assert bench.controls.book.refunds(refund.reference) == ()
            query = bench.refund_query(refund, pending.provider_ref)
            assert isinstance(await bench.gateway.look_up_refund(query), Unknown)
            bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
            for provider_ref in (pending.provider_ref, ""):
                query = bench.refund_query(refund, provider_ref)
                found = await bench.gateway.look_up_refund(query)
                assert type(found) is end, (fault, found)
            moved = len(bench.controls.book.refunds(refund.reference))
            assert moved == (1 if fault is Fault.PENDING else 0)

    @on_the_bench
    async def test_pending_refund_keeps_what_it_asked_for(self, bench: Bench) -> None:
        """What is on its way back is not there for a second refund; if it fails, it is again."""
        order, captured = await bench.captured()
        first = bench.refund_order(order, captured)
        bench.strike("refund", first.reference, Fault.PENDING_FAILS)
        assert isinstance(await bench.gateway.refund(first), Unknown)
        second = bench.refund_order(order, captured, number=2)
        assert isinstance(await bench.gateway.refund(second), RefundDenied)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        third = bench.refund_order(order, captured, number=3)
        assert isinstance(await bench.gateway.refund(third), Refunded)
        assert bench.controls.book.total(Movement.REFUNDED, "USD") == (1, PRICE.minor)

    @on_the_bench
    async def test_F06_a_failed_refund_that_is_made_after_all_is_found(self, bench: Bench) -> None:
        """Denied, and later given back: by its own id as well as by its reference; also where the
        same money went back by a second one meanwhile (F41)."""
        order, captured = await bench.captured()
        first = bench.refund_order(order, captured, 1000)
        bench.strike("refund", first.reference, Fault.FAILED_THEN_MADE)
        denied = await bench.gateway.refund(first)
        assert isinstance(denied, RefundDenied), denied
        query = bench.refund_query(first, denied.provider_ref)
        assert isinstance(await bench.gateway.look_up_refund(query), RefundDenied)
        second = bench.refund_order(order, captured, 1000, number=2)
        assert isinstance(await bench.gateway.refund(second), Refunded)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        for provider_ref in (denied.provider_ref, ""):
            found = await bench.gateway.look_up_refund(bench.refund_query(first, provider_ref))
            assert isinstance(found, Refunded), found
            assert found.amount == first.amount
        again = await bench.gateway.look_up_refund(bench.refund_query(second, ""))
        assert isinstance(again, Refunded), again
        assert bench.controls.book.total(Movement.REFUNDED, "USD") == (2, 2000)

    @on_the_bench
    async def test_refused_refund_is_denied(self, bench: Bench) -> None:
        """A definite no carries the provider's code, and nothing moved."""
        order, captured = await bench.captured()
        refund = bench.refund_order(order, captured)
        bench.strike("refund", refund.reference, Fault.SOFT_DECLINE)
        answer = await bench.gateway.refund(refund)
        assert isinstance(answer, RefundDenied), answer
        assert (bool(answer.code), answer.code) == (True, answer.code.upper())
        assert len(answer.message) <= 200
        assert bench.controls.book.refunds(refund.reference) == ()

    @on_the_bench
    async def test_F09_wrong_amount_is_reported_as_received(self, bench: Bench) -> None:
        """Where the provider gave back another amount, that amount is the answer."""
        order, captured = await bench.captured()
        refund = bench.refund_order(order, captured, 1000)
        bench.strike("refund", refund.reference, Fault.WRONG_AMOUNT)
        answer = await bench.gateway.refund(refund)
        (entry,) = bench.controls.book.refunds(refund.reference)
        assert isinstance(answer, Refunded), answer
        assert answer.amount == Money(entry.minor, entry.currency) != refund.amount

    @on_the_bench
    async def test_F08_rate_limit_on_a_refund_is_not_done(self, bench: Bench) -> None:
        """429 is a definite "not carried out", with the provider's wait."""
        order, captured = await bench.captured()
        refund = bench.refund_order(order, captured)
        bench.strike("refund", refund.reference, Fault.RATE_LIMITED)
        answer = await bench.gateway.refund(refund)
        assert isinstance(answer, NotDone), answer
        assert answer.retry_after_s == bench.controls.faults.retry_after_s
        assert isinstance(await bench.gateway.refund(refund), Refunded)

    @on_the_bench
    async def test_refund_without_access_or_connection_is_not_done(self, bench: Bench) -> None:
        """Lost credentials and an unreachable provider: nothing was carried out, ask again."""
        order, captured = await bench.captured()
        refund = bench.refund_order(order, captured)
        for gateway in (bench.with_wrong_credentials(), bench.unreachable()):
            try:
                answers = (
                    await gateway.refund(refund),
                    await gateway.look_up_refund(bench.refund_query(refund)),
                )
            finally:
                await gateway.close()
            assert [type(answer) for answer in answers] == [NotDone] * 2, answers
        assert bench.controls.book.refunds(refund.reference) == ()

    @on_the_bench
    async def test_F08_hostile_bodies_are_unknown(self, bench: Bench) -> None:
        """Whatever stands in a body, it is at worst a doubt, and never an exception."""
        for number, (name, alter) in enumerate(HOSTILE.items()):
            order, captured = await bench.captured(f"sub-1-{number}-1-aa")
            refund = bench.refund_order(order, captured, 1000)
            gateway = bench.through(Mangling(alter))
            try:
                answer = await gateway.refund(refund)
                assert isinstance(answer, Unknown), (name, answer)
                found = await gateway.look_up_refund(bench.refund_query(refund))
                assert isinstance(found, Unknown), (name, found)
            finally:
                await gateway.close()
            bench.pass_time(bench.report_delay)
            seen = await bench.gateway.look_up_refund(bench.refund_query(refund))
            assert isinstance(seen, Refunded), (name, seen)

    @on_the_bench
    async def test_callback_names_the_refund(self, bench: Bench) -> None:
        """A verified callback says which refund to look up, or at least of which charge; however
        often it comes, it is the same message."""
        order, captured = await bench.captured()
        await bench.callbacks(0)
        bench.received.clear()
        refund = bench.refund_order(order, captured, 1000)
        bench.strike("callback", refund.reference, CallbackFault.DUPLICATE)
        assert isinstance(await bench.gateway.refund(refund), Refunded)
        hints = [await bench.gateway.verify(each) for each in await bench.callbacks(3)]
        assert {hint.reference for hint in hints} <= {refund.reference, order.reference}
        assert len({hint.delivery_id for hint in hints}) == len(hints) // 3

    @on_the_bench
    async def test_charge_that_was_given_back_was_captured(self, bench: Bench) -> None:
        """A look-up of the charge, after a refund: the money was taken, all of it."""
        order, captured = await bench.captured()
        assert isinstance(await self._refunded(bench, bench.refund_order(order, captured)), str)
        bench.pass_time(bench.report_delay)
        for known in ({}, {"provider_ref": captured.provider_ref}):
            found = await bench.gateway.look_up(bench.query(order, **known))
            assert isinstance(found, Captured), found
            assert (found.amount, found.provider_ref) == (PRICE, captured.provider_ref)

    async def _refunded(self, bench: Bench, refund: RefundOrder) -> str:
        answer = await bench.gateway.refund(refund)
        assert isinstance(answer, Refunded), answer
        return answer.provider_ref


def _leaves(alter: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Alter every scalar of a JSON body."""

    def walked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walked(item) for key, item in value.items()}
        if isinstance(value, list):
            return [walked(item) for item in value]
        return alter(value)

    return lambda body: json.dumps(walked(json.loads(body))).encode() if body.strip() else body


def _of_another_type(value: Any) -> Any:
    return [value] if isinstance(value, str) else str(value)


def _huge(value: Any) -> Any:
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return "9" * 400
    return 10**40 if isinstance(value, int | float) and not isinstance(value, bool) else value


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "HTML": lambda _: b"<!DOCTYPE html><html><body>Sign in to the hotel's network</body></html>",
    "truncated": lambda body: body[: len(body) // 2],
    "empty": lambda _: b"",
    "null": lambda _: b"null",
    "an empty object": lambda _: b"{}",
    "a list": lambda body: b"[" + (body or b"1") + b"]",
    "a number": lambda _: b"1",
    "not text": lambda body: b"\xff\xfe" + body,
    "deep": lambda _: b"[" * 100_000,
    "wrong types": _leaves(_of_another_type),
    "huge numbers": _leaves(_huge),
    "null everywhere": _leaves(lambda _: None),
}
