"""The library's mapper, over our codec: facts to stored events and back."""

from __future__ import annotations

from typing import Any, cast

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    Cipher,
    Compressor,
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
    Transcoder,
)

from infrastructure.store.codec import Codec, DecodeError
from infrastructure.store.stored import Draft, Fact, NewEvent, RecordedEvent


class LedgerMapper(Mapper[str]):
    """Maps a Draft to what is stored, and what is stored to a Fact.

    There is no compressor and no cipher: rows stay legible, and people are not in the ledger.
    """

    def __init__(
        self,
        transcoder: Transcoder,
        compressor: Compressor | None = None,
        cipher: Cipher | None = None,
        *,
        codec: Codec | None = None,
    ) -> None:
        if compressor is not None or cipher is not None:
            raise ValueError("the ledger's rows stay legible: no compressor, no cipher")
        super().__init__(transcoder)
        self.codec = codec or Codec()

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """What is stored of a Draft. Raises: EncodeError."""
        draft = cast(Draft[Any], domain_event)
        name, body = self.codec.encode(draft.event)
        return NewEvent(
            originator_id=draft.stream,
            originator_version=draft.version,
            topic=name,
            state=body,
            event_id=draft.event_id,
            effective_at=draft.event.effective_at,
            actor=draft.stamp.actor,
            cause=draft.stamp.cause,
            command_id=draft.stamp.command_id,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """The fact that was stored. Raises: MapperDeserialisationError."""
        stored = cast(RecordedEvent, stored_event)
        try:
            event = self.codec.decode(stored.topic, stored.state)
        except DecodeError as error:
            raise MapperDeserialisationError(str(error)) from error
        fact = Fact(
            position=stored.id,
            stream=str(stored.originator_id),
            version=stored.originator_version,
            event_id=stored.event_id,
            recorded_at=stored.recorded_at,
            actor=stored.actor,
            cause=stored.cause,
            command_id=stored.command_id,
            event=event,
        )
        return cast(DomainEventProtocol[str], fact)
