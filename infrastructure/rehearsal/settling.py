"""At the end of a rehearsal: what both providers settled, fetched, and held against our books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import attrs
import httpx

from domain.settlement_ports import SettledKind
from domain.settlements.accounts import Code, Comparison, Volume
from infrastructure.books.reconciling import read_reconciliation, tariffs_of, today
from infrastructure.bootstrap import System
from infrastructure.commands.settlements import Settlements
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.rehearsal.plan import Window
from infrastructure.rehearsal.stage import Stage
from projections.reconciliation import Reconciliation

# What a rehearsal may end with: money on its way to a report, or a refund that is in doubt.
EXPECTED = frozenset({Code.TIMING, Code.STALE, Code.STATUS})


@attrs.frozen(kw_only=True)
class Settled:
    """What a rehearsal's settlements came to.

    settlements, lines: how many were read. matches: lines and movements taken together.
    booked: chargebacks of which no callback told, booked from the list.
    volumes: by currency. listed: exceptions by code, and the words of those that nobody expects.
    problems: accounts that could not be read, and why.
    """

    settlements: int
    lines: int
    matches: int
    booked: int
    volumes: Mapping[str, Volume]
    listed: Counter[str]
    unexpected: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether all of the money is matched or listed, and nothing is there unexpectedly."""
        whole = all(each.complete for each in self.volumes.values())
        return whole and not self.problems and not self.unexpected


def settle_accounts(system: System, stage: Stage, plan: Window) -> list[str]:
    """Have Dintero pay out, and read every day of both; what could not be read, in words.

    Raises: httpx.HTTPError.
    """
    httpx.post(f"{stage.dintero_url}/_payouts", timeout=60.0).raise_for_status()
    commands = Settlements(system, actor="rehearsal")
    since = (plan.sign_up - timedelta(days=1)).date()
    found = commands.fetch(since, plan.until.date())
    return [
        f"{each.provider.value}/{each.account}: {each.problem}" for each in found if each.problem
    ]


def book_chargebacks(system: System) -> int:
    """What a person does with chargebacks that are missing in our books: how many were booked.

    A provider that loses its callbacks tells of them by its settlements alone.
    """
    commands, booked = Subscriptions(system, actor="rehearsal"), 0
    for each in _compared(system)[1].listed:
        line = each.lines[0].line if each.code is Code.MISSING_OURS else None
        if line is None or line.kind is not SettledKind.CHARGEBACK:
            continue
        for charge in system.views.select("charges", {"reference": line.reference}).rows.values():
            commands.reverse(
                charge.subscription_id,
                UUID(charge.attempt_id),
                line.amount,
                reason=f"settlement {each.lines[0].settlement_id}",
                provider_ref=line.provider_ref,
            )
            booked += 1
    return booked


def settled(system: System, problems: list[str], booked: int) -> Settled:
    """The reconciliation of all that is recorded."""
    known, found = _compared(system)
    return Settled(
        settlements=len(known.statements),
        lines=sum(len(each.lines) for each in known.statements),
        matches=len(found.matches),
        booked=booked,
        volumes=found.volumes,
        listed=Counter(each.code.value for each in found.listed),
        unexpected=tuple(
            f"{each.code.value} {each.place} {each.difference}: {each.words}"
            for each in found.listed
            if each.code not in EXPECTED
        ),
        problems=tuple(problems),
    )


def _compared(system: System) -> tuple[Reconciliation, Comparison]:
    known = read_reconciliation(system.ledger)
    return known, known.compare(as_of=today(system), tariffs=tariffs_of(system.settings)).comparison
