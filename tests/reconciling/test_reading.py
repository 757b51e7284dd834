"""A settlement that was read, as facts: given facts, when read, then facts (F42)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from domain.money import Money
from domain.providers import Provider
from domain.refusals import Refused
from domain.settlement_ports import SettledTotal, SettlementReport
from domain.settlements.events import SettlementEvent, SettlementLinesRead, SettlementRead
from domain.settlements.reading import LINES_A_FACT, changes, read
from domain.settlements.state import SettlementState
from tests.reconciling.given import LATER, NOW, line, numbered, report

LINES = numbered(
    line("capture", 1000, "a"),
    line("fee", 15, "a"),
    line("refund", 200, "a-r1"),
    line("payout", 785),
)


def state_of(*facts: SettlementEvent) -> SettlementState:
    """What facts that were recorded on LATER add up to."""
    state = SettlementState()
    for each in facts:
        state.take(each, LATER)
    return state


def reading(
    state: SettlementState, what: SettlementReport, source: str = "api"
) -> tuple[SettlementEvent, ...]:
    """What follows from a report."""
    return read(state, what, provider=Provider.DINTERO, account="main", source=source, now=NOW)


def test_lines_come_first_and_the_head_last() -> None:
    """What has no head is no settlement; the head tells how many lines there are."""
    lines, head = reading(SettlementState(), report(*LINES))
    assert isinstance(lines, SettlementLinesRead)
    assert isinstance(head, SettlementRead)
    assert (lines.first, len(lines.lines), head.lines, head.version) == (1, 4, 4, 1)
    assert head.effective_at == datetime(2025, 2, 3, 9, tzinfo=UTC), "read before that noon"
    assert state_of(lines).statement is None
    statement = state_of(lines, head).statement
    assert statement is not None
    assert (statement.lines, statement.place) == (LINES, "dintero/main")


def test_many_lines_are_many_facts() -> None:
    """501 lines: 500 and one, and then the head."""
    many = tuple(line("capture", 1, f"r{n}", row=n) for n in range(1, LINES_A_FACT + 2))
    facts = reading(SettlementState(), report(*many))
    assert [getattr(each, "first", 0) for each in facts] == [1, 501, 0]
    statement = state_of(*facts).statement
    assert statement is not None
    assert statement.lines == many


def test_f42_the_same_again_is_nothing_new() -> None:
    """By another way, with its rows in another order: the digest is known."""
    state = state_of(*reading(SettlementState(), report(*LINES)))
    turned = tuple(attrs.evolve(each, row=9 - each.row) for each in reversed(LINES))
    assert reading(state, report(*turned), source="file:again.xml") == ()


def test_f42_reissued_with_changes_is_a_new_version() -> None:
    """The fee is 0.20 instead of 0.15, a capture is new: version 2, and the differences by name."""
    first = reading(SettlementState(), report(*LINES))
    state = state_of(*first)
    anew = (
        LINES[0],
        attrs.evolve(LINES[1], amount=Money(20, "NOK")),
        LINES[2],
        line("capture", 50, "b", row=4),
        attrs.evolve(LINES[3], amount=Money(830, "NOK")),
    )
    facts = reading(state, report(*anew))
    head = facts[-1]
    assert isinstance(head, SettlementRead)
    assert head.version == 2
    found = {
        (
            None if each.before is None else each.before.amount.minor,
            None if each.after is None else each.after.amount.minor,
        )
        for each in changes(LINES, anew)
    }
    assert found == {(15, 20), (785, 830), (None, 50)}
    assert {
        each.before.reference
        for each in changes(anew, LINES)
        if each.after is None and each.before is not None
    } == {"b"}
    # The old file once more, after the new one: known, and nothing goes back.
    assert reading(state_of(*first, *facts), report(*LINES)) == ()


def test_f42_what_is_truncated_is_not_used() -> None:
    """The control totals are those of the whole file; lines are missing: refused."""
    whole = report(*LINES)
    for place in range(len(LINES)):
        short = attrs.evolve(whole, lines=(*LINES[:place], *LINES[place + 1 :]))
        with pytest.raises(Refused, match="settlement-totals-wrong"):
            reading(SettlementState(), short)


def test_f42_what_was_half_written_does_not_exist() -> None:
    """A reading that died after some of its lines; the next one begins anew."""
    many = tuple(line("capture", 1, f"r{n}", row=n) for n in range(1, 1202))
    facts = reading(SettlementState(), report(*many))
    state = state_of(*facts[:2])
    assert state.statement is None
    again = reading(state, report(*many))
    assert again == facts
    assert state_of(*facts[:2], *again).statement == state_of(*facts).statement
    empty = reading(state_of(*facts[:2]), report())
    found = state_of(*facts[:2], *empty).statement
    assert found is not None
    assert found.lines == ()


def test_f42_a_late_file_counts_from_its_own_day() -> None:
    """Settled on 3 January, read in February: it counts from 3 January, seen in February."""
    facts = reading(SettlementState(), report(*LINES, settled_on=date(2025, 1, 3)))
    assert facts[-1].effective_at == datetime(2025, 1, 3, 12, tzinfo=UTC)
    statement = state_of(*facts).statement
    assert statement is not None
    assert (statement.settled_on, statement.seen_on) == (date(2025, 1, 3), LATER)


def test_paid_at_last_is_a_version() -> None:
    """Postponed, then paid: nothing else differs."""
    state = state_of(*reading(SettlementState(), report(*LINES, paid=False)))
    facts = reading(state, report(*LINES))
    assert isinstance(facts[-1], SettlementRead)
    assert (facts[-1].version, facts[-1].paid) == (2, True)


@pytest.mark.parametrize("field", ["captured", "refunded", "fees", "payout"])
def test_totals_are_the_lines(field: str) -> None:
    """One minor unit off in any of them is refused, also where the total adds up."""
    (total,) = report(*LINES).settlement.totals
    more: dict[str, Any] = {field: Money(getattr(total, field).minor + 1, "NOK")}
    wrong = attrs.evolve(total, **more)
    left = wrong.captured.minor - wrong.refunded.minor - wrong.fees.minor - wrong.payout.minor
    wrong = attrs.evolve(wrong, balance_change=left)
    assert wrong.adds_up
    settlement = attrs.evolve(report(*LINES).settlement, totals=(wrong,))
    with pytest.raises(Refused, match="settlement-totals-wrong"):
        reading(SettlementState(), SettlementReport(settlement=settlement, lines=LINES))


def test_a_total_that_does_not_add_up_is_refused() -> None:
    """100 came, nothing went, and 99 is paid out: where is the one?"""
    hundred, none = Money(100, "NOK"), Money(0, "NOK")
    total = SettledTotal(captured=hundred, refunded=none, fees=none, payout=Money(99, "NOK"))
    lines = (line("capture", 100, "a"), line("payout", 99))
    settlement = attrs.evolve(report(*lines).settlement, totals=(total,))
    with pytest.raises(Refused, match="does not add up"):
        reading(SettlementState(), SettlementReport(settlement=settlement, lines=lines))
    stays = attrs.evolve(total, balance_change=1)
    settlement = attrs.evolve(settlement, totals=(stays,))
    assert reading(SettlementState(), SettlementReport(settlement=settlement, lines=lines))
    for totals in ((), (stays, stays)):
        doubled = attrs.evolve(settlement, totals=totals)
        with pytest.raises(Refused, match="settlement-totals-wrong"):
            reading(SettlementState(), SettlementReport(settlement=doubled, lines=lines))


def test_names_that_are_refused() -> None:
    """A settlement's id is part of a stream's name; a source is the API or a file."""
    with pytest.raises(Refused, match="id-malformed"):
        reading(SettlementState(), report(*LINES, settlement_id="a/b"))
    with pytest.raises(Refused, match="settlement-source-malformed"):
        reading(SettlementState(), report(*LINES), source="mail")
