"""XML, written as it comes: nothing is kept, what is open is closed, all text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

# What XML 1.0 allows: Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-...].
# Line ends and tabs are allowed, but readers change them.
_ILLEGAL = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REPLACEMENT = "\ufffd"
_TO_ESCAPE = re.compile(f"[<>&]|{_ILLEGAL.pattern}")


def legal(text: str) -> str:
    """The text with what XML 1.0 has no place for, or would change, replaced."""
    return _ILLEGAL.sub(REPLACEMENT, text)


class XmlWriter:
    """One document. Elements are on lines of their own, by their depth."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._indent = out, ""
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n')

    @contextmanager
    def within(self, name: str, **attributes: str) -> Iterator[None]:
        """An element around what is written inside."""
        told = "".join(f" {key}={quoteattr(legal(text))}" for key, text in attributes.items())
        self._out.write(f"{self._indent}<{name}{told}>\n")
        self._indent += " "
        yield
        self._indent = self._indent[1:]
        self._out.write(f"{self._indent}</{name}>\n")

    def leaf(self, name: str, value: object, longest: int | None = None) -> None:
        """An element with text; no text, no element. longest: in signs; the rest is cut off."""
        text = str(value)[:longest]
        if _TO_ESCAPE.search(text) is not None:
            text = escape(legal(text))
        if text:
            self._out.write(f"{self._indent}<{name}>{text}</{name}>\n")
