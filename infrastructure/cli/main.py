"""The command `billing`. Each command's module is imported when it is run, not before."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from infrastructure.cli.context import Chosen
from infrastructure.cli.exits import DIFFERENT, TABLE, USAGE, ending_of

# Command -> its module and function, and the line that `billing --help` shows for it.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("serving:serve", "API, provider callbacks and workers in one process."),
    "work": ("working:work", "Workers only; several processes with --workers."),
    "import": ("importing:import_", "Start the subscriptions of a customer file."),
    "run": ("running:run", "Work everything that falls due up to a date, then end."),
    "runs": ("runs:runs", "Due runs, and how each item ended; `runs check` proves one."),
    "clock": ("running:clock", "The books' time; sets a rehearsal's stepping clock."),
    "due": ("reading:due", "What falls due when, and why something does not."),
    "balances": ("reading:balances", "What customers were billed, have paid and owe."),
    "charges": ("reading:charges", "Attempts to collect and how they ended."),
    "attempts": ("cards:attempts", "How far a card's attempt budgets are used; the next place."),
    "expiring": ("cards:expiring", "Cards that expire soon, of subscriptions that still bill."),
    "show": ("showing:show", "One subscription's life in words, and what is open."),
    "explain": ("explaining:explain", "From an amount to its facts, workings and evidence."),
    "inbox": ("showing:inbox", "Callbacks that wait, or are set aside for a person."),
    "info": ("showing:info", "Settings without secrets, and where the books stand."),
    "token": ("correcting:token", "Ask a payer to approve; prints the link."),
    "change": ("changing:change", "Other terms: price, quantity, rhythm; --dry-run shows it."),
    "anchor": ("changing:anchor", "Let periods begin on another day."),
    "release": ("changing:release", "Bill on what was parked, after a look at it."),
    "pause": ("changing:pause", "Bill no period until it is resumed."),
    "resume": ("changing:resume", "Bill periods again."),
    "credit": ("changing:credit", "Give credit that pays the invoices to come."),
    "usage": ("metering:usage", "Count usage of meters: a file, or one report."),
    "usage-correct": ("metering:usage_correct", "Say what a report should have said."),
    "set-amount": ("metering:set_amount", "Say what the next period costs, where it varies."),
    "discount": ("metering:discount", "Let invoices to come cost less."),
    "discount-end": ("metering:discount_end", "Reduce no further invoice by a coupon."),
    "demand": ("demanding:demand", "Charge once, beside any schedule."),
    "settle": ("demanding:settle", "Bill all instalments that are left, now; --dry-run shows it."),
    "report-balance": ("demanding:report_balance", "Say what a customer has left: auto-reload."),
    "refund": ("refunding:refund", "Pay credit out to the payer."),
    "refunds": ("refunding:refunds", "Refunds and how they stand."),
    "disputes": ("disputing:disputes", "Disputes and how they stand."),
    "reverse": ("disputing:reverse", "Say that a provider took money of a charge back."),
    "cancel": ("changing:cancel", "End a subscription's billing, now or later."),
    "reactivate": ("changing:reactivate", "Take a planned cancellation back."),
    "reinstate": ("dunning:reinstate", "End a suspension, paid or not."),
    "collect": ("dunning:collect", "Collect an invoice whose collection had ended."),
    "write-off": ("dunning:write_off", "Give up what is left of an invoice."),
    "discrepancy": ("dunning:discrepancy", "Accept or dismiss a charge that was not asked for so."),
    "preview": ("previewing:preview", "Schedules, prices, changes, retries; writes nothing."),
    "what-if": ("supposing:what_if", "Real history under other terms; writes nothing."),
    "plans": ("planning:plans", "The catalogue: plans, versions, and who is on them."),
    "plan": ("planning:plan", "Show, publish, move, withdraw, retire."),
    "resolve": ("correcting:resolve", "Settle a charge of unknown outcome by evidence."),
    "resolve-refund": (
        "refunding:resolve_refund",
        "Settle a refund of unknown outcome by evidence.",
    ),
    "erase": ("correcting:erase", "Destroy a customer's tokens for good."),
    "trial-balance": ("finance:trial_balance", "What every account of the books stands at."),
    "ledger": ("account_ledger:ledger", "An account's lines."),
    "statement": ("finance:statement", "A customer's account, from opening to closing."),
    "ageing": ("finance:ageing", "What is owed on invoices, by how long it has been due."),
    "cash": ("finance:cash", "What came in and went back at the providers."),
    "revenue": ("finance:revenue", "What was earned, by month and product."),
    "waterfall": ("finance:waterfall", "When the deferred revenue will be earned."),
    "settlement": (
        "settlements:settlement",
        "What providers paid out: fetch, import, list, show.",
    ),
    "reconcile": ("reconciling:reconcile", "Hold what providers settled against our books."),
    "exception": ("reconciling:exception", "Assign or decide what a reconciliation lists."),
    "match": ("reconciling:match", "Say which of our movements a provider's line is about."),
    "export": (
        "exporting:export",
        "The books as files: CSV, JSON lines, hledger, beancount, SAF-T, XLSX.",
    ),
    "verify-export": ("exporting:verify_export", "Derive an export again and compare."),
    "period": ("periods:period", "Close, lock, reopen; the seals of closed months."),
    "audit": ("auditing:audit", "Replay every fact and compare; lists all differences."),
    "verify": ("proving:verify", "Chain, tree, signatures, audit; what is proved, to where."),
    "prove": ("proving:prove", "A charge, an invoice, a period: a file to check offline."),
    "checkpoint": ("proving:checkpoint", "The newest signed checkpoint, to keep outside."),
    "restored": ("restoring:restored", "Say that the books were put back to a backup."),
    "rebuild": ("auditing:rebuild", "Fold projections anew and swap them in."),
    "simulate": ("simulating:simulate", "A PayPal or a Dintero on loopback that charges nobody."),
}


_GIVEN = "billing.given"


class Billing(click.Group):
    """Loads commands when they are asked for, and turns foreseen errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(f"infrastructure.cli.{module}"), function)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """From the table, so that --help imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what was given: reasons and other texts in it may be stored."""
        ctx.meta[_GIVEN] = "\n".join(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """One line and an exit code for what was foreseen; everything else is a bug and shows."""
        try:
            if any(character.isdigit() for character in ctx.meta[_GIVEN]):
                from infrastructure.card_numbers import refuse

                refuse(ctx.meta[_GIVEN], "command line")
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # Whoever read our output has seen enough; nothing is left to flush at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(DIFFERENT)
        except Exception as error:
            ending = ending_of(error)
            if ending is None:
                raise
            click.echo(f"{ending.code}: {ending.reason}", err=True)
            ctx.exit(ending.exit_code)


@click.group(cls=Billing, epilog=TABLE, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (BILLING_CONFIG).",
)
@click.option("--schema", help="The set of books (BILLING_SCHEMA).")
@click.version_option(package_name="billing-ledger", prog_name="billing")
@click.pass_context
def billing(ctx: click.Context, config: Path | None, schema: str | None) -> None:
    """Bill customers through PayPal and Dintero, and prove every amount.

    Settings come from billing.toml in the data folder and from BILLING_* in the environment.
    """
    ctx.obj = Chosen(config=config, schema=schema)


def main() -> None:
    """The entry point."""
    try:
        billing(prog_name="billing")
    except KeyboardInterrupt:
        sys.exit(130)


__all__ = ["COMMANDS", "USAGE", "billing", "main"]

if __name__ == "__main__":
    main()
