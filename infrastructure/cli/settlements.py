"""What providers paid out: fetched or imported, listed, shown with what versions differ in."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infrastructure.cli.context import Chosen, actor, json_option, pass_chosen
from infrastructure.cli.exits import DIFFERENT, TABLE, USAGE, Ended
from infrastructure.cli.finance import PositionOrInstant
from infrastructure.cli.output import amount, instant, print_json, print_table

if TYPE_CHECKING:
    from domain.settlement_ports import SettlementLine, SettlementReport, SettlementUnreadable
    from infrastructure.commands.settlements import Taken

LARGEST_FILE_BYTES = 200_000_000
DAY = click.DateTime(["%Y-%m-%d"])
MOST_LINES = 1_000
account_options = (
    click.option("--provider", type=click.Choice(["paypal", "dintero"]), required=True),
    click.option("--account", default="main", show_default=True),
)


@click.group(epilog=TABLE)
def settlement() -> None:
    """Settlements and transaction reports of the providers."""


@settlement.command(epilog=TABLE)
@click.option("--since", type=DAY, required=True, help="The first day.")
@click.option("--until", type=DAY, required=True, help="The last day.")
@click.option("--of", "place", help='One account only, e.g. "paypal/main".')
@json_option
@pass_chosen
@click.pass_context
def fetch(
    ctx: click.Context,
    chosen: Chosen,
    /,
    since: datetime,
    until: datetime,
    place: str | None,
    as_json: bool,
) -> None:
    """Read what was settled on some days over the providers' APIs. Safe to repeat.

    Exit 1 where an account could not be read; what was read before that is kept.
    """
    from infrastructure.commands.settlements import Settlements

    if until < since:
        raise Ended(USAGE, "usage", "--until lies before --since")
    with chosen.system() as system:
        names = {f"{each.provider}/{each.name}" for each in system.settings.accounts}
        if place is not None and place not in names:
            raise Ended(USAGE, "account-unknown", f"the settings have no account {place}")
        commands = Settlements(system, actor=actor())
        found = commands.fetch(since.date(), until.date(), only=place)
    if as_json:
        print_json(found)
    else:
        for each in found:
            for taken in each.taken:
                _tell(f"{each.provider.value}/{each.account} {taken.settlement_id}", taken)
            if each.problem:
                place = f"{each.provider.value}/{each.account}"
                click.echo(f"{place}: {each.problem}", err=True)
    if any(each.problem for each in found):
        ctx.exit(DIFFERENT)


@settlement.command("import", epilog=TABLE)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--amounts",
    type=click.Choice(["major", "minor"]),
    help='Dintero: whether amounts are written "12.50" or "1250"; nothing in the file says so.',
)
@json_option
@pass_chosen
def import_(
    chosen: Chosen, /, file: Path, amounts: str | None, as_json: bool, **asked: Any
) -> None:
    """Read a report file: PayPal's settlement report (STL, CSV), or Dintero's (XML).

    The same file again is nothing new; one with other contents is a new version, and what differs
    is listed. A file that is truncated or does not add up is refused as a whole.
    """
    from domain.providers import Provider
    from infrastructure.commands.settlements import Settlements

    provider = Provider(asked["provider"])
    report = _read_file(provider, file, amounts)
    with chosen.system() as system:
        taken = Settlements(system, actor=actor()).take(
            provider, asked["account"], report, source=f"file:{file.name}"
        )
    if as_json:
        print_json(taken)
    else:
        _tell(f"{provider.value}/{asked['account']} {taken.settlement_id}", taken)


for _option in reversed(account_options):
    import_ = _option(import_)


def _read_file(provider: Any, file: Path, amounts: str | None) -> SettlementReport:
    from domain.providers import Provider
    from domain.refusals import Refused
    from domain.settlement_ports import SettlementReport

    if file.stat().st_size > LARGEST_FILE_BYTES:
        raise Refused("report-malformed", f"{file.name} is larger than {LARGEST_FILE_BYTES} bytes")
    content, found = file.read_bytes(), None
    if provider is Provider.PAYPAL:
        from infrastructure.gateways.paypal.settlement_files import read_settlement_file

        found = read_settlement_file(content)
    else:
        from infrastructure.gateways.dintero import settlement_files

        if amounts is None:
            raise Ended(USAGE, "usage", "Dintero's files need --amounts major or minor")
        found = settlement_files.read_settlement_file(content, major=amounts == "major")
    if not isinstance(found, SettlementReport):
        raise _refused(found)
    return found


def _refused(found: SettlementUnreadable) -> Exception:
    from domain.refusals import Refused

    where = f" (row {found.row})" if found.row else ""
    return Refused(found.code, f"{found.words}{where}; nothing of the file was used")


def _tell(name: str, taken: Taken) -> None:
    what = f"version {taken.version}" if taken.changed else "known, nothing new"
    click.echo(f"{name}: {what} (position {taken.position})")
    if taken.lost:
        words = f"{len(taken.lost)} charges that these books made are not in them"
        click.echo(f"  {words}: they were restored, and that is on record now", err=True)
    for each in taken.changes[:MOST_LINES]:
        click.echo(f"  {_side(each.before)} -> {_side(each.after)}")


def _side(line: SettlementLine | None) -> str:
    if line is None:
        return "nothing"
    about = line.reference or line.provider_ref or line.charge_ref or "-"
    return f"{line.kind.value.lower()} {line.amount} {about}"


@settlement.command("list", epilog=TABLE)
@click.option("--known-at", type=PositionOrInstant(), metavar="POSITION|INSTANT")
@json_option
@pass_chosen
def list_(chosen: Chosen, known_at: Any, as_json: bool) -> None:
    """Every settlement that was read, its latest version."""
    from infrastructure.books.reconciled import settlement_of
    from infrastructure.books.reconciling import read_reconciliation

    with chosen.system() as system:
        known = read_reconciliation(system.ledger, known_at)
    found = sorted(known.statements, key=lambda one: (one.settled_on, one.place, one.settlement_id))
    if as_json:
        items = [{"place": each.place, **settlement_of(each)} for each in found]
        print_json({"position": known.position, "items": items})
        return
    rows = [
        (
            each.place,
            each.settlement_id,
            str(each.settled_on),
            str(each.version),
            str(len(each.lines)),
            total.payout.currency,
            *(
                amount(money.minor, money.currency)
                for money in (total.captured, total.refunded, total.fees, total.payout)
            ),
            amount(total.balance_change, total.payout.currency),
            "" if each.paid else "postponed",
        )
        for each in found
        for total in each.totals
    ]
    figures = ("captured", "refunded", "fees", "payout", "stays")
    names = ("account", "settlement", "day", "version", "lines", "currency", *figures, "")
    print_table(names, rows, right=("version", "lines", *figures))
    click.echo(f"known at position {known.position}")


@settlement.command(epilog=TABLE)
@click.argument("settlement_id")
@json_option
@pass_chosen
def show(chosen: Chosen, /, settlement_id: str, as_json: bool, **asked: Any) -> None:
    """One settlement: its lines, and what each version had otherwise."""
    from domain.identity import checked_id, settlement_stream
    from domain.providers import Provider
    from domain.refusals import Refused
    from domain.settlements.events import SettlementRead
    from domain.settlements.reading import changes
    from infrastructure.commands.settlements import Settlements
    from projections.settlement_words import words_of_settlement

    checked_id("settlement id", settlement_id)
    with chosen.system() as system:
        place = Provider(asked["provider"]), asked["account"]
        versions = Settlements(system, actor=actor()).versions(*place, settlement_id)
        stream = settlement_stream(asked["provider"], asked["account"], settlement_id)
        facts = system.ledger.read_stream(stream)
    if not versions:
        raise Refused("settlement-unknown", f"no settlement {settlement_id} was read")
    latest = versions[-1]
    steps = [changes(old.lines, new.lines) for old, new in pairwise(versions)]
    if as_json:
        print_json({"settlement": latest, "changes": steps})
        return
    for fact in facts:
        if isinstance(fact.event, SettlementRead):
            click.echo(f"{instant(fact.recorded_at)}  {words_of_settlement(fact.event)}")
    for old, differences in zip(versions[1:], steps, strict=True):
        click.echo(f"version {old.version}, {old.source}: {len(differences)} differences")
        for each in differences:
            click.echo(f"  {_side(each.before)} -> {_side(each.after)}")
    rows = [
        (
            str(line.row),
            str(line.on),
            line.kind.value.lower(),
            amount(line.amount.minor, line.amount.currency),
            line.amount.currency,
            line.reference,
            line.charge_ref,
            line.provider_ref,
        )
        for line in latest.lines
    ]
    names = ("row", "day", "kind", "amount", "currency", "reference", "charge", "provider's id")
    print_table(names, rows, right=("row", "amount"))
    click.echo(f"version {latest.version} of {latest.settled_on}, {latest.source}")
    click.echo(f"sha256 {latest.sha256}")


for _option in reversed(account_options):
    show = _option(show)
