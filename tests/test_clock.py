"""The process's clock, and how it meets a machine whose clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from infrastructure.clock import FORWARD_JUMP_LIMIT, ClockJumped, SteppingClock, SystemClock
from infrastructure.store.books import Books

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


@attrs.define
class Machine:
    """A machine's two clocks, moved by hand. Seconds."""

    wall_s: float = T0.timestamp()
    monotonic_s: float = 1000.0

    def clock(self) -> SystemClock:
        return SystemClock(wall=lambda: self.wall_s, monotonic=lambda: self.monotonic_s)

    def pass_time(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds


def test_clock_follows_the_machine() -> None:
    """Time that really passes is taken over, however much."""
    machine = Machine()
    clock = machine.clock()
    machine.pass_time(86_400)
    assert clock() == T0 + timedelta(days=1)


def test_F22_clock_never_runs_backwards() -> None:
    """After a jump back the last time is repeated until the machine has caught up."""
    machine = Machine()
    clock = machine.clock()
    machine.pass_time(60)
    before = clock()
    machine.wall_s -= 7200
    assert clock() == before
    machine.pass_time(7200 - 1)
    assert clock() == before
    machine.pass_time(2)
    assert clock() == before + timedelta(seconds=1)


def test_F22_clock_refuses_a_jump_ahead() -> None:
    """A machine that is suddenly a day ahead bills nobody."""
    machine = Machine()
    clock = machine.clock()
    machine.wall_s += 86_400
    with pytest.raises(ClockJumped):
        clock()
    with pytest.raises(ClockJumped):
        clock()


def test_F22_clock_takes_a_correction_within_the_limit() -> None:
    """What a time server corrects is no fault."""
    machine = Machine()
    clock = machine.clock()
    machine.wall_s += FORWARD_JUMP_LIMIT.total_seconds() - 1
    assert clock() == T0 + FORWARD_JUMP_LIMIT - timedelta(seconds=1)


def test_stepping_clock_is_shared_and_moves_forward_only(books: Books) -> None:
    """Every process of a rehearsal reads the same time; it is never set back."""
    one, other = (SteppingClock(books, books.schema, fresh_s=0) for _ in range(2))
    with pytest.raises(ClockJumped):
        one()
    one.set(T0)
    assert other() == T0
    other.set(T0 - timedelta(days=1))
    assert one() == T0
    other.set(T0 + timedelta(days=30))
    assert one() == T0 + timedelta(days=30)
