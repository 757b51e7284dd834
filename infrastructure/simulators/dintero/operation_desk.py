"""What a merchant asks of a transaction or a token afterwards, as HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from infrastructure.simulators.dintero import bodies, operations
from infrastructure.simulators.dintero.answers import ERROR_BODY, answered
from infrastructure.simulators.dintero.provider import SimulatedDintero
from infrastructure.simulators.dintero.refusals import Refused
from infrastructure.simulators.dintero.rendering import token_json, transaction_json
from infrastructure.simulators.dintero.tables import Tables, Transaction
from infrastructure.simulators.faults import Fault
from infrastructure.simulators.misbehaving import after, before

# Reads a body as a struct, for a path as the specification spells it; it may be strict.
Read = Callable[[bytes, type[Any], str], Any]


class OperationDesk:
    """Captures, refunds, voids, and tokens that are deleted."""

    def __init__(self, dintero: SimulatedDintero, read: Read) -> None:
        self._dintero = dintero
        self._tables = dintero.tables
        self._read = read

    async def capture(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/transactions/{id}/capture."""
        found = transaction_named(self._tables, request)
        path = "/transactions/{id}/capture"
        asked: bodies.Capture = self._read(await request.read(), bodies.Capture, path)
        return await self._carried_out(
            request,
            found,
            ("capture", found.reference),
            lambda fault: operations.capture(self._dintero, found, asked, fault),
        )

    async def refund(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/transactions/{id}/refund; the plan strikes it by its own reference."""
        found = transaction_named(self._tables, request)
        path = "/transactions/{id}/refund"
        asked: bodies.Refund = self._read(await request.read(), bodies.Refund, path)
        return await self._carried_out(
            request,
            found,
            ("refund", asked.refund_reference or found.reference),
            lambda fault: operations.refund(self._dintero, found, asked, fault),
        )

    async def void(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/transactions/{id}/void; there is no body."""
        found = transaction_named(self._tables, request)
        return await self._carried_out(
            request,
            found,
            ("void", found.reference),
            lambda fault: operations.void(self._dintero, found, fault),
        )

    async def show_token(self, request: web.Request) -> web.StreamResponse:
        """GET /v1/card-tokens/{id}. Not documented whether deleted ones are shown; here not."""
        token = self._tables.token(request.match_info["id"])
        if token is None:
            raise Refused(404, "Resource was not found")
        return answered(token_json(self._tables, token))

    async def delete_token(self, request: web.Request) -> web.StreamResponse:
        """DELETE /v1/card-tokens/{id}. One that was deleted is not found."""
        token_id = request.match_info["id"]
        bodies.decoded(await request.read() or b"{}", bodies.DeleteToken)
        plan = self._dintero.controls.faults
        fault = plan.pick("delete-token", token_id)
        if answer := await before(request, fault, plan, ERROR_BODY):
            return answer
        token = self._tables.token(token_id)
        if token is None:
            raise Refused(404, "Resource was not found")
        self._dintero.end_token(token)
        shown = token_json(self._tables, token, self._dintero.controls.clock.now())
        return await after(request, fault, plan, answered(shown), ERROR_BODY)

    async def _carried_out(
        self,
        request: web.Request,
        found: Transaction,
        struck_as: tuple[str, str],
        operation: Callable[[Fault | None], str],
    ) -> web.StreamResponse:
        """The transaction after an operation: 200 when it is done, 202 when it is only accepted."""
        plan = self._dintero.controls.faults
        fault = plan.pick(*struck_as)
        if answer := await before(request, fault, plan, ERROR_BODY):
            return answer
        accepted = operation(fault)
        await self._dintero.deliver_early()
        body = transaction_json(self._tables, found)
        if accepted:
            return answered(body, 202, {"event-request-id": accepted})
        return await after(request, fault, plan, answered(body), ERROR_BODY)


def transaction_named(tables: Tables, request: web.Request) -> Transaction:
    """The transaction of the path. Raises: Refused(404)."""
    found = tables.transaction(request.match_info["id"])
    if found is None:
        raise Refused(404, "Resource was not found")
    return found
