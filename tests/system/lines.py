"""The lines to the providers: what workers send goes through them, and they can be cut.

A cut line refuses connections, and breaks those that are open. Callbacks and the simulators' own
controls do not go through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any
from urllib.parse import urlsplit

import attrs
import httpx

from tests.system.house import House


class Line:
    """A relay on loopback to one port."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: int) -> None:
        self._loop, self._target = loop, target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Connections are accepted again, on the same port."""
        self._do(self._listen())

    def cut(self) -> None:
        """Nobody gets through."""
        self._do(self._close())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, away = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, away}
        await asyncio.gather(_pump(reader, away), _pump(there, writer))
        self._writers -= {writer, away}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def lines(home: House) -> Iterator[dict[str, Line]]:
    """Lay a line to each simulator; workers that are started in this process use them."""
    urls = home.stage.simulators()
    # The first who calls tells the simulator its name, under which its certificates are.
    httpx.post(f"{urls['paypal']}/v1/oauth2/token")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    laid = {name: Line(loop, urlsplit(url).port or 0) for name, url in urls.items()}
    settings = home.system.settings
    home.system.settings = attrs.evolve(
        settings,
        accounts=tuple(
            attrs.evolve(
                each,
                values={**each.values, "base_url": f"http://127.0.0.1:{laid[each.provider].port}"},
            )
            for each in settings.accounts
        ),
    )
    try:
        yield laid
    finally:
        home.send_home()
        for line in laid.values():
            line.cut()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
