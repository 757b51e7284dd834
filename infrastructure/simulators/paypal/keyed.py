"""A POST under a PayPal-Request-Id: faults, replays, late successes; the same for every payment.

A known key gets the present state of what it stands for, 200 in the place of 201. PayPal does not
say what the same key with another body gets; here it is refused, visibly. Without a key PayPal
carries the operation out again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import attrs
from aiohttp import web

from infrastructure.simulators import misbehaving
from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.orders import error_for
from infrastructure.simulators.paypal.provider import PROVIDER
from infrastructure.simulators.paypal.records import Keys
from infrastructure.simulators.paypal.state import IN_PROGRESS, Kept

KEY_HEADER = "PayPal-Request-Id"


@attrs.frozen(kw_only=True)
class KeyedCall:
    """What a keyed POST does. Numbers are those that `act` gives to what it made.

    operation, reference: for the fault plan.
    keys: where outcomes are remembered; scope: of the key, e.g. the order it is about.
    act: carries it out, and may refuse with PayPalError. show: the answer for a status.
    matches: whether a known key's outcome is of the same request.
    tell, tell_late: send the webhook, before the answer or when it happened late.
    """

    operation: str
    reference: str
    keys: Keys[Kept]
    scope: str
    act: Callable[[Fault | None, datetime], int]
    show: Callable[[int, int], web.Response]
    tell: Callable[[int], Awaitable[None]]
    tell_late: Callable[[int], None]
    matches: Callable[[int], bool] = lambda _: True


async def carried_out(request: web.Request, call: KeyedCall) -> web.StreamResponse:
    """Carry it out once for its key, with what the plan does to it. Raises: PayPalError."""
    provider = request.app[PROVIDER]
    plan = provider.controls.faults
    fault = plan.pick(call.operation, call.reference)
    refusal = await misbehaving.before(request, fault, plan, error_for(fault))
    if refusal is not None:
        return refusal
    given = request.headers.get(KEY_HEADER, "")
    key = f"{call.scope}/{given}" if given else ""
    async with provider.answering(f"{call.operation}/{key}" if key else ""):
        return await _answered(request, call, key, fault)


async def _answered(
    request: web.Request, call: KeyedCall, key: str, fault: Fault | None
) -> web.StreamResponse:
    provider = request.app[PROVIDER]
    plan, now_us = provider.controls.faults, provider.account.now_us()
    known = call.keys.get(key, now_us) if key else None
    if known is not None:
        return _replayed(call, known)
    clock = provider.controls.clock
    if fault is Fault.LATE_SUCCESS:
        if key:
            call.keys.keep(key, IN_PROGRESS, now_us)

        def later(at: datetime) -> None:
            try:
                number = _act(call, None, key, at, now_us)
            except PayPalError:
                return  # it came to nothing after all; the key says so
            call.tell_late(number)

        clock.at(clock.now() + timedelta(seconds=plan.late_s), later)
        raise PayPalError(503)
    number = _act(call, fault, key, clock.now(), now_us)
    if fault is Fault.FORGOTTEN_KEY:
        call.keys.forget(key)
    await call.tell(number)
    answer = call.show(number, 201)
    return await misbehaving.after(request, fault, plan, answer, error_for(fault))


def _act(call: KeyedCall, fault: Fault | None, key: str, at: datetime, now_us: int) -> int:
    try:
        number = call.act(fault, at)
    except PayPalError as error:
        if key:
            call.keys.keep(key, error.issue, now_us)
        raise
    if key:
        call.keys.keep(key, number, now_us)
    return number


def _replayed(call: KeyedCall, known: Kept) -> web.Response:
    if known == IN_PROGRESS:
        raise PayPalError(409, IN_PROGRESS)
    if isinstance(known, str):
        raise PayPalError(422, known)
    if not call.matches(known):
        raise PayPalError(422, "DUPLICATE_REQUEST_ID")
    return call.show(known, 200)
