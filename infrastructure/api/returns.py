"""Where payers land after approving or turning back.

Nothing is believed of what a browser brings along. A return that names an open token request (the
subscription and the request's id, which nobody can guess) is a hint like a callback: it goes into
the inbox, and a worker asks the provider how the request stands.
"""

from __future__ import annotations

import time
from uuid import UUID

from litestar import get
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery

from domain.identity import checked_id, stream_of
from domain.refusals import Refused
from domain.subscription.vaulted import OpenTokenRequest
from infrastructure.api.reading import Books
from infrastructure.bootstrap import System

# A payer who reloads the page makes one hint in so many seconds.
HINT_EVERY_S = 10
RETURNED = "payer-returned"

_THANKS = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Thank you</title>
<p>Thank you. You can close this page.</p></html>
"""


@get("/returns/{provider:str}", media_type=MediaType.HTML, sync_to_thread=True)
def thank(
    system: Books,
    provider: FromPath[str],
    subscription: FromQuery[str] = "",
    request_id: FromQuery[str] = "",
) -> str:
    """A page for the payer, whatever the address says."""
    found = _open_request(system, subscription, request_id)
    if found is not None and found.provider.value == provider:
        _hint(system, found)
    return _THANKS


def _open_request(system: System, subscription_id: str, request_id: str) -> OpenTokenRequest | None:
    """The offered request of that id, if that is the open one of that subscription."""
    try:
        wanted = UUID(request_id)
        stream = stream_of(checked_id("subscription id", subscription_id))
    except (ValueError, Refused):
        return None
    state = system.ledger.load([stream])[stream].state
    request = None if state is None else state.token_request
    if request is None or request.request_id != wanted:
        return None
    return request if request.provider_ref else None


def _hint(system: System, request: OpenTokenRequest) -> None:
    # The machine's time: it only tells one visit from the next.
    visit = int(time.time()) // HINT_EVERY_S
    system.inbox.store(
        provider=request.provider.value,
        account=request.account,
        delivery_id=f"{RETURNED}:{request.request_id}:{visit}",
        event_type=RETURNED,
        reference="",
        token_request_ref=request.provider_ref,
        headers={},
        body=b"",
        received_at=system.clock(),
    )


RETURNS = [thank]
