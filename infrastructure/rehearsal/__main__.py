"""The command behind scripts/run."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

import attrs
import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from domain.refusals import Refused
from infrastructure.bootstrap import System, running_system
from infrastructure.clock import SteppingClock
from infrastructure.commands.customers import CustomerRow, Defaults, parse_columns, read_customers
from infrastructure.commands.plans import Plans
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.logs import set_up_logs
from infrastructure.rehearsal.catalogue import PlanLine, publish_all, read_plans
from infrastructure.rehearsal.changes import KINDS, PlannedChange, carry_out, planned_changes
from infrastructure.rehearsal.disputes import Contenders, planned_disputes
from infrastructure.rehearsal.plan import END, Window, most_months, namespace_of, window
from infrastructure.rehearsal.printing import print_report
from infrastructure.rehearsal.refunds import REFUND_KINDS, planned_refunds
from infrastructure.rehearsal.report import Report, write_report
from infrastructure.rehearsal.settling import book_chargebacks, settle_accounts, settled
from infrastructure.rehearsal.stage import TRUST_ROOTS, Stage, StageFailed, set_stage, wait_for
from infrastructure.rehearsal.stepping import Director, Stuck
from infrastructure.rehearsal.usage import (
    PlannedUsage,
    planned_usage,
    report_together,
    with_meters,
)
from infrastructure.settings import read_settings
from infrastructure.store.embedded import EmbeddedPostgres

SAMPLE, SAMPLE_PLANS = Path("scripts/sample-customers.csv"), Path("scripts/sample-plans.csv")
SCHEMA = "rehearsal"
PAYPAL_FEES = "35"  # thousandths
SPECS_HELP = "Folder with paypal/ and dintero/: the simulators check requests by them."


@click.command()
@click.option("--customers", "file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--plans", "plan_file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--columns", default="", help="Our columns by the file's names: price=Charges,...")
@click.option("--months", type=click.IntRange(1, 600), help="Play the last N months only.")
@click.option("--faults", default="", help="A seed: both providers misbehave by it.")
@click.option("--changes", default="", help="A seed: a tenth of the customers changes midway.")
@click.option("--refunds", default="", help="A seed: a tenth of the customers gets money back.")
@click.option(
    "--disputes", default="", help="A seed: a tenth of PayPal's payers disputes a charge."
)
@click.option("--usage", default="", help="A seed: a tenth of the customers has a meter, too.")
@click.option("--zone", default="UTC", help="Time zone of customers whose line names none.")
@click.option("--workers", default=1, type=click.IntRange(1, 16), help="Worker processes.")
@click.option("--specs", type=click.Path(path_type=Path, file_okay=False), help=SPECS_HELP)
@click.option("--keep", is_flag=True, help="Keep the books and logs of this run.")
@click.option("--data-dir", default=Path(".billing/rehearsal"), type=click.Path(path_type=Path))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Report as JSON too.")
def main(
    file: Path | None,
    plan_file: Path | None,
    columns: str,
    months: int | None,
    faults: str,
    changes: str,
    refunds: str,
    disputes: str,
    usage: str,
    zone: str,
    workers: int,
    specs: Path | None,
    keep: bool,
    data_dir: Path,
    json_file: Path | None,
) -> None:
    """Sign customers up with both simulated providers, bill them month after month, audit it.

    Exit status: 0 clean, 1 differences, 2 usage, 3 the rehearsal did not come to its end.
    """
    set_up_logs("text", level=logging.ERROR)  # each process has a log of its own
    # A file or a pipe has no width of its own; a table is better wide than cut.
    console = Console(width=None if sys.stdout.isatty() else 110)
    try:
        rows = _customers(file or SAMPLE, columns, zone)
        offered = _plans(plan_file, sample=file is None)
    except Refused as refused:
        raise click.UsageError(str(refused)) from None
    length = months or most_months(row.months or 0 for row in rows)
    plan = window(length)
    rows = [_within(plan, row) for row in rows]
    rows = with_meters(rows, usage) if usage else rows
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))  # so that nobody is left on the stage
    _clear(data_dir)
    simulator = ["--faults", f"seed={faults}"] if faults else []
    wishes = planned_changes(rows, plan, changes) if changes else ()
    used = planned_usage(rows, plan, usage)
    back = planned_refunds(rows, plan, refunds) if refunds else ()
    contested = planned_disputes(rows, plan, disputes) if disputes else ()
    told: list[PlannedChange | PlannedUsage] = [*wishes, *back, *contested, *used]
    told.sort(key=lambda each: each.at)
    try:
        report = _play(
            console, rows, offered, plan, told, data_dir, faults, workers, simulator, specs
        )
    except (StageFailed, Stuck) as failure:
        console.print(f"[red]{failure}[/red]", markup=True)
        console.print(f"logs and books are kept in {data_dir}")
        sys.exit(3)
    print_report(console, report)
    if json_file is not None:
        write_report(json_file, report)
    if keep:
        console.print(
            f"kept: BILLING_CONFIG={data_dir}/billing.toml BILLING_DATA_DIR={data_dir}"
            f" BILLING_SCHEMA={SCHEMA} BILLING_CLOCK=stepping; any text serves as"
            " PAYPAL_CLIENT_SECRET, DINTERO_CLIENT_SECRET and DINTERO_SIGNATURE_SECRET"
        )
    else:
        _clear(data_dir)
    sys.exit(0 if report.clean else 1)


def _clear(data_dir: Path) -> None:
    """Remove what an earlier rehearsal left, its server too if that was killed with it."""
    server = EmbeddedPostgres(data_dir / "postgres")
    if server.data_dir.exists():
        if server.in_use():
            raise click.UsageError(f"another rehearsal plays in {data_dir}; give --data-dir")
        server.start()
        server.stop()
    shutil.rmtree(data_dir, ignore_errors=True)


def _customers(file: Path, columns: str, zone: str) -> list[CustomerRow]:
    found = read_customers(file, parse_columns(columns), Defaults(end=END, zone=zone))
    if found.problems:
        for problem in found.problems:
            click.echo(f"{file}:{problem.line}: {problem.code}: {problem.reason}", err=True)
        raise click.UsageError(f"{len(found.problems)} bad lines in {file}; nothing was played")
    if not found.rows:
        raise click.UsageError(f"{file} has no customers")
    return list(found.rows)


def _plans(file: Path | None, *, sample: bool) -> list[PlanLine]:
    """The plans that are published first; the sample's go with the sample's customers."""
    if file is None and not sample:
        return []
    return read_plans(file or SAMPLE_PLANS)


def _within(plan: Window, row: CustomerRow) -> CustomerRow:
    """A customer of the last months only: who was billed for longer starts with the window."""
    if row.months is None:
        return row
    return attrs.evolve(row, start=plan.start_of(row.months))


def _play(
    console: Console,
    rows: list[CustomerRow],
    offered: list[PlanLine],
    plan: Window,
    wishes: Sequence[PlannedChange | PlannedUsage],
    folder: Path,
    faults: str,
    workers: int,
    simulator: list[str],
    specs: Path | None,
) -> Report:
    began = time.monotonic()
    with set_stage(folder, schema=SCHEMA, extra={}) as stage:
        settings = read_settings(stage.environment)
        with running_system(settings) as system:
            _open(stage, system, plan, workers, simulator, specs)
            with _progress(console) as progress:
                task = progress.add_task("sign-up", total=1.0)

                def tell(now: datetime, facts: int) -> None:
                    played = (now - plan.sign_up) / (plan.until - plan.sign_up)
                    words = f"{now:%Y-%m-%d %H:%M}  {facts:,} facts"
                    progress.update(task, completed=played, description=words)

                director = Director(system, stage, tell)
                ready = time.monotonic()
                director.set_time(plan.sign_up)
                publish_all(Plans(system, actor="rehearsal"), offered, now=system.clock())
                _sign_up(system, rows, faults)
                director.come_to_rest()
                signed_up = time.monotonic()
                steps, changes, usage = _play_changes(director, system, wishes)
                steps += director.play(plan.until)
                played = time.monotonic()
                _let_go(system, rows)
                director.play(plan.until)
                let_go = time.monotonic()
                problems = settle_accounts(system, stage, plan)
                booked = book_chargebacks(system)
                director.come_to_rest()
                reconciled = settled(system, problems, booked)
                compared = time.monotonic()
            changed = {each.subscription_id for each in wishes if isinstance(each, PlannedChange)}
            report = Report.of(system, stage, rows, plan, changed)
            return attrs.evolve(
                report,
                changes=changes,
                usage=usage,
                settled=reconciled,
                seconds={
                    "set-up": ready - began,
                    "sign-up": signed_up - ready,
                    "billing": played - signed_up,
                    "settlements": compared - let_go,
                    "audit": time.monotonic() - compared,
                },
                clock_steps=steps,
            )


def _play_changes(
    director: Director, system: System, wishes: Sequence[PlannedChange | PlannedUsage]
) -> tuple[int, Counter[str], Counter[str]]:
    """Bill up to each wish and carry it out; how often the clock moved, and what came of changes
    and of usage."""
    steps, commands = 0, Subscriptions(system, actor="rehearsal")
    kinds = {**KINDS, **REFUND_KINDS, **Contenders(director.stage.paypal_url).kinds()}
    changes: Counter[str] = Counter()
    usage: Counter[str] = Counter()
    for at, grouped in groupby(wishes, key=lambda each: each.at):
        steps += director.play(at)
        together = list(grouped)
        changes.update(
            carry_out(commands, wish, kinds) for wish in together if isinstance(wish, PlannedChange)
        )
        used = [wish for wish in together if isinstance(wish, PlannedUsage)]
        usage += report_together(commands, used)
    return steps, changes, usage


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    )


def _open(
    stage: Stage,
    system: System,
    plan: Window,
    workers: int,
    simulator: list[str],
    specs: Path | None,
) -> None:
    """Start the simulators, the API that takes their callbacks, and the workers."""
    assert isinstance(system.clock, SteppingClock)
    # Before anybody reads it; the simulators' clocks follow when they are there.
    system.clock.set(plan.sign_up)
    for name, url in stage.simulators().items():
        arguments = ["simulate", name, "--port", url.rpartition(":")[2], *simulator]
        if name == "paypal":
            arguments += ["--webhooks", f"{stage.api_url}/callbacks/paypal/main"]
            arguments += ["--root", str(stage.folder / TRUST_ROOTS), "--fees", PAYPAL_FEES]
        if specs is not None:
            arguments += ["--specs", str(specs / name)]
        stage.start(name, *arguments)
    for url in stage.simulators().values():
        wait_for(f"{url}/_quiet", stage)
    stage.start("api", "serve", "--no-workers", "--port", stage.api_url.rpartition(":")[2])
    for number in range(1, workers + 1):
        stage.start(f"worker-{number}", "work")
    wait_for(f"{stage.api_url}/health", stage)


def _sign_up(system: System, rows: list[CustomerRow], seed: str) -> None:
    wishes = [row.wish(namespace_of(seed, row.subscription_id)) for row in rows]
    subscriptions = Subscriptions(system, actor="rehearsal")
    for outcome in subscriptions.start_many(wishes, request_token=True, cause="command:import"):
        if isinstance(outcome, Refused):
            raise outcome


def _let_go(system: System, rows: list[CustomerRow]) -> None:
    """Cancel who has left by the end."""
    subscriptions = Subscriptions(system, actor="rehearsal")
    for row in rows:
        if row.churned:
            subscriptions.cancel(row.subscription_id, reason="left", cause="command:churn")


if __name__ == "__main__":
    main()
