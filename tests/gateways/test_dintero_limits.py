"""Cards that fail too often at Dintero, and payments that wait before they fail."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import attrs
import pytest

from domain.plan import CaptureMode
from domain.ports import Authorized, Captured, ChargeAnswer, Declined, Granted, Unknown
from domain.subscription.events import DeclineClass
from infrastructure.simulators.faults import Fault
from tests.gateways.bench import START
from tests.gateways.dintero_bench import OPTIONS, DinteroBench, dintero_bench, on_the_dintero_bench

VISA, MASTERCARD = "4925000000000004", "5413066399580167"


async def tried(
    bench: DinteroBench, granted: Granted, name: str, fault: Fault | None
) -> ChargeAnswer:
    """One charge, a minute after the last."""
    bench.pass_time(timedelta(minutes=1))
    if fault is not None:
        bench.strike("charge", name, fault)
    return await bench.gateway.charge(bench.charge_order(granted, name))


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize(
    ("card", "failures", "window"),
    [(MASTERCARD, 10, timedelta(hours=24)), (VISA, 15, timedelta(days=30))],
)
def test_used_up_attempts_name_when_the_card_is_free(
    card: str, failures: int, window: timedelta, legacy: bool
) -> None:
    """The next attempt is refused softly, not before the limit's end; a success begins anew."""

    async def main() -> None:
        options = attrs.evolve(OPTIONS, attempt_limits=True, legacy_errors=legacy)
        async with dintero_bench(options) as bench:
            granted = await bench.vaulted(card=card)
            for number in range(failures):
                answer = await tried(bench, granted, f"r-{number}", Fault.SOFT_DECLINE)
                assert isinstance(answer, Declined)
                assert "INSUFFICIENT_FUNDS" in answer.code
            first, now = START + timedelta(minutes=1), bench.controls.clock.now()
            full = await tried(bench, granted, "full", None)
            assert isinstance(full, Declined)
            assert full.decline is DeclineClass.SOFT
            # The older form has no instant: a whole window from the refusal on is safe.
            free_at = now + timedelta(minutes=1) + window if legacy else first + window
            assert full.retry_not_before == free_at
            bench.controls.clock.set(free_at)
            assert isinstance(await tried(bench, granted, "free", None), Captured)
            again = await tried(bench, granted, "again", Fault.SOFT_DECLINE)
            assert isinstance(again, Declined)
            assert "INSUFFICIENT_FUNDS" in again.code, "counted anew"

    asyncio.run(main())


@pytest.mark.parametrize("legacy", [True, False])
def test_card_that_must_not_be_tried_is_blocked(legacy: bool) -> None:
    """After one "do not retry" every attempt is hard, whichever token of the card it is on."""

    async def main() -> None:
        options = attrs.evolve(OPTIONS, attempt_limits=True, legacy_errors=legacy)
        async with dintero_bench(options) as bench:
            granted, other = await bench.vaulted("token/1"), await bench.vaulted("token/2")
            for number, each in enumerate((granted, other)):
                fault = None if number else Fault.HARD_DECLINE
                answer = await tried(bench, each, f"r-{number}", fault)
                assert isinstance(answer, Declined)
                assert answer.decline is DeclineClass.HARD

    asyncio.run(main())


def test_payment_on_hold_is_a_doubt_until_it_is_refused() -> None:
    """ON_HOLD, then FAILED: nothing was ever reserved, and only then is it a no."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        bench.strike("charge", "r-1", Fault.PENDING_FAILS)
        order = bench.charge_order(granted, "r-1", capture=CaptureMode.AFTER_AUTHORIZATION)
        held = await bench.gateway.charge(order)
        assert isinstance(held, Unknown)
        assert "ON_HOLD" in held.reason
        assert isinstance(await bench.gateway.look_up(bench.query(order)), Unknown)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        refused = await bench.gateway.look_up(bench.query(order))
        assert isinstance(refused, Declined)
        assert refused.code == "DECLINED"

    on_the_dintero_bench(test)


def test_automatic_capture_that_fails_is_a_doubt() -> None:
    """The reservation stands, and Dintero tries on by itself: neither paid nor refused."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        await bench.callbacks(1)
        bench.received.clear()
        bench.strike("charge", "r-1", Fault.PENDING_FAILS)
        order = bench.charge_order(granted, "r-1")
        assert isinstance(await bench.gateway.charge(order), Unknown)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        bench.controls.clock.due()
        told = [(await bench.gateway.verify(each)).event_type for each in await bench.callbacks(2)]
        assert told == ["payment", "CAPTURE"]
        assert isinstance(await bench.gateway.look_up(bench.query(order)), Unknown)
        assert bench.controls.book.captures("r-1") == ()

    on_the_dintero_bench(test)


def test_capture_that_fails_is_a_no_with_its_reason() -> None:
    """Accepted (202), then a CAPTURE event without success that answers to the request."""

    async def test(bench: DinteroBench) -> None:
        order, reserved = await bench.authorized("r-1")
        assert isinstance(reserved, Authorized)
        capture = bench.capture_order(order, reserved.authorization_ref)
        bench.strike("capture", "r-1", Fault.PENDING_FAILS)
        assert isinstance(await bench.gateway.capture(capture), Unknown)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        known = {"authorization_ref": reserved.authorization_ref, "capture_id": capture.capture_id}
        answer = await bench.gateway.look_up(bench.query(order, **known))
        assert isinstance(answer, Declined)
        assert (answer.code, answer.decline) == ("DECLINED", DeclineClass.SOFT)

    on_the_dintero_bench(test)
