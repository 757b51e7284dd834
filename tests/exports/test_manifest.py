"""A manifest is derived again from the log, and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from domain.recorded import Recorded
from infrastructure.exports.kinds import FORMATS
from infrastructure.exports.manifest import (
    MANIFEST,
    Differs,
    Manifest,
    Part,
    Total,
    Turnover,
    export,
    verify,
)
from projections.account_sums import Known
from tests.exports.writing import MemoryLog, chart, hash_at, recorded, taxed_invoice, wanted, write

ASKED = wanted(Known(as_of=date(2026, 12, 31), zone="Europe/Oslo"))
LOG = recorded("subscription-started", taxed_invoice(), "charge-attempted", "charge-succeeded")


@attrs.define
class GrowingLog(MemoryLog):
    """Somebody records another fact after every reading. more: those that come."""

    more: list[Recorded[Any]]

    def read_log(self, after: int, limit: int, stop: int | None = None) -> Sequence[Recorded[Any]]:
        found = super().read_log(after, limit, stop)
        if self.more and not found:
            self.facts = [*self.facts, self.more.pop(0)]
        return found


def asked_of(form: str) -> Any:
    """The parameters of a format."""
    return ASKED if form == "saf-t" else attrs.evolve(ASKED, since=None, company=None)


@pytest.mark.parametrize("form", FORMATS)
def test_facts_that_come_while_it_is_written_are_in_no_part_of_it(
    tmp_path: Path, form: str
) -> None:
    """However often the format reads the log."""
    growing = GrowingLog(LOG[:2], list(LOG[2:]))
    told = export(
        growing,
        tmp_path,
        format=form,
        wanted=asked_of(form),
        chart=chart(),
        hash_at=hash_at,
    )
    assert told.position == 2
    assert told == write(LOG, tmp_path / "then", form, asked_of(form), known_at=2)
    assert verify(MemoryLog(LOG), tmp_path, chart=chart(), hash_at=hash_at) == told


def test_what_a_manifest_tells(tmp_path: Path) -> None:
    """Figures by hand: 29.85 USD with 5.97 of tax, all of it served by the end of the year."""
    told = write(LOG[:2], tmp_path, "saf-t", ASKED)
    assert (told.transactions, told.lines) == (3, 7)
    assert {(each.number, each.minor) for each in told.totals} == {
        ("1500", 2985),
        ("2700", -597),
        ("3000", -2388),
    }
    assert told.turnover == (Turnover("USD", 2985 + 2388, 2985 + 2388),)
    assert (told.position, told.head_hash) == (2, hash_at(2))
    assert msgspec.json.decode((tmp_path / MANIFEST).read_bytes(), type=Manifest) == told
    later = attrs.evolve(ASKED, since=date(2026, 2, 1))
    told = write(LOG[:2], tmp_path / "later", "saf-t", later)
    # One day of 28 is earned in January; 23.88 / 28 is 0.85.
    assert told.lines == 2
    assert ("2970", 2303, -2303) in {(x.number, x.minor, x.opening) for x in told.totals}


def test_every_figure_of_a_manifest_is_checked(tmp_path: Path) -> None:
    """One by one, for a file with all of them; the file itself stays as it is."""
    told = write(LOG, tmp_path, "saf-t", ASKED)
    changes: dict[str, Any] = {
        "as_of": date(2026, 12, 30),
        "zone": "UTC",
        "made_at": told.made_at.replace(year=2024),
        "software": "other 1",
        "since": date(2026, 1, 2),
        "company": attrs.evolve(told.company, name="Other AS"),  # type: ignore[arg-type]
        "chart": "0" * 64,
        "position": 3,
        "head_hash": hash_at(3),
        "transactions": told.transactions + 1,
        "lines": told.lines + 1,
        "totals": (*told.totals, Total("9999", "USD", 0)),
        "turnover": (),
        "sha256": "0" * 64,
        "beside": (Part("saf-t-ids.csv", "0" * 64),),
    }
    (tmp_path / "saf-t-ids.csv").write_text("", encoding="utf-8")
    left = set(Manifest.__struct_fields__) - changes.keys()
    assert left == {"format", "file", "currency"}
    for name, value in changes.items():
        forged = msgspec.structs.replace(told, **{name: value})
        (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(forged))
        with pytest.raises(Differs):
            verify(MemoryLog(LOG), tmp_path, chart=chart(), hash_at=hash_at)
    (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(told))
    assert verify(MemoryLog(LOG), tmp_path, chart=chart(), hash_at=hash_at) == told
    with pytest.raises(Differs, match="not the one of the export"):
        verify(MemoryLog(LOG), tmp_path, chart=chart(), hash_at=lambda _: "f" * 64)
    with pytest.raises(Differs, match="ends at 3"):
        verify(MemoryLog(LOG[:3]), tmp_path, chart=chart(), hash_at=hash_at)
    less = [*LOG[:3], attrs.evolve(LOG[3], event=LOG[2].event)]
    with pytest.raises(Differs, match="say otherwise: transactions"):
        verify(MemoryLog(less), tmp_path, chart=chart(), hash_at=hash_at)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        MANIFEST,
        "saf-t-ids.csv",
        "saf-t.xml",
    ]
