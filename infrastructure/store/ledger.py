"""The ledger: facts in, facts and folded states out.

It is an Application of the eventsourcing library (its environment, factory, mapper, recorder,
notification log) with its own verbs beside the library's: many streams at a time, a stale one
reported and its neighbours written, callers of one process committed together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar, cast

import attrs
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, Mapper, ProcessRecorder
from eventsourcing.utils import Environment

from domain.recorded import Recorded
from infrastructure.store.appending import Added, Addition, Row, Stale, event_id_bytes
from infrastructure.store.books import Books
from infrastructure.store.codec import Codec, DecodeError
from infrastructure.store.datastore import LedgerFactory
from infrastructure.store.entries import (
    Append,
    Appended,
    Conflict,
    Loaded,
    Poison,
    StreamBroken,
    Unreadable,
)
from infrastructure.store.group_commit import GroupCommit
from infrastructure.store.mapper import LedgerMapper
from infrastructure.store.recorder import EventRow, LedgerRecorder
from infrastructure.store.snapshots import Snapshots
from infrastructure.store.wakeups import Waker
from infrastructure.store.writer import LedgerUnavailable, Session, Writer

__all__ = [
    "Append",
    "Appended",
    "Conflict",
    "Ledger",
    "LedgerUnavailable",
    "Loaded",
    "Poison",
    "StreamBroken",
    "Unreadable",
]

S = TypeVar("S")

_LARGEST_VERSION = 2**62


@attrs.frozen
class _Request:
    """What one caller of `append` wants written."""

    additions: Sequence[Addition]
    now: datetime


class Ledger(Application[str], Generic[S]):
    """One process's access to the facts of one set of books. Safe to use from many threads.

    evolve: the fold, (state or None, event) -> state.
    state_type: an attrs class that msgspec can encode; None for no snapshots.
    state_version: raised when the fold makes something else of the same facts.
    """

    name = "ledger"
    env: ClassVar[dict[str, str]] = {
        "PERSISTENCE_MODULE": "infrastructure.store.datastore",
        "MAPPER_TOPIC": "infrastructure.store.mapper:LedgerMapper",
        "ORIGINATOR_ID_TYPE": "text",
    }
    log_section_size = 500

    def __init__(
        self,
        books: Books,
        *,
        evolve: Callable[[S | None, Any], S],
        state_type: type[S],
        state_version: int = 1,
        codec: Codec | None = None,
    ) -> None:
        self.books = books
        self._evolve = evolve
        self._codec = codec or Codec()
        self._writer = Writer(books)
        self._waker = Waker(books)
        self._group = GroupCommit[_Request, list[Appended | Conflict]](self._commit)
        super().__init__()
        self._ledger_recorder.on_insert = self._waker.signal
        datastore = self._ledger_recorder.datastore
        self._state_snapshots: Snapshots[S] = Snapshots(datastore, state_type, state_version)

    # --- the library's extension points ---------------------------------------------------------

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """The factory for these books; their connection string stays out of the environment."""
        return LedgerFactory(env, self.books)

    def construct_mapper(self) -> Mapper[str]:
        """Our mapper, with this ledger's codec."""
        return LedgerMapper(self.construct_transcoder(), codec=self._codec)

    def construct_recorder(self) -> ProcessRecorder:
        """Our recorder, which also tracks."""
        return self.factory.process_recorder()

    @property
    def _ledger_recorder(self) -> LedgerRecorder:
        return cast(LedgerRecorder, self.recorder)

    # --- writing --------------------------------------------------------------------------------

    def append(self, appends: Sequence[Append], *, now: datetime) -> list[Appended | Conflict]:
        """Write facts; what came of each append, in order.

        One transaction: a stale stream is reported and its neighbours are written. Idempotent by
        event id (command id, stream, version): what had been written before is reported as
        written. Several appends to one stream are taken in order.
        now: the process's clock, with a zone; recorded times never go back even if it does.
        Raises: EncodeError or ValueError before anything is sent; LedgerUnavailable when the
            server is away for long (ask again with the same command ids); psycopg.Error when the
            server refuses, nothing being written.
        """
        if now.utcoffset() is None:
            raise ValueError("now has no time zone")
        additions = [self._addition(append) for append in appends]
        if not additions:
            return []
        results = self._group.submit(_Request(additions, now))
        self._waker.signal()
        return results

    def append_held(
        self, decide: Callable[[int], Append | None], *, now: datetime
    ) -> Appended | Conflict | None:
        """Let `decide` look at the log while nobody can add to it, and write what it gives.

        decide: takes the last position, which is the last one until it has answered. Every writer
            of these books waits meanwhile: whatever takes long is to be done before.
        now: as in `append`; a repeat is recognised likewise. None where nothing was to be written.
        Raises: as `append`, but does not wait for a server that is away; what `decide` raises.
        """
        function = self._ledger_recorder.append_function
        # A connection of its own: those who append in this process wait at the server, as all do.
        with self.books.connect() as session, session.transaction():
            append = decide(function.hold(session, now))
            if append is None:
                return None
            addition = self._addition(append)
            (outcome,) = function.add(session, [addition], now)
        self._waker.signal()
        return _result(addition, outcome)

    def _addition(self, append: Append) -> Addition:
        stream, stamp = append.stream.encode(), append.stamp
        actor, cause = stamp.actor.encode(), stamp.cause.encode()
        if not stream or b"\0" in stream + actor + cause:
            raise ValueError("cannot append: a stream without a name, or NUL in a text")
        if not append.events or not 0 <= append.expected_version < _LARGEST_VERSION:
            raise ValueError(
                f"cannot append {len(append.events)} facts after version {append.expected_version}"
            )
        command = stamp.command_id.bytes
        rows = []
        for version, event in enumerate(append.events, start=append.expected_version + 1):
            name, body = self._codec.encode(event)
            identity = event_id_bytes(command, stream, version)
            at = event.effective_at
            rows.append(
                Row(stream, version, name.encode(), body, identity, at, actor, cause, command)
            )
        return Addition(append.stream, append.expected_version, rows)

    def _commit(self, requests: Sequence[_Request]) -> list[list[Appended | Conflict]]:
        """Write what several callers want, in one transaction."""
        additions = [addition for request in requests for addition in request.additions]
        now = max(request.now for request in requests)
        outcomes = iter(self._writer.run(lambda session: self._write(session, additions, now)))
        return [
            [_result(addition, next(outcomes)) for addition in request.additions]
            for request in requests
        ]

    def _write(
        self, session: Session, additions: Sequence[Addition], now: datetime
    ) -> list[Added | Stale]:
        add = self._ledger_recorder.append_function.add
        rounds = _rounds(additions)
        if len(rounds) == 1:
            return add(session, additions, now)
        outcomes: dict[int, Added | Stale] = {}
        with session.transaction():
            for numbers in rounds:
                found = add(session, [additions[number] for number in numbers], now)
                outcomes.update(zip(numbers, found, strict=True))
        return [outcomes[number] for number in range(len(additions))]

    # --- reading --------------------------------------------------------------------------------

    def load(self, streams: Sequence[str]) -> dict[str, Loaded[S]]:
        """Streams with their states, in two round trips however many there are."""
        wanted = list(dict.fromkeys(streams))
        kept = self._state_snapshots.load(wanted)
        after = [(stream, kept[stream].version if stream in kept else 0) for stream in wanted]
        rows: dict[str, list[EventRow]] = {}
        for row in self._ledger_recorder.rows_of_streams(after):
            rows.setdefault(row[1], []).append(row)
        return {
            stream: self._folded(
                stream,
                kept[stream].state if stream in kept else None,
                version,
                rows.get(stream, ()),
            )
            for stream, version in after
        }

    def _folded(
        self, stream: str, state: S | None, version: int, rows: Sequence[EventRow]
    ) -> Loaded[S]:
        poison = None
        for row in rows:
            if row[2] != version + 1:
                raise StreamBroken(f"{stream}: version {row[2]} follows {version}")
            version = row[2]
            if poison is None:
                event = self._event(row)
                if isinstance(event, Poison):
                    poison, state = event, None
                else:
                    state = self._evolve(state, event)
        return Loaded(stream, state, version, poison)

    def read_stream(self, stream: str, after_version: int = 0) -> list[Recorded[Any]]:
        """One stream's facts after a version, in order. Raises: Unreadable."""
        facts = []
        for row in self._ledger_recorder.rows_of_streams([(stream, after_version)]):
            recorded = self._recorded(row)
            if isinstance(recorded, Poison):
                raise Unreadable(recorded)
            facts.append(recorded)
        return facts

    def read_streams(self, streams: Sequence[str], stop: int) -> Iterator[list[Recorded[Any]]]:
        """The facts of each stream up to a position, in the order given. Raises: Unreadable."""
        rows: dict[str, list[EventRow]] = {stream: [] for stream in streams}
        for row in self._ledger_recorder.rows_of_streams([(each, 0) for each in rows], stop):
            rows[row[1]].append(row)
        for stream in streams:
            facts = []
            for row in rows[stream]:
                recorded = self._recorded(row)
                if isinstance(recorded, Poison):
                    raise Unreadable(recorded)
                facts.append(recorded)
            yield facts

    def streams_named(self, prefix: str) -> list[str]:
        """The streams whose names begin so, in the order of their beginnings."""
        names: list[str] = self._ledger_recorder.names_of_streams(prefix)
        return names

    def read_log(
        self, after: int, limit: int, stop: int | None = None
    ) -> list[Recorded[Any] | Poison]:
        """At most `limit` facts with after < position <= stop, in order; none is passed over."""
        rows = self._ledger_recorder.rows_of_log(after, limit, stop)
        return [self._recorded(row) for row in rows]

    def read_together(
        self, streams: Sequence[str], after: int, limit: int, stop: int
    ) -> list[Recorded[Any] | Poison]:
        """As `read_log`, of these streams alone."""
        return [
            self._recorded(row)
            for row in self._ledger_recorder.rows_together(streams, after, limit, stop)
        ]

    def read_beginnings(self, after: int, limit: int, stop: int) -> list[Recorded[Any] | Poison]:
        """As `read_log`, of each stream its first event alone."""
        return [
            self._recorded(row)
            for row in self._ledger_recorder.rows_of_beginnings(after, limit, stop)
        ]

    def recorded_at(self, position: int) -> datetime:
        """When a position was recorded. Raises: LookupError."""
        rows = self._ledger_recorder.rows_of_log(position - 1, 1, position)
        if not rows:
            raise LookupError(f"nothing is recorded at position {position}")
        instant: datetime = rows[0][6]
        return instant

    def head(self) -> int:
        """The last position; 0 when nothing is recorded."""
        return self.recorder.max_notification_id() or 0

    def _event(self, row: EventRow) -> Any | Poison:
        position, stream, version, name, body = row[:5]
        try:
            return self._codec.decode(name, body.encode())
        except DecodeError as error:
            return Poison(position, stream, version, name, str(error))

    def _recorded(self, row: EventRow) -> Recorded[Any] | Poison:
        event = self._event(row)
        if isinstance(event, Poison):
            return event
        position, stream, version, _, _, identity, recorded_at, _, actor, cause, command_id = row
        return Recorded(
            position=position,
            stream=stream,
            version=version,
            event_id=identity,
            recorded_at=recorded_at,
            actor=actor,
            cause=cause,
            command_id=command_id,
            event=event,
        )

    # --- snapshots ------------------------------------------------------------------------------

    def save_snapshots(self, items: Sequence[tuple[str, int, S]]) -> None:
        """Keep (stream, version, state), so that the next load folds less."""
        self._state_snapshots.save(items)

    def close(self) -> None:
        """Let go of connections and threads."""
        if not self.closing.is_set():
            self._waker.close()
            self._writer.close()
        super().close()


def _result(addition: Addition, outcome: Added | Stale) -> Appended | Conflict:
    if isinstance(outcome, Stale):
        return Conflict(addition.stream, addition.expected_version, outcome.actual_version)
    return Appended(addition.stream, addition.version, outcome.position)


def _rounds(additions: Sequence[Addition]) -> list[list[int]]:
    """Numbers of additions, so that no round has a stream twice and each stream is in order."""
    rounds: list[list[int]] = []
    seen: dict[str, int] = {}
    for number, addition in enumerate(additions):
        turn = seen.get(addition.stream, 0)
        seen[addition.stream] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(number)
    return rounds
