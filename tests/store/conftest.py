"""A ledger over fresh books."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infrastructure.store.books import Books
from infrastructure.store.ledger import Ledger
from tests.store.writing import Tally, open_ledger


@pytest.fixture
def ledger(books: Books) -> Iterator[Ledger[Tally]]:
    """A ledger over fresh books, closed afterwards."""
    opened = open_ledger(books)
    yield opened
    opened.close()
