"""Facts verified per second: hashes, chain, tree, seals, signatures and streams in one pass.

In one run against one server: a log is written (COPY, by an administrator), sealed, and verified.
Beside it the same rows are only read, as the verification reads them: the floor for this server and
this driver. Contenders take turns, so that a slow moment of the machine hits both.

Usage: python scripts/bench_verify.py [--facts 300000] [--runs 3] [--every 256] [--url CONNINFO]

--every: facts a seal has. 256: a log that grew fast; 1: each fact was sealed by itself.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parent.parent))

from infrastructure.proof.raw_log import raw_rows
from infrastructure.proof.sealer import Sealer
from infrastructure.proof.signing import Signer
from infrastructure.proof.verifying import verify_log
from infrastructure.store.books import Books
from infrastructure.store.embedded import EmbeddedPostgres
from infrastructure.store.schema import drop_books, open_books

SCHEMA = "bench_verify"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# A body as most are: 300 bytes.
BODY = (
    '{"attempt_id":"6f1d3c52-7f0e-4f3e-9a52-0d6f6a3b7c11","customer_id":"7590-VHVEG",'
    '"invoice_number":7,"amount":{"minor":2985,"currency":"USD"},"provider_ref":"3C679366HH908993F"'
    ',"evidence":"answer","effective_at":"2026-03-01T12:00:00Z","note":"' + "x" * 60 + '"}'
)
# Eight facts a stream, dealt out in turns of 1000 streams.
FILL = """
INSERT INTO {0}.events
SELECT n, 'subscription-' || (n - 1) / 8000 || '-' || (n - 1) %% 1000, ((n - 1) %% 8000) / 1000 + 1,
       'charge-succeeded.v1', %s::json, gen_random_uuid(), now(), now(), 'worker', 'agenda:invoice',
       gen_random_uuid()
FROM generate_series(1, %s::int) AS n
"""


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """A server of one's own, or an embedded one."""
    if url:
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="billing-bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "data") as conninfo:
            yield conninfo
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def read(books: Books) -> int:
    """The same rows by the same means, and nothing done with them."""
    with books.connect() as conn:
        return sum(1 for _ in raw_rows(conn, books.schema, 0, 2**62))


def main() -> None:
    """Write, seal, verify."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--facts", type=int, default=300_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--every", type=int, default=256)
    parser.add_argument("--url")
    chosen = parser.parse_args()
    facts: int = chosen.facts
    with server(chosen.url) as conninfo:
        drop_books(conninfo, SCHEMA)
        books = open_books(conninfo, SCHEMA)
        with psycopg.connect(conninfo, autocommit=True) as admin:
            admin.execute(FILL.format(books.identifier).encode(), (BODY, facts))
            admin.execute(f"VACUUM ANALYZE {books.identifier}.events".encode())
        signer = Signer("billing-ledger/bench", b"s" * 32)

        def seal() -> None:
            with books.pool(1) as pool:
                sealer = Sealer(pool, books, signer, clock=lambda: NOW)
                if chosen.every < 256:
                    for position in range(chosen.every, facts, chosen.every):
                        sealer.seal_to(position)
                sealer.seal_all()

        def verify() -> None:
            report = verify_log(books.connect, SCHEMA, [signer.verifier])
            assert report.broken is None, report.broken
            assert report.proved_to == facts

        print(f"{facts:,} facts, {len(BODY)} bytes a body")
        print(f"sealed     {facts / timed(seal):10,.0f} facts/s")
        verified, raw = [], []
        for _ in range(chosen.runs):
            verified.append(facts / timed(verify))
            raw.append(facts / timed(lambda: read(books)))
        ratio = statistics.median(v / r for v, r in zip(verified, raw, strict=True))
        print(
            f"verified   {statistics.median(verified):10,.0f} facts/s  (least {min(verified):,.0f})"
        )
        print(f"only read  {statistics.median(raw):10,.0f} facts/s; verifying is {ratio:.2f} of it")
        drop_books(conninfo, SCHEMA)


if __name__ == "__main__":
    main()
