"""Subscriptions to account-wide webhooks, as HTTP."""

from __future__ import annotations

from aiohttp import web

from infrastructure.simulators.dintero import bodies
from infrastructure.simulators.dintero.answers import answered
from infrastructure.simulators.dintero.hooks import Hooks, Subscribe

PATH = "/v1/accounts/{account}/hooks/subscriptions"


class HookDesk:
    """Made, listed, deleted."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Its routes."""
        router.add_post(PATH, self._make)
        router.add_get(PATH, self._list)
        router.add_delete(f"{PATH}/{{id}}", self._delete)

    async def _make(self, request: web.Request) -> web.Response:
        made = self._hooks.subscribe(bodies.decoded(await request.read(), Subscribe))
        return answered(made.as_json())

    async def _list(self, _: web.Request) -> web.Response:
        return answered([each.as_json() for each in self._hooks.subscriptions])

    async def _delete(self, request: web.Request) -> web.Response:
        return answered(self._hooks.unsubscribe(request.match_info["id"]).as_json())
