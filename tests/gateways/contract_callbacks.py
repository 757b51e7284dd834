"""The contract: callbacks are believed when they are the provider's, refused when not."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.ports import (
    CallbackRejected,
    Captured,
    Gateway,
    Offered,
    RawCallback,
)
from infrastructure.simulators.faults import CallbackFault
from tests.gateways.bench import Bench, on_the_bench


class CallbackContract:
    """Callbacks: believed when they are the provider's, refused when not."""

    async def _charged(self, bench: Bench, fault: CallbackFault | None = None) -> str:
        granted = await bench.vaulted()
        await bench.callbacks(0)
        bench.received.clear()
        reference = "sub-1-1-1-aa"
        if fault is not None:
            bench.strike("callback", reference, fault)
        order = bench.charge_order(granted, reference)
        assert isinstance(await bench.gateway.charge(order), Captured)
        return reference

    @on_the_bench
    async def test_callback_names_the_charge(self, bench: Bench) -> None:
        """A verified callback says which charge to look up."""
        reference = await self._charged(bench)
        for callback in await bench.callbacks(1):
            hint = await bench.gateway.verify(callback)
            assert (hint.reference, bool(hint.delivery_id)) == (reference, True)
            assert hint.event_type

    @on_the_bench
    async def test_callback_names_the_token_request(self, bench: Bench) -> None:
        """A callback about an approval leads to its token request, or says nothing about one."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref)
        for callback in await bench.callbacks(0):
            hint = await bench.gateway.verify(callback)
            assert hint.token_request_ref in ("", offered.provider_ref)

    @on_the_bench
    async def test_F10_duplicate_callbacks_have_one_delivery_id(self, bench: Bench) -> None:
        """However often a message is delivered, it can be told to be the same one."""
        await self._charged(bench, CallbackFault.DUPLICATE)
        callbacks = await bench.callbacks(3)
        hints = [await bench.gateway.verify(callback) for callback in callbacks]
        assert len({hint.delivery_id for hint in hints}) == len(hints) // 3

    @on_the_bench
    async def test_F11_callback_before_the_answer_is_believed(self, bench: Bench) -> None:
        """A callback that overtakes the answer is verified like any other."""
        reference = await self._charged(bench, CallbackFault.EARLY)
        assert bench.received, "nothing had arrived when the charge was answered"
        assert (await bench.gateway.verify(bench.received[0])).reference == reference

    @on_the_bench
    async def test_F13_forged_callback_is_refused(self, bench: Bench) -> None:
        """A wrong signature on right content is refused, and the error repeats no content."""
        reference = await self._charged(bench, CallbackFault.FORGED)
        verdicts = []
        for callback in await bench.callbacks(2):
            try:
                await bench.gateway.verify(callback)
                verdicts.append("verified")
            except CallbackRejected as rejected:
                verdicts.append(str(rejected))
        refused, verified = sorted(verdicts)
        assert (refused.split(":")[0], verified) == ("signature-wrong", "verified")
        assert reference not in refused

    @on_the_bench
    async def test_F13_callback_without_signature_is_refused(self, bench: Bench) -> None:
        """No signature, no belief."""
        await self._charged(bench)
        (callback, *_) = await bench.callbacks(1)
        bare = attrs.evolve(callback, headers={"content-type": "application/json"})
        assert await _refusal(bench.gateway, bare) == "signature-missing"

    @on_the_bench
    async def test_F15_old_callback_is_refused(self, bench: Bench) -> None:
        """A genuine message that is played again much later is refused."""
        await self._charged(bench)
        (callback, *_) = await bench.callbacks(1)
        late = attrs.evolve(callback, received_at=callback.received_at + timedelta(minutes=6))
        assert await _refusal(bench.gateway, late) == "too-old"

    @on_the_bench
    async def test_F15_another_accounts_callback_is_refused(self, bench: Bench) -> None:
        """A genuine message to another merchant account is not ours."""
        await self._charged(bench)
        (callback, *_) = await bench.callbacks(1)
        other = bench.of_another_account()
        try:
            assert await _refusal(other, callback) == "signature-wrong"
        finally:
            await other.close()


async def _refusal(gateway: Gateway, callback: RawCallback) -> str:
    with pytest.raises(CallbackRejected) as rejected:
        await gateway.verify(callback)
    return rejected.value.code
