"""Their lines against our movements: each kind of exception with figures that were worked by hand.

The account is Dintero's, in NOK. 1000 is 10.00.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from fractions import Fraction

import attrs
import pytest

from domain.money import Money
from domain.settlement_ports import SettledKind
from domain.settlements.accounts import Code, Comparison, How, Match, Standing, Tariff
from domain.settlements.matching import compare
from tests.reconciling.given import DAY, LATER, line, numbered, only, ours, statement, told

LATE = DAY + timedelta(days=8)


def matched(found: Comparison, how: How) -> list[Match]:
    """Matches that were made so."""
    return [match for match in found.matches if match.how is how]


def test_a_payout_ties_to_the_minor_unit() -> None:
    """100.00 and 50.00 captured, 20.00 refunded, 5.00 charged back, fees 1.50 and 0.75: 122.75."""
    lines = numbered(
        line("capture", 10000, "a"),
        line("fee", 150, "a"),
        line("capture", 5000, "b"),
        line("fee", 75, "b"),
        line("refund", 2000, "a-r1"),
        line("chargeback", 500, "b", provider_ref="RV1"),
        line("payout", 12275),
    )
    books = [
        ours("capture", 10000, "a"),
        ours("capture", 5000, "b"),
        ours("refund", 2000, "a-r1"),
        ours("chargeback", 500, "b", provider_ref="RV1"),
    ]
    found = compare([statement(*lines)], books, as_of=LATER)
    assert (found.listed, found.proposals) == ((), ())
    assert statement(*lines).totals[0].balance_change == 0
    volume = found.volumes["NOK"]
    assert (volume.theirs, volume.theirs_matched) == (30000, 30000)
    assert (volume.ours, volume.ours_matched) == (17500, 17500)
    assert [len(matched(found, how)) for how in How] == [3, 1, 0, 2, 1]


# --- the nine exceptions ------------------------------------------------------------------------


def test_missing_ours() -> None:
    """They captured 10.00 that our books have nothing of: their money, -10.00 for us."""
    one = only(compare([statement(line("capture", 1000, "x"))], [], as_of=LATER))
    assert (one.code, one.difference, one.age_days) == (
        Code.MISSING_OURS,
        Money(-1000, "NOK"),
        0,
    )
    assert one.movement is None


def test_missing_theirs() -> None:
    """They reported up to 2 February, and the charge of 31 January is not among it."""
    there = statement(line("capture", 700, "b", on=date(2025, 2, 2)))
    books = [ours("capture", 1000, "a"), ours("capture", 700, "b", on=date(2025, 2, 2))]
    one = only(compare([there], books, as_of=date(2025, 2, 5)))
    assert (one.code, one.difference, one.age_days) == (
        Code.MISSING_THEIRS,
        Money(1000, "NOK"),
        5,
    )


def test_a_day_of_slack_for_their_time_zone() -> None:
    """Reported up to the next day only: it may be on that day's end by their clock."""
    there = statement(line("capture", 700, "b", on=date(2025, 2, 1)))
    books = [ours("capture", 1000, "a"), ours("capture", 700, "b", on=date(2025, 2, 1))]
    assert only(compare([there], books, as_of=LATER)).code is Code.TIMING


def test_another_account_or_currency_reports_for_itself() -> None:
    """What paypal/main or EUR has reported says nothing of dintero/main in NOK."""
    there = [
        statement(line("capture", 1, "p", on=LATER), place="paypal/main"),
        statement(line("capture", 1, "e", on=LATER, currency="EUR"), settlement_id="s-2"),
    ]
    books = [
        ours("capture", 1000, "a"),
        ours("capture", 1, "p", place="paypal/main", on=LATER),
        ours("capture", 1, "e", currency="EUR", on=LATER),
    ]
    assert only(compare(there, books, as_of=LATER)).code is Code.TIMING


def test_amount() -> None:
    """10.00 ours, 9.90 theirs: 0.10 too much in our books."""
    there = statement(line("capture", 990, "a"))
    one = only(compare([there], [ours("capture", 1000, "a")], as_of=LATER))
    assert (one.code, one.difference.minor) == (Code.AMOUNT, 10)
    back = statement(line("refund", 990, "a-r1"))
    one = only(compare([back], [ours("refund", 1000, "a-r1")], as_of=LATER))
    assert (one.code, one.difference.minor) == (Code.AMOUNT, -10)


def test_currency() -> None:
    """10.00 NOK ours, 10.00 SEK theirs: no match, whatever the figure."""
    there = statement(line("capture", 1000, "a", currency="SEK"))
    one = only(compare([there], [ours("capture", 1000, "a")], as_of=LATER))
    assert one.code is Code.CURRENCY
    assert one.movement is not None


def test_duplicate() -> None:
    """The same capture in two settlements: one is matched, the other 10.00 too much."""
    there = [
        statement(line("capture", 1000, "a")),
        statement(line("capture", 1000, "a"), settlement_id="s-2"),
    ]
    found = compare(there, [ours("capture", 1000, "a")], as_of=LATER)
    one = only(found)
    assert (one.code, one.difference.minor) == (Code.DUPLICATE, -1000)
    assert one.lines[0].settlement_id == "s-2"
    assert len(found.matches) == 1


@pytest.mark.parametrize("standing", [Standing.FAILED, Standing.OPEN])
def test_status(standing: Standing) -> None:
    """They took 10.00; our books say declined, or do not know yet."""
    book = ours("capture", 1000, "a", standing=standing)
    one = only(compare([statement(line("capture", 1000, "a"))], [book], as_of=LATER))
    assert (one.code, one.difference.minor) == (Code.STATUS, -1000)


def test_what_did_not_move_on_either_side_is_nothing() -> None:
    """A declined charge needs no line; one that they took and gave back comes to nothing."""
    book = ours("capture", 1000, "a", standing=Standing.FAILED)
    assert told(compare([], [book], as_of=LATE)) == []
    there = statement(line("capture", 1000, "a"), line("capture", -1000, "a"))
    assert told(compare([there], [book], as_of=LATER)) == []


def test_fee() -> None:
    """A fee of nothing; a second fee of one row; one that is not the 1.5 % agreed to."""
    book = [ours("capture", 10000, "a")]
    lines = numbered(line("capture", 10000, "a"), line("fee", 150, "a"), line("payout", 9850))
    tariffs = {"dintero/main": Tariff(percent=Fraction(3, 2), fixed={})}
    assert told(compare([statement(*lines)], book, as_of=LATER, tariffs=tariffs)) == []
    alone = statement(line("fee", 99))
    assert told(compare([alone], [], as_of=LATER)) == [("FEE", 99)]
    twice = statement(*lines[:2], lines[1])
    assert told(compare([twice], book, as_of=LATER)) == [("FEE", 150)]
    dear = statement(lines[0], attrs.evolve(lines[1], amount=Money(250, "NOK")))
    assert told(compare([dear], book, as_of=LATER, tariffs=tariffs)) == [("FEE", 250)]
    assert told(compare([dear], book, as_of=LATER)) == []


@pytest.mark.parametrize(("fee", "told_of"), [(149, []), (151, []), (152, [("FEE", 152)])])
def test_a_minor_unit_of_a_fee_is_rounding(fee: int, told_of: list[tuple[str, int]]) -> None:
    """1.5 % of 100.00, rounded by somebody else."""
    lines = numbered(line("capture", 10000, "a"), line("fee", fee, "a"))
    tariffs = {"dintero/main": Tariff(percent=Fraction(3, 2), fixed={})}
    found = compare(
        [statement(*lines)], [ours("capture", 10000, "a")], as_of=LATER, tariffs=tariffs
    )
    assert told(found) == told_of


def test_the_fee_of_what_is_not_ours_is_not_ours() -> None:
    """A capture that we know nothing of, with its fee: both are listed."""
    lines = numbered(line("capture", 1000, "x"), line("fee", 15, "x"))
    assert told(compare([statement(*lines)], [], as_of=LATER)) == [
        ("FEE", 15),
        ("MISSING_OURS", -1000),
    ]
    twice = [statement(*lines), statement(*lines, settlement_id="s-2")]
    assert told(compare(twice, [ours("capture", 1000, "x")], as_of=LATER)) == [
        ("DUPLICATE", -1000),
        ("FEE", 15),
    ]


@pytest.mark.parametrize(("days", "code"), [(0, Code.TIMING), (7, Code.TIMING), (8, Code.STALE)])
def test_timing_and_stale(days: int, code: Code) -> None:
    """A charge that no report shows yet: for seven days it may come, then it is late."""
    one = only(compare([], [ours("capture", 1000, "a")], as_of=DAY + timedelta(days=days)))
    assert (one.code, one.age_days, one.difference.minor) == (code, days, 1000)


def test_a_postponed_payout_is_waited_for() -> None:
    """Paid it is matched by its total; postponed it is listed, and grows stale."""
    lines = numbered(line("capture", 1000, "a"), line("payout", 1000))
    book = [ours("capture", 1000, "a")]
    assert told(compare([statement(*lines)], book, as_of=LATER)) == []
    there = statement(*lines, paid=False)
    assert only(compare([there], book, as_of=LATER)).code is Code.TIMING
    assert only(compare([there], book, as_of=LATER + timedelta(days=8))).code is Code.STALE


def test_what_is_of_no_kind_is_listed() -> None:
    """A conversion or a hold moves the balance: it is shown to a person."""
    assert told(compare([statement(line("other", -300))], [], as_of=LATER)) == [
        ("MISSING_OURS", 300)
    ]


# --- which line is about what -------------------------------------------------------------------


def test_captures_in_parts_are_one_charge() -> None:
    """6.00 and 4.00 under one reference are the 10.00 of our books; 6.00 and 3.00 are not."""
    there = [
        statement(line("capture", 600, "a", provider_ref="P1")),
        statement(line("capture", 400, "a", provider_ref="P2"), settlement_id="s-2"),
    ]
    found = compare(there, [ours("capture", 1000, "a")], as_of=LATER)
    assert told(found) == []
    assert len(found.matches[0].lines) == 2
    short = [there[0], statement(line("capture", 300, "a"), settlement_id="s-2")]
    one = only(compare(short, [ours("capture", 1000, "a")], as_of=LATER))
    assert (one.code, one.difference.minor, len(one.lines)) == (Code.AMOUNT, 100, 2)


def test_without_a_reference_the_provider_s_id_tells() -> None:
    """The file names no reference; the charge's id is the one that our books have."""
    there = statement(line("capture", 1000, charge_ref="T1"))
    books = [ours("capture", 1000, "a", provider_ref="T1"), ours("capture", 1000, "b")]
    found = compare([there], books, as_of=LATER)
    assert [match.movement.reference for match in found.matches if match.movement] == ["a"]
    assert found.matches[0].how is How.PROVIDER_ID


def test_a_charge_s_id_does_not_tell_its_refunds_apart() -> None:
    """Two refunds of one charge, and a line that names the charge only: a person has to say."""
    there = statement(line("refund", 300, charge_ref="T1"))
    books = [
        ours("refund", 300, "a-r1", charge_ref="T1", provider_ref="R1"),
        ours("refund", 300, "a-r2", charge_ref="T1", provider_ref="R2"),
    ]
    found = compare([there], books, as_of=LATER)
    assert [each.code for each in found.listed].count(Code.MISSING_OURS) == 1
    assert [len(each.movements) for each in found.proposals] == [2]


def test_reversals_of_a_charge_are_told_by_amount() -> None:
    """3.00 and 2.00 were taken back; the lines name the charge only."""
    there = statement(line("chargeback", 200, "a"), line("chargeback", 300, "a"))
    books = [
        ours("chargeback", 300, "a", key="reversal a/1"),
        ours("chargeback", 200, "a", key="reversal a/2"),
    ]
    assert told(compare([there], books, as_of=LATER)) == []


def test_other_kinds_and_places_are_other_things() -> None:
    """A refund is no capture, and another account's charge is another one."""
    there = statement(line("refund", 1000, "a"))
    books = [ours("capture", 1000, "a")]
    assert told(compare([there], books, as_of=LATER)) == [("MISSING_OURS", 1000), ("TIMING", 1000)]
    elsewhere = statement(line("capture", 1000, "a"), place="dintero/second")
    assert told(compare([elsewhere], books, as_of=LATER)) == [
        ("MISSING_OURS", -1000),
        ("TIMING", 1000),
    ]


# --- proposals and what people say --------------------------------------------------------------


def test_a_proposal_is_no_match() -> None:
    """Same amount two days apart: proposed, still listed, and the nearest comes first."""
    there = statement(line("capture", 1000, "X-17"))
    books = [
        ours("capture", 1000, "far", on=DAY - timedelta(days=6)),
        ours("capture", 1000, "near", on=DAY - timedelta(days=1)),
        ours("capture", 1000, "nearer"),
        ours("capture", 999, "other"),
        ours("capture", 1000, "failed", standing=Standing.FAILED),
    ]
    found = compare([there], books, as_of=LATER)
    assert found.matches == ()
    (proposal,) = found.proposals
    assert [each.reference for each in proposal.movements] == ["nearer", "near"]
    assert found.complete


def test_a_confirmed_match_is_one() -> None:
    """A person said so: by the line's id, which outlives another reading in another row."""
    there = statement(line("capture", 1000, "X-17"))
    books = [ours("capture", 1000, "a")]
    (proposal,) = compare([there], books, as_of=LATER).proposals
    confirmed = {proposal.line.line_id: "charge a"}
    again = statement(line("capture", 1000, "X-17", row=99))
    found = compare([again], books, as_of=LATER, confirmed=confirmed)
    assert (told(found), found.matches[0].how) == ([], How.PERSON)
    other = statement(line("capture", 900, "X-17"))
    assert told(compare([other], books, as_of=LATER, confirmed=confirmed)) == [("AMOUNT", 100)]


def test_ids_stay_while_it_is_the_same_thing() -> None:
    """An older one keeps its id; with another amount it is another exception."""
    book = ours("capture", 1000, "a")
    young = only(compare([], [book], as_of=DAY))
    old = only(compare([], [book], as_of=LATE))
    assert (young.code, old.code) == (Code.TIMING, Code.STALE)
    assert young.exception_id == old.exception_id
    more = only(compare([], [attrs.evolve(book, amount=Money(1001, "NOK"))], as_of=DAY))
    assert more.exception_id != young.exception_id


def test_the_order_of_lines_and_movements_is_nothing() -> None:
    """The same answer, ids and all, from any order."""
    lines = [
        line("capture", 100 + n % 3, f"r{n % 7}", row=n + 1, charge_ref=f"T{n}") for n in range(30)
    ]
    books = [ours("capture", 101, f"r{n}") for n in range(9)]
    first = compare([statement(*lines)], books, as_of=LATER)
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        random.Random(seed).shuffle(books)
        again = compare([statement(*lines)], books, as_of=LATER)
        assert [each.exception_id for each in again.listed] == [
            each.exception_id for each in first.listed
        ]


def test_what_is_later_does_not_count_yet() -> None:
    """As of a day: no settlement and no movement after it."""
    there = statement(line("capture", 1000, "a"), settled_on=LATE)
    books = [ours("capture", 1000, "a"), ours("capture", 5, "b", on=LATE)]
    found = compare([there], books, as_of=LATER)
    assert told(found) == [("TIMING", 1000)]
    assert SettledKind.CAPTURE.value not in {each.words for each in found.listed}
