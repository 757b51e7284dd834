"""Events as JSON text and back, under their stored names.

Encoding: attrs classes as objects with sorted keys, enums by value, instants as RFC 3339 in UTC,
days as ISO dates, UUIDs as strings, Money as {"currency", "minor"}, tuples as arrays.
Decoding is strict: an unknown name, an unknown or missing field, a value of another type, an
instant without a zone, or a value that its class refuses is a DecodeError. Events of an older
shape are lifted to the present one by upcasts when they are read; what is stored never changes.

exceptions
  CodecError
    EncodeError   we tried to store something that is no event of ours
    DecodeError   what is stored cannot be understood (poison)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

import domain.catalogue.events
import domain.due_runs.events
import domain.periods.events
import domain.restorations.events
import domain.settlements.events
import domain.subscription.events  # noqa: F401 - likewise
from domain.recorded import STORED_NAMES, stored_name
from domain.refusals import Refused
from infrastructure.store.instants import InstantCheck, in_utc

# Far above any event of ours; more is an error of the writer or a poisoned row.
LARGEST_BODY_BYTES = 1_000_000

# The shape before: its raw fields. The shape after: its stored name and fields.
Upcast = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]

# Old stored names, each with the step to the next newer shape. None is old yet.
UPCASTS: dict[str, Upcast] = {}


class CodecError(Exception):
    """Base of both; the text names the stored name and what is wrong, never a secret."""


class EncodeError(CodecError):
    """Not an event that can be stored."""


class DecodeError(CodecError):
    """A stored event that cannot be understood."""


class _Shape:
    """What the codec knows of one class: its decoder, and where its instants are."""

    __slots__ = ("decoder", "instants")

    def __init__(self, event_class: type) -> None:
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(event_class)
        self.instants = InstantCheck(event_class)


class Codec:
    """Encodes and decodes by a registry of stored names.

    names: stored name to class; by default every name that the domain has registered.
    upcasts: old stored name to the step that lifts it.
    """

    def __init__(
        self,
        names: Mapping[str, type] = STORED_NAMES,
        upcasts: Mapping[str, Upcast] = UPCASTS,
    ) -> None:
        self._names = names
        self._upcasts = upcasts
        self._encoder = msgspec.json.Encoder(order="sorted")
        self._shapes: dict[type, _Shape] = {}

    def encode(self, event: object) -> tuple[str, bytes]:
        """The stored name and the JSON text of an event.

        Raises: EncodeError.
        """
        try:
            name = stored_name(type(event))
        except KeyError:
            raise EncodeError(f"{type(event).__qualname__} has no stored name") from None
        instants = self._shape(type(event)).instants
        if not instants.are_utc(event):
            if not instants.are_zoned(event):
                raise EncodeError(f"{name}: an instant has no time zone")
            event = in_utc(event)
        try:
            body = self._encoder.encode(event)
        except (TypeError, ValueError, OverflowError) as error:
            raise EncodeError(f"{name}: {error}") from None
        if len(body) > LARGEST_BODY_BYTES:
            raise EncodeError(f"{name}: {len(body)} bytes are more than {LARGEST_BODY_BYTES}")
        return name, body

    def decode(self, name: str, body: bytes) -> Any:
        """The event that was stored under a name.

        Raises: DecodeError.
        """
        if len(body) > LARGEST_BODY_BYTES:
            raise DecodeError(f"{name}: {len(body)} bytes are more than {LARGEST_BODY_BYTES}")
        event_class = self._names.get(name)
        if event_class is None:
            name, body = self._lift(name, body)
            event_class = self._names[name]
        shape = self._shape(event_class)
        try:
            event = shape.decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Refused) as error:
            raise DecodeError(f"{name}: {error}") from None
        except (TypeError, ValueError, OverflowError) as error:  # a validator's
            raise DecodeError(f"{name}: {type(error).__name__}: {error}") from None
        if not shape.instants.are_zoned(event):
            raise DecodeError(f"{name}: an instant has no time zone")
        # msgspec passes over unknown keys of attrs classes. What we wrote ourselves encodes to the
        # same bytes again, and then nothing was passed over; else the keys are compared.
        if (again := self._encoder.encode(event)) != body:
            _refuse_unknown(name, msgspec.json.decode(body), msgspec.json.decode(again))
        return event

    def _shape(self, event_class: type) -> _Shape:
        shape = self._shapes.get(event_class)
        if shape is None:
            shape = self._shapes[event_class] = _Shape(event_class)
        return shape

    def _lift(self, name: str, body: bytes) -> tuple[str, bytes]:
        """Follow the upcasts from an old name to a present one."""
        old = name
        try:
            fields = msgspec.json.decode(body, type=dict[str, Any])
            for _ in range(len(self._upcasts)):
                if name not in self._upcasts:
                    break
                name, fields = self._upcasts[name](fields)
        except msgspec.DecodeError as error:
            raise DecodeError(f"{old}: {error}") from None
        except (KeyError, TypeError, ValueError, Refused) as error:
            raise DecodeError(f"{old}: cannot be lifted: {type(error).__name__}: {error}") from None
        if name not in self._names:
            raise DecodeError(f"{name!r} is not the name of an event that this code knows")
        return name, self._encoder.encode(fields)


def _refuse_unknown(name: str, given: Any, understood: Any, path: str = "") -> None:
    """Raise DecodeError at the first key that was given and is not in what was understood."""
    if isinstance(given, dict) and isinstance(understood, dict):
        for key, value in given.items():
            if key not in understood:
                raise DecodeError(f"{name}: unknown field {path + key!r}")
            _refuse_unknown(name, value, understood[key], f"{path}{key}.")
    elif isinstance(given, list) and isinstance(understood, list):
        for number, (one, other) in enumerate(zip(given, understood, strict=True)):
            _refuse_unknown(name, one, other, f"{path}{number}.")
