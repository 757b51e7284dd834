"""The printed catalogue is what the code says now."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from domain.processes.agenda import ItemKind
from domain.recorded import STORED_NAMES
from infrastructure.cli.main import COMMANDS
from projections.catalogue import PROJECTIONS

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "catalogue.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """scripts/catalogue.py, which lies in no package."""
    spec = importlib.util.spec_from_file_location("catalogue_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_not_stale(script: ModuleType) -> None:
    """After a change of facts, routes or commands: python scripts/catalogue.py --write."""
    assert script.PAGE.read_text(encoding="utf-8") == script.page()


def test_the_page_leaves_nothing_out(script: ModuleType) -> None:
    """Every stored name, item, projection and command has its row."""
    page: str = script.page()
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines()}
    named = {
        *STORED_NAMES,
        *(kind.value for kind in ItemKind),
        *(each.name for each in PROJECTIONS),
    }
    assert {f"`{name}`" for name in named} <= rows
    assert {f"`billing {name}`" for name in COMMANDS} <= rows
    assert "| POST | `/v1/subscriptions` |" in page
