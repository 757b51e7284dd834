"""Ids that have to fit a field stay apart, and the longest that there are are legal in XML."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import attrs
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from domain.identity import checked_id
from domain.refusals import Refused
from infrastructure.exports import short_ids
from infrastructure.exports.short_ids import LONGEST, short_id, shortened
from projections.account_sums import Known
from tests.examples import CUSTOMER, EXAMPLES
from tests.exports.writing import assert_valid, read_saft, recorded, wanted, write

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
# Those that differ where the field has no room.
CLOSE = IDS.map(lambda end: checked_id("id", f"customer-of-the-north-{'9' * 30}{end[:12]}"))


@given(st.lists(st.one_of(IDS, CLOSE), unique=True, max_size=20))
@example(["a" * 35, "a" * 36, "a" * 64])
def test_short_ids_fit_and_stay_apart(ids: list[str]) -> None:
    """And those that fit are as they were."""
    short = [short_id(each) for each in ids]
    assert len(set(short)) == len(ids)
    assert all(1 <= len(each) <= LONGEST for each in short)
    table = shortened(ids)
    event(f"shortened: {min(len(table), 3)}")
    for long, each in zip(ids, short, strict=True):
        assert (each == long) == (len(long) <= LONGEST)
        assert table.get(each, each) == long
        assert short_id(each) != long or each == long


def test_two_that_became_one_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes two of the same digest."""
    monkeypatch.setattr(short_ids, "_DIGEST", 0)
    with pytest.raises(Refused, match="ids-collide"):
        shortened(["c" * 34 + "-one", "c" * 34 + "-two"])


def test_the_mapping_lies_beside_the_file(tmp_path: Path) -> None:
    """Where an id was shortened; the file's customer still has the whole one as its name."""
    longest = "Z9._-" * 12 + "last"
    started = attrs.evolve(EXAMPLES["subscription-started.v1"], customer_id=longest)
    issued = attrs.evolve(EXAMPLES["invoice-issued.v1"], customer_id=longest)
    known = Known(as_of=date(2026, 12, 31), zone="UTC")
    told = write(recorded(started, issued), tmp_path / "long", "saf-t", wanted(known))
    assert [each.file for each in told.beside] == ["saf-t-ids.csv"]
    (row,) = csv.DictReader((tmp_path / "long" / "saf-t-ids.csv").open(encoding="utf-8"))
    assert row == {"in_the_file": short_id(longest), "customer": longest}
    found = read_saft(tmp_path / "long" / told.file)
    assert {customer for customer, _ in found.customers} == {short_id(longest)}
    assert found.text("MasterFiles/Customers/Customer/Name") == longest
    log = recorded("subscription-started", "invoice-issued")
    plain = write(log, tmp_path / "plain", "saf-t", wanted(known))
    assert plain.beside == ()
    assert not (tmp_path / "plain" / "saf-t-ids.csv").exists()
    found = read_saft(tmp_path / "plain" / plain.file)
    assert {customer for customer, _ in found.customers} == {CUSTOMER}
    assert_valid(tmp_path / "long" / told.file)
