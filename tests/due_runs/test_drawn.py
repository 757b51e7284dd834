"""Whatever providers answer: each item of a run has one outcome, and the log tells it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain, cycle

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from domain.due_runs.items import REASONS
from domain.subscription.events import ChargeFoundLate, ChargeSucceeded
from projections.audit import audit_log
from projections.due_runs import check_run
from tests.due_runs.running import run
from tests.histories import Books, Mood, Start, lists_of_moves, play, wishes
from tests.replies import Reply

_RARE = (Reply.HARD, Reply.RESERVED, Reply.LESS, Reply.NOT_DONE)
_REPLIES = st.lists(
    st.sampled_from([*[Reply.YES] * 6, *[Reply.SOFT, Reply.UNKNOWN, Reply.NOT_FOUND] * 2, *_RARE]),
    min_size=1,
    max_size=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(
    st.lists(st.integers(1, 2), min_size=1, max_size=2, unique=True).flatmap(
        lambda numbers: st.tuples(*(wishes(number) for number in numbers))
    ),
    lists_of_moves(9, Mood.UNPAID),
    _REPLIES,
    st.integers(0, 45),
)
def test_every_item_has_one_outcome(
    wanted: tuple[Start, ...], moves: list[object], replies: list[Reply], days: int
) -> None:
    """Also of what came due while it ran."""
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    for wish in wanted:
        books.sign_up(wish)
    play(books, moves, list(wanted))  # type: ignore[arg-type]
    before = len(books.log)
    answers = cycle(replies) if days % 3 else chain(replies, cycle([Reply.YES]))
    made = run(books, books.now + timedelta(days=days), answers)
    assume(made.rested)
    report = check_run(made.log, made.row)
    told = made.row.ended
    assert told is not None
    keys = [each.key for each in report.ends]
    assert len(keys) == len(set(keys))
    assert {each.key for each in report.found} <= set(keys)
    counted = told.charged + told.declined + told.unknown + len(told.skipped)
    assert counted == len(keys)
    came = [each for each in made.log[before:] if _came(each.event)]
    assert sum(len(each.taken) for each in report.ends) == len(came)
    assert all((each.reason in REASONS) == bool(each.reason) for each in report.ends)
    twice = [each for each in report.ends if len(each.taken) > 1]
    assert bool(report.wrong) == bool(twice), report.wrong
    wrong = [each for each in audit_log(made.log).findings if each.code.startswith("run-")]
    assert wrong == []
    for each in report.ends:
        event(f"{each.outcome.value} {each.reason}")
    event(f"came due meanwhile: {len(keys) > len(report.found)}")


def _came(fact: object) -> bool:
    return isinstance(fact, ChargeSucceeded | ChargeFoundLate)
