"""How a fault looks on the wire: before anything was done, or after it was.

A handler asks `before` first; if that gives a response, nothing is carried out. Otherwise it does
its work and passes its answer through `after`.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from infrastructure.simulators.faults import Fault, FaultPlan

HTML = (
    "<!DOCTYPE html><html><head><title>Service</title></head>"
    "<body><h1>Please try again</h1></body></html>"
)

# Faults in which the request is carried out like any other, and only the answer goes wrong.
ANSWER_FAULTS = frozenset(
    {
        Fault.LOST_ANSWER,
        Fault.FORGOTTEN_KEY,
        Fault.ERROR_AFTER,
        Fault.HTML_AFTER,
        Fault.TRUNCATED_AFTER,
    }
)


async def before(
    request: web.Request, fault: Fault | None, plan: FaultPlan, error_body: bytes = b"{}"
) -> web.Response | None:
    """The answer of a fault that strikes before anything was done, or None to go on.

    error_body: the provider's own JSON for HTTP 429 and 500.
    """
    match fault:
        case Fault.RATE_LIMITED:
            return web.Response(
                status=429,
                body=error_body,
                content_type="application/json",
                headers={"Retry-After": str(plan.retry_after_s)},
            )
        case Fault.ERROR_BEFORE:
            return web.Response(status=500, body=error_body, content_type="application/json")
        case Fault.HTML_BEFORE:
            return web.Response(status=502, text=HTML, content_type="text/html")
        case Fault.TIME_OUT_BEFORE:
            return await hang_up(request, plan)
        case _:
            return None


async def after(
    request: web.Request,
    fault: Fault | None,
    plan: FaultPlan,
    answer: web.Response,
    error_body: bytes = b"{}",
) -> web.Response:
    """The answer as it goes out when the request was carried out."""
    match fault:
        case Fault.LOST_ANSWER | Fault.FORGOTTEN_KEY:
            return await hang_up(request, plan)
        case Fault.ERROR_AFTER:
            return web.Response(status=500, body=error_body, content_type="application/json")
        case Fault.HTML_AFTER:
            return web.Response(status=200, text=HTML, content_type="text/html")
        case Fault.TRUNCATED_AFTER:
            body = answer.body if isinstance(answer.body, bytes) else b"{"
            return web.Response(
                status=answer.status, body=body[: len(body) // 2], content_type="application/json"
            )
        case _:
            return answer


async def hang_up(request: web.Request, plan: FaultPlan) -> web.Response:
    """End the connection without an answer, after `hang_s` seconds of silence."""
    if plan.hang_s:
        await asyncio.sleep(plan.hang_s)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere
