"""Their lines against our movements: exact first, the rest is listed, and nothing is left out.

In this order, each step by looking up, none by searching:

1. a line is about the movement that a person confirmed; else the one with its reference; else the
   one with its provider's id
2. the lines about a movement come to it, to the minor unit: a match. Captures in parts are several
   lines of one movement, and so is a line with one that takes it back
3. a fee goes with the line of its row, a payout with the total of its settlement
4. what is left is listed with the reason; lines about nothing of ours get proposals

The same lines and movements in any order make the same answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import attrs

from domain.money import Money, rounded
from domain.settlement_ports import SettledKind, SettlementLine
from domain.settlements.accounts import (
    MOVING,
    Code,
    Comparison,
    How,
    Listed,
    Match,
    Movement,
    Standing,
    Tariff,
    Theirs,
    short_id,
)
from domain.settlements.proposing import proposals
from domain.settlements.state import Statement
from domain.settlements.volumes import volumes

# After so many days a report, or a postponed payout, should be here.
STALE_AFTER_DAYS = 7
# A provider's days are of its own time zone; ours are UTC.
_SLACK = timedelta(days=1)
# What of ours a line takes from what lies at the provider.
_INCOMING = frozenset({SettledKind.CAPTURE, SettledKind.OTHER})
_AWAITED = (Code.TIMING, Code.STALE)


def lines_of(statements: Iterable[Statement]) -> list[Theirs]:
    """Every line of the statements, in an order of its own."""
    found: list[Theirs] = []
    for each in sorted(statements, key=lambda one: (one.settled_on, one.place, one.settlement_id)):
        same: Counter[tuple[object, ...]] = Counter()
        for line in sorted(each.lines, key=_order):
            about = (line.kind, line.reference, line.charge_ref, line.provider_ref)
            same[about] += 1
            found.append(
                Theirs(
                    place=each.place,
                    settlement_id=each.settlement_id,
                    settled_on=each.settled_on,
                    paid=each.paid,
                    seen_on=each.seen_on,
                    nth=same[about],
                    line=line,
                )
            )
    return found


def _order(line: SettlementLine) -> tuple[object, ...]:
    """By what a line says, so that the order of a file makes no difference."""
    about = (line.kind.value, line.reference, line.charge_ref, line.provider_ref)
    return (*about, line.on, line.amount.currency, line.amount.minor, line.row)


def compare(
    statements: Iterable[Statement],
    movements: Iterable[Movement],
    *,
    as_of: date,
    confirmed: Mapping[str, str] | None = None,
    tariffs: Mapping[str, Tariff] | None = None,
    stale_after_days: int = STALE_AFTER_DAYS,
) -> Comparison:
    """Everything that is settled up to a day, against everything that moved up to it.

    confirmed: what people confirmed, movement by line. tariffs: agreed fees by place.
    """
    there = [each for each in statements if each.settled_on <= as_of]
    ours = sorted((each for each in movements if each.on <= as_of), key=lambda one: one.key)
    matching = _Matching(ours, as_of, confirmed or {}, tariffs or {}, stale_after_days)
    theirs = lines_of(there)
    matching.place_lines(theirs)
    matching.judge_movements()
    matching.judge_rest(theirs)
    matching.judge_unseen(_reached(theirs))
    return matching.result(theirs)


def _reached(theirs: Iterable[Theirs]) -> dict[tuple[str, str], date]:
    """Up to which day an account's movements in a currency have been reported."""
    reached: dict[tuple[str, str], date] = {}
    for each in theirs:
        if each.line.kind in MOVING:
            key = each.place, each.line.amount.currency
            reached[key] = max(reached.get(key, each.line.on), each.line.on)
    return reached


@attrs.define(slots=False)
class _Matching:
    """One comparison under way. found: lines by movement, and how each was found."""

    ours: Sequence[Movement]
    as_of: date
    confirmed: Mapping[str, str]
    tariffs: Mapping[str, Tariff]
    stale_after_days: int
    matches: list[Match] = attrs.field(factory=list)
    listed: list[Listed] = attrs.field(factory=list)
    found: dict[str, list[Theirs]] = attrs.field(factory=dict)
    how: dict[str, How] = attrs.field(factory=dict)
    unknown: list[Theirs] = attrs.field(factory=list)
    rows: dict[tuple[str, str, int], bool] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._by_key = {each.key: each for each in self.ours}
        self._by_name: dict[tuple[str, SettledKind, str], list[Movement]] = defaultdict(list)
        self._by_id: dict[tuple[str, SettledKind, str], list[Movement]] = defaultdict(list)
        self._places: dict[tuple[str, str], Movement] = {}
        for each in self.ours:
            if each.reference:
                self._by_name[each.place, each.kind, each.reference].append(each)
                self._places.setdefault((each.place, each.reference), each)
            # A reversal may be known by the charge only: Dintero gives it no id of its own.
            for name in {each.provider_ref, each.charge_ref} - {""}:
                self._by_id[each.place, each.kind, name].append(each)
                self._places.setdefault((each.place, name), each)

    # --- 1: which movement a line is about ------------------------------------------------------

    def place_lines(self, theirs: Iterable[Theirs]) -> None:
        """Every line of a movement of money, with the movement that it is about."""
        for each in theirs:
            if each.line.kind not in MOVING:
                continue
            movement, how = self._about(each)
            if movement is None:
                self.unknown.append(each)
                continue
            self.found.setdefault(movement.key, []).append(each)
            self.how.setdefault(movement.key, how)

    def _about(self, each: Theirs) -> tuple[Movement | None, How]:
        line = each.line
        if self.confirmed:
            movement = self._by_key.get(self.confirmed.get(each.line_id, ""))
            if movement is not None:
                return movement, How.PERSON
        # A reversal's own id tells it from others of its charge; else references are ours.
        own = (
            self._by_id.get((each.place, line.kind, line.provider_ref))
            if line.provider_ref
            else None
        )
        if own and line.kind is SettledKind.CHARGEBACK:
            return self._chosen(own, each), How.PROVIDER_ID
        named = (
            self._by_name.get((each.place, line.kind, line.reference)) if line.reference else None
        )
        if named:
            return self._chosen(named, each), How.REFERENCE
        if own:
            return self._chosen(own, each), How.PROVIDER_ID
        known = (
            self._by_id.get((each.place, line.kind, line.charge_ref)) if line.charge_ref else None
        )
        # Of refunds the charge's id names the charge, not which of its refunds.
        if known and (line.kind is not SettledKind.REFUND or len(known) == 1):
            return self._chosen(known, each), How.PROVIDER_ID
        return None, How.REFERENCE

    def _chosen(self, candidates: Sequence[Movement], each: Theirs) -> Movement:
        """Of several reversals of a charge: one of that amount that no line is about yet."""
        if len(candidates) == 1:
            return candidates[0]
        free = [one for one in candidates if one.key not in self.found]
        same = [one for one in free if one.amount == each.line.amount]
        return (same or free or list(candidates))[0]

    # --- 2: whether the lines come to the movement ----------------------------------------------

    def judge_movements(self) -> None:
        """Every movement that lines are about."""
        for key, lines in self.found.items():
            movement = self._by_key[key]
            code = movement.amount.currency
            strange = [each for each in lines if each.line.amount.currency != code]
            same = [each for each in lines if each.line.amount.currency == code]
            for each in strange:
                words = f"{each.line.amount} by the provider, {movement.amount} in our books"
                self._list(Code.CURRENCY, [each], movement, words)
            if same:
                self._judge_amounts(movement, same)

    def _judge_amounts(self, movement: Movement, lines: list[Theirs]) -> None:
        minor = sum(each.line.amount.minor for each in lines)
        expected = movement.amount.minor if movement.standing is Standing.MOVED else 0
        if minor == expected:
            self._match(self.how[movement.key], lines, movement)
            return
        if movement.standing is not Standing.MOVED:
            state = "do not know yet" if movement.standing is Standing.OPEN else "say it failed"
            words = (
                f"the provider moved {Money(minor, movement.amount.currency)}, our books {state}"
            )
            self._list(Code.STATUS, lines, movement, words)
            return
        exact = next((each for each in lines if each.line.amount == movement.amount), None)
        if exact is None:
            words = (
                f"{Money(minor, movement.amount.currency)} by the provider, {movement.amount} ours"
            )
            self._list(Code.AMOUNT, lines, movement, words)
            return
        self._match(self.how[movement.key], [exact], movement)
        for each in lines:
            if each is not exact:
                self._list(Code.DUPLICATE, [each], None, f"{movement.reference} is matched already")

    # --- 3: fees, payouts, and what is about nothing of ours ------------------------------------

    def judge_rest(self, theirs: Iterable[Theirs]) -> None:
        """Every line that is about none of our movements."""
        for each in self.unknown:
            self._list(Code.MISSING_OURS, [each], None, self._unknown_words(each))
        fees: dict[tuple[str, str, int], int] = {}
        for each in theirs:
            match each.line.kind:
                case SettledKind.FEE:
                    self._judge_fee(each, fees)
                case SettledKind.PAYOUT if each.paid:
                    self.matches.append(Match(how=How.TOTAL, lines=(each,), movement=None))
                case SettledKind.PAYOUT:
                    code = self._awaited(each.settled_on)
                    self._list(code, [each], None, "the payout is postponed")
                case SettledKind.OTHER:
                    words = "moved the balance, and is none of our movements"
                    self._list(Code.MISSING_OURS, [each], None, words)

    def _unknown_words(self, each: Theirs) -> str:
        line = each.line
        charge = self._places.get((each.place, line.reference)) or self._places.get(
            (each.place, line.charge_ref)
        )
        if charge is None:
            return "our books have nothing under this reference or id"
        return f"our books have no such {line.kind.value.lower()} of {charge.reference}"

    def _judge_fee(self, each: Theirs, seen: dict[tuple[str, str, int], int]) -> None:
        line = each.line
        row = each.place, each.settlement_id, line.row
        seen[row] = seen.get(row, 0) + 1
        movement = self._places.get((each.place, line.reference)) or self._places.get(
            (each.place, line.charge_ref)
        )
        beside = self.rows.get(row)
        if movement is None or movement.standing is not Standing.MOVED or beside is False:
            self._list(Code.FEE, [each], None, "a fee of nothing that is matched")
            return
        agreed = self._agreed(each, movement) if beside and seen[row] == 1 else None
        if beside and seen[row] > 1:
            self._list(Code.FEE, [each], None, f"a second fee of {movement.reference}")
        elif agreed is not None and abs(agreed.minor - line.amount.minor) > 1:
            self._list(Code.FEE, [each], None, f"{line.amount}, and {agreed} is agreed to")
        else:
            self.matches.append(Match(how=How.WITH_ITS_MOVEMENT, lines=(each,), movement=movement))

    def _agreed(self, each: Theirs, movement: Movement) -> Money | None:
        """The fee of a capture by the tariff, where there is one."""
        tariff, amount = self.tariffs.get(each.place), movement.amount
        if tariff is None or movement.kind is not SettledKind.CAPTURE:
            return None
        share = rounded(tariff.percent * amount.minor / 100, amount.currency)
        return Money(share.minor + tariff.fixed.get(amount.currency, 0), amount.currency)

    def judge_unseen(self, reached: Mapping[tuple[str, str], date]) -> None:
        """Every movement of ours that no line is about."""
        for movement in self.ours:
            if movement.standing is not Standing.MOVED:
                continue
            lines = self.found.get(movement.key, ())
            if any(each.line.amount.currency == movement.amount.currency for each in lines):
                continue
            if lines:
                continue  # listed with the lines in another currency
            until = reached.get((movement.place, movement.amount.currency))
            if until is not None and movement.on + _SLACK < until:
                words = f"reported up to {until}, and not among it"
                self._list(Code.MISSING_THEIRS, [], movement, words)
            else:
                code = self._awaited(movement.on)
                self._list(code, [], movement, "no report of that day is here yet")

    def _awaited(self, since: date) -> Code:
        return Code.STALE if (self.as_of - since).days > self.stale_after_days else Code.TIMING

    # --- 4: the answer --------------------------------------------------------------------------

    def _match(self, how: How, lines: Sequence[Theirs], movement: Movement) -> None:
        self.matches.append(Match(how=how, lines=tuple(lines), movement=movement))
        for each in lines:
            self.rows[each.place, each.settlement_id, each.line.row] = True

    def _list(
        self, code: Code, lines: Sequence[Theirs], movement: Movement | None, words: str
    ) -> None:
        place = lines[0].place if movement is None else movement.place
        currency = (lines[0].line.amount if lines else movement.amount).currency  # type: ignore[union-attr]
        difference = Money(_ours(movement, currency) - _theirs(lines, currency), currency)
        group = Code.TIMING if code in _AWAITED else code
        about = (
            *(f"{each.line_id} {each.line.amount}" for each in lines),
            "" if movement is None else f"{movement.key} {movement.amount}",
        )
        since = max(each.seen_on for each in lines) if lines else movement.on  # type: ignore[union-attr]
        self.listed.append(
            Listed(
                exception_id=short_id(group.value, place, *about),
                code=code,
                place=place,
                lines=tuple(lines),
                movement=movement,
                difference=difference,
                words=words,
                since=since,
                age_days=max(0, (self.as_of - since).days),
            )
        )
        # The fee of what is about nothing of ours, or was there before, is of nothing, too.
        for each in lines if movement is None else ():
            if each.line.kind in MOVING:
                self.rows.setdefault((each.place, each.settlement_id, each.line.row), False)

    def result(self, theirs: Sequence[Theirs]) -> Comparison:
        """The answer."""
        listed = sorted(self.listed, key=lambda one: (one.since, one.place, one.exception_id))
        return Comparison(
            matches=tuple(self.matches),
            listed=tuple(listed),
            proposals=tuple(proposals(listed, self.ours, self.found)),
            volumes=volumes(theirs, self.ours, self.matches, listed),
        )


def _ours(movement: Movement | None, currency: str) -> int:
    """What a movement leaves at the provider by our books, minor units."""
    if movement is None or movement.standing is not Standing.MOVED:
        return 0
    if movement.amount.currency != currency:
        return 0
    minor = movement.amount.minor
    return minor if movement.kind in _INCOMING else -minor


def _theirs(lines: Iterable[Theirs], currency: str) -> int:
    """What lines leave there by the provider's, minor units."""
    return sum(
        each.line.amount.minor if each.line.kind in _INCOMING else -each.line.amount.minor
        for each in lines
        if each.line.amount.currency == currency
    )
