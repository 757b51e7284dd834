"""Whatever both sides say, all of the money is matched or listed, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
from hypothesis import event, given, settings
from hypothesis import strategies as st

from domain.money import Money
from domain.settlement_ports import SettledKind, SettlementLine
from domain.settlements.accounts import Code, Movement, Standing
from domain.settlements.matching import compare
from domain.settlements.state import Statement
from tests.reconciling.given import DAY, LATER, line, ours, statement

KINDS = ("capture", "refund", "chargeback")
MORE = settings(max_examples=300, deadline=None)


@st.composite
def movements(draw: st.DrawFn) -> list[Movement]:
    """Up to a dozen movements of ours, no two under one name."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(KINDS))
        found.append(
            ours(
                kind,
                draw(st.integers(1, 500)),
                f"r{number}",
                currency=draw(st.sampled_from(["NOK", "NOK", "JPY"])),
                place=draw(st.sampled_from(["paypal/main", "dintero/main"])),
                provider_ref=f"P{number}",
                standing=draw(st.sampled_from([*[Standing.MOVED] * 4, *Standing])),
                on=DAY - timedelta(days=draw(st.integers(0, 20))),
            )
        )
    return found


def lines_about(draw: st.DrawFn, movement: Movement) -> list[SettlementLine]:
    """What a provider may say of a movement: once, in parts, twice, otherwise, not at all; with a
    fee, by our reference, its own id, or neither."""
    minor, code = movement.amount.minor, movement.amount.currency
    how = draw(st.sampled_from(["once", "once", "once", "parts", "twice", "other", "none"]))
    cut = draw(st.integers(0, minor))
    amounts = {
        "once": [minor],
        "parts": [each for each in (cut, minor - cut) if each],
        "twice": [minor, minor],
        "other": [minor + draw(st.sampled_from([-1, 1, 100]))],
        "none": [],
    }[how]
    named = draw(st.sampled_from(["reference", "reference", "id", "neither"]))
    about: dict[str, Any] = {
        "reference": {"reference": movement.reference},
        "id": {"provider_ref": movement.provider_ref},
        "neither": {"reference": f"X{movement.reference}"},
    }[named]
    other = draw(st.sampled_from([code, code, code, "SEK"]))
    found = []
    for each in amounts:
        row = draw(st.integers(1, 10_000))
        said = {"row": row, "currency": other, "on": movement.on, **about}
        found.append(line(movement.kind.value, each, **said))
        if draw(st.booleans()):
            found.append(line("fee", 1 + each // 50, **said))
    return found


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Movement], list[Statement]]:
    """Our movements, and statements that split what providers say of them in any way."""
    mine = draw(movements())
    by_place: dict[str, list[SettlementLine]] = {"paypal/main": [], "dintero/main": []}
    for movement in mine:
        by_place[movement.place] += lines_about(draw, movement)
    for place in by_place:
        for _ in range(draw(st.integers(0, 2))):
            kind = draw(st.sampled_from(["capture", "other", "fee", "payout", "refund"]))
            minor = draw(st.integers(-300, 300))
            by_place[place].append(line(kind, minor, draw(st.sampled_from(["", "S"])), row=0))
    found = []
    for place, lines in by_place.items():
        groups: dict[int, list[SettlementLine]] = {}
        for each in lines:
            groups.setdefault(draw(st.integers(1, 3)), []).append(each)
        for number, group in groups.items():
            found.append(
                statement(
                    *group,
                    settlement_id=f"s-{number}",
                    place=place,
                    paid=draw(st.booleans()),
                    settled_on=LATER - timedelta(days=draw(st.integers(0, 15))),
                )
            )
    return mine, found


@MORE
@given(worlds())
def test_all_of_the_money_is_matched_or_listed(
    world: tuple[list[Movement], list[Statement]],
) -> None:
    """Every line and every movement once; matches come to their movements to the minor unit."""
    mine, statements = world
    found = compare(statements, mine, as_of=LATER)
    assert found.complete, found.volumes
    lines = [each for one in (*found.matches, *found.listed) for each in one.lines]
    assert len(lines) == len(set(map(id, lines))) == sum(len(each.lines) for each in statements)
    for match in found.matches:
        if match.movement is not None and match.lines[0].line.kind is not SettledKind.FEE:
            total = sum(each.line.amount.minor for each in match.lines)
            moved = match.movement.standing is Standing.MOVED
            assert total == (match.movement.amount.minor if moved else 0)
            assert {each.line.amount.currency for each in match.lines} == {
                match.movement.amount.currency
            }
    told = {each.movement.key for each in (*found.matches, *found.listed) if each.movement}
    assert {each.key for each in mine if each.standing is Standing.MOVED} <= told
    ids = [each.exception_id for each in found.listed]
    assert len(ids) == len(set(ids))
    for code in sorted({each.code.value for each in found.listed}):
        event(f"listed {code}")
    event(f"proposed: {bool(found.proposals)}")


@MORE
@given(worlds(), st.randoms(use_true_random=False))
def test_no_order_matters(world: tuple[list[Movement], list[Statement]], chance: Any) -> None:
    """Statements, lines and movements in any order list the same."""
    mine, statements = world
    first = compare(statements, mine, as_of=LATER)
    chance.shuffle(mine)
    turned = []
    for each in statements:
        lines = list(each.lines)
        chance.shuffle(lines)
        turned.append(attrs.evolve(each, lines=tuple(lines)))
    chance.shuffle(turned)
    again = compare(turned, mine, as_of=LATER)
    assert [each.exception_id for each in again.listed] == [
        each.exception_id for each in first.listed
    ]
    assert len(again.matches) == len(first.matches)


@MORE
@given(movements())
def test_a_provider_that_agrees_leaves_nothing_to_say(mine: list[Movement]) -> None:
    """One line each, in any currency and place: all is matched, nothing is listed."""
    moved = [each for each in mine if each.standing is Standing.MOVED]
    statements = [
        statement(
            *(
                line(
                    each.kind.value,
                    each.amount.minor,
                    each.reference,
                    currency=each.amount.currency,
                    on=each.on,
                    row=row,
                )
                for row, each in enumerate(moved, 1)
                if each.place == place
            ),
            place=place,
        )
        for place in ("paypal/main", "dintero/main")
    ]
    found = compare(statements, mine, as_of=LATER)
    assert (found.listed, len(found.matches)) == ((), len(moved))


@MORE
@given(movements(), st.data())
def test_one_minor_unit_is_noticed(mine: list[Movement], data: st.DataObject) -> None:
    """All agree but one line, which is off by one: it is listed with that difference."""
    moved = [each for each in mine if each.standing is Standing.MOVED]
    if not moved:
        return
    odd = data.draw(st.integers(0, len(moved) - 1))
    off = data.draw(st.sampled_from([-1, 1]))
    lines = [
        line(
            each.kind.value,
            each.amount.minor + (off if n == odd else 0),
            each.reference,
            currency=each.amount.currency,
            on=each.on,
            row=n + 1,
        )
        for n, each in enumerate(moved)
    ]
    wanted = moved[odd]
    places = {each.place for each in moved}
    statements = [
        statement(
            *(each for each, of in zip(lines, moved, strict=True) if of.place == place),
            place=place,
        )
        for place in sorted(places)
    ]
    (one,) = compare(statements, mine, as_of=LATER).listed
    sign = 1 if wanted.kind is SettledKind.CAPTURE else -1
    assert (one.code, one.movement) == (Code.AMOUNT, wanted)
    assert one.difference == Money(-off * sign, wanted.amount.currency)
