"""Waiting in tests: poll, with a deadline that only what hangs comes to."""

from __future__ import annotations

import time
from collections.abc import Callable

# A machine with ten other things to do takes a minute for what takes it a second alone.
WITHIN_S = 90.0


def until(condition: Callable[[], object], what: str = "it", seconds: float = WITHIN_S) -> None:
    """Poll until it holds; fails with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.01)
