"""What an operator is told of a decline: what the provider's code means, and what we do.

The codes' words stand in the provider's own table. What a provider said beside its code is kept in
the fact; these words are ours, and are put to it when it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import attrs

from domain.providers import Provider
from domain.recorded import Recorded
from domain.subscription.events import ChargeAttempted, ChargeDeclined, DeclineClass
from infrastructure.gateways.dintero.codes import WORDS as DINTERO_WORDS
from infrastructure.gateways.paypal.issues import ISSUES, STATUSES
from projections.charges import Charge
from projections.explaining import Explanation
from projections.timeline import TimelineEntry, entry

WHAT_WE_DO: Mapping[DeclineClass, str] = {
    DeclineClass.HARD: "This method is charged no more; another one is tried, or asked for.",
    DeclineClass.SOFT: "It is tried again after the agreed waits, while there are any.",
    DeclineClass.PAYER_ACTION: "Without the payer it is not charged; an approval is asked for.",
    DeclineClass.MERCHANT: "It is not tried again until somebody has put our side right "
    "(billing collect).",
}
UNKNOWN_CODE = "The provider's code is not known to us."
_WORDS: Mapping[Provider, Mapping[str, str]] = {
    Provider.PAYPAL: {**{code: row.words for code, row in ISSUES.items()}, **STATUSES},
    Provider.DINTERO: DINTERO_WORDS,
}


@attrs.frozen(kw_only=True)
class Told:
    """A decline's code, and what an operator is told of it."""

    provider: Provider
    code: str
    decline: DeclineClass
    words: str


def words_of(provider: Provider, code: str) -> str:
    """What a code means, in one sentence."""
    return _WORDS[provider].get(code.upper(), UNKNOWN_CODE)


def told_of(provider: Provider, code: str, decline: DeclineClass) -> str:
    """What a code means, and what we do."""
    return f"{words_of(provider, code)} {WHAT_WE_DO[decline]}"


def told_of_charges(charges: Iterable[Charge]) -> tuple[Told, ...]:
    """Each code among these charges once, in their order."""
    found: dict[tuple[Provider, str, DeclineClass], Told] = {}
    for each in charges:
        if each.decline is not None:
            key = (each.provider, each.code, each.decline)
            provider, code, decline = key
            words = told_of(*key)
            found[key] = Told(provider=provider, code=code, decline=decline, words=words)
    return tuple(found.values())


def told_timeline(facts: Iterable[Recorded[Any]]) -> tuple[TimelineEntry, ...]:
    """The timeline of a subscription; behind each decline what an operator is told of it."""
    facts = list(facts)
    told = _told(facts)
    return tuple(_with_words(entry(each), told.get(each.position, "")) for each in facts)


def told_explanation(found: Explanation, facts: Iterable[Recorded[Any]]) -> Explanation:
    """An explanation, with the same behind each step that is a decline. facts: that it is from."""
    told = _told(facts)
    steps = tuple(
        attrs.evolve(each, words=f"{each.words}. {told[each.position]}")
        if each.position in told
        else each
        for each in found.steps
    )
    return attrs.evolve(found, steps=steps)


def _with_words(line: TimelineEntry, words: str) -> TimelineEntry:
    return attrs.evolve(line, words=f"{line.words} {words}") if words else line


def _told(facts: Iterable[Recorded[Any]]) -> dict[int, str]:
    """By the position of a decline."""
    providers: dict[UUID, Provider] = {}
    told: dict[int, str] = {}
    for recorded in facts:
        event = recorded.event
        if isinstance(event, ChargeAttempted):
            providers[event.attempt_id] = event.provider
        elif isinstance(event, ChargeDeclined) and event.attempt_id in providers:
            provider = providers[event.attempt_id]
            told[recorded.position] = told_of(provider, event.code, event.decline)
    return told
