"""Cards: how often each was tried, and which are about to expire."""

from __future__ import annotations

import click

from infrastructure.cli.context import Chosen, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import TABLE, USAGE, Ended
from infrastructure.cli.output import instant, print_json, print_standing, print_table
from infrastructure.cli.reading import limit_option


@click.command(epilog=TABLE)
@click.argument("subscription", required=False)
@click.option("--instrument", metavar="KEY", help="Instead: the instrument with this key.")
@limit_option
@json_option
@pass_chosen
def attempts(
    chosen: Chosen, subscription: str | None, instrument: str | None, limit: int, as_json: bool
) -> None:
    """How far the attempt budgets of a card are used, and when it may be tried next.

    A card network counts all that is tried on one card, whichever SUBSCRIPTION it is for; so does
    this list. Wallets, and brands without a budget, are not counted.
    """
    from infrastructure.commands.trying import InstrumentUse, use_by_key, use_by_subscription

    if (subscription is None) == (instrument is None):
        raise Ended(USAGE, "usage", "give either SUBSCRIPTION or --instrument KEY")
    with chosen.system() as system:
        if instrument is not None:
            uses: tuple[InstrumentUse, ...] = (use_by_key(system, instrument, limit=limit),)
        else:
            assert subscription is not None
            uses = use_by_subscription(system, subscription, limit=limit)
    if as_json:
        print_json({"items": uses})
        return
    if not uses:
        click.echo("no payment method yet")
    for use in uses:
        _print_use(use)


def _print_use(use: object) -> None:
    from infrastructure.commands.trying import InstrumentUse

    assert isinstance(use, InstrumentUse)
    shown = use.instrument
    parts = () if shown is None else (shown.brand, shown.kind, shown.last_digits, shown.expires)
    name = " ".join(part for part in (use.which, *parts) if part)
    click.echo(f"{name or use.network}  {use.key}")
    if not use.budgets:
        click.echo("  no budget counts for it; it may be tried at any time\n")
        return
    free = "now" if use.next_free_at is None else f"{instant(use.next_free_at)} ({use.waits_for})"
    click.echo(f"  next attempt: {free}")
    rows = [
        (each.budget, f"{each.used} of {each.limit}", f"{each.window_hours} h")
        for each in use.budgets
    ]
    print_table(("budget", "used", "counts for"), rows, right=("used", "counts for"))
    tried = [
        (instant(row.attempted_at), row.outcome.value, row.code, str(row.attempt_id))
        for row in use.attempts
    ]
    if tried:
        print_table(("attempted", "outcome", "code", "attempt"), tried)


@click.command(epilog=TABLE)
@click.option(
    "--days",
    type=click.IntRange(0, 3650),
    default=45,
    show_default=True,
    help="Whose last day comes within so many days.",
)
@limit_option
@json_option
@pass_chosen
def expiring(chosen: Chosen, days: int, limit: int, as_json: bool) -> None:
    """Cards that expire soon, or have expired, of subscriptions that still bill.

    An expired card is not treated as declined: it is tried, because issuers renew cards behind the
    same token.
    """
    from infrastructure.commands.expiring import cards_that_expire

    with chosen.system() as system:
        bring_up_to_date(system)
        found = cards_that_expire(system, days=days, limit=limit)
        if as_json:
            print_json(found)
            return
        rows = [
            (
                card.last_day.isoformat(),
                str(card.days_left),
                card.subscription_id,
                card.customer_id,
                card.which,
                f"{card.instrument.brand} {card.instrument.last_digits}".strip(),
                instant(card.next_due_at),
            )
            for card in found.items
        ]
        columns = ("last day", "days", "subscription", "customer", "which", "card", "next invoice")
        print_table(columns, rows, right=("days",))
        if found.cut:
            click.echo(f"the first {limit} subscriptions; --limit shows more")
        print_standing(found.position, system.ledger.head())
