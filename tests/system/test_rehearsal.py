"""The rehearsal as a newcomer plays it: a process of its own, a clean verdict, exit status 0."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.system.house import ROOT

# Seeds by which several customers change, get money back, dispute, and report usage.
SEEDS = {"faults": "1", "changes": "19", "refunds": "28", "disputes": "24", "usage": "1"}
CUSTOMERS = 16


def test_everything_at_once_ends_clean(tmp_path: Path) -> None:
    """Sixteen customers of both providers, two months, all that can be asked for by a seed."""
    file, report = tmp_path / "customers.csv", tmp_path / "report.json"
    lines = [
        f"c-{number},{1000 + number}.50,NOK,2,{('paypal', 'dintero')[number % 2]}"
        for number in range(CUSTOMERS)
    ]
    file.write_text("\n".join(["customer_id,price,currency,months,provider", *lines]) + "\n")
    command = [sys.executable, "-m", "infrastructure.rehearsal", "--customers", str(file)]
    for name, seed in SEEDS.items():
        command += [f"--{name}", seed]
    command += ["--data-dir", str(tmp_path / "books"), "--json", str(report)]
    played = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Verdict: CLEAN" in played.stdout
    assert "provider-call" not in played.stdout + played.stderr
    told = json.loads(report.read_text())
    done = set(told["changes"])
    assert "charge disputed" in done, done
    assert done & {"dispute lost", "dispute lost in part"}, done
    assert done & {"a part refunded", "refunded in full"}, done
    assert told["usage"]
    assert told["reversals"]["NOK"]["count"] > 0
    assert told["refunds"]["NOK"]["count"] > 0
