"""Due runs: what each found due and how it ended; `billing runs check` derives it all again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from infrastructure.cli.context import Chosen, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import DIFFERENT, TABLE, USAGE, Ended
from infrastructure.cli.output import amount, instant, print_json, print_standing, print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.money import Money
    from domain.recorded import Recorded
    from infrastructure.bootstrap import System
    from projections.due_runs import DueRun

_BATCH = 5_000
_COUNTS = ("found", "charged", "declined", "unknown", "skipped")


@click.group(epilog=TABLE, invoke_without_command=True)
@json_option
@click.pass_context
def runs(ctx: click.Context, as_json: bool) -> None:
    """Every due run, the latest first: what it found due, and how each item ended."""
    if ctx.invoked_subcommand is not None:
        return
    from infrastructure.cli.reading import all_rows

    chosen = ctx.find_object(Chosen)
    assert chosen is not None
    with chosen.system() as system:
        bring_up_to_date(system)
        head = system.ledger.head()
        found = list(all_rows(system, "due_runs", {}))
    position = min((stands for _, stands in found), default=head)
    rows = sorted((row for row, _ in found), key=lambda row: row.began.effective_at, reverse=True)
    if as_json:
        print_json({"position": position, "items": [_as_data(row) for row in rows]})
        return
    columns = ("run", "until", "found", *_COUNTS[1:], "taken", "ended")
    print_table(columns, (_shown(row) for row in rows), right=_COUNTS)
    print_standing(position, head)


def _as_data(row: DueRun) -> dict[str, Any]:
    began, ended = row.began, row.ended
    answer: dict[str, Any] = {
        "run": began.run_id,
        "until": began.until,
        "began_at": began.effective_at,
        "position": began.position,
        "query": began.query,
        "found": began.items,
        "open": began.sums,
        "digest": began.digest,
        "ended_at": None,
    }
    if ended is not None:
        answer |= {
            "ended_at": ended.effective_at,
            "last_position": row.last_position,
            "charged": ended.charged,
            "declined": ended.declined,
            "unknown": ended.unknown,
            "skipped": len(ended.skipped) + ended.skipped_beyond,
            "taken": ended.sums,
            "outcomes_digest": ended.digest,
            "reasons": ended.skipped,
        }
    return answer


def _shown(row: DueRun) -> tuple[str, ...]:
    began, ended = row.began, row.ended
    first = (str(began.run_id), instant(began.until), str(began.items))
    if ended is None:
        return (*first, "", "", "", "", "", "did not end")
    skipped = len(ended.skipped) + ended.skipped_beyond
    counts = (ended.charged, ended.declined, ended.unknown, skipped)
    return (*first, *map(str, counts), _sums(ended.sums), instant(ended.effective_at))


def _sums(sums: Iterable[Money]) -> str:
    return ", ".join(f"{amount(each.minor, each.currency)} {each.currency}" for each in sums)


@runs.command(epilog=TABLE)
@click.argument("run", type=click.UUID)
@json_option
@pass_chosen
@click.pass_context
def check(ctx: click.Context, chosen: Chosen, run: Any, as_json: bool) -> None:
    """Derive every item of RUN and its one outcome again, from the log. Exit 1 where one has none
    or two, or where the run told otherwise. It folds every subscription up to the run's end."""
    from projections.due_runs import check_run

    with chosen.system() as system:
        bring_up_to_date(system)
        row = system.views.get("due_runs", str(run)).row
        if row is None:
            raise Ended(USAGE, "run-unknown", f"there is no run {run}")
        report = check_run(_log(system, max(row.last_position, row.began.position + 1)), row)
    if as_json:
        items = [
            {
                "stream": each.key[0],
                "invoice_number": each.key[1],
                "outcome": each.outcome.value,
                "reason": each.reason,
                "taken": each.taken,
            }
            for each in report.ends
        ]
        print_json({"run": run, "sound": not report.wrong, "items": items, "wrong": report.wrong})
    else:
        shown = (
            (each.key[0], str(each.key[1]), each.outcome.value, each.reason, _sums(each.taken))
            for each in report.ends
        )
        print_table(("stream", "invoice", "outcome", "reason", "taken"), shown, right=("invoice",))
        for words in report.wrong:
            click.echo(f"WRONG: {words}")
        found = f"{len(report.found)} found due, {len(report.ends)} in all"
        click.echo(f"{'wrong' if report.wrong else 'sound'}: {found}")
    if report.wrong:
        ctx.exit(DIFFERENT)


def _log(system: System, stop: int) -> Iterator[Recorded[Any]]:
    """The log up to a position. Raises: Unreadable."""
    from infrastructure.store.ledger import Poison, Unreadable

    after = 0
    while items := system.ledger.read_log(after, _BATCH, stop):
        for item in items:
            if isinstance(item, Poison):
                raise Unreadable(item)
            yield item
        after = items[-1].position
