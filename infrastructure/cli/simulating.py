"""Providers that charge nobody: they speak the providers' HTTP on loopback."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from infrastructure.cli.context import Chosen, pass_chosen
from infrastructure.cli.exits import TABLE, USAGE, Ended
from infrastructure.cli.looping import run_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from infrastructure.settings import AccountSettings
    from infrastructure.simulators.faults import FaultPlan

PAYPAL_SPECS = "openapi"
DINTERO_SPEC = "spec-payments.swagger2.*.yaml"


@click.command(epilog=TABLE)
@click.argument("provider", type=click.Choice(["paypal", "dintero"]))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="0 takes a free one; the first line printed says which.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--faults",
    is_flag=False,
    flag_value="seed=1",
    default="none",
    help='E.g. "seed=7" or "seed=7,lost-answer=0.05"; alone: the usual mix, "seed=1".',
)
@click.option("--book", type=click.Path(path_type=Path, dir_okay=False), help="JSON lines.")
@click.option(
    "--specs",
    type=click.Path(path_type=Path, exists=True),
    help="Folder of PayPal's OpenAPI files, or Dintero's Swagger file (or its folder).",
)
@click.option(
    "--validation",
    type=click.Choice(["basic", "strict"]),
    help="strict: by the provider's own specification; the default when --specs is given.",
)
@click.option(
    "--webhooks",
    default="",
    help="Where PayPal's webhooks go, or those of the Dintero account (its callbacks: as we ask).",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Writes the root of PayPal's webhook certificates there (trust_roots_file).",
)
@click.option(
    "--fees",
    type=click.IntRange(0, 100),
    default=0,
    help="Thousandths that PayPal keeps of captures; what is left goes to the bank each day.",
)
@click.option("--account", default="main", show_default=True, help="Whose credentials to accept.")
@pass_chosen
def simulate(
    chosen: Chosen,
    provider: str,
    port: int,
    host: str,
    faults: str,
    book: Path | None,
    specs: Path | None,
    validation: str | None,
    webhooks: str,
    root: Path | None,
    fees: int,
    account: str,
) -> None:
    """Be a PayPal or a Dintero with a book of its own, and misbehave by plan.

    Accepts the credentials of that account in the settings; without one, those of an account
    "simulated-client" with the secret "simulated-secret".
    """
    from infrastructure.simulators.faults import FaultPlan, FaultPlanMalformed

    if validation == "strict" and specs is None:
        raise Ended(USAGE, "usage", "--validation strict needs --specs")
    try:
        plan = FaultPlan.parse(faults)
    except FaultPlanMalformed as error:
        raise Ended(USAGE, "fault-plan-malformed", str(error)) from None
    strict_specs = None if validation == "basic" else specs
    known = [
        each
        for each in chosen.settings().accounts
        if (each.provider, each.name) == (provider, account)
    ]
    ours = known[0] if known else None
    if provider == "paypal":
        build = _paypal(ours, plan, book, strict_specs, webhooks, root, fees)
    else:
        build = _dintero(ours, plan, book, strict_specs, webhooks)
    run_loop(_serve(build, provider, host, port))


async def _serve(build: Callable[[], web.Application], name: str, host: str, port: int) -> None:
    import signal

    from infrastructure.simulators.serving import start

    served = await start(build(), host, port)
    click.echo(f"simulated {name} on {served.base_url}")
    finish = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, finish.set)
    await finish.wait()
    await served.close()


def _paypal(
    ours: AccountSettings | None,
    plan: FaultPlan,
    book: Path | None,
    specs: Path | None,
    webhooks: str,
    root: Path | None,
    fees: int,
) -> Callable[[], web.Application]:
    from infrastructure.simulators.paypal.app import build_paypal_simulator
    from infrastructure.simulators.paypal.options import PayPalOptions
    from infrastructure.simulators.paypal.webhooks import signer

    if root is not None:
        root.write_bytes(signer().root_pem)
    if specs is not None and (specs / PAYPAL_SPECS).is_dir():
        specs = specs / PAYPAL_SPECS
    options = PayPalOptions(
        webhook_url=webhooks,
        faults=plan,
        validation="basic" if specs is None else "strict",
        specs=specs,
        book=book,
        fee_permille=fees,
        transfers=fees > 0,
    )
    if ours is not None:
        options = attrs.evolve(
            options,
            client_id=ours.text("client_id"),
            client_secret=ours.secret("client_secret").reveal(),
            webhook_id=ours.text("webhook_id", options.webhook_id),
        )
    return lambda: build_paypal_simulator(options)


def _dintero(
    ours: AccountSettings | None,
    plan: FaultPlan,
    book: Path | None,
    specs: Path | None,
    webhooks: str,
) -> Callable[[], web.Application]:
    from domain.ports import Secret
    from infrastructure.simulators.dintero.app import (
        DinteroSimulatorOptions,
        build_dintero_simulator,
    )

    if specs is not None and specs.is_dir():
        found = sorted(specs.glob(DINTERO_SPEC))
        if not found:
            raise Ended(USAGE, "usage", f"{specs} holds no {DINTERO_SPEC}")
        specs = found[-1]
    options = DinteroSimulatorOptions(
        account_id="T00000001" if ours is None else ours.text("account_id"),
        client_id="simulated-client" if ours is None else ours.text("client_id"),
        client_secret=Secret("simulated-secret") if ours is None else ours.secret("client_secret"),
        signature_secret=None if ours is None else ours.secrets.get("signature_secret"),
        faults=plan,
        book_path=book,
        specification=specs,
        webhook_url=webhooks,
        webhook_secret=None if ours is None else ours.secrets.get("webhook_secret"),
    )
    return lambda: build_dintero_simulator(options)
