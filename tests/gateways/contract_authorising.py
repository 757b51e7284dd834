"""The contract: reserve first, capture then."""

from __future__ import annotations

from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    Captured,
    ChargeOrder,
    ChargeQuery,
    NotFound,
    Unknown,
)
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import Fault
from tests.gateways.bench import PRICE, START, Bench, on_the_bench


class AuthorizationContract:
    """Reserve first, capture then."""

    async def _authorized(self, bench: Bench) -> tuple[ChargeOrder, Authorized]:
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa", capture=CaptureMode.AFTER_AUTHORIZATION)
        answer = await bench.gateway.charge(order)
        assert isinstance(answer, Authorized), answer
        return order, answer

    @on_the_bench
    async def test_authorise_moves_no_money(self, bench: Bench) -> None:
        """An authorisation reserves the amount and captures nothing."""
        order, answer = await self._authorized(bench)
        assert answer.amount == PRICE
        assert answer.at == START
        assert answer.expires_at is None or answer.expires_at > START
        assert bench.controls.book.captures(order.reference) == ()
        assert bench.controls.book.total(Movement.AUTHORIZED, "USD") == (1, PRICE.minor)

    @on_the_bench
    async def test_capture_takes_the_money_once(self, bench: Bench) -> None:
        """An authorisation is captured once, also when the capture is repeated."""
        order, authorized = await self._authorized(bench)
        capture = bench.capture_order(order, authorized.authorization_ref)
        answer = await bench.gateway.capture(capture)
        again = await bench.gateway.capture(capture)
        assert isinstance(answer, Captured), answer
        assert answer.amount == PRICE
        assert isinstance(again, Unknown) or again == answer
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F06_capture_whose_answer_was_lost_is_found(self, bench: Bench) -> None:
        """The look-up by the authorisation's id finds a capture whose answer never came."""
        order, authorized = await self._authorized(bench)
        bench.strike("capture", order.reference, Fault.LOST_ANSWER)
        capture = bench.capture_order(order, authorized.authorization_ref)
        assert isinstance(await bench.gateway.capture(capture), Unknown)
        found = await bench.gateway.look_up(self._about_capture(bench, order, authorized))
        assert isinstance(found, Captured), found
        assert found.amount == PRICE

    @on_the_bench
    async def test_F07_capture_not_made_stands_authorised(self, bench: Bench) -> None:
        """After a capture that never happened the authorisation is what the look-up shows."""
        order, authorized = await self._authorized(bench)
        bench.strike("capture", order.reference, Fault.TIME_OUT_BEFORE)
        capture = bench.capture_order(order, authorized.authorization_ref)
        assert isinstance(await bench.gateway.capture(capture), Unknown)
        found = await bench.gateway.look_up(self._about_capture(bench, order, authorized))
        assert isinstance(found, Authorized | NotFound), found
        assert bench.controls.book.captures(order.reference) == ()

    @on_the_bench
    async def test_F06_authorisation_whose_answer_was_lost_is_found(self, bench: Bench) -> None:
        """An authorisation whose answer never came is found as one, or not yet; never captured."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa", capture=CaptureMode.AFTER_AUTHORIZATION)
        bench.strike("charge", order.reference, Fault.LOST_ANSWER)
        assert isinstance(await bench.gateway.charge(order), Unknown)
        bench.pass_time(bench.report_delay)
        found = await bench.gateway.look_up(bench.query(order))
        assert isinstance(found, Authorized), found

    def _about_capture(
        self, bench: Bench, order: ChargeOrder, authorized: Authorized
    ) -> ChargeQuery:
        capture = bench.capture_order(order, authorized.authorization_ref)
        return bench.query(
            order,
            authorization_ref=authorized.authorization_ref,
            order_ref=authorized.order_ref,
            capture_id=capture.capture_id,
        )
