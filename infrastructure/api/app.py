"""The HTTP API: commands and readings under /v1, callbacks of providers, health and figures."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.prometheus import PrometheusConfig

from domain.ports import Gateway
from infrastructure.api.callbacks import CALLBACKS
from infrastructure.api.callers import guard_for
from infrastructure.api.changing import CHANGING
from infrastructure.api.closing import CLOSING
from infrastructure.api.commanding import COMMANDING
from infrastructure.api.demanding import DEMANDING
from infrastructure.api.disputing import DISPUTING
from infrastructure.api.dunning import DUNNING
from infrastructure.api.idempotency import posted
from infrastructure.api.measuring import Measures
from infrastructure.api.metering import METERING
from infrastructure.api.operating import OPERATING
from infrastructure.api.planning import PLANNING
from infrastructure.api.previewing import PREVIEWING
from infrastructure.api.problems import HANDLERS
from infrastructure.api.reading import READING
from infrastructure.api.refunding import REFUNDING
from infrastructure.api.returns import RETURNS
from infrastructure.bootstrap import System
from infrastructure.settings import SettingsError

# Above any command of ours; a 10 MB memo is refused before it is read.
LARGEST_BODY_BYTES = 64_000

Gateways = Mapping[tuple[str, str], Gateway]

# Path prefix -> what is served below it. The catalogue for auditors is printed from this table.
ROUTES: Mapping[str, Sequence[HTTPRouteHandler]] = {
    "/v1": (
        *READING,
        *COMMANDING,
        *CHANGING,
        *METERING,
        *DEMANDING,
        *DUNNING,
        *REFUNDING,
        *DISPUTING,
        *PLANNING,
        *CLOSING,
        *PREVIEWING,
    ),
    "": (*CALLBACKS, *RETURNS, *OPERATING),
}


def build_app(
    system: System,
    *,
    gateways: Callable[[], Gateways] | None = None,
) -> Litestar:
    """The app over one set of books.

    gateways: makes what verifies callbacks, inside the event loop that serves; by default those
        of the settings.
    """
    measures = Measures()
    # By route, not by path: ids are not for labels.
    counting = PrometheusConfig(app_name="billing", prefix="billing", group_path=True)
    known: dict[tuple[str, str], Gateway] = {}

    commands = Router(
        path="/v1",
        route_handlers=ROUTES["/v1"],
        dependencies={"posted": Provide(posted)},
        guards=[guard_for(system.settings.api_keys)],
        security=[{"bearer": []}] if system.settings.api_keys else [],
    )
    return Litestar(
        route_handlers=[commands, *ROUTES[""]],
        dependencies={
            "system": Provide(lambda: system, sync_to_thread=False),
            "gateways": Provide(lambda: known, sync_to_thread=False),
            "measures": Provide(lambda: measures, sync_to_thread=False),
        },
        lifespan=[_verifying(known, gateways or system.gateways)],
        middleware=[counting.middleware],
        exception_handlers=HANDLERS,
        request_max_body_size=LARGEST_BODY_BYTES,
        openapi_config=_openapi(),
        debug=False,
        logging_config=None,
    )


def _verifying(
    known: dict[tuple[str, str], Gateway], make: Callable[[], Gateways]
) -> Callable[[Litestar], contextlib.AbstractAsyncContextManager[None]]:
    """Gateways in `known` while the app runs: their connections belong to its event loop."""

    @contextlib.asynccontextmanager
    async def verifying(_: Litestar) -> AsyncIterator[None]:
        known.update(make())
        try:
            yield
        finally:
            for gateway in known.values():
                await gateway.close()
            known.clear()

    return verifying


def _openapi() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer")
    return OpenAPIConfig(
        title="billing-ledger",
        version="1",
        description="Start subscriptions, ask for approvals, read balances and due dates.",
        components=Components(security_schemes={"bearer": bearer}),
    )


def require_safe_binding(system: System, host: str) -> None:
    """Without keys the API is for this machine only. Raises: SettingsError."""
    if system.settings.api_keys or _is_loopback(host):
        return
    raise SettingsError(f"no api_keys are set, so the API binds to loopback only, not to {host}")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
