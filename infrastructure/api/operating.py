"""Health, readiness and figures: for load balancers and monitoring; they need no key."""

from __future__ import annotations

import msgspec
import psycopg
import psycopg_pool
from eventsourcing.persistence import OperationalError
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from infrastructure.api.measuring import CONTENT_TYPE, Measures
from infrastructure.api.reading import Books
from infrastructure.clock import ClockJumped
from infrastructure.proof.verifications import LastVerified
from infrastructure.store.circuits import OpenCircuit
from infrastructure.store.writer import LedgerUnavailable

Counted = NamedDependency[SkipValidation[Measures]]


class Health(msgspec.Struct, kw_only=True):
    """This process answers."""

    status: str


class Readiness(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Whether this process can do its work.

    reasons: why not. position: the log's end; behind: positions that a projection has yet to read.
    outages: merchant accounts that a worker sends nothing to, because the provider does not answer.
    verified: what the last verification of the log said; left out: there was none.
    """

    ready: bool
    reasons: tuple[str, ...] = ()
    position: int | None = None
    behind: dict[str, int] = {}
    outages: tuple[OpenCircuit, ...] = ()
    verified: LastVerified | None = None


@get("/health", sync_to_thread=False)
def health() -> Health:
    """200: this process answers; nothing is said about the database."""
    return Health(status="ok")


@get("/ready", sync_to_thread=True)
def ready(system: Books) -> Response[Readiness]:
    """200: the books can be read and written and the clock can be trusted. 503: why not.

    A projection that is behind does not make it unready: readers say what they need by `at_least`;
    nor does a provider that does not answer: what needs it waits. Nor does a verification that was
    not clean: taking this process away would mend nothing, and hide it.
    """
    try:
        system.clock()
        head = system.ledger.head()
        stands = system.views.positions()
        outages = tuple(system.circuits.read())
        verified = system.last_verified()
    except (psycopg.OperationalError, psycopg_pool.PoolTimeout, OperationalError):
        return _not_ready("the database cannot be reached")
    except LedgerUnavailable:
        return _not_ready("the ledger cannot be reached")
    except ClockJumped:
        return _not_ready("the machine's clock jumped")
    behind = {name: max(0, head - position) for name, position in stands.items()}
    stands_so = Readiness(
        ready=True, position=head, behind=behind, outages=outages, verified=verified
    )
    return Response(content=stands_so, status_code=200)


def _not_ready(reason: str) -> Response[Readiness]:
    return Response(content=Readiness(ready=False, reasons=(reason,)), status_code=503)


@get("/metrics", sync_to_thread=True)
def metrics(system: Books, measures: Counted) -> Response[bytes]:
    """Counters of this process and gauges of the books, for Prometheus."""
    return Response(content=measures.exposition(system), media_type=CONTENT_TYPE)


OPERATING = [health, ready, metrics]
