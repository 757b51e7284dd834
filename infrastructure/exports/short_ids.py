"""Ids that fit a field: as they are where they do, else their beginning and a digest of the whole.

"~" is in none of our ids (domain/identity.py), so a shortened one is never another's own.
"""

from __future__ import annotations

import hashlib

from domain.refusals import Refused

LONGEST = 35
_DIGEST = 16


def short_id(text: str, longest: int = LONGEST) -> str:
    """The id itself, or 1 + 16 hex digits of its SHA-256 after as much of it as has room."""
    if len(text) <= longest and "~" not in text:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{text[: longest - _DIGEST - 1]}~{digest}"


def shortened(ids: list[str], longest: int = LONGEST) -> dict[str, str]:
    """Those that had to be shortened, by what they became.

    Refused: "ids-collide" where two became the same.
    """
    found: dict[str, str] = {}
    for each in ids:
        short = short_id(each, longest)
        if short != each and found.setdefault(short, each) != each:
            raise Refused("ids-collide", f"two ids are both {short!r} in {longest} signs")
    return found
