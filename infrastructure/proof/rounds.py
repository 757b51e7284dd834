"""One verification from beginning to end, recorded: the same for people and for the schedule."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from domain.proof.notes import Checkpoint, VerifierKey
from infrastructure.audit import as_words, audit_books
from infrastructure.proof.verifications import CLEAN, FULL, QUICK, Verification, keep, last_anchor
from infrastructure.proof.verifying import LogReport, verify_log

if TYPE_CHECKING:
    from datetime import datetime

    from infrastructure.bootstrap import System

_MOST_FINDINGS = 50


@attrs.frozen(kw_only=True)
class Round:
    """One verification. before: the last anchor known before it: size, and when it was found."""

    log: LogReport
    kept: Verification
    before: tuple[int, datetime] | None


def verify_round(
    system: System,
    keys: Sequence[VerifierKey],
    outside: Sequence[Checkpoint],
    *,
    quick: bool,
    actor: str,
    catch_up: Callable[[], None],
    rest: Callable[[], None] = lambda: None,
) -> Round:
    """Verify, record what was found, return it.

    quick: the log alone; else, where that is whole, the audit with its replay, too.
    catch_up: lets the stored projections hold all that is recorded now.
    rest: called now and then, when nothing of the database is held. Raises: the driver's errors.
    """
    began = time.monotonic()
    found = verify_log(system.books.connect, system.books.schema, keys, outside, rest=rest)
    verdict, words = CLEAN, list[str]()
    if found.broken is not None:
        verdict = "broken"
        words.append(f"{found.broken.kind.value} at {found.broken.position}: {found.broken.words}")
    elif not quick:
        verdict, words = _audited(system, catch_up, rest)
    kept = Verification(
        at=system.clock(),
        actor=actor,
        scope=QUICK if quick else FULL,
        head=found.head,
        sealed_to=found.sealed_to,
        proved_to=found.proved_to,
        verdict=verdict,
        first_broken=None if found.broken is None else found.broken.position,
        kind="" if found.broken is None else found.broken.kind.value,
        anchored_to=found.anchored_to,
        took_ms=round(1000 * (time.monotonic() - began)),
        findings=words[:_MOST_FINDINGS],
    )
    with system.pool.connection() as conn:
        before = last_anchor(conn, system.books.schema)
        keep(conn, system.books.schema, kept)
    return Round(log=found, kept=kept, before=before)


def _audited(
    system: System, catch_up: Callable[[], None], rest: Callable[[], None]
) -> tuple[str, list[str]]:
    """The audit's verdict, and what it found."""
    # What is recorded from here on is another round's: the projections are behind it by a moment.
    head = system.ledger.head()
    catch_up()
    report = audit_books(
        system.books.connect,
        system.books.schema,
        system.ledger,
        system.kept,
        upto=head,
        tell=lambda _, __: rest(),
    )
    findings = as_words(report).split("\n")[2 + len(report.facts.totals) :]
    return report.verdict.value, findings
