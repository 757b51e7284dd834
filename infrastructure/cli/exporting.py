"""The books as files, and the proof that a file is what the books say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from infrastructure.cli.context import Chosen, pass_chosen
from infrastructure.cli.exits import DIFFERENT, TABLE
from infrastructure.cli.finance import Question, asked_of
from infrastructure.cli.output import amount, print_json, print_table

FORMATS = ("csv", "jsonl", "hledger", "beancount")


@click.command(epilog=TABLE)
@click.argument("format", type=click.Choice(FORMATS))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@asked_of
@pass_chosen
def export(chosen: Chosen, /, format: str, folder: Path, **asked: Any) -> None:
    """Write the journal up to a day into FOLDER, with a manifest.

    `billing verify-export FOLDER` derives it again.
    """
    from infrastructure.exports.manifest import export as write

    question = Question(chosen, **asked, as_csv=False)
    with question.books() as (journal, known, chart):
        found = write(
            journal.log, folder, format=format, known=known, chart=chart, known_at=question.known_at
        )
    if question.as_json:
        print_json(found)
        return
    shown = (
        [each.number, amount(each.minor, each.currency), each.currency] for each in found.totals
    )
    print_table(["account", "amount", "currency"], shown, right=("amount",))
    click.echo(f"{found.transactions} transactions, {found.lines} lines: {folder / found.file}")
    click.echo(f"as of {found.as_of} in {found.zone}, known at position {found.position}")
    click.echo(f"sha256 {found.sha256}")


@click.command(epilog=TABLE)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@pass_chosen
@click.pass_context
def verify_export(ctx: click.Context, chosen: Chosen, /, folder: Path) -> None:
    """Derive an export again, by its manifest. Exit 1 where the books say otherwise."""
    from infrastructure.books.chart_file import read_chart
    from infrastructure.exports.manifest import Differs, verify

    with chosen.system() as system:
        try:
            found = verify(system.ledger, folder, chart=read_chart(system.settings.chart))
        except Differs as difference:
            click.echo(f"DIFFERENT: {difference}")
            ctx.exit(DIFFERENT)
    click.echo(f"the same: {found.lines} lines, position {found.position}, sha256 {found.sha256}")
