"""A general ledger from the command line: an account's lines, page by page."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import attrs
import click

from infrastructure.cli.context import Chosen, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.finance import Question, asked_for_rows

if TYPE_CHECKING:
    from projections.account_lines import Place


class PlaceInLedger(click.ParamType[Any]):
    """A day and a position, as a page of a ledger ends with them: 2025-01-31/1234."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A Place."""
        from projections.account_lines import Place

        if not isinstance(value, str):
            return value
        day, _, position = value.partition("/")
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{1,18}", value):
            with suppress(ValueError):
                return Place(date.fromisoformat(day), int(position))
        return self.fail(f"{value!r} is no place like 2025-01-31/1234", param, ctx)


@click.command(epilog=TABLE)
@click.argument("account")
@click.option("--of", help='Only of this: a customer, "paypal/main", "plan|NO-25".')
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="What is before is the opening.")
@click.option("--limit", type=click.IntRange(1), default=500, help="Lines of a page (500).")
@click.option("--after", type=PlaceInLedger(), metavar="PLACE", help="Where the page before ended.")
@asked_for_rows
@pass_chosen
def ledger(
    chosen: Chosen,
    /,
    account: str,
    of: str | None,
    since: datetime | None,
    limit: int,
    after: Place | None,
    **asked: Any,
) -> None:
    """An account's lines by day, on each in the order of the log. ACCOUNT: a number of the chart.

    Each line names the fact and what it is about, for `billing explain`, and the closed period that
    it belongs to, where it came too late for that. Of deferred revenue and
    revenue it shows what was billed and given back; `revenue` and `waterfall` show the days.
    Where there are more lines than a page has, it says where to go on; the total of one page is the
    opening of the next.
    """
    from projections.account_lines import Place

    question = Question(chosen, **asked)
    if since is not None:
        # Positions begin with 1: what stands before all of the day.
        begins = Place(since.date(), 0)
        after = begins if after is None else max(begins, after)
    with question.answers() as answers:
        found = answers.ledger(account, of=of, after=after, limit=limit)
        rows = [attrs.asdict(each) for each in found.lines]
        end = None if found.end is None else f"{found.end.day}/{found.end.position}"
        opening = None if after is None else found.opening
        question.tell(rows, answers, found.closing, opening, next=end)
        if end is not None and not question.as_json:
            click.echo(f"there is more: --after {end}", err=True)
