"""Logs: one form for people, one for machines, and no local variable in either."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from infrastructure.logs import set_up_logs


def fail() -> None:
    """Something goes wrong while a token is in our hands."""
    token = "EC-token-of-the-test"
    raise RuntimeError(f"failed with {len(token)} characters")


@pytest.mark.parametrize("form", ["text", "json"])
def test_traceback_shows_no_local_variable(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A token that was in a variable when it happened stays there."""
    set_up_logs(form)
    try:
        fail()
    except RuntimeError:
        structlog.get_logger().exception("work failed", subscription="s-1")
    written = capsys.readouterr().err
    assert "failed with 20 characters" in written
    assert "EC-token-of-the-test" not in written


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With time, level and what was bound."""
    set_up_logs("json")
    structlog.get_logger().warning("callback refused", security=True, code="too-old")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["security"]) == ("callback refused", "warning", True)
    assert line["timestamp"].endswith("Z")


def test_clients_do_not_log_their_requests() -> None:
    """A request line of httpx would show a provider's ids."""
    set_up_logs("text")
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
