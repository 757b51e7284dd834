"""Start the subscriptions of a customer file."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from infrastructure.cli.context import Chosen, actor, json_option, pass_chosen
from infrastructure.cli.exits import REFUSED, TABLE, Ended
from infrastructure.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infrastructure.bootstrap import System
    from infrastructure.commands.customers import CustomerFile, CustomerRow
    from infrastructure.settings import Settings

BATCH = 500


@click.command("import", epilog=TABLE)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--columns", default="", metavar="OURS=THEIRS,...", help="Names of the file's own.")
@click.option("--zone", default="UTC", show_default=True, help="For lines without a time zone.")
@click.option(
    "--end",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Date that `months` are counted back from; default: the first of this month.",
)
@click.option("--skip-bad", is_flag=True, help="Start the good lines of a file with bad ones.")
@click.option("--with-churned", is_flag=True, help="Start customers who have left, too.")
@click.option(
    "--first-payment",
    type=click.Choice(["by-token", "in-session"]),
    default="by-token",
    show_default=True,
    help="For lines that do not say; in-session: on the page that makes the token (Dintero).",
)
@click.option("--no-token", is_flag=True, help="Do not ask for the payers' approval yet.")
@json_option
@pass_chosen
def import_(
    chosen: Chosen,
    file: Path,
    columns: str,
    zone: str,
    end: datetime | None,
    skip_bad: bool,
    with_churned: bool,
    first_payment: str,
    no_token: bool,
    as_json: bool,
) -> None:
    """Start a subscription for every line of FILE and ask for its payer's approval.

    Nothing is imported when a line is bad, and all bad lines are listed (exit 4). The same file
    again starts nothing twice. Periods that lie in the past are billed as soon as the payer has
    approved: give a `start` from which you want to be paid. Who has left (churned) is passed over.
    """
    from infrastructure.commands.customers import parse_columns

    mapping = parse_columns(columns)
    settings = chosen.settings()
    with chosen.system() as system:
        last = end.date() if end is not None else _first_of_month(system)
        found = _checked(system, _read(file, mapping, settings, zone, last, first_payment))
        _tell_problems(file, found, quiet=as_json)
        if found.problems and not skip_bad:
            _finish(Counter(), found, [], as_json=as_json)
            reason = f"{len(found.problems)} problems in {file.name}; nothing was imported"
            raise Ended(REFUSED, "file-has-bad-lines", reason)
        rows = [row for row in found.rows if with_churned or not row.churned]
        counts, refused = _start(system, rows, request_token=not no_token)
        counts["churned, passed over"] = len(found.rows) - len(rows)
        _finish(counts, found, refused, as_json=as_json)
    if refused:
        raise Ended(REFUSED, "some-refused", f"{len(refused)} of {len(rows)} were refused")


def _first_of_month(system: System) -> date:
    return system.clock().date().replace(day=1)


def _read(
    file: Path,
    mapping: dict[str, str],
    settings: Settings,
    zone: str,
    end: date,
    first_payment: str,
) -> CustomerFile:
    from domain.providers import Provider
    from domain.subscription.starting import FirstPayment
    from infrastructure.commands.customers import Defaults, read_customers

    known = {each.value: each for each in Provider}
    accounts = tuple(
        (known[each.provider], each.name) for each in settings.accounts if each.provider in known
    )
    paid = FirstPayment(first_payment)
    defaults = Defaults(end=end, zone=zone, first_payment=paid)
    if accounts:
        defaults = Defaults(end=end, zone=zone, accounts=accounts, first_payment=paid)
    return read_customers(file, mapping, defaults)


def _checked(system: System, found: CustomerFile) -> CustomerFile:
    """The file, with lines among the bad ones that name a plan which does not take them."""
    from domain.catalogue.starting import StartByPlan
    from domain.refusals import Refused
    from infrastructure.commands.customer_line import NOT_MONTHLY, is_monthly
    from infrastructure.commands.customers import CustomerFile, Problem
    from infrastructure.commands.subscriptions import Subscriptions

    wishes = [(row, row.wish(uuid4())) for row in found.rows]
    by_plan = [(row, wish) for row, wish in wishes if isinstance(wish, StartByPlan)]
    commands = Subscriptions(system, actor=actor())
    wrong: dict[int, tuple[str, str]] = {}
    agreed = commands.agreed_by_plan([wish for _, wish in by_plan])
    for (row, _), each in zip(by_plan, agreed, strict=True):
        if isinstance(each, Refused):
            wrong[row.line] = (each.code, each.reason)
        elif row.months is not None and not is_monthly(each.terms):
            wrong[row.line] = NOT_MONTHLY
    problems = [
        Problem(
            line=row.line,
            customer_id=row.customer_id,
            code=wrong[row.line][0],
            reason=wrong[row.line][1],
        )
        for row, _ in by_plan
        if row.line in wrong
    ]
    return CustomerFile(
        rows=tuple(row for row in found.rows if row.line not in wrong),
        problems=tuple(sorted((*found.problems, *problems), key=lambda each: each.line)),
    )


def _tell_problems(file: Path, found: CustomerFile, *, quiet: bool) -> None:
    for each in () if quiet else found.problems:
        where = f"{file.name}:{each.line}"
        click.echo(f"{where}: {each.code}: {each.reason} ({each.customer_id})", err=True)


def _start(
    system: System, rows: Sequence[CustomerRow], *, request_token: bool
) -> tuple[Counter[str], list[dict[str, Any]]]:
    from domain.refusals import Refused
    from infrastructure.commands.subscriptions import Subscriptions

    commands = Subscriptions(system, actor=actor())
    counts: Counter[str] = Counter()
    refused: list[dict[str, Any]] = []
    for batch in _batches(rows):
        outcomes = commands.start_many(
            # A subscription that is there keeps the keys that were drawn when it started.
            [row.wish(uuid4()) for row in batch],
            request_token=request_token,
            cause="command:import",
        )
        for row, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Refused):
                code, reason = outcome.code, outcome.reason
                refused.append({"line": row.line, "code": code, "reason": reason})
            else:
                counts["started" if outcome.changed else "there before"] += 1
    return counts, refused


def _batches(rows: Sequence[CustomerRow]) -> Iterator[list[CustomerRow]]:
    left = iter(rows)
    while batch := list(itertools.islice(left, BATCH)):
        yield batch


def _finish(
    counts: Counter[str], found: CustomerFile, refused: list[dict[str, Any]], *, as_json: bool
) -> None:
    if as_json:
        answer = {"started": counts["started"], "there_before": counts["there before"]}
        answer["churned"] = counts["churned, passed over"]
        print_json({**answer, "problems": found.problems, "refused": refused})
        return
    for each in refused:
        click.echo(f"line {each['line']}: {each['code']}: {each['reason']}", err=True)
    told = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    click.echo(told or "nothing to start")
