"""Money that goes back: ask for it, see how it stands, settle a doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import TABLE, USAGE, Ended
from infrastructure.cli.output import instant, print_json, print_standing, print_table
from infrastructure.cli.reading import limit_option

if TYPE_CHECKING:
    from infrastructure.bootstrap import System
    from infrastructure.commands.subscriptions import Done
    from projections.table import ColumnValue


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.option("--amount", help="e.g. 10.00 in its currency; default: all credit that is left.")
@click.option("--charge", "attempt", type=click.UUID, help="Through this attempt alone.")
@click.option("--grant", is_flag=True, help="Grant what credit lacks, out of goodwill.")
@reason_option
@json_option
@pass_chosen
def refund(
    chosen: Chosen,
    subscription: str,
    amount: str | None,
    attempt: UUID | None,
    grant: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Pay credit out, through the newest charges that brought money in.

    An open invoice comes first. `billing refunds` shows what comes of it.
    """
    from domain.money import parse_money
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        currency = commands.find(subscription)[0].currency
        money = None if amount is None else parse_money(amount, currency)
        done = commands.refund(subscription, money, attempt_id=attempt, grant=grant, reason=reason)
        tell_refunded(system, subscription, done, "a refund is asked for", as_json=as_json)


def tell_refunded(
    system: System, subscription: str, done: Done, words: str, *, as_json: bool
) -> None:
    """What came of a command that may refund: what goes back, and what stays credit."""
    from domain.identity import stream_of
    from domain.money import total
    from domain.subscription.refund_events import RefundRequested
    from infrastructure.commands.subscriptions import Subscriptions

    facts = system.ledger.read_stream(stream_of(subscription))
    mine = next((each.command_id for each in facts if each.position == done.position), None)
    asked = [
        each.event
        for each in facts
        if each.command_id == mine and isinstance(each.event, RefundRequested) and done.changed
    ]
    state, _ = Subscriptions(system, actor=actor()).find(subscription)
    credit = total((each.left for each in state.credits), state.currency)
    if as_json:
        print_json(
            {
                "position": done.position,
                "changed": done.changed,
                "refunds": [
                    {
                        "refund_id": each.refund_id,
                        "amount": each.amount,
                        "invoice_number": each.invoice_number,
                        "reference": each.reference,
                    }
                    for each in asked
                ],
                "credit": credit,
            }
        )
        return
    tell(done, words, as_json=False)
    for each in asked:
        click.echo(f"  {each.amount} through the charge of invoice {each.invoice_number}")
    if not asked and done.changed:
        click.echo("  nothing goes back")
    if credit.minor:
        click.echo(f"  {credit} stays credit")


@click.command(epilog=TABLE)
@click.argument("subscription", required=False)
@click.option("--customer", help="Of this customer only.")
@click.option("--status", help="requested, attempted, needs-person, ... found-late")
@limit_option
@json_option
@pass_chosen
def refunds(
    chosen: Chosen,
    subscription: str | None,
    customer: str | None,
    status: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Refunds, oldest first, and how they stand."""
    from projections.refunds import RefundStatus

    known = [each.value for each in RefundStatus]
    if status is not None and status not in known:
        raise click.BadParameter(f"none of {', '.join(known)}", param_hint="--status")
    asked: dict[str, ColumnValue] = {
        "subscription_id": subscription,
        "customer_id": customer,
        "status": status,
    }
    where = {name: value for name, value in asked.items() if value is not None}
    with chosen.system() as system:
        bring_up_to_date(system)
        page = system.views.select("refunds", where, order="requested_at", limit=limit)
        if as_json:
            print_json({"position": page.position, "items": tuple(page.rows.values())})
            return
        rows = [
            (
                instant(row.requested_at),
                row.subscription_id,
                str(row.invoice_number),
                str(row.asked),
                row.status.value,
                row.code or row.finding or row.evidence or row.reason,
                row.refund_id,
            )
            for row in page.rows.values()
        ]
        columns = ("asked for", "subscription", "invoice", "amount", "status", "how", "refund")
        print_table(columns, rows, right=("amount",))
        if len(page.rows) >= limit:
            click.echo(f"the first {limit} refunds; --limit shows more")
        print_standing(page.position, system.ledger.head())


@click.command("resolve-refund", epilog=TABLE)
@click.argument("refund_id", type=click.UUID)
@click.option("--made", metavar="AMOUNT", help="What really went back, at most what was asked.")
@click.option("--provider-ref", default="", help="The provider's id of the refund.")
@click.option("--not-made", is_flag=True, help="Nothing went back.")
@click.option("--reason", required=True, help="Where the evidence is. No personal data.")
@json_option
@pass_chosen
def resolve_refund(
    chosen: Chosen,
    refund_id: UUID,
    made: str | None,
    provider_ref: str,
    not_made: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Settle a refund of unknown outcome by a person's own evidence.

    REFUND_ID is what `billing refunds --status needs-person` shows. What did not go back is credit
    again.
    """
    from domain.money import parse_money
    from infrastructure.commands.finding import refund_of
    from infrastructure.commands.subscriptions import Subscriptions

    if not_made == (made is not None):
        raise Ended(USAGE, "usage", "give either --made AMOUNT or --not-made")
    with chosen.system() as system:
        bring_up_to_date(system)
        row = refund_of(system, refund_id)
        done = Subscriptions(system, actor=actor()).decide_refund(
            row.subscription_id,
            refund_id,
            made=None if made is None else parse_money(made, row.asked.currency),
            provider_ref=provider_ref,
            reason=reason,
        )
    tell(done, f"refund {refund_id} is settled", as_json=as_json)
