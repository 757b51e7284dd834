"""Faults to plant in what the proof does by itself, its keys, and the hashes that closes of periods
hold; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

VERIFYING = "infrastructure/proof/verifying.py"
PUBLISHING = "infrastructure/proof/publishing.py"
WATCHING = "infrastructure/proof/watching.py"
SEALER = "infrastructure/proof/sealer.py"
SIGNING = "infrastructure/proof/signing.py"

RUN_ON = "tests/proof/stored"
NEEDS_SERVER = True
FAULTS = (
    Fault(
        "closes of periods are believed",
        VERIFYING,
        "(stated.position, stated.head_hash) != (position - 1, found):",
        "stated.position != position - 1:",
    ),
    Fault(
        "a close may stand anywhere",
        VERIFYING,
        "(stated.position, stated.head_hash) != (position - 1, found):",
        "stated.head_hash != found and stated.position == position - 1:",
    ),
    Fault(
        "closes behind the last seal are not looked at",
        VERIFYING,
        "            if not self._periods_agree(facts, leaves, chain):\n                return\n",
        "",
    ),
    Fault(
        "what the signature says is proved, whatever a close says",
        VERIFYING,
        "            if self.broken.kind is Kind.PERIOD_HASH:",
        "            if self.broken.kind is None:",
    ),
    Fault(
        "only the key of today counts",
        SIGNING,
        "for each in keys}",
        "for each in keys[:1]}",
    ),
    Fault(
        "a published checkpoint is replaced",
        PUBLISHING,
        "            os.link(part, path)",
        "            os.replace(part, path)",
    ),
    Fault(
        "the newest one is whatever comes first",
        PUBLISHING,
        "newest = max((name",
        "newest = min((name",
    ),
    Fault(
        "who published it is not asked",
        PUBLISHING,
        "        if (at.root, at.chain) != stated:",
        "        if at.chain == stated:",
    ),
    Fault(
        "seals that end before it are fine",
        PUBLISHING,
        "            raise SealDamaged(words) from error",
        "            return",
    ),
    Fault(
        "signed before it is held against anything",
        SEALER,
        "                self._hold_against(log)",
        "                pass",
    ),
    Fault(
        "a whole one only once",
        WATCHING,
        "        return last is None or last.at < passed",
        "        return last is None",
    ),
    Fault(
        "the night is that of Greenwich",
        WATCHING,
        "ZoneInfo(self._settings.cut_off_zone)",
        'ZoneInfo("UTC")',
    ),
    Fault(
        "what is not clean is told in a whisper",
        WATCHING,
        "        (_log.info if clean else _log.error)(",
        "        (_log.info if clean else _log.info)(",
    ),
    Fault(
        "nothing anchors what is verified",
        WATCHING,
        "        return ([] if newest is None else [newest]), []",
        "        return [], []",
    ),
    Fault(
        "what was refused waits for the next hour",
        WATCHING,
        "        elif suspicious or self._quick_due(now, last):",
        "        elif self._quick_due(now, last):",
    ),
)
