"""How a plan of the catalogue is named on the command line: CODE, or CODE@VERSION."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from domain.catalogue.offering import Choice

LONGEST_NUMBER = 9


class Named(click.ParamType["Choice"]):
    """A plan such as "gold" (the version that is available) or "gold@2"."""

    name = "plan"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Choice:
        """Raises: click.BadParameter."""
        from domain.catalogue.offering import Choice

        if isinstance(value, Choice):
            return value
        code, at, number = str(value).partition("@")
        if not at:
            return Choice(plan=code)
        if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER):
            self.fail(f'{value!r} is not like "gold" or "gold@2"', param, ctx)
        return Choice(plan=code, version=int(number))
