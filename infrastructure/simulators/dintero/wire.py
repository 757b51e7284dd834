"""How an exchange with the simulated Dintero goes wrong on the wire."""

from __future__ import annotations

import asyncio

from aiohttp import web

from infrastructure.simulators.faults import Fault, FaultPlan

_HTML = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_ERROR = b'{"error":{"message":"Internal Server Error"}}'


def answered(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=body, status=status, content_type="application/json", headers=headers or {}
    )


async def instead(
    request: web.Request, fault: Fault | None, plan: FaultPlan
) -> web.Response | None:
    """The answer when nothing is carried out, or None when it is to be."""
    match fault:
        case Fault.TIME_OUT_BEFORE:
            return await _hung_up(request, plan)
        case Fault.ERROR_BEFORE:
            return answered(_ERROR, 500)
        case Fault.HTML_BEFORE:
            return web.Response(text=_HTML, status=502, content_type="text/html")
        case Fault.RATE_LIMITED:
            wait = {"Retry-After": str(plan.retry_after_s)}
            return answered(b'{"error":{"message":"Too many requests"}}', 429, wait)
        case _:
            return None


async def spoiled(
    request: web.Request, fault: Fault | None, plan: FaultPlan, answer: web.Response
) -> web.Response:
    """What becomes of the answer after it was carried out.

    FORGOTTEN_KEY is a lost answer here: Dintero has no keys, and a merchant reference lies with
    the session and is not forgotten.
    """
    match fault:
        case Fault.LOST_ANSWER | Fault.FORGOTTEN_KEY:
            return await _hung_up(request, plan)
        case Fault.ERROR_AFTER:
            return answered(_ERROR, 500)
        case Fault.HTML_AFTER:
            return web.Response(text=_HTML, content_type="text/html")
        case Fault.TRUNCATED_AFTER:
            body = answer.body
            assert isinstance(body, bytes)
            return answered(body[: len(body) // 2])
        case _:
            return answer


async def _hung_up(request: web.Request, plan: FaultPlan) -> web.Response:
    """No answer: the connection ends, after as long as the plan says."""
    await asyncio.sleep(plan.hang_s)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
