"""Python's search for reference cycles, where there are none and it takes as long as all the rest.

Facts and what is folded from them hold no cycles: reference counts free them. To look for some
among a million of them again and again doubles the time of a replay.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def collect_seldom() -> None:
    """From now on, in this process."""
    gc.set_threshold(200_000, 50, 100)


@contextmanager
def few_collections() -> Iterator[None]:
    """For a while."""
    before = gc.get_threshold()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)
