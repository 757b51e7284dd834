"""How a plan of the catalogue is named on the command line: CODE, or CODE@VERSION."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from infrastructure.cli.exits import USAGE, Ended
from infrastructure.cli.terms_options import TERMS

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


def by_plan(plan: Choice, given: dict[str, Any]) -> dict[str, Any]:
    """The plan as messages name it. given: options of terms, of which quantity alone goes with it.

    Raises: Ended.
    """
    if named := [each for each in ("terms", *TERMS) if given.get(each)]:
        raise Ended(USAGE, "usage", f"give either --plan or --{named[0].replace('_', '-')}")
    return {"plan": plan.plan, "plan_version": plan.version, "quantity": given["quantity"]}
