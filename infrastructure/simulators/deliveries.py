"""Callbacks on their way out: retried, duplicated, reordered, forged, lost, as the plan says.

The queue holds what is needed to build a request, not the request: signing happens when it goes
out, so each try carries its own time. Its length is bounded; when it is full the oldest waiting
delivery is dropped and counted, as a provider's is after its last try.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

import aiohttp
import attrs

from infrastructure.simulators.faults import CallbackFault

_OVERTAKEN_BY = 5  # deliveries that go out before one that is held back


@attrs.frozen(kw_only=True)
class Outgoing:
    """One HTTP request to the merchant."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


# Builds the request for one try; forged=True: with a signature that does not hold.
Build = Callable[[bool], Outgoing]


@attrs.define
class _Waiting:
    build: Build
    forged: bool = False
    tries: int = 0
    held_for: int = 0
    most_tries: int | None = None
    ended: Callable[[bool], None] = lambda _: None


class Deliveries:
    """A bounded queue with a few senders.

    tries: per delivery; anything but 2xx is tried again, `pause_s` seconds (real time) later.
    final: says of an HTTP status that this provider gives up on it at once.
    """

    def __init__(
        self,
        *,
        senders: int = 8,
        capacity: int = 20_000,
        tries: int = 5,
        pause_s: float = 0.2,
        final: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._senders = senders
        self._capacity = capacity
        self._tries = tries
        self._pause_s = pause_s
        self._final = final
        self._queue: deque[_Waiting] = deque()
        self._held: list[_Waiting] = []
        self._in_flight = 0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._http: aiohttp.ClientSession | None = None
        self.delivered = 0
        self.given_up = 0

    @property
    def pending(self) -> int:
        """Deliveries that have not ended yet; 0 means quiet."""
        return len(self._queue) + len(self._held) + self._in_flight

    async def start(self) -> None:
        """Begin sending."""
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=10), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._tasks = [asyncio.create_task(self._send_all()) for _ in range(self._senders)]

    async def stop(self) -> None:
        """Stop sending; what waits is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def put_tracked(self, build: Build, tries: int, ended: Callable[[bool], None]) -> None:
        """Queue one with a number of tries of its own. ended: told whether it was taken (200)."""
        self._push(_Waiting(build, most_tries=tries, ended=ended))

    def put(self, build: Build, fault: CallbackFault | None = None) -> None:
        """Queue one callback, with what the plan does to it. EARLY is the caller's: `send_now`."""
        match fault:
            case CallbackFault.LOST:
                return
            case CallbackFault.LATE:
                self._held.append(_Waiting(build, held_for=_OVERTAKEN_BY))
                self._wake.set()
                return
            case CallbackFault.DUPLICATE:
                self._push(_Waiting(build), _Waiting(build), _Waiting(build))
            case CallbackFault.FORGED:
                self._push(_Waiting(build, forged=True), _Waiting(build))
            case CallbackFault.EARLY | None:
                self._push(_Waiting(build))
        self._overtake()

    async def send_now(self, build: Build) -> None:
        """Deliver before the caller goes on; a failed try joins the queue."""
        self._in_flight += 1
        try:
            await self._try(_Waiting(build))
        finally:
            self._in_flight -= 1
            self._wake.set()  # what is held back may be waiting for this one

    def _push(self, *waiting: _Waiting) -> None:
        self._queue.extend(waiting)
        while len(self._queue) > self._capacity:
            self._queue.popleft()
            self.given_up += 1
        self._wake.set()

    def _overtake(self) -> None:
        for held in self._held:
            held.held_for -= 1
        self._release([held for held in self._held if held.held_for <= 0])

    def _release(self, free: list[_Waiting]) -> None:
        for held in free:
            self._held.remove(held)
            self._push(held)

    async def _send_all(self) -> None:
        while True:
            while not self._queue:
                if self._held and self._in_flight == 0:
                    self._release(list(self._held))  # nobody is left to overtake them
                    continue
                self._wake.clear()
                await self._wake.wait()
            waiting = self._queue.popleft()
            self._in_flight += 1
            try:
                await self._try(waiting)
            finally:
                self._in_flight -= 1
                self._wake.set()

    async def _try(self, waiting: _Waiting) -> None:
        assert self._http is not None, "start() comes first"
        outgoing = waiting.build(waiting.forged)
        waiting.tries += 1
        try:
            async with self._http.request(
                outgoing.method,
                outgoing.url,
                headers=outgoing.headers,
                data=outgoing.body or None,
                allow_redirects=False,
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        most = self._tries if waiting.most_tries is None else waiting.most_tries
        if 200 <= status < 300:
            self.delivered += 1
            waiting.ended(True)
        elif waiting.forged or waiting.tries >= most or self._final(status):
            self.given_up += 1
            waiting.ended(False)
        else:
            await asyncio.sleep(self._pause_s)
            self._push(waiting)
