"""Percentages as people write them, and parts per million as they are kept; never a float."""

from __future__ import annotations

import re

from domain.refusals import Refused
from domain.taxes import WHOLE_PPM

_PPM_DIGITS = 4
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,20}))?")


def parse_percent(text: str) -> int:
    """Parts per million of a decimal percentage from 0 to 100, e.g. "8.875" -> 88_750.

    Raises: Refused("percent-malformed") for anything but ASCII digits with a point, and beyond
        100; Refused("percent-too-precise") for more than four decimals.
    """
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise Refused("percent-malformed", f'{text[:40]!r} is not a percentage such as "8.875"')
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > _PPM_DIGITS:
        raise Refused("percent-too-precise", f"{text[:40]!r} has more than {_PPM_DIGITS} decimals")
    ppm = int(match[1] + fraction.ljust(_PPM_DIGITS, "0"))
    if ppm > WHOLE_PPM:
        raise Refused("percent-malformed", f"{text[:40]!r} is more than 100 %")
    return ppm


def percent_text(ppm: int) -> str:
    """The percentage without needless zeros, e.g. 88_750 -> "8.875"."""
    whole, fraction = divmod(ppm, 10**_PPM_DIGITS)
    return f"{whole}.{fraction:0{_PPM_DIGITS}d}".rstrip("0").rstrip(".")
