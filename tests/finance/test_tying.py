"""The audit finds books that do not come to what the facts say."""

from __future__ import annotations

import attrs
import pytest

from domain.books import posting
from domain.books.accounts import Posting
from domain.money import Money
from domain.subscription.events import ChargeSucceeded
from projections.audit import Verdict, audit_log
from tests.projections.scenes import billed, signed_up

RULES = dict(posting.POSTING)


def nothing(*_: object) -> Posting:
    """A rule that forgets."""
    return Posting()


def twice(standing: object, event: ChargeSucceeded) -> Posting:
    """A rule that balances, and is wrong on both sides."""
    more = Money(2 * event.amount.minor, event.amount.currency)
    return RULES[ChargeSucceeded](standing, attrs.evolve(event, amount=more))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [nothing, twice])
def test_a_rule_that_loses_or_makes_money_is_found(
    wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts are sound, and the verdict is not clean."""
    log = billed(signed_up()).log
    assert audit_log(log).verdict is Verdict.CLEAN
    monkeypatch.setattr(posting, "POSTING", {**RULES, ChargeSucceeded: wrong})
    report = audit_log(log)
    assert (report.verdict, report.findings) == (Verdict.DIFFERENCES, ())
    assert any(words.startswith("clearing in") for words in report.books)
