"""What settlements post, and that the books still tie: figures that were worked by hand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import get_args

import attrs
import pytest

from domain.books.accounts import Role
from domain.books.posting import posting_of
from domain.books.posting_settlements import NOTHING_SETTLED, SETTLED, SettlementStanding, Undecided
from domain.money import Money
from domain.providers import Provider
from domain.settlement_ports import SettledTotal
from domain.settlements import events as x
from domain.settlements.events import Decision, ReconciliationEvent, SettlementEvent
from infrastructure.books.chart_file import read_chart
from projections.account_sums import Known, sums, trial_balance
from projections.audit import Verdict, audit_log
from projections.journal import journal
from projections.statements import cash
from tests.examples import SETTLEMENT_EXAMPLES
from tests.finance.test_books import names_money
from tests.projections.forging import Forger
from tests.projections.plants_of_payouts import PLANTS_OF_PAYOUTS
from tests.projections.scenes_of_payouts import place_of, settled_story

NOON = datetime(2025, 2, 3, 12, tzinfo=UTC)


def head(captured: int, refunded: int, fees: int, *, paid: bool = True) -> x.SettlementRead:
    """A version that pays out what is left."""
    total = SettledTotal(
        captured=Money(captured, "NOK"),
        refunded=Money(refunded, "NOK"),
        fees=Money(fees, "NOK"),
        payout=Money(captured - refunded - fees, "NOK"),
    )
    return x.SettlementRead(
        provider=Provider.DINTERO,
        account="main",
        settlement_id="s-1",
        version=1,
        source="api",
        sha256="",
        settled_on=date(2025, 2, 3),
        paid=paid,
        totals=(total,),
        lines=0,
        effective_at=NOON,
    )


def posts(*events: x.SettlementRead) -> dict[str, int]:
    """What the last of them posts after the others."""
    standing = SettlementStanding()
    for event in events[:-1]:
        standing.take(event)
    lines = posting_of(standing, events[-1]).lines
    assert {each.account.of for each in lines} <= {"dintero/main"}
    return {each.account.role.value: each.minor for each in lines}


def test_a_settlement_posts_fees_and_payout() -> None:
    """100.00 came, 20.00 went back, 1.50 is kept: 78.50 to the bank, and 80.00 leaves clearing."""
    assert posts(head(10000, 2000, 150)) == {"fees": 150, "bank": 7850, "clearing": -8000}


def test_a_version_posts_the_difference() -> None:
    """The fee was 1.70 after all: 0.20 from the bank to the fees; nothing of clearing."""
    assert posts(head(10000, 2000, 150), head(10000, 2000, 170)) == {"fees": 20, "bank": -20}
    assert posts(head(10000, 2000, 150), head(10000, 2000, 150)) == {}


def test_a_postponed_payout_posts_its_fees_only() -> None:
    """Until it is paid; then the payout, once."""
    waiting = head(10000, 0, 150, paid=False)
    assert posts(waiting) == {"fees": 150, "clearing": -150}
    assert posts(waiting, head(10000, 0, 150)) == {"bank": 9850, "clearing": -9850}


@pytest.mark.parametrize(("minor", "lines"), [(10, {"fees": 10, "clearing": -10}), (0, {})])
def test_a_decision_posts_its_difference(minor: int, lines: dict[str, int]) -> None:
    """0.10 that the provider does not have; explained: nothing."""
    event = SETTLEMENT_EXAMPLES["exception-decided.v1"]
    assert isinstance(event, x.ExceptionDecided)
    posting = posting_of(
        Undecided(), attrs.evolve(event, difference=Money(minor, "NOK"), decision=Decision.COST)
    )
    assert {each.account.role.value: each.minor for each in posting.lines} == lines


def test_every_fact_that_names_money_has_a_rule_or_a_reason() -> None:
    """As in the books of subscriptions."""
    with_money = {
        each
        for each in (*get_args(SettlementEvent), *get_args(ReconciliationEvent))
        if names_money(each)
    }
    assert set(SETTLED) | set(NOTHING_SETTLED) == with_money


def test_the_story_ties() -> None:
    """The books sum to zero, and clearing is what came minus what settlements took of it."""
    books = settled_story()
    report = audit_log(books.log)
    assert (report.verdict, report.findings, report.books) == (Verdict.CLEAN, (), ())
    entries = list(journal(books.log))
    known = Known(as_of=date(2026, 1, 1), zone="UTC")
    found: Counter[Role] = Counter()
    for (account, _), minor in sums(entries, known).items():
        found[account.role] += minor
    (total,) = report.totals.values()
    # The fee of 1.20, and the 5.00 that nobody knows of and that were decided to be cost.
    assert (found[Role.FEES], total.kept) == (120 - 500, 120 - 500)
    assert found[Role.BANK] == total.paid_out
    assert found[Role.CLEARING] == total.paid - total.kept - total.paid_out
    assert sum(line.minor for line in trial_balance(sums(entries, known), read_chart())) == 0
    moved: Counter[str] = Counter()
    for each in cash(entries, known):
        moved[each.fact] += each.minor
    assert moved["settlement-read.v1: fees"] == -120
    assert moved["settlement-read.v1: payout"] == -total.paid_out
    assert moved["exception-decided.v1: fees"] == 500
    assert sum(moved.values()) == found[Role.CLEARING]
    about = {entry.about for entry in entries if entry.fact == "settlement-read.v1"}
    assert about == {"settlement st-1"}
    assert place_of(books)[1] == "main"


@pytest.mark.parametrize(
    ("what", "code", "forge"), PLANTS_OF_PAYOUTS, ids=[what for what, *_ in PLANTS_OF_PAYOUTS]
)
def test_a_planted_fault_is_found(what: str, code: str, forge: Forger) -> None:
    """In a story that is clean without it."""
    log = list(settled_story().log)
    forged = forge(log)
    assert forged, what
    assert forged != log
    assert code in {finding.code for finding in audit_log(forged).findings}


def test_what_cannot_be_read_is_not_judged_and_not_clean() -> None:
    """The lines of a settlement are lost: incomplete, and no finding about what follows them."""
    from projections.audit import Audit

    audit = Audit()
    for each in settled_story().log:
        if isinstance(each.event, x.SettlementLinesRead):
            audit.cannot_read(each.position, each.stream, each.version, "garbage")
        else:
            audit.see(each)
    report = audit.report()
    assert (report.findings, report.verdict) == ((), Verdict.INCOMPLETE)
