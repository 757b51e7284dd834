"""The contract: a token that ends at the provider is told of, and a look confirms it."""

from __future__ import annotations

import attrs
import httpx
import pytest

from domain.ports import (
    CallbackRejected,
    Declined,
    Granted,
    Hint,
    NotDone,
    TokenGone,
    TokenHeld,
    Unknown,
)
from domain.subscription.events import DeclineClass
from tests.gateways.bench import Bench, digest_of, on_the_bench

CUSTOMER = "customer-1"


class RevokingContract:
    """A token's end at the provider."""

    async def _told(self, bench: Bench) -> list[Hint]:
        """What the next callbacks say of tokens."""
        hints = [await bench.gateway.verify(each) for each in await bench.callbacks(1)]
        bench.received.clear()
        return [each for each in hints if each.token_digest]

    async def _vaulted(self, bench: Bench) -> tuple[Granted, bytes]:
        """A token, with the digest of its name; its own notices are out of the way."""
        await bench.listen_to_tokens()
        granted = await bench.vaulted()
        name = granted.instrument.provider_token_id or granted.token.reveal()
        return granted, digest_of(name)

    @on_the_bench
    async def test_a_new_token_is_told_by_its_digest(self, bench: Bench) -> None:
        """It has not ended; the hint holds nothing that could be charged."""
        granted, digest = await self._vaulted(bench)
        (hint,) = await self._told(bench)
        assert (hint.token_digest, hint.token_ended) == (digest, False)
        assert granted.token.reveal() not in repr(hint)

    @on_the_bench
    async def test_F38_a_revoked_token_is_told_and_a_look_confirms_it(self, bench: Bench) -> None:
        """Held before, gone after; a charge on it is refused for good."""
        granted, digest = await self._vaulted(bench)
        await self._told(bench)
        token, instrument = granted.token, granted.instrument
        assert await bench.gateway.look_up_token(token, instrument) == TokenHeld()
        assert bench.controls.revoke("customer-x") == 0
        assert bench.controls.revoke(CUSTOMER) == 1
        (hint,) = await self._told(bench)
        assert (hint.token_digest, hint.token_ended, hint.reference) == (digest, True, "")
        assert await bench.gateway.look_up_token(token, instrument) == TokenGone()
        charged = await bench.gateway.charge(bench.charge_order(granted, "sub-1-1-1-aa"))
        assert isinstance(charged, Declined), charged
        assert charged.decline is DeclineClass.HARD

    @on_the_bench
    async def test_what_we_delete_is_told_as_well(self, bench: Bench) -> None:
        """By the same notice; nothing but our own books can tell whose wish it was."""
        granted, digest = await self._vaulted(bench)
        await self._told(bench)
        gone = await bench.gateway.delete_token(granted.token, granted.instrument)
        assert gone == TokenGone()
        (hint,) = await self._told(bench)
        assert (hint.token_digest, hint.token_ended) == (digest, True)

    @on_the_bench
    async def test_F13_a_forged_notice_of_an_end_is_refused(self, bench: Bench) -> None:
        """Its body altered by a byte, or its signature."""
        await self._vaulted(bench)
        await self._told(bench)
        bench.controls.revoke(CUSTOMER)
        (callback,) = await bench.callbacks(1)
        altered = [attrs.evolve(callback, body=callback.body.replace(b"customer-1", b"customer-2"))]
        altered += [
            attrs.evolve(callback, headers={**callback.headers, name: value[::-1]})
            for name, value in callback.headers.items()
            if name in ("event-signature", "paypal-transmission-sig")
        ]
        assert len(altered) == 2
        for each in altered:
            with pytest.raises(CallbackRejected) as rejected:
                await bench.gateway.verify(each)
            assert rejected.value.code == "signature-wrong"
        other = bench.of_another_account()
        with pytest.raises(CallbackRejected):
            await other.verify(callback)
        await other.close()

    @on_the_bench
    async def test_a_look_without_a_readable_answer_is_unknown(self, bench: Bench) -> None:
        """A doubt is neither an end nor a life."""
        granted, _ = await self._vaulted(bench)
        answers = {503: Unknown, 429: NotDone, 200: Unknown}
        for status, kind in answers.items():
            gateway = bench.through(_Answering(status))
            answer = await gateway.look_up_token(granted.token, granted.instrument)
            assert isinstance(answer, kind), (status, answer)
            await gateway.close()


class _Answering(httpx.AsyncBaseTransport):
    """Looks at a token get this status and a body that tells of another token."""

    def __init__(self, status: int) -> None:
        self._inner, self._status = httpx.AsyncHTTPTransport(), status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "tokens/" in request.url.path and request.method == "GET":
            return httpx.Response(self._status, json={"id": "another"}, request=request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
