"""The API, the providers' callbacks and, unless told otherwise, the workers in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING

import click

from infrastructure.cli.context import Chosen, pass_chosen
from infrastructure.cli.exits import DIFFERENT, TABLE, Ended
from infrastructure.cli.looping import run_loop

if TYPE_CHECKING:
    from litestar import Litestar
    from uvicorn import Server

    from infrastructure.bootstrap import System

GRACE_S = 15


@click.command(epilog=TABLE)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--no-workers", is_flag=True, help="API and callbacks only.")
@pass_chosen
def serve(chosen: Chosen, host: str, port: int, no_workers: bool) -> None:
    """Serve the API and the callbacks, and work what falls due. SIGTERM ends it gracefully.

    Without api_keys in the settings it binds to loopback only. In front of it, let a proxy pass on
    /callbacks and /returns, and nothing else, to the outside.
    """
    from infrastructure.api.app import build_app, require_safe_binding

    with chosen.system() as system:
        require_safe_binding(system, host)
        listener = _listen(host, port)
        click.echo(_words(system, host, listener.getsockname()[1], workers=not no_workers))
        run_loop(serve_until_told(system, build_app(system), listener, workers=not no_workers))


async def serve_until_told(
    system: System, app: Litestar, listener: socket.socket, *, workers: bool
) -> None:
    """Until SIGTERM or SIGINT: then no new requests, and what is under way is finished."""
    from infrastructure.workers.process import stop_on_signals, work

    server = _server(app)
    stopping = asyncio.Event()
    stop_on_signals(stopping)

    async def answer() -> None:
        await server.serve(sockets=[listener])

    async def end() -> None:
        await stopping.wait()
        server.should_exit = True

    parts = [answer(), *([work(system, stopping)] if workers else [])]
    # Not a TaskGroup: when one part fails the others are to end, not to be cut off.
    ended = await asyncio.gather(
        end(), *(_ending_all(part, stopping) for part in parts), return_exceptions=True
    )
    for error in ended:
        if isinstance(error, BaseException):
            raise error


async def _ending_all(part: Coroutine[None, None, None], stopping: asyncio.Event) -> None:
    try:
        await part
    finally:
        stopping.set()


def _server(app: Litestar) -> Server:
    import uvicorn

    class QuietServer(uvicorn.Server):
        """Leaves the signals to us: one event ends the server and the workers together."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    # No access log: the URL of a callback may hold a provider's ids.
    config = uvicorn.Config(
        app,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return QuietServer(config)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises: Ended."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        reason = f"cannot listen on {host}:{port}: {error.strerror or error}"
        raise Ended(DIFFERENT, "address-unusable", reason) from None
    return listener


def _words(system: System, host: str, port: int, *, workers: bool) -> str:
    callers = sorted(system.settings.api_keys)
    who = f"keys of {', '.join(callers)}" if callers else "no api_keys are set: loopback only"
    shown = f"[{host}]" if ":" in host else host
    works = "with workers" if workers else "no workers"
    return f"serving {system.books.schema} on http://{shown}:{port} ({who}; {works})"
