"""Group commit: calls that arrive while another is being committed are committed together.

The caller who finds nobody committing commits at once, in its own thread: alone it waits for
nobody. Those who come meanwhile queue up; then the first of them commits for all that wait.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
R = TypeVar("R")


class _Caller(Generic[Q, R]):
    """One call, and the lock on which its thread sleeps until it is answered or has to lead."""

    __slots__ = ("answered", "error", "request", "result", "turn")

    result: R

    def __init__(self, request: Q) -> None:
        self.request = request
        self.answered = False
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()

    def outcome(self) -> R:
        if self.error is not None:
            raise self.error
        return self.result


class GroupCommit(Generic[Q, R]):
    """Gathers the calls of many threads.

    commit: takes requests, gives one result each, in order; never runs twice at a time. What it
        raises, every caller of the group gets.
    largest: requests in one group.
    """

    def __init__(self, commit: Callable[[Sequence[Q]], Sequence[R]], *, largest: int = 128) -> None:
        self._commit = commit
        self._largest = largest
        self._lock = threading.Lock()
        self._waiting: deque[_Caller[Q, R]] = deque()
        self._busy = False

    def submit(self, request: Q) -> R:
        """Have a request committed, alone or with others; returns its own result."""
        caller: _Caller[Q, R] = _Caller(request)
        with self._lock:
            self._waiting.append(caller)
            leads = not self._busy
            self._busy = True
        if not leads:
            caller.turn.acquire()
            if caller.answered:
                return caller.outcome()
        self._lead()
        return caller.outcome()

    def _lead(self) -> None:
        """Commit for the oldest callers (the leader is the oldest), then hand over."""
        with self._lock:
            group = [self._waiting.popleft() for _ in range(self._group_size())]
        try:
            results = self._commit([caller.request for caller in group])
            for caller, result in zip(group, results, strict=True):
                caller.result = result
        except BaseException as error:
            for caller in group:
                caller.error = error
            raise
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._busy = following is not None
            # The next leader first: the server works while the answered threads wake up.
            if following is not None:
                following.turn.release()
            for caller in group:
                caller.answered = True
                caller.turn.release()

    def _group_size(self) -> int:
        return min(len(self._waiting), self._largest)
