"""The providers' lines against our books: what is matched, what is listed, what people say."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, json_option, pass_chosen
from infrastructure.cli.exits import DIFFERENT, TABLE
from infrastructure.cli.finance import asked_of
from infrastructure.cli.output import amount, instant, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.settlements.accounts import Listed
    from projections.reconciliation import Reported


@click.command(epilog=TABLE)
@click.option("--of", "place", help='One account only, e.g. "dintero/main".')
@click.option("--csv", "as_csv", is_flag=True, help="The exceptions as CSV, in minor units.")
@asked_of
@pass_chosen
@click.pass_context
def reconcile(
    ctx: click.Context,
    chosen: Chosen,
    /,
    place: str | None,
    as_csv: bool,
    as_of: datetime | None,
    known_at: Any,
    as_json: bool,
) -> None:
    """Hold what providers settled against our books; all of the money is matched or listed.

    Exit 1 where anything is listed that is not just waited for and that nobody has decided about.
    """
    from infrastructure.books.reconciled import answer_of, row_of
    from infrastructure.books.reconciling import read_reconciliation, tariffs_of, today

    with chosen.system() as system:
        known = read_reconciliation(system.ledger, known_at)
        day = today(system) if as_of is None else as_of.date()
        found = known.compare(as_of=day, tariffs=tariffs_of(system.settings), place=place)
    if as_json:
        print_json(answer_of(found))
    elif as_csv:
        rows = [row_of(found, each) for each in found.comparison.listed]
        if rows:
            writer = csv.DictWriter(sys.stdout, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    else:
        _print(found)
    if found.unexplained:
        ctx.exit(DIFFERENT)


def _print(found: Reported) -> None:
    from infrastructure.books.reconciled import reference_of

    comparison = found.comparison
    volumes = [
        (
            code,
            *(
                amount(minor, code)
                for minor in (
                    each.theirs,
                    each.theirs_matched,
                    each.theirs_listed,
                    each.ours,
                    each.ours_matched,
                    each.ours_listed,
                )
            ),
        )
        for code, each in comparison.volumes.items()
    ]
    figures = ("theirs", "matched", "listed", "ours", "matched ", "listed ")
    print_table(("currency", *figures), volumes, right=figures)
    rows: Sequence[tuple[str, ...]] = [
        (
            each.code.value,
            each.place,
            amount(each.difference.minor, each.difference.currency),
            each.difference.currency,
            f"{each.age_days} d",
            found.owners.get(each.exception_id, "-"),
            _decided(found, each),
            reference_of(each),
            each.exception_id,
            " ".join(line.line_id for line in each.lines),
            each.words,
        )
        for each in comparison.listed
    ]
    names = ("exception", "account", "difference", "currency", "age", "owner", "decision")
    more = ("reference", "id", "lines", "")
    print_table((*names, *more), rows, right=("difference", "age"))
    for each in comparison.proposals:
        for movement in each.movements:
            click.echo(f"perhaps: billing match {each.line.line_id} '{movement.key}' --reason ...")
    click.echo(
        f"{len(comparison.matches)} matches, {len(comparison.listed)} listed,"
        f" {len(found.unexplained)} of them unexplained"
    )
    share = "all of the money is matched or listed" if comparison.complete else "INCOMPLETE"
    click.echo(f"{share}; as of {found.as_of}, known at position {found.position}")


def _decided(found: Reported, each: Listed) -> str:
    decided = found.decisions.get(each.exception_id)
    return "-" if decided is None else f"{decided.decision.value.lower()}: {decided.evidence}"


@click.group(epilog=TABLE)
def exception() -> None:
    """Exceptions of the reconciliation: who looks after one, and what it is."""


@exception.command(epilog=TABLE)
@click.argument("exception_id")
@click.option("--owner", required=True, help="A name of the merchant's own: no personal data.")
@reason_option
@json_option
@pass_chosen
def assign(chosen: Chosen, exception_id: str, owner: str, reason: str, as_json: bool) -> None:
    """Have somebody look after an exception that `billing reconcile` lists."""
    from infrastructure.commands.reconciling import Reconciling

    with chosen.system() as system:
        commands = Reconciling(system, actor=actor())
        done = commands.assign(exception_id, owner=owner, reason=reason)
    tell(done, f"{owner} looks after {exception_id}", as_json=as_json)


@exception.command(epilog=TABLE)
@click.argument("exception_id")
@click.option(
    "--as",
    "decision",
    required=True,
    type=click.Choice(["explained", "cost"]),
    help="explained: nothing is posted; cost: the difference is posted to the provider's fees.",
)
@click.option("--evidence", required=True, help="What it rests on, e.g. the provider's case.")
@reason_option
@json_option
@pass_chosen
def decide(
    chosen: Chosen, exception_id: str, decision: str, evidence: str, reason: str, as_json: bool
) -> None:
    """Say what an exception is, once. Another amount of the same is another exception."""
    from domain.settlements.events import Decision
    from infrastructure.commands.reconciling import Reconciling

    with chosen.system() as system:
        commands = Reconciling(system, actor=actor())
        done = commands.decide(
            exception_id, Decision(decision.upper()), evidence=evidence, reason=reason
        )
    tell(done, f"{exception_id} is {decision}", as_json=as_json)


@exception.command(epilog=TABLE)
@click.argument("account")
@pass_chosen
def history(chosen: Chosen, account: str) -> None:
    """What people said about the exceptions of an account, e.g. "dintero/main"."""
    from domain.identity import reconciliation_stream
    from projections.settlement_words import words_of_settlement

    provider, _, name = account.partition("/")
    with chosen.system() as system:
        for fact in system.ledger.read_stream(reconciliation_stream(provider, name)):
            words = words_of_settlement(fact.event)
            click.echo(f"{instant(fact.effective_at)}  {fact.actor}  {words}")


@click.command(epilog=TABLE)
@click.argument("line")
@click.argument("movement")
@reason_option
@json_option
@pass_chosen
def match(chosen: Chosen, line: str, movement: str, reason: str, as_json: bool) -> None:
    """Say that a provider's LINE is about a charge, refund or reversal of ours.

    LINE is an id that `billing reconcile` shows. MOVEMENT: "charge ID", "refund ID", "reversal
    ID/1", or the id of a charge or refund alone.
    """
    from infrastructure.commands.reconciling import Reconciling

    with chosen.system() as system:
        done = Reconciling(system, actor=actor()).confirm(line, movement, reason=reason)
    tell(done, f"{line} is {movement}", as_json=as_json)
