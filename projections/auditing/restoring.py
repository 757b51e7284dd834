"""Restorations: each in the books' own stream, right behind the last fact that was there."""

from __future__ import annotations

from typing import Any

from domain.identity import RESTORED_STREAM
from domain.recorded import Recorded
from domain.restorations.events import BooksRestored
from projections.auditing.codes import Say


def check_restored(recorded: Recorded[Any], say: Say) -> bool:
    """Whether a fact is about a restoration, and then whether it is one as it should be."""
    event, stream = recorded.event, recorded.stream
    if not isinstance(event, BooksRestored):
        if stream == RESTORED_STREAM:
            say("restoration-misnamed", f"{type(event).__name__} in {stream}")
        return False
    if stream != RESTORED_STREAM:
        say("restoration-misnamed", f"a restoration in {stream}")
    if event.head != recorded.position - 1:
        say("restoration-head-wrong", f"{event.head}, said at position {recorded.position}")
    return True
