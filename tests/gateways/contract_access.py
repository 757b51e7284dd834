"""The contract: access, connections, and what is logged of them."""

from __future__ import annotations

import logging

import structlog

from domain.ports import (
    Gateway,
    Granted,
    NotDone,
    TokenQuery,
)
from infrastructure.simulators.faults import Fault
from tests.gateways.bench import Bench, on_the_bench


class AccessContract:
    """Access, connections, and what is logged of them."""

    @on_the_bench
    async def test_wrong_credentials_are_not_done(self, bench: Bench) -> None:
        """Without access nothing was carried out, whatever was asked."""
        granted = await bench.vaulted()
        gateway = bench.with_wrong_credentials()
        try:
            await self._all_not_done(bench, gateway, granted)
        finally:
            await gateway.close()

    @on_the_bench
    async def test_unreachable_provider_is_not_done(self, bench: Bench) -> None:
        """Without a connection nothing was carried out, whatever was asked."""
        granted = await bench.vaulted()
        gateway = bench.unreachable()
        try:
            await self._all_not_done(bench, gateway, granted)
        finally:
            await gateway.close()

    async def _all_not_done(self, bench: Bench, gateway: Gateway, granted: Granted) -> None:
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        request = bench.token_order("token/2")
        query = TokenQuery(request_id=request.request_id, provider_ref="ABC")
        answers = (
            await gateway.charge(order),
            await gateway.capture(bench.capture_order(order, "AUTH-1")),
            await gateway.look_up(bench.query(order)),
            await gateway.request_token(request),
            await gateway.complete_token(query),
        )
        assert [type(answer) for answer in answers] == [NotDone] * 5, answers
        assert bench.controls.book.captures(order.reference) == ()

    @on_the_bench
    async def test_no_log_line_holds_a_secret(self, bench: Bench) -> None:
        """Neither our log nor httpx's holds a token, a client secret or an access token."""
        lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger().addHandler(handler)
        try:
            with structlog.testing.capture_logs() as captured:
                granted = await bench.vaulted()
                for number, fault in enumerate(Fault):
                    reference = f"sub-1-{number}-1-aa"
                    bench.strike("charge", reference, fault)
                    await bench.gateway.charge(bench.charge_order(granted, reference))
        finally:
            logging.getLogger().removeHandler(handler)
        lines += [repr(line) for line in captured]
        assert len(captured) > len(Fault), "calls are logged"
        for secret in (*bench.secrets, granted.token.reveal()):
            assert not [line for line in lines if secret in line]
        assert not [line for line in lines if "Bearer" in line or "Basic" in line]
