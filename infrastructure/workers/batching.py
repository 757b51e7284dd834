"""Gather what many coroutines ask for at once into one call to the database.

While one batch is under way in a thread, the next gathers; nobody waits for a timer. One
subscription's work stays a plain sequence of awaits, and the database still sees batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Result = TypeVar("Result")


class Batcher(Generic[Request, Result]):
    """Runs `run_batch` (blocking, one result for each request, in order) in a thread."""

    def __init__(
        self, run_batch: Callable[[Sequence[Request]], Sequence[Result]], largest: int = 500
    ) -> None:
        self._run_batch = run_batch
        self._largest = largest
        self._waiting: list[tuple[Request, asyncio.Future[Result]]] = []
        self._runner: asyncio.Task[None] | None = None

    async def __call__(self, request: Request) -> Result:
        """The result for one request. An error of the batch reaches everyone in it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            # One turn of the loop, so that coroutines woken together land in one batch.
            await asyncio.sleep(0)
            batch, self._waiting = (
                self._waiting[: self._largest],
                self._waiting[self._largest :],
            )
            try:
                results = await asyncio.to_thread(self._run_batch, [each[0] for each in batch])
            except BaseException as error:
                # Whatever it was belongs to those who asked, not to this task.
                _fail(batch, error)
                if not isinstance(error, Exception):
                    self._runner = None
                    raise
                continue
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
        self._runner = None


def _fail(batch: Sequence[tuple[Request, asyncio.Future[Result]]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
