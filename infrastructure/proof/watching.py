"""Proof that goes on by itself: checkpoints published and the log verified, by a schedule.

A thread of a worker. Of all workers one does it, by an advisory lock; what is due is told from what
is recorded, so it does not matter which. It reads in pieces and rests longer than it reads, so that
those who bill notice nothing. What is found is recorded beside the log, as that of `billing verify`
is; where it is not clean, the process says so in its log, at each round again.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg
import structlog

from domain.proof.notes import Checkpoint
from infrastructure.clock import ClockJumped
from infrastructure.proof.leading import LOST, Leading
from infrastructure.proof.outside import OutsideCheckpoint
from infrastructure.proof.rounds import verify_round
from infrastructure.proof.sealed import SealDamaged, SealedLog
from infrastructure.proof.sealer import LogBroken
from infrastructure.proof.verifications import CLEAN, FULL, Verification, last_of

if TYPE_CHECKING:
    from infrastructure.bootstrap import System

_log = structlog.get_logger(__name__)

ACTOR = "schedule"
# Seconds between two looks at what is due.
LOOK_EVERY_S = 5.0
# So much longer than it read it rests, and so long at the most.
_REST_FACTOR, _LONGEST_REST_S = 3.0, 5.0
_CATCH_UP_S, _LOOK_S = 60.0, 0.5
# A leader is silent while a large set of rows is compared.
_SILENCE_S = 3600.0


class _Stopped(Exception):
    """The process is to end."""


class ProofWatch:
    """The schedule of one process; see the module."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._settings = system.settings
        self._stop = threading.Event()
        self._published_at: datetime | None = None
        self._refused = ""
        self._busy_since = 0.0

    @property
    def wanted(self) -> bool:
        """Whether the settings ask for anything."""
        settings = self._settings
        return not (
            settings.checkpoints is None
            and settings.verify_every_s is None
            and settings.verify_whole_at is None
        )

    def run_forever(self, stop: threading.Event, every_s: float = LOOK_EVERY_S) -> None:
        """Do what is due, as long as this process leads, until `stop` is set.

        What goes wrong is told, and tried again: who bills goes on.
        """
        if not self.wanted:
            return
        self._stop = stop
        leading = Leading(self._system.books, "proof-watch", _SILENCE_S)
        try:
            while not stop.is_set():
                try:
                    if leading.is_ours():
                        self.look()
                except _Stopped:
                    return
                except LOST as error:
                    _log.warning("proof-watch-connection-lost", error=type(error).__name__)
                    leading.close()
                except (psycopg.Error, ClockJumped) as error:
                    _log.error("proof-watch-failed", reason=str(error))
                stop.wait(every_s)
        finally:
            leading.close()

    def look(self) -> None:
        """Whatever is due now, once. Raises: the driver's errors; ClockJumped."""
        now = self._system.clock()
        suspicious = self._publish_if_due(now)
        last, last_whole = self._last()
        if self._whole_due(now, last_whole):
            self._verify(quick=False)
        elif suspicious or self._quick_due(now, last):
            self._verify(quick=True)

    # --- publishing -------------------------------------------------------------------------------

    def _publish_if_due(self, now: datetime) -> bool:
        """Publish the newest checkpoint; True where something was refused that was not before."""
        published = self._system.published
        every = timedelta(seconds=self._settings.checkpoint_every_s)
        if published is None or (
            self._published_at is not None and now < self._published_at + every
        ):
            return False
        self._published_at = now
        try:
            with self._system.pool.connection() as conn:
                published.hold_against(SealedLog(conn, self._system.books.schema))
            self._system.sealer.seal_all()
            with self._system.pool.connection() as conn:
                newest = SealedLog(conn, self._system.books.schema).last()
            if newest is not None and published.publish(newest.note):
                _log.info("checkpoint-published", size=newest.position)
        except (SealDamaged, LogBroken, OutsideCheckpoint, LookupError, OSError) as error:
            _log.error("checkpoint-not-published", reason=str(error))
            fresh, self._refused = str(error) != self._refused, str(error)
            return fresh
        self._refused = ""
        return False

    # --- verifying --------------------------------------------------------------------------------

    def _last(self) -> tuple[Verification | None, Verification | None]:
        """The last verification, and the last whole one."""
        with self._system.pool.connection() as conn:
            schema = self._system.books.schema
            return last_of(conn, schema), last_of(conn, schema, FULL)

    def _quick_due(self, now: datetime, last: Verification | None) -> bool:
        every = self._settings.verify_every_s
        if every is None:
            return False
        return last is None or now >= last.at + timedelta(seconds=every)

    def _whole_due(self, now: datetime, last: Verification | None) -> bool:
        """Whether the time of day has passed since the last whole one."""
        at = self._settings.verify_whole_at
        if at is None:
            return False
        local = now.astimezone(ZoneInfo(self._settings.cut_off_zone))
        passed = local.replace(
            hour=at.hour, minute=at.minute, second=at.second, microsecond=at.microsecond
        )
        if passed > local:
            passed -= timedelta(days=1)
        return last is None or last.at < passed

    def _verify(self, *, quick: bool) -> None:
        system = self._system
        self._busy_since = time.monotonic()
        outside, unread = self._outside()
        found = verify_round(
            system,
            system.seal_keys,
            outside,
            quick=quick,
            actor=ACTOR,
            catch_up=self._catch_up,
            rest=self._rest,
        ).kept
        clean = found.verdict == CLEAN and not unread
        (_log.info if clean else _log.error)(
            "verified" if clean else "verification-not-clean",
            scope=found.scope,
            verdict=found.verdict,
            head=found.head,
            proved_to=found.proved_to,
            anchored_to=found.anchored_to,
            findings=[*found.findings[:5], *unread],
        )

    def _outside(self) -> tuple[list[Checkpoint], list[str]]:
        """The newest published checkpoint, or why it is none."""
        try:
            newest = None if self._system.published is None else self._system.published.newest()
        except SealDamaged as error:
            return [], [str(error)]
        return ([] if newest is None else [newest]), []

    def _catch_up(self) -> None:
        """Wait for who leads the projections; where that takes too long, the audit says so."""
        head, began = self._system.ledger.head(), time.monotonic()
        for reader in (self._system.views, self._system.journal):
            while not reader.wait_for(head, _LOOK_S):
                if self._stop.is_set():
                    raise _Stopped
                if time.monotonic() - began > _CATCH_UP_S:
                    return

    def _rest(self) -> None:
        """Let others work. Raises: _Stopped."""
        worked_s = time.monotonic() - self._busy_since
        if self._stop.wait(min(worked_s * _REST_FACTOR, _LONGEST_REST_S)):
            raise _Stopped
        self._busy_since = time.monotonic()
