"""Disputes, and money that a provider took back: see how they stand, say what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.output import instant, print_json, print_standing, print_table
from infrastructure.cli.reading import limit_option

if TYPE_CHECKING:
    from projections.table import ColumnValue


@click.command(epilog=TABLE)
@click.argument("subscription", required=False)
@click.option("--customer", help="Of this customer only.")
@click.option("--open", "open_only", is_flag=True, help="Those without an outcome only.")
@limit_option
@json_option
@pass_chosen
def disputes(
    chosen: Chosen,
    subscription: str | None,
    customer: str | None,
    open_only: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Disputes, oldest first, and how they stand.

    While one is open nothing of its subscription is collected by itself; `billing collect` does it
    all the same.
    """
    asked: dict[str, ColumnValue] = {
        "subscription_id": subscription,
        "customer_id": customer,
        "open": True if open_only else None,
    }
    where = {name: value for name, value in asked.items() if value is not None}
    with chosen.system() as system:
        bring_up_to_date(system)
        page = system.views.select("disputes", where, order="opened_at", limit=limit)
        if as_json:
            print_json({"position": page.position, "items": tuple(page.rows.values())})
            return
        rows = [
            (
                instant(row.opened_at),
                row.subscription_id,
                str(row.invoice_number),
                str(row.amount),
                row.reason,
                row.stage,
                row.status if row.outcome is None else row.outcome.value.lower(),
                "" if row.returned is None else str(row.returned),
                row.dispute_ref,
            )
            for row in page.rows.values()
        ]
        columns = ("opened", "subscription", "invoice", "amount", "reason", "stage", "status")
        print_table((*columns, "taken back", "dispute"), rows, right=("amount", "taken back"))
        if len(page.rows) >= limit:
            click.echo(f"the first {limit} disputes; --limit shows more")
        print_standing(page.position, system.ledger.head())


@click.command(epilog=TABLE)
@click.argument("attempt", type=click.UUID)
@click.option("--amount", required=True, help="What was taken back, e.g. 10.00 in its currency.")
@click.option("--provider-ref", default="", help="The provider's id of that, if it has one.")
@reason_option
@json_option
@pass_chosen
def reverse(
    chosen: Chosen, attempt: UUID, amount: str, provider_ref: str, reason: str, as_json: bool
) -> None:
    """Say that a provider took money of a charge back, as a settlement report shows.

    ATTEMPT is what `billing charges` shows. So much is owed again; `billing collect` or `billing
    write-off` decides what becomes of it.
    """
    from domain.money import parse_money
    from infrastructure.commands.finding import charge_of
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        bring_up_to_date(system)
        row = charge_of(system, attempt)
        money = parse_money(amount, (row.received or row.asked).currency)
        done = Subscriptions(system, actor=actor()).reverse(
            row.subscription_id, attempt, money, reason=reason, provider_ref=provider_ref
        )
    tell(done, f"{money} taken back of attempt {attempt}, and owed again", as_json=as_json)
