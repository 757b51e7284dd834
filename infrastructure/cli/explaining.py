"""`billing explain`: from any amount to the facts, the working, the actor and the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from infrastructure.cli.change_table import working_words
from infrastructure.cli.context import Chosen, bring_up_to_date, json_option
from infrastructure.cli.exits import DIFFERENT, DONE, TABLE
from infrastructure.cli.output import instant, print_json, print_standing, print_table

if TYPE_CHECKING:
    from domain.recorded import Recorded
    from domain.subscription.events import SubscriptionEvent
    from infrastructure.bootstrap import System
    from projections.explaining import Explanation

LARGEST_CUSTOMER = 1000


@click.group(epilog=TABLE)
def explain() -> None:
    """Where an amount comes from. Exit 1 where the facts do not add up to it."""


@explain.command(epilog=TABLE)
@click.argument("subscription")
@click.argument("number", type=click.IntRange(1))
@json_option
@click.pass_context
def invoice(ctx: click.Context, subscription: str, number: int, as_json: bool) -> None:
    """What is left to pay of an invoice: lines, credits, charges."""
    from infrastructure.operator_words import told_explanation
    from projections.explaining import explain_invoice

    with _chosen(ctx).system() as system:
        head = system.ledger.head()
        facts = _facts(system, subscription)
        _tell(ctx, told_explanation(explain_invoice(facts, number), facts), head, as_json)


@explain.command(epilog=TABLE)
@click.argument("reference")
@json_option
@click.pass_context
def charge(ctx: click.Context, reference: str, as_json: bool) -> None:
    """What a provider took for an attempt. REFERENCE: what both books call it, or its id."""
    from domain.identity import reference_parts
    from domain.refusals import Refused
    from infrastructure.operator_words import told_explanation
    from projections.explaining import explain_charge

    with _chosen(ctx).system() as system:
        bring_up_to_date(system)
        parts = reference_parts(reference)
        row = system.views.get("charges", reference).row
        found = row or parts
        if found is None:
            raise Refused("charge-unknown", f"no attempt is called {reference[:100]!r}")
        whose: str = found.subscription_id
        head = system.ledger.head()
        facts = _facts(system, whose)
        _tell(ctx, told_explanation(explain_charge(facts, reference), facts), head, as_json)


@explain.command(epilog=TABLE)
@click.argument("reference")
@json_option
@click.pass_context
def refund(ctx: click.Context, reference: str, as_json: bool) -> None:
    """What went back by a refund. REFERENCE: what both books call it, or its id."""
    from domain.identity import reference_parts, refunded_charge
    from domain.refusals import Refused
    from projections.explaining import explain_refund

    with _chosen(ctx).system() as system:
        bring_up_to_date(system)
        row = system.views.get("refunds", reference).row
        found = row or reference_parts(refunded_charge(reference) or "")
        if found is None:
            raise Refused("refund-unknown", f"no refund is called {reference[:100]!r}")
        whose: str = found.subscription_id
        head = system.ledger.head()
        _tell(ctx, explain_refund(_facts(system, whose), reference), head, as_json)


@explain.command(epilog=TABLE)
@click.argument("customer")
@click.option("--currency", help="Needed where the customer is billed in several.")
@json_option
@click.pass_context
def balance(ctx: click.Context, customer: str, currency: str | None, as_json: bool) -> None:
    """What a customer owes, over all subscriptions: invoices, credits, payments."""
    from domain.refusals import Refused
    from projections.explaining import explain_balance

    with _chosen(ctx).system() as system:
        bring_up_to_date(system)
        rows = system.views.select("balances", {"customer_id": customer}).rows.values()
        currencies = sorted(row.currency for row in rows)
        if currency is None and len(currencies) != 1:
            shown = ", ".join(currencies) or "nothing"
            raise Refused("currency-missing", f"{customer[:64]!r} is billed in {shown}")
        owned = system.views.select(
            "due_dates", {"customer_id": customer}, limit=LARGEST_CUSTOMER
        ).rows
        head = system.ledger.head()
        facts = [fact for whose in owned for fact in _facts(system, whose)]
        facts.sort(key=lambda fact: fact.position)
        found = explain_balance(facts, customer, currency or currencies[0])
        _tell(ctx, found, head, as_json)


def _chosen(ctx: click.Context) -> Chosen:
    chosen = ctx.find_object(Chosen)
    assert chosen is not None
    return chosen


def _facts(system: System, subscription: str) -> list[Recorded[SubscriptionEvent]]:
    """A subscription's facts. Refused: "subscription-unknown"."""
    from domain.identity import checked_id, stream_of
    from domain.refusals import Refused

    facts = system.ledger.read_stream(stream_of(checked_id("subscription id", subscription)))
    if not facts:
        raise Refused("subscription-unknown", f"there is no subscription {subscription}")
    return facts


def _tell(ctx: click.Context, found: Explanation, position: int, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        rows = []
        for step in found.steps:
            because = "" if step.because is None else f", because of {step.because}"
            who = f"{step.actor}, {step.cause}"
            shown = "" if step.amount is None else str(step.amount)
            rows.append(
                (
                    f"{step.position}{because}",
                    instant(step.effective_at),
                    step.words,
                    shown,
                    step.evidence,
                    who,
                )
            )
            rows += [
                ("", "", f"  {line.amount} = {working_words(line)}", "", "", "")
                for line in step.lines
            ]
        rows.append(("", "", found.what, str(found.amount), "", ""))
        columns = ("position", "counts from", "what", "amount", "evidence", "who")
        print_table(columns, rows, right=("amount",))
        click.echo("the facts add up to it" if found.holds else "THE FACTS DO NOT ADD UP TO IT")
        print_standing(position, position)
    ctx.exit(DONE if found.holds else DIFFERENT)
