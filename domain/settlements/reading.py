"""A settlement that was read, as facts: checked, told from those known, and what differs.

Control totals come first: lines that do not come to them are truncated, or not of this settlement,
and none is used. The same again, whatever the order of its lines or the name of its file, is
nothing new. Anything else under the same id is a new version beside the old one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from hashlib import sha256

import attrs

from domain.identity import checked_id
from domain.providers import Provider
from domain.refusals import Refused
from domain.settlement_ports import SettledKind, SettledTotal, SettlementLine, SettlementReport
from domain.settlements.events import SettlementEvent, SettlementLinesRead, SettlementRead
from domain.settlements.state import SettlementState

LINES_A_FACT = 500
_LONGEST_SOURCE = 200
_OUT = (SettledKind.REFUND, SettledKind.CHARGEBACK)


def read(
    state: SettlementState,
    report: SettlementReport,
    *,
    provider: Provider,
    account: str,
    source: str,
    now: datetime,
) -> tuple[SettlementEvent, ...]:
    """A version's lines and its head; nothing where one of the versions is the same.

    source: "api" or "file:NAME". now: UTC.
    Refused: "settlement-totals-wrong", "settlement-source-malformed", "id-malformed".
    """
    settlement = report.settlement
    checked_id("settlement id", settlement.settlement_id)
    if not (source == "api" or source.startswith("file:")) or not source.isprintable():
        raise Refused("settlement-source-malformed", 'a source is "api" or "file:NAME"')
    check_totals(report)
    digest = digest_of(report)
    if digest in state.known:
        return ()
    version = len(state.known) + 1
    noon = datetime.combine(settlement.settled_on, time(12), UTC)
    effective_at = min(noon, now)
    lines = report.lines
    facts: list[SettlementEvent] = [
        SettlementLinesRead(
            settlement_id=settlement.settlement_id,
            version=version,
            first=start + 1,
            lines=lines[start : start + LINES_A_FACT],
            effective_at=effective_at,
        )
        for start in range(0, len(lines), LINES_A_FACT)
    ]
    head = SettlementRead(
        provider=provider,
        account=account,
        settlement_id=settlement.settlement_id,
        version=version,
        source=source[:_LONGEST_SOURCE],
        sha256=digest,
        settled_on=settlement.settled_on,
        paid=settlement.paid,
        totals=settlement.totals,
        lines=len(lines),
        effective_at=effective_at,
    )
    return (*facts, head)


def check_totals(report: SettlementReport) -> None:
    """The lines come to the totals, and these add up, in each currency.

    Refused: "settlement-totals-wrong".
    """
    wrong = next(wrong_totals(report.settlement.totals, report.lines), None)
    if wrong is not None:
        raise Refused("settlement-totals-wrong", f"{report.settlement.settlement_id}: {wrong}")


def wrong_totals(totals: Sequence[SettledTotal], lines: Sequence[SettlementLine]) -> Iterator[str]:
    """In what lines and totals contradict each other, in words."""
    sums: Counter[tuple[SettledKind, str]] = Counter()
    for line in lines:
        sums[line.kind, line.amount.currency] += line.amount.minor
    currencies = [total.payout.currency for total in totals]
    if len(set(currencies)) != len(currencies):
        yield "two totals in one currency"
    for currency in sorted({code for _, code in sums} - set(currencies)):
        yield f"lines in {currency}, and no total"
    for total in totals:
        code = total.payout.currency
        stated = {
            "captured": (total.captured.minor, sums[SettledKind.CAPTURE, code]),
            "refunded": (total.refunded.minor, sum(sums[kind, code] for kind in _OUT)),
            "fees": (total.fees.minor, sums[SettledKind.FEE, code]),
            "payout": (total.payout.minor, sums[SettledKind.PAYOUT, code]),
            "other": (total.other, sums[SettledKind.OTHER, code]),
        }
        for name, (said, found) in stated.items():
            if said != found:
                yield f"{name} is {said} by the total and {found} by the lines, in {code}"
        if not total.adds_up:
            yield f"the total in {code} does not add up"


def digest_of(report: SettlementReport) -> str:
    """SHA-256 of what is settled: neither the order of lines nor their row numbers are in it."""
    settlement = report.settlement
    lines = sorted([*_told(line), line.amount.minor] for line in report.lines)
    totals = sorted(
        [
            each.payout.currency,
            each.captured.minor,
            each.refunded.minor,
            each.fees.minor,
            each.payout.minor,
            each.other,
            each.balance_change,
        ]
        for each in settlement.totals
    )
    head = [settlement.settlement_id, settlement.settled_on.isoformat(), settlement.paid]
    return sha256(json.dumps([head, totals, lines], separators=(",", ":")).encode()).hexdigest()


def _told(line: SettlementLine) -> list[str]:
    return [
        line.kind.value,
        line.reference,
        line.charge_ref,
        line.provider_ref,
        line.on.isoformat(),
        line.amount.currency,
    ]


@attrs.frozen
class Change:
    """A line that another version has otherwise. before: None where it is new; after: None where it
    is gone."""

    before: SettlementLine | None
    after: SettlementLine | None


def changes(
    before: Sequence[SettlementLine], after: Sequence[SettlementLine]
) -> tuple[Change, ...]:
    """What differs between two versions; row numbers do not count.

    Lines about one thing are held against each other; what is left over is new or gone.
    """
    left = Counter(attrs.evolve(line, row=0) for line in before)
    new: list[SettlementLine] = []
    for line in after:
        plain = attrs.evolve(line, row=0)
        if left[plain]:
            left[plain] -= 1
        else:
            new.append(line)
    gone: dict[tuple[str, ...], list[SettlementLine]] = {}
    for line in before:
        plain = attrs.evolve(line, row=0)
        if left[plain]:
            left[plain] -= 1
            gone.setdefault(_about(line), []).append(line)
    found = [Change(next(iter(_taken(gone, line)), None), line) for line in new]
    return (*found, *(Change(line, None) for lines in gone.values() for line in lines))


def _about(line: SettlementLine) -> tuple[str, ...]:
    return (line.kind.value, line.reference, line.charge_ref, line.provider_ref)


def _taken(
    gone: dict[tuple[str, ...], list[SettlementLine]], line: SettlementLine
) -> list[SettlementLine]:
    same = gone.get(_about(line), [])
    return [same.pop(0)] if same else []
