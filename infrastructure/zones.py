"""Which version of the tz database due instants are computed with."""

from __future__ import annotations

import importlib.metadata


def zone_version() -> str:
    """As facts name it, e.g. "2025.2"."""
    return importlib.metadata.version("tzdata")
