"""A file of usage: CSV in UTF-8, one report a line, read as it streams.

column           what it holds
subscription_id  whose usage it is
usage_id         the caller's own, one a report and subscription
meter            the meter's code
quantity         units, a whole number
at               instant of the usage, RFC 3339 with its offset, e.g. 2025-01-31T12:00:00Z

Other columns are passed over. A line that cannot be read is a problem of its own; the others are
read on, unless the file as a whole is no CSV in UTF-8.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO

import attrs

from domain.refusals import Refused
from domain.subscription.metering import Report
from infrastructure.card_numbers import refuse
from infrastructure.commands.wishes import UsageWish

USAGE_COLUMNS = ("subscription_id", "usage_id", "meter", "quantity", "at")
LARGEST_FIELD_CHARS = 10_000
_LONGEST_NUMBER = 20


@attrs.frozen(kw_only=True)
class UsageLine:
    """One line. line: as an editor counts it, from 1 (the header). wish: or why there is none."""

    line: int
    wish: UsageWish | Refused


def read_usage(text: TextIO, columns: Mapping[str, str]) -> Iterator[UsageLine]:
    """The lines of a file, one after the other; what is wrong with one is in its place.

    text: opened with newline="". columns: our names to the file's.
    Raises: OSError.
    """
    csv.field_size_limit(LARGEST_FIELD_CHARS)
    lines = csv.reader(text, strict=True)
    try:
        header = [name.strip().removeprefix("\ufeff") for name in next(lines, [])]
        places = _places(header, columns)
        for fields in lines:
            if any(fields):
                yield UsageLine(line=lines.line_num, wish=_read(fields, header, places))
    except Refused as refused:
        yield UsageLine(line=1, wish=refused)
    except UnicodeDecodeError:
        reason = "the file is not UTF-8 from here on"
        yield UsageLine(line=lines.line_num + 1, wish=Refused("not-utf-8", reason))
    except csv.Error as error:
        yield UsageLine(line=lines.line_num, wish=Refused("csv-malformed", str(error)))


def _places(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Raises: Refused("column-missing"), Refused("column-repeated")."""
    places = {}
    for ours in USAGE_COLUMNS:
        theirs = columns.get(ours, ours)
        if theirs not in header:
            reason = f"the header has no {theirs[:60]!r}, which is to hold {ours}"
            raise Refused("column-missing", reason)
        if header.count(theirs) > 1:
            raise Refused("column-repeated", f"{theirs[:60]!r} stands in the header twice")
        places[ours] = header.index(theirs)
    return places


def _read(
    fields: Sequence[str], header: Sequence[str], places: Mapping[str, int]
) -> UsageWish | Refused:
    try:
        refuse("\n".join(fields), "usage file")
    except Refused as refused:
        return refused
    if len(fields) != len(header):
        return Refused("fields-miscounted", f"{len(fields)} fields under a header of {len(header)}")
    found: dict[str, Any] = {ours: fields[place].strip() for ours, place in places.items()}
    quantity, at = found["quantity"], found["at"]
    if not (quantity.isascii() and quantity.isdigit() and len(quantity) <= _LONGEST_NUMBER):
        return Refused("number-malformed", f"quantity: {quantity[:40]!r} is not a whole number")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return Refused("instant-malformed", f"at: {at[:40]!r} is not like 2025-01-31T12:00:00Z")
    report = Report(
        usage_id=found["usage_id"], meter=found["meter"], quantity=int(quantity), at=moment
    )
    return UsageWish(subscription_id=found["subscription_id"], report=report)
