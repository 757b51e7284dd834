"""Restorations are said, one by one, and the audit knows where each has to stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.refusals import Refused
from domain.restorations.events import BooksRestored
from domain.restorations.saying import Restored, restored, say_restored
from projections.audit import audit_log
from tests.projections.forging import Forger
from tests.restorations.restored_books import PLANTS_OF_RESTORATIONS, restored_story

NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)


def said(at: datetime, head: int = 7) -> BooksRestored:
    return say_restored("the disk died", by="kari", head=head, now=at)


def test_a_restoration_is_said_with_who_and_why() -> None:
    """And with what was there."""
    expected = BooksRestored(reason="the disk died", restored_by="kari", head=7, effective_at=NOW)
    assert said(NOW) == expected


@pytest.mark.parametrize(
    ("reason", "by", "code"),
    [("", "kari", "reason-malformed"), ("it died", "", "id-malformed")],
)
def test_it_is_refused_without_them(reason: str, by: str, code: str) -> None:
    """Typed."""
    with pytest.raises(Refused) as refused:
        say_restored(reason, by=by, head=7, now=NOW)
    assert refused.value.code == code


def test_several_are_one_that_may_have_lost_all_of_it() -> None:
    """From the oldest backup to the last word."""
    day = timedelta(days=1)
    both = [(said(NOW), NOW - day), (said(NOW + day), NOW - 3 * day)]
    assert restored(both) == Restored(until=NOW + day, since=NOW - 3 * day)
    assert restored([]) is None


def test_a_log_with_restorations_is_sound() -> None:
    """They move no money, and nobody misses any."""
    assert audit_log(list(restored_story().log)).findings == ()


@pytest.mark.parametrize(
    ("code", "forge"),
    [plant[1:] for plant in PLANTS_OF_RESTORATIONS],
    ids=[what for what, *_ in PLANTS_OF_RESTORATIONS],
)
def test_a_planted_fault_is_found(code: str, forge: Forger) -> None:
    """With its code."""
    forged = forge(list(restored_story().log))
    assert forged
    assert code in {each.code for each in audit_log(forged).findings}
