"""The payers: they open the approval page that a subscription was offered, and approve it."""

from __future__ import annotations

import asyncio

import httpx
from httpx_aiohttp import AiohttpTransport

from infrastructure.store.view_reader import ViewReader
from projections.due_dates import DueDates

AT_A_TIME = 32
# More than all that can be open at once; pages that nobody answered stay among them.
PAGE = 20_000


class Payers:
    """Approve every page once. Nobody here is anybody's customer: they are scripted clicks."""

    def __init__(self, views: ViewReader) -> None:
        self._views = views
        self._seen: set[str] = set()

    def offered(self) -> list[str]:
        """Approval pages that no payer has opened yet."""
        pages = []
        found = self._views.select("due_dates", having=("token_request_ref",), limit=PAGE)
        for row in found.rows.values():
            assert isinstance(row, DueDates)
            request = None if row.state is None else row.state.token_request
            if request is not None and request.provider_ref not in self._seen:
                self._seen.add(request.provider_ref)
                pages.append(request.approve_url)
        return pages

    def approve(self, pages: list[str]) -> None:
        """Open and approve these pages. Raises: httpx.HTTPStatusError when a page refuses."""
        asyncio.run(_approve(pages))


async def _approve(pages: list[str]) -> None:
    places = asyncio.Semaphore(AT_A_TIME)

    async def one(client: httpx.AsyncClient, page: str) -> None:
        async with places:
            answer = await client.post(
                page, data={"action": "approve"}, headers={"Accept": "application/json"}
            )
            if answer.status_code >= 400:
                answer.raise_for_status()

    async with httpx.AsyncClient(transport=AiohttpTransport(), timeout=60.0) as client:
        await asyncio.gather(*(one(client, page) for page in pages))
