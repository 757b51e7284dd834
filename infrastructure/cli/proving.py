"""Proof for those outside: verify, prove, checkpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import attrs
import click

from infrastructure.cli.context import (
    CATCH_UP_S,
    Chosen,
    actor,
    bring_up_to_date,
    json_option,
    pass_chosen,
)
from infrastructure.cli.exits import DIFFERENT, DONE, INCOMPLETE, TABLE, USAGE, Ended
from infrastructure.cli.output import instant, print_json, print_table

if TYPE_CHECKING:
    from domain.proof.notes import Checkpoint, VerifierKey
    from infrastructure.bootstrap import System
    from infrastructure.proof.rounds import Round

_EXITS = {"clean": DONE, "broken": DIFFERENT, "differences": DIFFERENT, "incomplete": INCOMPLETE}
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


# --- verify ---------------------------------------------------------------------------------------


@click.command(epilog=TABLE)
@click.option("--quick", is_flag=True, help="The log alone, without audit and replay.")
@click.option(
    "--checkpoint",
    "checkpoints",
    type=_FILE,
    multiple=True,
    help="Hold the log against a checkpoint that was kept outside; more than one may be given.",
)
@click.option(
    "--key",
    "keys",
    metavar="NAME+ID+KEY",
    multiple=True,
    help="A public key of the log's; more than one may be given. Default: those of the settings.",
)
@click.option("--every", type=click.FloatRange(1), metavar="SECONDS", help="Again and again.")
@click.option("--times", type=click.IntRange(1), help="With --every: end after so many.")
@click.option("--history", is_flag=True, help="Instead: what verifications found so far.")
@json_option
@click.pass_context
def verify(
    ctx: click.Context,
    quick: bool,
    checkpoints: tuple[Path, ...],
    keys: tuple[str, ...],
    every: float | None,
    times: int | None,
    history: bool,
    as_json: bool,
) -> None:
    """Hash every fact again: chain, tree, signatures, streams; then audit, and replay every row.

    Names the first broken position and what was done there, and to where the log is proved.
    Exit 0 clean, 1 broken or different, 3 when something could not be read.
    """
    chosen = ctx.find_object(Chosen)
    assert chosen is not None
    with chosen.system() as system:
        if history:
            _print_history(system, as_json=as_json)
            return
        trusted = _trusted(system, keys)
        outside = [_outside(path, trusted) for path in checkpoints]
        left = (times or 0) if every is not None else 1
        while True:
            found = _round(system, trusted, outside, quick=quick)
            _tell(found, as_json=as_json)
            left -= 1
            if every is None or left == 0:
                ctx.exit(_EXITS[found.kept.verdict])
            time.sleep(every)


def _trusted(system: System, texts: tuple[str, ...]) -> tuple[VerifierKey, ...]:
    return tuple(_key(system, text) for text in texts) or system.seal_keys


def _key(system: System, text: str) -> VerifierKey:
    from domain.proof.notes import NotANote, read_key
    from infrastructure.proof.signing import origin_of

    try:
        key = read_key(text)
    except NotANote as error:
        raise Ended(USAGE, "key-malformed", str(error)) from error
    if key.name != origin_of(system.books.schema):
        raise Ended(USAGE, "key-of-another-log", f"the key is of {key.name}")
    return key


def _outside(path: Path, keys: tuple[VerifierKey, ...]) -> Checkpoint:
    from infrastructure.proof.outside import OutsideCheckpoint, read_outside

    try:
        return read_outside(path.read_bytes().decode(), *keys)
    except (OutsideCheckpoint, UnicodeDecodeError) as error:
        raise Ended(USAGE, "checkpoint-unusable", f"{path}: {error}") from error


def _round(
    system: System, keys: tuple[VerifierKey, ...], outside: list[Checkpoint], *, quick: bool
) -> Round:
    from infrastructure.proof.rounds import verify_round

    def catch_up() -> None:
        bring_up_to_date(system)
        system.journal.wait_for(system.ledger.head(), CATCH_UP_S)

    return verify_round(system, keys, outside, quick=quick, actor=actor(), catch_up=catch_up)


def _unanchored(done: Round) -> str:
    """From where on no outside checkpoint bears the log out."""
    found, before = done.log, done.before
    if found.anchored_to is not None:
        if found.anchored_to >= found.head:
            return ""
        return f"unanchored since position {found.anchored_to + 1}"
    if before is None:
        return "unanchored since position 1: no outside checkpoint was ever held against this log"
    size, at = before
    return (
        f"unanchored since position {size + 1}: the last outside checkpoint was held against it at "
        f"{instant(at)}, as these books say; give it again with --checkpoint"
    )


def _tell(found: Round, *, as_json: bool) -> None:
    unanchored = _unanchored(found)
    if as_json:
        print_json({**attrs.asdict(found.kept), "unanchored": unanchored})
        return
    kept, log = found.kept, found.log
    click.echo(f"verification of {log.origin} ({kept.scope}): {kept.verdict}")
    for words in kept.findings:
        click.echo(words)
    click.echo(f"proved: positions 1 to {kept.proved_to}" if kept.proved_to else "proved: nothing")
    if log.broken is not None:
        click.echo(
            f"UNPROVED: every report that is known at a position after {kept.proved_to} "
            f"(the log ends at {kept.head})"
        )
    elif kept.head > kept.sealed_to:
        click.echo(f"not sealed yet: positions {kept.sealed_to + 1} to {kept.head}")
    if unanchored:
        click.echo(unanchored)
    else:
        click.echo(f"anchored: the outside checkpoint of {kept.anchored_to} is of this log")
    click.echo(f"chain {log.chain}")
    click.echo(f"{kept.head} facts in {kept.took_ms / 1000:.1f} s")


def _print_history(system: System, *, as_json: bool) -> None:
    from infrastructure.proof.verifications import history

    with system.pool.connection() as conn:
        found = history(conn, system.books.schema, 1000)
    if as_json:
        print_json({"verifications": found})
        return
    rows = [
        (
            instant(each.at),
            each.scope,
            each.verdict,
            str(each.head),
            str(each.proved_to),
            "-" if each.first_broken is None else f"{each.first_broken} {each.kind}",
            "-" if each.anchored_to is None else str(each.anchored_to),
            f"{each.took_ms / 1000:.1f}",
        )
        for each in found
    ]
    columns = ("at", "scope", "verdict", "head", "proved to", "first broken", "anchored", "s")
    print_table(columns, rows, right=("head", "proved to", "anchored", "s"))


# --- checkpoint -----------------------------------------------------------------------------------


@click.command(epilog=TABLE)
@click.option("--key", is_flag=True, help="Instead: the public key, to publish once.")
@pass_chosen
def checkpoint(chosen: Chosen, key: bool) -> None:
    """Seal all that is recorded, and print the signed checkpoint. Keep it where we cannot write."""
    from infrastructure.proof.sealed import SealedLog

    with chosen.system() as system:
        if key:
            click.echo(str(system.signer.verifier))
            return
        system.sealer.seal_all()
        with system.pool.connection() as conn:
            newest = SealedLog(conn, system.books.schema).last()
    if newest is None:
        raise Ended(INCOMPLETE, "nothing-sealed", "nothing is recorded yet")
    click.echo(newest.note, nl=False)


# --- prove ----------------------------------------------------------------------------------------

_OUT = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file; default: stdout."
)


@click.group(epilog=TABLE)
def prove() -> None:
    """Facts, and why they are in the log: a file that scripts/verify_proof.py checks offline."""


@prove.command("charge", epilog=TABLE)
@click.argument("reference")
@_OUT
@pass_chosen
def prove_charge(chosen: Chosen, reference: str, out: Path | None) -> None:
    """One attempt to collect. REFERENCE: what both books call it, or its id."""
    from domain.refusals import Refused
    from infrastructure.proof.proving import charge_asked

    with chosen.system() as system:
        bring_up_to_date(system)
        row = system.views.get("charges", reference).row
        if row is None:
            named = system.views.select("charges", {"reference": reference}, limit=1)
            row = next(iter(named.rows.values()), None)
        if row is None:
            raise Refused("charge-unknown", f"no attempt is called {reference[:100]!r}")
        _prove(system, charge_asked(row.subscription_id, UUID(str(row.attempt_id))), out)


@prove.command("invoice", epilog=TABLE)
@click.argument("subscription")
@click.argument("number", type=click.IntRange(1, 2**62))
@_OUT
@pass_chosen
def prove_invoice(chosen: Chosen, subscription: str, number: int, out: Path | None) -> None:
    """An invoice, and all that was done to collect it."""
    from infrastructure.proof.proving import invoice_asked

    with chosen.system() as system:
        _prove(system, invoice_asked(subscription, number), out)


@prove.command("period", epilog=TABLE)
@click.argument("period")
@_OUT
@pass_chosen
def prove_period(chosen: Chosen, period: str, out: Path | None) -> None:
    """What is recorded of an accounting period, such as 2025-01."""
    from infrastructure.proof.proving import period_asked

    with chosen.system() as system:
        _prove(system, period_asked(period), out)


def _prove(system: System, asked: Any, out: Path | None) -> None:
    from infrastructure.proof.proving import prove as proved

    text = proved(system.sealer, system.books.connect, system.books.schema, asked)
    if out is None:
        click.echo(text, nl=False)
        return
    out.write_bytes(text.encode())
    click.echo(f"{out}: check it with scripts/verify_proof.py {out} --key KEY", err=True)
