"""Where a late entry counts, and what a seal is made of, by hand.

The entry is over 3.10 NOK: billed on 30 January, 31 days of service from 20 January. The days of
the books end in Oslo.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import attrs
import pytest

from domain.books.accounts import Account, Entry, Line, Role
from domain.books.periods import NONE_CLOSED, Closed
from domain.books.recognition import Recognition
from domain.periods.events import PeriodReopened
from domain.periods.months import following
from domain.recorded import Recorded
from projections.journal import Journal
from projections.period_sums import PeriodSums, canonical
from tests.examples_of_periods import CLOSED as SEAL

SOME_ID = UUID(int=1)
OSLO = "Europe/Oslo"
OWED, WAITING = Account(Role.RECEIVABLE, "c-1"), Account(Role.DEFERRED, "gym|NO-25")
EARNED = Recognition("gym|NO-25", 310, "NOK", date(2025, 1, 20), 31)
# Half past eleven in the evening of 30 January in Oslo.
BILLED = Entry(
    voucher="2025-000001",
    document="I-2025-000001",
    position=1,
    stream="subscription-s-1",
    fact="invoice-issued.v1",
    about="invoice 1",
    effective_at=datetime(2025, 1, 30, 22, 30, tzinfo=UTC),
    recorded_at=datetime(2025, 2, 2, tzinfo=UTC),
    lines=(Line(OWED, 310, "NOK"), Line(WAITING, -310, "NOK")),
    recognitions=(EARNED,),
)
LONG_AGO = attrs.evolve(BILLED, effective_at=datetime(2023, 5, 1, tzinfo=UTC))
JANUARY = Closed(OSLO, ("2024-12", "2025-01"))


def at(*parts: int) -> Entry:
    """The same, effective at another instant of 2025 in UTC."""
    return attrs.evolve(BILLED, effective_at=datetime(2025, *parts, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "belongs_to", "not_before"),
    [
        (BILLED, "2025-01", date(2025, 2, 1)),
        (at(1, 31, 22, 59), "2025-01", date(2025, 2, 1)),
        (at(1, 31, 23, 0), "", None),
        (at(2, 1), "", None),
        (
            attrs.evolve(BILLED, effective_at=datetime(2023, 5, 1, tzinfo=UTC)),
            "2023-05",
            date(2025, 2, 1),
        ),
    ],
)
def test_a_late_entry_counts_on_the_first_open_day(
    entry: Entry, belongs_to: str, not_before: date | None
) -> None:
    """Days are those of Oslo, where 1 February begins at 23:00 UTC."""
    routed = JANUARY.routed(entry)
    assert (routed.belongs_to, routed.not_before) == (belongs_to, not_before)
    # What was served in January is earned in February, whenever it was billed.
    (part,) = routed.recognitions
    assert part.not_before == date(2025, 2, 1)
    assert [part.earned(date(2025, *day)) for day in ((1, 31), (2, 1), (2, 19))] == [0, 130, 310]
    assert NONE_CLOSED.routed(entry) == entry


def test_service_that_begins_on_an_open_day_is_as_it_was() -> None:
    """On the first one, too."""
    later = attrs.evolve(EARNED, start=date(2025, 2, 1))
    assert JANUARY.routed(attrs.evolve(BILLED, recognitions=(later,))).recognitions == (later,)


def test_closed_and_opened_again() -> None:
    """The first open day follows the last period that is closed."""
    closed = attrs.evolve(SEAL, period="2025-01")
    opened = PeriodReopened(
        period="2025-01", asked_by="a", approved_by="b", reason="x", effective_at=SEAL.effective_at
    )
    known = NONE_CLOSED.after(attrs.evolve(closed, period="2024-12")).after(closed)
    assert known == JANUARY
    assert known.open_from == date(2025, 2, 1)
    assert known.after(opened).open_from == date(2025, 1, 1)
    assert known.after(opened).after(closed) == known
    assert NONE_CLOSED.after(opened).open_from is None
    assert following("2024-12") == "2025-01"


def test_the_journal_hears_of_it() -> None:
    """As it passes the facts."""
    journal = Journal()
    for position, event in enumerate((SEAL, attrs.evolve(SEAL, period="2026-02")), 1):
        recorded: Recorded[Any] = Recorded(
            position=position,
            stream="period-2026-01",
            version=position,
            event_id=SOME_ID,
            recorded_at=SEAL.effective_at,
            actor="test",
            cause="test",
            command_id=SOME_ID,
            event=event,
        )
        assert journal.post(recorded) is None
    assert journal.closed == Closed(OSLO, ("2026-01", "2026-02"))


def test_a_seal_by_hand() -> None:
    """Of 310, 12 days are served in January and 19 in February: 120 and 190."""
    sums = PeriodSums(OSLO)
    sums.take(BILLED)
    sums.take(
        attrs.evolve(
            at(2, 3),
            lines=(Line(Account(Role.CLEARING, "p/m"), 310, "NOK"), Line(OWED, -310, "NOK")),
            recognitions=(),
        )
    )
    figures = {
        period: {
            each.role: (each.opening, each.debits, each.credits, each.closing)
            for each in sums.seal(period).totals
        }
        for period in ("2024-12", "2025-01", "2025-02", "2025-03")
    }
    assert figures == {
        "2024-12": {},
        "2025-01": {
            "deferred": (0, 120, 310, -190),
            "receivable": (0, 310, 0, 310),
            "revenue": (0, 0, 120, -120),
        },
        "2025-02": {
            "clearing": (0, 310, 0, 310),
            "deferred": (-190, 190, 0, 0),
            "receivable": (310, 0, 310, 0),
            "revenue": (-120, 0, 190, -310),
        },
        "2025-03": {
            "clearing": (310, 0, 0, 310),
            "revenue": (-310, 0, 0, -310),
        },
    }
    assert [sums.seal(period).entries for period in ("2025-01", "2025-02", "2025-03")] == [1, 1, 0]
    text = "clearing:p/m NOK 310\nrevenue:gym|NO-25 NOK -310\n"
    for period in ("2025-02", "2025-03"):
        assert sums.seal(period).digest == sha256(text.encode()).hexdigest()
    before = sums.seal("2025-02")
    sums.settle_before("2025-02")
    assert sums.seal("2025-02") == before


def test_the_canonical_text() -> None:
    """Sorted lines; what comes to nothing is left out."""
    found = {(OWED, "NOK"): 5, (WAITING, "NOK"): -5, (OWED, "USD"): 0}
    assert canonical(found) == "deferred:gym|NO-25 NOK -5\nreceivable:c-1 NOK 5\n"
