"""The books as files, and the proof that a file is what the books say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from infrastructure.cli.context import Chosen, pass_chosen
from infrastructure.cli.exits import DIFFERENT, TABLE
from infrastructure.cli.finance import asked_of, last_day
from infrastructure.cli.output import amount, print_json, print_table

if TYPE_CHECKING:
    from infrastructure.books.reading import KnownAt
    from infrastructure.bootstrap import System
    from infrastructure.exports.manifest import HashAt
    from infrastructure.exports.source import Wanted
    from projections.account_sums import Known

SAFT = "saf-t"
FORMATS = ("csv", "jsonl", "hledger", "beancount", SAFT, "xlsx")


@click.command(epilog=TABLE)
@click.argument("format", type=click.Choice(FORMATS))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="saf-t: the first day of its period (1 January of the last day's year).",
)
@click.option("--currency", help="saf-t: whose file it is (the only one that there is).")
@asked_of
@pass_chosen
def export(
    chosen: Chosen,
    /,
    format: str,
    folder: Path,
    since: datetime | None,
    currency: str | None,
    as_of: datetime | None,
    known_at: KnownAt,
    as_json: bool,
) -> None:
    """Write the journal up to a day into FOLDER, with a manifest.

    `billing verify-export FOLDER` derives it again.
    """
    from infrastructure.books.chart_file import read_chart
    from infrastructure.exports.manifest import export as write

    if format != SAFT and (since is not None or currency is not None):
        raise click.UsageError("--since and --currency are for saf-t; the others are whole")
    with chosen.system() as system:
        wanted = _wanted(system, last_day(system, as_of))
        if format == SAFT:
            wanted = _of_company(wanted, system, since, currency)
        found = write(
            system.ledger,
            folder,
            format=format,
            wanted=wanted,
            chart=read_chart(system.settings.chart),
            hash_at=_hash_at(system),
            known_at=known_at,
        )
    if as_json:
        print_json(found)
        return
    shown = (
        [each.number, amount(each.minor, each.currency), each.currency] for each in found.totals
    )
    print_table(["account", "amount", "currency"], shown, right=("amount",))
    for each in found.turnover:
        debit, credit = (amount(minor, each.currency) for minor in (each.debit, each.credit))
        click.echo(f"debits {debit}, credits {credit} {each.currency}")
    click.echo(f"{found.transactions} transactions, {found.lines} lines: {folder / found.file}")
    click.echo(f"as of {found.as_of} in {found.zone}, known at position {found.position}")
    click.echo(f"log {found.head_hash}\nsha256 {found.sha256}")


def _wanted(system: System, known: Known) -> Wanted:
    from infrastructure.exports.manifest import software
    from infrastructure.exports.source import Wanted

    made_at = system.clock().astimezone(UTC).replace(microsecond=0)
    return Wanted(known=known, made_at=made_at, software=software())


def _of_company(
    wanted: Wanted, system: System, since: datetime | None, currency: str | None
) -> Wanted:
    from domain.currencies import minor_digits
    from infrastructure.exports.company import company_of

    if currency is not None:
        minor_digits(currency)
    return attrs.evolve(
        wanted,
        since=wanted.known.as_of.replace(month=1, day=1) if since is None else since.date(),
        currency=currency,
        company=company_of(system.settings.company),
    )


def _hash_at(system: System) -> HashAt:
    """The log's chain after a position. Refused, when asked: "log-damaged"."""
    from domain.refusals import Refused
    from infrastructure.proof.sealed import SealDamaged
    from infrastructure.proof.sealer import LogBroken

    def chain(position: int) -> str:
        try:
            return system.sealer.seal_to(position).chain
        except (LogBroken, SealDamaged) as error:
            raise Refused("log-damaged", f"see billing verify: {error}") from error

    return chain


@click.command(epilog=TABLE)
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@pass_chosen
@click.pass_context
def verify_export(ctx: click.Context, chosen: Chosen, /, file: Path) -> None:
    """Derive an export again, by its manifest. Exit 1 where the books say otherwise.

    FILE: its folder, or any of its files; the manifest lies beside it.
    """
    from infrastructure.books.chart_file import read_chart
    from infrastructure.exports.manifest import Differs, verify

    with chosen.system() as system:
        chart = read_chart(system.settings.chart)
        try:
            found = verify(system.ledger, file, chart=chart, hash_at=_hash_at(system))
        except Differs as difference:
            click.echo(f"DIFFERENT: {difference}")
            ctx.exit(DIFFERENT)
    click.echo(f"the same: {found.lines} lines, position {found.position}, sha256 {found.sha256}")
