"""Named places at which a rehearsal kills a worker, to prove that nothing is lost there.

`BILLING_CRASH_AT=after-intent:3` kills the process with SIGKILL when it gets there the third
time. Unset, as always outside the crash tests, this costs one comparison.
"""

from __future__ import annotations

import os
import signal

PLACE_TAKEN = "place-taken"
BEFORE_INTENT = "before-intent"
AFTER_INTENT = "after-intent"
AFTER_ANSWER = "after-answer"
AFTER_OUTCOME = "after-outcome"
BEFORE_RELEASE = "before-release"
CALLBACK_TAKEN = "callback-taken"
TOKEN_IN_VAULT = "token-in-vault"  # noqa: S105
CRASH_POINTS = (
    PLACE_TAKEN,
    BEFORE_INTENT,
    AFTER_INTENT,
    AFTER_ANSWER,
    AFTER_OUTCOME,
    BEFORE_RELEASE,
    CALLBACK_TAKEN,
    TOKEN_IN_VAULT,
)


class _Planned:
    point = ""
    passes_left = 0


_planned = _Planned()


def plan(text: str | None) -> None:
    """Take the plan from the environment's text, "POINT" or "POINT:NTH"."""
    point, _, nth = (text or "").partition(":")
    if point and point not in CRASH_POINTS:
        raise ValueError(f"{point!r} is not one of {', '.join(CRASH_POINTS)}")
    _planned.point, _planned.passes_left = point, int(nth or 1)


def reached(point: str) -> None:
    """Die here if that is the plan."""
    if point != _planned.point:
        return
    _planned.passes_left -= 1
    if _planned.passes_left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
