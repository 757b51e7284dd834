"""The payers: they open the approval page that a subscription was offered, and approve it."""

from __future__ import annotations

import asyncio

import attrs
import httpx
from httpx_aiohttp import AiohttpTransport

from domain.providers import Provider
from infrastructure.store.view_reader import ViewReader
from projections.due_dates import DueDates

AT_A_TIME = 32
# More than all that can be open at once; pages that nobody answered stay among them.
MOST_OPEN = 20_000


# The button that each simulator's page has for it.
SAYS_YES = {Provider.PAYPAL: "approve", Provider.DINTERO: "pay"}


@attrs.frozen
class Page:
    """An approval page, and the button to press on it."""

    url: str
    action: str


class Payers:
    """Approve every page once. Nobody here is anybody's customer: they are scripted clicks."""

    def __init__(self, views: ViewReader) -> None:
        self._views = views
        self._seen: set[str] = set()

    def offered(self) -> list[Page]:
        """Approval pages that no payer has opened yet."""
        pages = []
        found = self._views.select("due_dates", {"awaits_payer": True}, limit=MOST_OPEN)
        for row in found.rows.values():
            assert isinstance(row, DueDates)
            request = row.state.token_request
            if request is not None and request.provider_ref not in self._seen:
                self._seen.add(request.provider_ref)
                pages.append(Page(request.approve_url, SAYS_YES[request.provider]))
        return pages

    def approve(self, pages: list[Page]) -> None:
        """Open and approve these pages. Raises: httpx.HTTPStatusError when a page refuses."""
        asyncio.run(_approve(pages))


async def _approve(pages: list[Page]) -> None:
    places = asyncio.Semaphore(AT_A_TIME)

    async def one(client: httpx.AsyncClient, page: Page) -> None:
        async with places:
            # The browser then goes where the provider sends it: to our page of thanks.
            answer = await client.post(page.url, data={"action": page.action})
            if answer.status_code >= 400:
                answer.raise_for_status()

    transport = AiohttpTransport()
    async with httpx.AsyncClient(
        transport=transport, timeout=60.0, follow_redirects=True
    ) as client:
        await asyncio.gather(*(one(client, page) for page in pages))
