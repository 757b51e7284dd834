"""The contract: reservations end, in parts, renewed or let go; tokens are forgotten."""

from __future__ import annotations

from datetime import timedelta

from domain.money import Money
from domain.ports import (
    Authorized,
    Captured,
    Declined,
    NotDone,
    NotFound,
    TokenGone,
    Unknown,
)
from domain.refund_ports import Refunded, VoidDenied, Voided
from domain.subscription.events import DeclineClass
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import Fault, FaultPlan
from tests.gateways.bench import PRICE, START, Bench, Mangling, on_the_bench
from tests.gateways.contract_refunding import HOSTILE

PART, REST = Money(1000, "USD"), Money(1985, "USD")


class VoidContract:
    """Voids, captures in parts, renewals, and tokens that are deleted."""

    @on_the_bench
    async def test_void_lets_the_reservation_go(self, bench: Bench) -> None:
        """Nothing is reserved any more, nothing was taken, and nothing can be."""
        order, authorized = await bench.authorized()
        bench.pass_time(timedelta(hours=1))
        answer = await bench.gateway.void(bench.void_order(order, authorized))
        assert isinstance(answer, Voided), answer
        assert answer.at == START + timedelta(hours=1)
        (entry,) = bench.controls.book.voids(order.reference)
        assert (entry.minor, entry.at) == (PRICE.minor, answer.at)
        capture = bench.capture_order(order, authorized.authorization_ref)
        assert isinstance(await bench.gateway.capture(capture), Declined | Unknown)
        found = await bench.gateway.look_up(
            bench.query(
                order,
                authorization_ref=authorized.authorization_ref,
                order_ref=authorized.order_ref,
                capture_id=capture.capture_id,
            )
        )
        assert isinstance(found, Declined), found
        assert bench.controls.book.captures(order.reference) == ()

    @on_the_bench
    async def test_void_twice_is_voided(self, bench: Bench) -> None:
        """A repeat, under the same key or another, finds that nothing is reserved any more."""
        order, authorized = await bench.authorized()
        first = await bench.gateway.void(bench.void_order(order, authorized))
        bench.pass_time(timedelta(hours=2))
        same_key = await bench.gateway.void(bench.void_order(order, authorized))
        another_key = await bench.gateway.void(bench.void_order(order, authorized, number=2))
        assert isinstance(first, Voided), first
        assert (same_key, another_key) == (first, first)
        assert len(bench.controls.book.voids(order.reference)) == 1

    @on_the_bench
    async def test_void_after_capture_is_denied(self, bench: Bench) -> None:
        """What was taken is not let go; the money stays where it is."""
        order, authorized = await bench.authorized()
        capture = bench.capture_order(order, authorized.authorization_ref)
        assert isinstance(await bench.gateway.capture(capture), Captured)
        answer = await bench.gateway.void(bench.void_order(order, authorized))
        assert isinstance(answer, VoidDenied), answer
        assert answer.captured
        assert (bool(answer.code), answer.code) == (True, answer.code.upper())
        assert 0 < len(answer.message) <= 200
        assert len(bench.controls.book.captures(order.reference)) == 1
        assert bench.controls.book.voids(order.reference) == ()

    @on_the_bench
    async def test_void_of_no_reservation_is_denied(self, bench: Bench) -> None:
        """An authorisation that the provider does not know cannot be let go."""
        order, authorized = await bench.authorized()
        order_of_none = bench.void_order(
            order,
            Authorized(
                amount=PRICE,
                authorization_ref=authorized.authorization_ref + "0",
                order_ref="",
                expires_at=None,
                at=START,
            ),
        )
        denied = await bench.gateway.void(order_of_none)
        assert isinstance(denied, VoidDenied), denied
        assert not denied.captured
        assert bench.controls.book.voids(order.reference) == ()

    @on_the_bench
    async def test_F06_F07_unseen_void_is_repeated(self, bench: Bench) -> None:
        """Made or not, a void without an answer is unknown, and its repeat is a void."""
        unseen = (
            Fault.LOST_ANSWER,
            Fault.ERROR_AFTER,
            Fault.HTML_AFTER,
            Fault.FORGOTTEN_KEY,
            Fault.TIME_OUT_BEFORE,
            Fault.ERROR_BEFORE,
            Fault.HTML_BEFORE,
        )
        for number, fault in enumerate(unseen):
            order, authorized = await bench.authorized(f"sub-1-{number}-1-aa")
            bench.strike("void", order.reference, fault)
            void = bench.void_order(order, authorized)
            first = await bench.gateway.void(void)
            assert isinstance(first, Unknown), (fault, first)
            again = await bench.gateway.void(void)
            assert isinstance(again, Voided), (fault, again)
            (entry,) = bench.controls.book.voids(order.reference)
            assert entry.at == again.at

    @on_the_bench
    async def test_F06_late_void_is_voided_in_the_end(self, bench: Bench) -> None:
        """A void that is carried out after its 5xx: a repeat before is a doubt or a void."""
        order, authorized = await bench.authorized()
        bench.strike("void", order.reference, Fault.LATE_SUCCESS)
        void = bench.void_order(order, authorized)
        assert isinstance(await bench.gateway.void(void), Unknown)
        assert isinstance(await bench.gateway.void(void), Unknown | Voided)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        assert isinstance(await bench.gateway.void(void), Voided)
        assert len(bench.controls.book.voids(order.reference)) == 1

    @on_the_bench
    async def test_F08_rate_limit_on_a_void_is_not_done(self, bench: Bench) -> None:
        """429 is a definite "not carried out", with the provider's wait."""
        order, authorized = await bench.authorized()
        bench.strike("void", order.reference, Fault.RATE_LIMITED)
        answer = await bench.gateway.void(bench.void_order(order, authorized))
        assert isinstance(answer, NotDone), answer
        assert answer.retry_after_s == bench.controls.faults.retry_after_s
        assert bench.controls.book.voids(order.reference) == ()

    @on_the_bench
    async def test_without_access_or_connection_nothing_is_done(self, bench: Bench) -> None:
        """Lost credentials and an unreachable provider: nothing was carried out, ask again."""
        order, authorized = await bench.authorized()
        capture = bench.capture_order(order, authorized.authorization_ref)
        for gateway in (bench.with_wrong_credentials(), bench.unreachable()):
            try:
                answers = [
                    await gateway.void(bench.void_order(order, authorized)),
                    await gateway.delete_token(order.token, order.instrument),
                ]
                if bench.reauthorizes:
                    answers.append(await gateway.reauthorize(capture))
            finally:
                await gateway.close()
            assert {type(answer) for answer in answers} == {NotDone}, answers
        assert bench.controls.book.voids(order.reference) == ()
        assert isinstance(await bench.gateway.capture(capture), Captured)

    @on_the_bench
    async def test_F08_hostile_bodies_are_at_worst_a_doubt(self, bench: Bench) -> None:
        """A void says Voided only where the provider shows that; it never fails."""
        for number, (name, alter) in enumerate(HOSTILE.items()):
            order, authorized = await bench.authorized(f"sub-1-{number}-1-aa")
            gateway = bench.through(Mangling(alter))
            try:
                answer = await gateway.void(bench.void_order(order, authorized))
                capture = bench.capture_order(order, authorized.authorization_ref)
                renewed = await gateway.reauthorize(capture)
                gone = await gateway.delete_token(order.token, order.instrument)
            finally:
                await gateway.close()
            # A void is told by the status of what is reserved, which no number is a part of.
            expected = Unknown | Voided if name == "huge numbers" else Unknown
            assert isinstance(answer, expected), (name, answer)
            assert isinstance(renewed, Unknown | Declined), (name, renewed)
            assert isinstance(gone, Unknown | TokenGone), (name, gone)
            assert isinstance(await bench.gateway.void(bench.void_order(order, authorized)), Voided)

    @on_the_bench
    async def test_part_is_captured_then_the_rest(self, bench: Bench) -> None:
        """Both captures are answered with their own amounts; nothing is left after them."""
        order, authorized = await bench.authorized()
        ref = authorized.authorization_ref
        part = bench.capture_order(order, ref, amount=PART, final=False)
        rest = bench.capture_order(order, ref, number=2, amount=REST)
        first = await bench.gateway.capture(part)
        second = await bench.gateway.capture(rest)
        assert isinstance(first, Captured), first
        assert isinstance(second, Captured), second
        assert (first.amount, second.amount) == (PART, REST)
        more = bench.capture_order(order, ref, number=3, amount=Money(1, "USD"))
        assert isinstance(await bench.gateway.capture(more), Declined | Unknown)
        taken = bench.controls.book.captures(order.reference)
        assert [entry.minor for entry in taken] == [PART.minor, REST.minor]
        assert isinstance(await bench.gateway.void(bench.void_order(order, authorized)), VoidDenied)

    @on_the_bench
    async def test_each_part_is_looked_up_by_its_key(self, bench: Bench) -> None:
        """Of several captures the look-up tells the one that was asked about, or that it is not
        there; also when its answer was lost."""
        order, authorized = await bench.authorized()
        ref = authorized.authorization_ref
        part = bench.capture_order(order, ref, amount=PART, final=False)
        rest = bench.capture_order(order, ref, number=2, amount=REST)

        def about(capture_id: object) -> dict[str, object]:
            known = {"authorization_ref": ref, "order_ref": authorized.order_ref}
            return {**known, "capture_id": capture_id}

        bench.strike("capture", order.reference, Fault.LOST_ANSWER)
        assert isinstance(await bench.gateway.capture(part), Unknown)
        found = await bench.gateway.look_up(bench.query(order, **about(part.capture_id)))
        assert isinstance(found, Captured), found
        assert found.amount == PART
        not_made = await bench.gateway.look_up(bench.query(order, **about(rest.capture_id)))
        assert isinstance(not_made, Authorized | NotFound), not_made
        assert isinstance(await bench.gateway.capture(rest), Captured)
        for capture, amount in ((part, PART), (rest, REST)):
            found = await bench.gateway.look_up(bench.query(order, **about(capture.capture_id)))
            assert isinstance(found, Captured), found
            assert found.amount == amount

    @on_the_bench
    async def test_part_can_be_given_back(self, bench: Bench) -> None:
        """A refund of what one capture took."""
        order, authorized = await bench.authorized()
        ref = authorized.authorization_ref
        part = bench.capture_order(order, ref, amount=PART, final=False)
        captured = await bench.gateway.capture(part)
        assert isinstance(captured, Captured), captured
        answer = await bench.gateway.refund(bench.refund_order(order, captured))
        assert isinstance(answer, Refunded), answer
        assert answer.amount == PART
        rest = bench.capture_order(order, ref, number=2, amount=REST)
        assert isinstance(await bench.gateway.capture(rest), Captured)

    @on_the_bench
    async def test_more_than_was_reserved_is_not_captured(self, bench: Bench) -> None:
        """Neither at once nor in parts that add up to more."""
        order, authorized = await bench.authorized()
        ref = authorized.authorization_ref
        above = bench.capture_order(order, ref, amount=Money(PRICE.minor + 1, "USD"))
        assert isinstance(await bench.gateway.capture(above), Declined | Unknown)
        part = bench.capture_order(order, ref, number=2, amount=PART, final=False)
        assert isinstance(await bench.gateway.capture(part), Captured)
        too_much = bench.capture_order(order, ref, number=3, amount=Money(REST.minor + 1, "USD"))
        assert isinstance(await bench.gateway.capture(too_much), Declined | Unknown)
        assert bench.controls.book.total(Movement.CAPTURED, "USD") == (1, PART.minor)

    @on_the_bench
    async def test_reservation_is_renewed_or_there_is_no_such_thing(self, bench: Bench) -> None:
        """Where a reservation can be renewed it goes on under a new id, and is captured once."""
        order, authorized = await bench.authorized()
        bench.pass_time(timedelta(days=4))
        capture = bench.capture_order(order, authorized.authorization_ref)
        answer = await bench.gateway.reauthorize(capture)
        if not bench.reauthorizes:
            assert isinstance(answer, Declined), answer
            return
        assert isinstance(answer, Authorized), answer
        assert answer.amount == PRICE
        assert answer.authorization_ref not in ("", authorized.authorization_ref)
        assert await bench.gateway.reauthorize(capture) == answer
        assert bench.controls.book.captures(order.reference) == ()
        renewed = bench.capture_order(order, answer.authorization_ref)
        assert isinstance(await bench.gateway.capture(renewed), Captured)
        again = bench.capture_order(order, authorized.authorization_ref, number=2)
        assert isinstance(await bench.gateway.capture(again), Declined | Unknown)
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F38_deleted_token_is_a_hard_decline(self, bench: Bench) -> None:
        """Deleted once or twice, the token is gone, and a charge on it is refused for good."""
        granted = await bench.vaulted()
        for _ in range(2):
            answer = await bench.gateway.delete_token(granted.token, granted.instrument)
            assert answer == TokenGone()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        charged = await bench.gateway.charge(order)
        assert isinstance(charged, Declined), charged
        assert charged.decline is DeclineClass.HARD
        assert bench.controls.book.captures(order.reference) == ()

    @on_the_bench
    async def test_deletion_without_an_answer_is_unknown(self, bench: Bench) -> None:
        """Made or not, it is repeated, and then the token is gone.

        The HTTP library itself repeats a DELETE whose connection broke: that changes nothing.
        """
        expected = {
            Fault.LOST_ANSWER: Unknown | TokenGone,
            Fault.TIME_OUT_BEFORE: Unknown | TokenGone,
            Fault.ERROR_BEFORE: Unknown,
            Fault.RATE_LIMITED: NotDone,
        }
        for number, (fault, answer_class) in enumerate(expected.items()):
            granted = await bench.vaulted(f"token/{number}")
            bench.controls.faults = FaultPlan.none()
            bench.strike("delete-token", "*", fault)
            answer = await bench.gateway.delete_token(granted.token, granted.instrument)
            assert isinstance(answer, answer_class), (fault, answer)
            again = await bench.gateway.delete_token(granted.token, granted.instrument)
            assert again == TokenGone()
