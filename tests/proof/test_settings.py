"""What the settings say of the proof: when workers verify, where checkpoints go, older keys."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from infrastructure.proof.signing import Signer
from infrastructure.settings import Settings, SettingsError, read_settings

OLD = Signer("billing-ledger/books", b"o" * 32).verifier
WRONG_ID = str(OLD).replace(OLD.key_id.hex(), "00000000")


def read(tmp_path: Path, text: str = "", **environment: str) -> Settings:
    path = tmp_path / "billing.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(environment, path)


def test_by_the_machines_clock_workers_verify_by_themselves(tmp_path: Path) -> None:
    """Hourly, and as a whole at three; in a rehearsal only when they are told to."""
    plain = read(tmp_path)
    assert (plain.verify_every_s, plain.verify_whole_at) == (3600.0, time(3))
    for stepping in (
        read(tmp_path, 'clock = "stepping"'),
        read(tmp_path, BILLING_CLOCK="stepping"),
    ):
        assert (stepping.verify_every_s, stepping.verify_whole_at) == (None, None)
    assert (plain.checkpoints, plain.older_seal_keys) == (None, ())


def test_what_the_file_says(tmp_path: Path) -> None:
    """Every setting of the proof."""
    told = read(
        tmp_path,
        f'''clock = "stepping"
verify_every_s = 60
verify_whole_at = 04:30:00
checkpoints = "/mnt/worm"
checkpoint_every_s = 600
older_seal_keys = ["{OLD}"]
''',
    )
    assert (told.verify_every_s, told.verify_whole_at) == (60.0, time(4, 30))
    assert (told.checkpoints, told.checkpoint_every_s) == (Path("/mnt/worm"), 600)
    assert told.older_seal_keys == (OLD,)
    never = read(tmp_path, 'verify_every_s = 0\nverify_whole_at = "never"')
    assert (never.verify_every_s, never.verify_whole_at) == (None, None)
    assert read(tmp_path, BILLING_CHECKPOINTS="/mnt/x").checkpoints == Path("/mnt/x")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("verify_every_s = -1", "verify_every_s"),
        ("verify_every_s = true", "verify_every_s"),
        ('verify_whole_at = "03:00"', "verify_whole_at"),
        ("checkpoints = 7", "checkpoints"),
        ("checkpoint_every_s = 0", "checkpoint_every_s"),
        ("older_seal_keys = 7", "older_seal_keys"),
        ("older_seal_keys = [7]", "older_seal_keys"),
        ('older_seal_keys = ["x"]', "older_seal_keys"),
        (f'older_seal_keys = ["{WRONG_ID}"]', "older_seal_keys"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """By name."""
    with pytest.raises(SettingsError, match=named):
        read(tmp_path, text)
