"""`billing restored`: the books were put back to a backup."""

from __future__ import annotations

import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, json_option, pass_chosen
from infrastructure.cli.exits import TABLE


@click.command(epilog=TABLE)
@click.option("--by", help="Who restored them (the login name).")
@reason_option
@json_option
@pass_chosen
def restored(chosen: Chosen, by: str | None, reason: str, as_json: bool) -> None:
    """Say that these books were put back to a backup, before any worker runs on them.

    From then on nothing is charged or given back that the lost books may have charged or given
    back, before the providers were asked for it. What they show is booked.
    """
    from infrastructure.commands.restoring import Restoring

    person = actor().removeprefix("cli:") if by is None else by
    with chosen.system() as system:
        done = Restoring(system, actor=actor()).say(reason, by=person)
    tell(done, "the restoration is on record", as_json=as_json)
