"""The README's table of providers is what the gateways do now."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

import pytest

from domain.ports import Gateway

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "provider_table.py"
# What only reads, checks a signature, or lets go of connections.
NOT_OPERATIONS = {"verify", "close"}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """scripts/provider_table.py, which lies in no package."""
    spec = importlib.util.spec_from_file_location("provider_table_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_not_stale(script: ModuleType) -> None:
    """After a change of a gateway or of the rules: python scripts/provider_table.py --write."""
    readme: str = script.README.read_text(encoding="utf-8")
    assert readme == script.page(readme)


def test_every_operation_has_its_rows(script: ModuleType) -> None:
    """Each method of the port that may change something at a provider, at both of them."""
    methods = {
        name
        for name, member in vars(Gateway).items()
        if inspect.iscoroutinefunction(member)
        and name not in NOT_OPERATIONS
        and not name.startswith("look_up")
    }
    # A token is asked for alone, or with the first payment.
    assert len(script.OPERATIONS) == len(methods) + 1
    assert len(script.rows()) == 2 * len(script.OPERATIONS)


def test_silence_is_a_doubt_everywhere(script: ModuleType) -> None:
    """Whatever was sent and not answered is unknown; never a no, never "not done"."""
    sent = [row for row in script.rows() if row[2].startswith("`")]
    assert len(sent) >= 14
    assert {row[5] for row in sent} == {"unknown"}
