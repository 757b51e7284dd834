"""Proof and repair of what is derived: audit, rebuild."""

from __future__ import annotations

import os
import sys

import click

from infrastructure.cli.context import Chosen, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import DIFFERENT, DONE, INCOMPLETE, TABLE
from infrastructure.cli.output import print_json


@click.command(epilog=TABLE)
@json_option
@click.pass_context
def audit(ctx: click.Context, as_json: bool) -> None:
    """Judge every fact and replay every stored row; list all that differs.

    Exit 0 clean, 1 on any difference, 3 when something could not be read.
    """
    from infrastructure.audit import as_data, as_words, audit_books
    from projections.audit import Verdict

    chosen = ctx.find_object(Chosen)
    assert chosen is not None
    with chosen.system() as system:
        bring_up_to_date(system)
        watched = sys.stderr.isatty() and not as_json

        def tell(position: int, head: int) -> None:
            if watched:
                click.echo(f"\r{position:,} of {head:,} facts", nl=position >= head, err=True)

        report = audit_books(
            system.books.connect, system.books.schema, system.ledger, system.kept, tell=tell
        )
    if as_json:
        print_json(as_data(report))
    else:
        click.echo(as_words(report))
    codes = {Verdict.CLEAN: DONE, Verdict.DIFFERENCES: DIFFERENT, Verdict.INCOMPLETE: INCOMPLETE}
    ctx.exit(codes[report.verdict])


@click.command(epilog=TABLE)
@click.argument("projection", required=False)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    show_default="one a processor",
    help="Processes that fold a long log beside this one; 1: none.",
)
@json_option
@pass_chosen
def rebuild(chosen: Chosen, projection: str | None, processes: int, as_json: bool) -> None:
    """Fold one projection, or all, anew from the first fact, and swap the result in.

    Readers and workers go on meanwhile. "journal" is the journal with its sums, "attempts" the
    ledger of attempts on cards.
    """
    from infrastructure.bootstrap import open_ledger
    from infrastructure.store.attempt_rebuild import NAME, rebuild_attempts
    from infrastructure.store.crew import Crew
    from infrastructure.store.rebuild import Rebuilder

    done = []
    with chosen.system() as system:
        books = system.books
        by_name = {each.name: each for each in system.kept}
        names = [*by_name, NAME]
        if projection is not None and projection not in names:
            raise click.BadParameter(f"none of {', '.join(names)}", param_hint="PROJECTION")
        wanted = names if projection is None else [projection]
        crew = Crew(books, open_ledger, processes) if processes > 1 else None
        rebuilder = Rebuilder(books.connect, books.schema, system.ledger, crew=crew)
        kept = [by_name[name] for name in wanted if name != NAME]
        for each, rebuilt in zip(kept, rebuilder.rebuild_all(kept, system.clock()), strict=True):
            answer = {"projection": each.name, "position": rebuilt.position, "rows": rebuilt.rows}
            done.append({**answer, "parked": [aside.stream for aside in rebuilt.parked]})
            if not as_json:
                click.echo(f"{each.name}: {rebuilt.rows} rows at position {rebuilt.position}")
                for aside in rebuilt.parked:
                    click.echo(f"  set aside: {aside.stream} from {aside.position}: {aside.reason}")
        if NAME in wanted:
            head = system.ledger.head()
            rows = rebuild_attempts(books.connect, books.schema, system.ledger, now=system.clock())
            done.append({"projection": NAME, "position": head, "rows": rows, "parked": []})
            if not as_json:
                click.echo(f"{NAME}: {rows} rows, at or after position {head}")
    if as_json:
        print_json({"rebuilt": done})
