"""The certificate of an erasure: what the books were before and after, signed as a note.

What is erased are keys; facts stay. So everything that is stated here is the same before and after,
computed both times from what is stored, and a certificate is refused where it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import attrs

from domain.proof.notes import Note
from domain.refusals import Refused
from infrastructure.books.chart_file import read_chart
from infrastructure.books.reading import KnownJournal
from infrastructure.proof.verifying import verify_log
from projections.account_sums import Known, TrialLine, day_of, sums, trial_balance

if TYPE_CHECKING:
    from infrastructure.bootstrap import System

_FORMAT = "erasure certificate 1"


@attrs.frozen(kw_only=True)
class Standing:
    """The books at a position, computed from all stored facts up to it.

    chain, root: of the log there, in hex. totals: the trial balance as of `as_of`.
    """

    position: int
    chain: str
    root: str
    as_of: str
    totals: tuple[TrialLine, ...]


def standing(system: System, position: int, now: datetime) -> Standing:
    """The books at a position. Refused: "log-broken" where the facts are not those sealed."""
    sealed = system.sealer.seal_to(position)
    report = verify_log(system.books.connect, system.books.schema, system.seal_keys)
    if report.broken is not None:
        where = f"position {report.broken.position} is {report.broken.kind.value}"
        raise Refused("log-broken", f"{where}; see billing verify")
    known = Known(as_of=now.date(), zone=system.settings.cut_off_zone)
    known = attrs.evolve(known, as_of=day_of(now, known.cut_off))
    chart = read_chart(system.settings.chart)
    journal = KnownJournal(system.ledger, position)
    return Standing(
        position=position,
        chain=sealed.chain,
        root=sealed.root,
        as_of=known.as_of.isoformat(),
        totals=trial_balance(sums(journal, known), chart),
    )


def certificate(
    system: System, customer_id: str, before: Standing, after: Standing, at: datetime
) -> Note:
    """The signed certificate. Refused: "books-changed" where the books are not what they were."""
    if before != after:
        raise Refused("books-changed", "the books are not what they were before the erasure")
    lines = [
        system.signer.origin,
        _FORMAT,
        f"customer {customer_id}",
        f"erased {at.isoformat(timespec='seconds')}",
        f"position {before.position}",
        f"chain {before.chain}",
        f"root {before.root}",
        f"totals as of {before.as_of}, in minor units, before and after: unchanged",
        *_totals(before.totals),
        f"totals sha256 {sha256(chr(10).join(_totals(before.totals)).encode()).hexdigest()}",
    ]
    return system.signer.sign("".join(f"{line}\n" for line in lines))


def _totals(lines: Sequence[TrialLine]) -> list[str]:
    return [f"total {each.number} {each.currency} {each.minor}" for each in lines]
