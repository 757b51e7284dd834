"""The values of one line of a file, read by type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from typing import TypeVar

from domain.money import Money, parse_money
from domain.refusals import Refused

_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

Choice = TypeVar("Choice", bound=Enum)
Made = TypeVar("Made")


class Fields:
    """One line's values, read by type; what cannot be read is noted once and becomes None."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[tuple[str, str]] = []

    def text(self, name: str, default: str = "") -> str:
        """As it stands, or the default where it is empty."""
        return self._values.get(name) or default

    def number(self, name: str) -> int | None:
        """A whole number of up to nine digits."""
        text = self.text(name)
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) <= 9:
            return int(text)
        self._note("number-malformed", f"{name}: {text[:40]!r} is not a whole number")
        return None

    def day(self, name: str) -> date | None:
        """An ISO date."""
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            self._note("date-malformed", f"{name}: {text[:40]!r} is not an ISO date")
            return None

    def choice(self, name: str, choices: type[Choice], default: Choice) -> Choice:
        """One of an enum's values, in any case."""
        text = self.text(name)
        for each in choices:
            if each.value.lower() == text.lower():
                return each
        if text:
            known = ", ".join(each.value for each in choices)
            self._note("choice-unknown", f"{name}: {text[:40]!r} is none of {known}")
        return default

    def money(self, name: str, currency: str) -> Money | None:
        """A decimal amount in a currency."""
        text = self.text(name)
        return self.checked(lambda: parse_money(text, currency)) if text else None

    def checked(self, make: Callable[[], Made]) -> Made | None:
        """What `make` makes; its refusal is noted."""
        try:
            return make()
        except Refused as refused:
            self._note(refused.code, refused.reason)
            return None

    def yes_no(self, name: str, default: str = "no") -> bool:
        """Yes or No, in some spellings."""
        text = self.text(name, default).lower()
        if text not in _YES_NO:
            self._note("choice-unknown", f"{name}: {text[:40]!r} is neither Yes nor No")
        return _YES_NO.get(text, False)

    def _note(self, code: str, reason: str) -> None:
        if (code, reason) not in self.problems:
            self.problems.append((code, reason))
