"""What a person decides about invoices that were not paid, or not as they were asked for."""

from __future__ import annotations

from uuid import UUID

import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, json_option, pass_chosen
from infrastructure.cli.exits import TABLE


@click.command(epilog=TABLE)
@click.argument("subscription")
@reason_option
@json_option
@pass_chosen
def reinstate(chosen: Chosen, subscription: str, reason: str, as_json: bool) -> None:
    """End a suspension, paid or not. What is owed stays owed."""
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        done = Subscriptions(system, actor=actor()).reinstate(subscription, reason=reason)
    tell(done, f"{subscription} is billed again", as_json=as_json)


@click.command("write-off", epilog=TABLE)
@click.argument("subscription")
@click.argument("invoice", type=int)
@reason_option
@json_option
@pass_chosen
def write_off(chosen: Chosen, subscription: str, invoice: int, reason: str, as_json: bool) -> None:
    """Give up what is left of an invoice. INVOICE is its number."""
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        done = Subscriptions(system, actor=actor()).write_off(subscription, invoice, reason=reason)
    tell(done, f"invoice {invoice} of {subscription} is written off", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.argument("invoice", type=int)
@reason_option
@json_option
@pass_chosen
def collect(chosen: Chosen, subscription: str, invoice: int, reason: str, as_json: bool) -> None:
    """Collect an invoice whose collection had ended. INVOICE is its number."""
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        done = commands.collect_again(subscription, invoice, reason=reason)
    tell(done, f"invoice {invoice} of {subscription} is collected again", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.argument("attempt", type=click.UUID)
@click.argument("decision", type=click.Choice(("accept", "dismiss")))
@click.option("--refund", is_flag=True, help="With accept: pay the surplus back.")
@reason_option
@json_option
@pass_chosen
def discrepancy(
    chosen: Chosen,
    subscription: str,
    attempt: UUID,
    decision: str,
    refund: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Say what becomes of a charge that was not the one asked for, or of a refund found late.

    accept: it counts as it is booked, and a surplus becomes credit; what went back without credit
    for it is given up. dismiss: it was settled by other means. What is left of the invoice is
    collected. `billing due` shows ATTEMPT, or the refund.
    """
    from domain.subscription.events import Resolution
    from infrastructure.commands.subscriptions import Subscriptions

    resolution = Resolution.ACCEPTED if decision == "accept" else Resolution.DISMISSED
    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        done = commands.resolve_discrepancy(
            subscription, attempt, resolution, reason=reason, refund=refund
        )
    tell(done, f"{attempt} is {resolution.value.lower()}", as_json=as_json)
