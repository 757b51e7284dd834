"""Readings of the stored projections: due, balances, charges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from infrastructure.cli.context import Chosen, Moment, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.output import amount, instant, print_json, print_standing, print_table

if TYPE_CHECKING:
    from infrastructure.bootstrap import System
    from projections.table import ColumnValue

PAGE = 1000
limit_option = click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, help="Rows shown."
)


@click.command(epilog=TABLE)
@click.option("--until", type=Moment(), help="A day or an instant; default: now.")
@click.option("--customer", help="Of this customer only.")
@click.option("--waiting", is_flag=True, help="Instead: what stands still, and why.")
@limit_option
@json_option
@pass_chosen
def due(
    chosen: Chosen,
    until: datetime | None,
    customer: str | None,
    waiting: bool,
    limit: int,
    as_json: bool,
) -> None:
    """What falls due up to a date, soonest first, and why other items wait.

    Subscriptions that stand still until a person acts are always among them.
    """
    from infrastructure.commands.due import read_due

    with chosen.system() as system:
        bring_up_to_date(system)
        moment = until or system.clock()
        found = read_due(system, moment, customer_id=customer, waiting=waiting, limit=limit)
        if as_json:
            answer = {"position": found.position, "until": moment, "items": found.lines}
            print_json({**answer, "outages": found.outages})
            return
        rows = [
            (instant(line.due_at), line.what, line.subscription_id, line.why)
            for line in found.lines
        ]
        print_table(("due", "what", "subscription", "why"), rows)
        _say_if_cut(found.subscriptions, limit, "subscriptions")
        for each in found.outages:
            click.echo(str(each))
        print_standing(found.position, system.ledger.head())


@click.command(epilog=TABLE)
@click.option("--customer", help="Of this customer only.")
@limit_option
@json_option
@pass_chosen
def balances(chosen: Chosen, customer: str | None, limit: int, as_json: bool) -> None:
    """What customers were billed, have paid and owe; totals count everybody."""
    from infrastructure.api.messages import BalanceView

    with chosen.system() as system:
        bring_up_to_date(system)
        now, head = system.clock(), system.ledger.head()
        where: dict[str, ColumnValue] = {} if customer is None else {"customer_id": customer}
        totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        shown: list[Any] = []
        position = head
        for row, stands in all_rows(system, "balances", where):
            position = min(position, stands)
            view = BalanceView.of(row, now)
            for name in _AMOUNTS:
                totals[row.currency][name] += getattr(view, name).minor
            totals[row.currency]["customers"] += 1
            if len(shown) < limit:
                shown.append(view)
        if as_json:
            print_json({"position": position, "items": shown, "totals": totals})
            return
        _print_balances(shown, totals)
        _say_if_cut(sum(each["customers"] for each in totals.values()), limit + 1, "balances")
        print_standing(position, head)


_AMOUNTS = (
    "billed",
    "paid",
    "written_off",
    "refunded",
    "reversed",
    "open",
    "overdue",
    "credit",
    "refunding",
)


def _print_balances(shown: list[Any], totals: dict[str, dict[str, int]]) -> None:
    names = _AMOUNTS
    rows = [
        (
            view.customer_id,
            view.billed.currency,
            *(amount(getattr(view, name).minor, view.billed.currency) for name in names),
            instant(view.oldest_due_at),
        )
        for view in shown
    ]
    for currency, sums in sorted(totals.items()):
        amounts = (amount(sums[name], currency) for name in names)
        rows.append((f"all {sums['customers']}", currency, *amounts, ""))
    titles = tuple(name.replace("_", " ") for name in names)
    print_table(("customer", "currency", *titles, "oldest due"), rows, right=titles)


@click.command(epilog=TABLE)
@click.option("--subscription", help="Of this subscription only.")
@click.option("--customer", help="Of this customer only.")
@click.option("--status", help="unknown, needs-person, declined, succeeded, ...")
@click.option("--reference", help="The reference in both books.")
@limit_option
@json_option
@pass_chosen
def charges(
    chosen: Chosen,
    subscription: str | None,
    customer: str | None,
    status: str | None,
    reference: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Attempts to collect, oldest first, and how they ended."""
    from infrastructure.operator_words import told_of_charges

    asked: dict[str, ColumnValue] = {
        "subscription_id": subscription,
        "customer_id": customer,
        "status": _known_status(status),
        "reference": reference,
    }
    where = {name: value for name, value in asked.items() if value is not None}
    with chosen.system() as system:
        bring_up_to_date(system)
        page = system.views.select("charges", where, order="attempted_at", limit=limit)
        charged = tuple(page.rows.values())
        told = told_of_charges(charged)
        if as_json:
            print_json({"position": page.position, "items": charged, "told": told})
            return
        rows = [
            (
                instant(row.attempted_at),
                row.subscription_id,
                f"{row.invoice_number}.{row.attempt_number}",
                str(row.asked),
                row.status.value,
                row.code or row.evidence or row.provider_ref,
                row.attempt_id,
            )
            for row in page.rows.values()
        ]
        columns = ("attempted", "subscription", "invoice", "asked", "status", "how", "attempt")
        print_table(columns, rows, right=("asked",))
        for each in told:
            click.echo(f"{each.code} ({each.decline.value.lower()}): {each.words}")
        _say_if_cut(len(page.rows), limit, "charges")
        print_standing(page.position, system.ledger.head())


def _known_status(status: str | None) -> str | None:
    from projections.charges import ChargeStatus

    known = [each.value for each in ChargeStatus]
    if status is not None and status not in known:
        raise click.BadParameter(f"none of {', '.join(known)}", param_hint="--status")
    return status


def all_rows(system: System, name: str, where: dict[str, ColumnValue]) -> Iterator[tuple[Any, int]]:
    """Every row with the position it is valid at, a page at a time."""
    offset = 0
    while True:
        page = system.views.select(name, where, limit=PAGE, offset=offset)
        for row in page.rows.values():
            yield row, page.position
        if len(page.rows) < PAGE:
            return
        offset += PAGE


def _say_if_cut(found: int, limit: int, what: str) -> None:
    if found >= limit:
        click.echo(f"the first {limit} {what}; --limit shows more")
