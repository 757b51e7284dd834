"""What people say about exceptions: does it, refuses it, stays quiet on a repeat."""

from __future__ import annotations

from typing import Any

import pytest

from domain.money import Money
from domain.providers import Provider
from domain.refusals import Refused
from domain.settlements.accounts import Listed
from domain.settlements.deciding import assign, confirm, decide
from domain.settlements.events import (
    Decision,
    ExceptionAssigned,
    ExceptionDecided,
    MatchConfirmed,
)
from domain.settlements.matching import compare, lines_of
from domain.settlements.state import Said
from tests.reconciling.given import LATER, NOW, line, only, ours, statement

WHY = "looked into it"


def short() -> Listed:
    """9.90 of 10.00 came."""
    return only(
        compare([statement(line("capture", 990, "a"))], [ours("capture", 1000, "a")], as_of=LATER)
    )


def after(*facts: Any) -> Said:
    """What was said by these facts."""
    said = Said()
    for each in facts:
        said.take(each)
    return said


def refused(code: str, call: Any) -> None:
    """Refused with this code and a reason."""
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.reason


def test_an_exception_is_assigned_once_to_each() -> None:
    """Kari; Kari again: quiet; then Ola takes it over."""
    one = short()
    facts = assign(Said(), one, owner="kari", reason=WHY, now=NOW)
    assert facts == (
        ExceptionAssigned(
            exception_id=one.exception_id, owner="kari", reason=WHY, effective_at=NOW
        ),
    )
    said = after(*facts)
    assert assign(said, one, owner="kari", reason=WHY, now=NOW) == ()
    assert after(*facts, *assign(said, one, owner="ola", reason=WHY, now=NOW)).owners == {
        one.exception_id: "ola"
    }
    refused("id-malformed", lambda: assign(said, one, owner="a b", reason=WHY, now=NOW))
    refused("reason-malformed", lambda: assign(said, one, owner="per", reason="", now=NOW))


def say(said: Said, one: Listed, decision: Decision, **more: str) -> Any:
    words = {"evidence": "case 7", "reason": WHY, **more}
    return decide(said, one, decision, now=NOW, **words)


def test_a_cost_is_decided_once_with_its_difference() -> None:
    """0.10 less than our books have; quiet on a repeat, refused otherwise."""
    one = short()
    (fact,) = say(Said(), one, Decision.COST)
    assert isinstance(fact, ExceptionDecided)
    assert (fact.provider, fact.account) == (Provider.DINTERO, "main")
    assert fact.difference == Money(10, "NOK")
    said = after(fact)
    assert say(said, one, Decision.COST) == ()
    refused("exception-decided", lambda: say(said, one, Decision.EXPLAINED))


def test_what_is_explained_posts_nothing() -> None:
    """The difference is zero, in the exception's currency."""
    (fact,) = say(Said(), short(), Decision.EXPLAINED)
    assert fact.difference == Money(0, "NOK")


def test_what_is_no_cost_is_refused() -> None:
    """Still to come; in two currencies; a fee, which its settlement posts; a postponed payout."""
    book = [ours("capture", 1000, "a")]
    waiting = only(compare([], book, as_of=LATER))
    other = statement(line("capture", 1000, "a", currency="SEK"))
    currency = only(compare([other], book, as_of=LATER))
    fee = only(compare([statement(line("fee", 99))], [], as_of=LATER))
    postponed = only(compare([statement(line("payout", 99), paid=False)], [], as_of=LATER))
    for one in (waiting, currency, fee, postponed):
        refused("exception-not-a-cost", lambda one=one: say(Said(), one, Decision.COST))
        assert say(Said(), one, Decision.EXPLAINED)


@pytest.mark.parametrize("evidence", ["", "x" * 201, "æ", "a\nb"])
def test_evidence_is_plain(evidence: str) -> None:
    """1-200 printable characters of ASCII."""
    one = short()
    refused("evidence-malformed", lambda: say(Said(), one, Decision.COST, evidence=evidence))


def test_a_match_is_confirmed_once() -> None:
    """Quiet on a repeat; another movement, another account or kind is refused."""
    (there,) = lines_of([statement(line("capture", 1000, "X"))])
    mine, other = ours("capture", 1000, "a"), ours("capture", 1000, "b")
    (fact,) = confirm(Said(), there, mine, reason=WHY, now=NOW)
    assert fact == MatchConfirmed(
        line_id=there.line_id, movement="charge a", reason=WHY, effective_at=NOW
    )
    said = after(fact)
    assert confirm(said, there, mine, reason=WHY, now=NOW) == ()
    refused("line-confirmed", lambda: confirm(said, there, other, reason=WHY, now=NOW))
    refund = ours("refund", 1000, "a-r1")
    elsewhere = ours("capture", 1000, "c", place="paypal/main")
    for wrong in (refund, elsewhere):
        refused(
            "match-wrong", lambda wrong=wrong: confirm(Said(), there, wrong, reason=WHY, now=NOW)
        )
    (fee,) = lines_of([statement(line("fee", 9))])
    refused("match-wrong", lambda: confirm(Said(), fee, mine, reason=WHY, now=NOW))
