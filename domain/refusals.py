"""Refused: what the domain raises when a rule says no.

Refused
  code: stable, kebab-case, part of the public contract (API, CLI exit text)
  reason: one sentence for a person

Nothing has been written when a refusal is raised.
"""

from __future__ import annotations


class Refused(Exception):
    """A rule said no; nothing was written.

    code: stable machine name, e.g. "not-due". Listed in the README.
    reason: one sentence for a person; holds no secret and no personal data.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
