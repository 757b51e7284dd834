"""The contract: from the page for the payer to a token that may be charged."""

from __future__ import annotations

from datetime import timedelta

from domain.ports import (
    Granted,
    NotDone,
    Offered,
    StillOpen,
    TokenDenied,
    TokenQuery,
    Unknown,
)
from infrastructure.simulators.faults import Fault
from tests.gateways.bench import Bench, on_the_bench


class TokenContract:
    """From the page for the payer to a token that may be charged."""

    @on_the_bench
    async def test_token_is_granted_once_approved(self, bench: Bench) -> None:
        """Open until the payer approves; then the token, the same one each time it is asked for."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered), offered
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        assert await bench.gateway.complete_token(query) == StillOpen()
        await bench.approve(offered.provider_ref)
        first = await bench.gateway.complete_token(query)
        second = await bench.gateway.complete_token(query)
        assert isinstance(first, Granted), first
        assert isinstance(second, Granted), second
        assert (first.token, first.instrument) == (second.token, second.instrument)
        assert first.token.reveal() not in repr(first)

    @on_the_bench
    async def test_repeated_token_request_is_one_page(self, bench: Bench) -> None:
        """Where the provider keeps keys, a repeated request is the same page."""
        order = bench.token_order()
        first = await bench.gateway.request_token(order)
        second = await bench.gateway.request_token(order)
        assert isinstance(first, Offered)
        assert isinstance(second, Offered | Unknown | TokenDenied), second
        assert not bench.repeats_pages or second == first

    @on_the_bench
    async def test_refused_token_is_no_token(self, bench: Bench) -> None:
        """A payer who turns back leaves a request that is denied, or open until it expires."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.refuse(offered.provider_ref)
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        answer = await bench.gateway.complete_token(query)
        assert isinstance(answer, TokenDenied | StillOpen), answer

    @on_the_bench
    async def test_expired_token_request_is_denied(self, bench: Bench) -> None:
        """A request that nobody approved in time, or that never was, is gone."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        bench.pass_time(timedelta(days=4))
        for provider_ref in (offered.provider_ref, offered.provider_ref[:-3] + "XXX"):
            query = TokenQuery(request_id=order.request_id, provider_ref=provider_ref)
            answer = await bench.gateway.complete_token(query)
            assert isinstance(answer, TokenDenied), (provider_ref, answer)

    @on_the_bench
    async def test_F08_token_request_without_a_readable_answer(self, bench: Bench) -> None:
        """A token request without a readable answer is unknown; a refused one is not done."""
        expected = {
            Fault.LOST_ANSWER: Unknown,
            Fault.HTML_AFTER: Unknown,
            Fault.ERROR_BEFORE: Unknown,
            Fault.RATE_LIMITED: NotDone,
        }
        for number, (fault, answer_class) in enumerate(expected.items(), start=1):
            bench.strike("token", "*", fault, nth=number)
            answer = await bench.gateway.request_token(bench.token_order(f"token/{number}"))
            assert type(answer) is answer_class, (fault, answer)
