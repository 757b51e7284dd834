"""Copies made by folding: equal to what attrs makes, and never the original."""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest

from domain.copying import with_
from domain.money import Money
from domain.subscription.state import Credit

CREDIT = Credit(credit_number=1, left=Money(100, "NOK"))


def test_copy_is_what_attrs_would_make() -> None:
    """The named fields are changed, the others stay, and so does the original."""
    copy = with_(CREDIT, left=Money(40, "NOK"))
    assert copy == attrs.evolve(CREDIT, left=Money(40, "NOK"))
    assert hash(copy) == hash(attrs.evolve(CREDIT, left=Money(40, "NOK")))
    assert CREDIT.left == Money(100, "NOK")


def test_copy_is_frozen() -> None:
    """A copy is as frozen as any other value."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast(Any, with_(CREDIT, credit_number=2)).credit_number = 3


def test_field_that_there_is_not() -> None:
    """A misspelt field is an error, not a silent copy."""
    with pytest.raises(KeyError):
        cast(Any, with_)(CREDIT, creditnumber=2)
