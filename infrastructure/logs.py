"""Logs: structured, to stderr, as text for people or JSON for machines.

No body, token or header is ever logged by us; the HTTP clients' own request lines are switched off
because a URL of a provider may hold an id that is nobody else's business.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

_QUIET = ("httpx", "httpcore", "aiohttp", "uvicorn", "psycopg", "eventsourcing", "asyncio")


def set_up_logs(form: str, *, level: int = logging.INFO) -> None:
    """form: "text" or "json", as the settings say."""
    # Tracebacks without local variables: a token may be among them.
    renderer: Any = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    errors: list[Any] = []
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
        plain = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        errors = [structlog.processors.ExceptionRenderer(plain)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *errors,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
