"""The one place where adapters are built: from settings to a system that can be used.

Everything else takes what it needs as an argument. The gateways are imported when they are built:
a command that only reads does not wait for the HTTP clients.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import attrs
import psycopg
from psycopg_pool import ConnectionPool

from domain.ports import Gateway
from domain.proof.notes import VerifierKey
from domain.settlement_ports import SettlementSource
from domain.subscription.folding import evolve
from domain.subscription.state import STATE_VERSION, Subscription
from infrastructure.clock import Clock, SteppingClock, SystemClock
from infrastructure.proof.publishing import PublishedCheckpoints
from infrastructure.proof.sealer import Sealer
from infrastructure.proof.signing import Signer, derived_seed, origin_of
from infrastructure.proof.verifications import LastVerified, last_verified
from infrastructure.settings import (
    AccountSettings,
    Settings,
    SettingsError,
    master_key_bytes,
    seal_key_bytes,
)
from infrastructure.store.agenda import Agenda
from infrastructure.store.attempts import Attempts
from infrastructure.store.books import Books
from infrastructure.store.circuits import OpenCircuits
from infrastructure.store.commands import Commands
from infrastructure.store.embedded import EmbeddedPostgres
from infrastructure.store.holders import Holders
from infrastructure.store.inbox import Inbox
from infrastructure.store.journal_reader import JournalReader
from infrastructure.store.journal_table import JournalBooks
from infrastructure.store.ledger import Ledger
from infrastructure.store.plan_reader import PlanReader
from infrastructure.store.projector import Runner
from infrastructure.store.schema import open_books
from infrastructure.store.vault import TokenVault
from infrastructure.store.view_reader import ViewReader
from infrastructure.store.view_table import Kept
from infrastructure.store.wakeups import Listener
from infrastructure.zones import zone_version
from projections.catalogue import PROJECTIONS
from projections.due_dates import DUE_DATES

if TYPE_CHECKING:
    from infrastructure.gateways.dintero.account import DinteroAccount
    from infrastructure.gateways.http import HttpPolicy
    from infrastructure.gateways.paypal.account import PayPalAccount

# Connections of one process: threads that ask at once, and one more for each long-lived user.
POOL_SIZE = 8


def open_ledger(books: Books) -> Ledger[Subscription]:
    """The log of facts of some books, and subscriptions as they stand."""
    return Ledger(books, evolve=evolve, state_type=Subscription, state_version=STATE_VERSION)


@attrs.define(slots=False)
class System:
    """One process's access to one set of books.

    owner: what this process's leases are called.
    zone_version: version of the tz database, written into every fact that announces an instant.
    """

    settings: Settings
    books: Books
    pool: ConnectionPool[psycopg.Connection[Any]]
    owner: str
    zone_version: str

    @cached_property
    def clock(self) -> Clock:
        """The process's clock."""
        if self.settings.clock == "stepping":
            return SteppingClock(self.books, self.books.schema)
        return SystemClock()

    @cached_property
    def ledger(self) -> Ledger[Subscription]:
        """The log of facts."""
        return open_ledger(self.books)

    @cached_property
    def plans(self) -> PlanReader:
        """The catalogue's plans, for decisions."""
        return PlanReader(self.ledger, self.clock)

    @cached_property
    def agenda(self) -> Agenda:
        """Claims and leases over what falls due."""
        return Agenda(self.pool, self.books.schema, version=DUE_DATES.version)

    @cached_property
    def attempts(self) -> Attempts:
        """What was tried on each card, and the places for what is to be tried."""
        return Attempts(self.pool, self.books.schema)

    @cached_property
    def _master_key(self) -> bytes:
        return master_key_bytes(self.settings)

    @cached_property
    def vault(self) -> TokenVault:
        """The tokens, encrypted."""
        return TokenVault(self.pool, self.books.schema, self._master_key)

    def digest(self, name: str) -> bytes:
        """The vault's digest of what a provider calls a token."""
        return self.vault.names.digest(name)

    @cached_property
    def holders(self) -> Holders:
        """Which subscriptions hold which token."""
        return Holders(self.vault.names, self.views, self.ledger)

    @cached_property
    def inbox(self) -> Inbox:
        """Callbacks as they came."""
        return Inbox(self.pool, self.books.schema, self._master_key)

    @cached_property
    def circuits(self) -> OpenCircuits:
        """Which merchant accounts are out of order, as the workers see it."""
        return OpenCircuits(self.pool, self.books.schema)

    @cached_property
    def commands(self) -> Commands:
        """Answers to commands that were given once."""
        return Commands(self.pool, self.books.schema)

    @cached_property
    def views(self) -> ViewReader:
        """The stored projections, for reading."""
        return ViewReader(self.pool, self.books.schema, PROJECTIONS)

    @cached_property
    def signer(self) -> Signer:
        """Signs the checkpoints of these books. Raises: SettingsError."""
        seed = seal_key_bytes(self.settings) or derived_seed(self._master_key)
        return Signer(origin_of(self.books.schema), seed)

    @cached_property
    def sealer(self) -> Sealer:
        """Hashes and signs what was recorded."""
        return Sealer(
            self.pool,
            self.books,
            self.signer,
            clock=self.clock,
            older_keys=self.seal_keys[1:],
            hold_against=None if self.published is None else self.published.hold_against,
        )

    @cached_property
    def seal_keys(self) -> tuple[VerifierKey, ...]:
        """The public keys of these books' checkpoints, the present one first.

        Raises: SettingsError for one of another log.
        """
        for each in self.settings.older_seal_keys:
            if each.name != self.signer.origin:
                origin = self.signer.origin
                raise SettingsError(f"older_seal_keys: a key of {each.name}, not of {origin}")
        return (self.signer.verifier, *self.settings.older_seal_keys)

    @cached_property
    def published(self) -> PublishedCheckpoints | None:
        """The checkpoints outside the database, where the settings name a folder for them."""
        folder = self.settings.checkpoints
        return None if folder is None else PublishedCheckpoints(folder, self.seal_keys)

    def last_verified(self) -> LastVerified | None:
        """What the last verification of the log said; None: there was none."""
        with self.pool.connection() as conn:
            return last_verified(conn, self.books.schema)

    @cached_property
    def kept(self) -> tuple[Kept, ...]:
        """What is kept up with the log: the stored projections, and the journal."""
        return (*PROJECTIONS, self._journal)

    @cached_property
    def _journal(self) -> JournalBooks:
        return JournalBooks(self.settings.cut_off_zone)

    @cached_property
    def journal(self) -> JournalReader:
        """The journal's tables, for reading."""
        return JournalReader(self.pool, self.books.schema, self._journal)

    def projection_runner(self) -> Runner:
        """A runner that keeps the stored projections and the journal up with the log."""
        return Runner(
            self.books.connect,
            self.books.schema,
            self.ledger,
            self.kept,
            wake=Listener(self.books).wait,
        )

    def gateways(self) -> dict[tuple[str, str], Gateway]:
        """A gateway for every merchant account in the settings, each behind a circuit of its own.

        Made anew for each event loop: connections belong to the loop that opened them.
        Raises: SettingsError.
        """
        from infrastructure.gateways.circuit import Circuit
        from infrastructure.gateways.guarded import GuardedGateway
        from infrastructure.gateways.http import HttpPolicy

        concurrency = int(self.settings.provider_calls)
        made: dict[tuple[str, str], Gateway] = {}
        for account in self.settings.accounts:
            build = _BUILDERS.get(account.provider)
            if build is None:
                raise SettingsError(f"{account.provider!r} is not a provider we know")
            circuit = Circuit(account.provider, account.name, now=self.clock)
            policy = HttpPolicy(
                read_timeout_s=self.settings.provider_timeout_s,
                concurrency=concurrency,
                saw=circuit.saw,
            )
            try:
                gateway = build(self, account, policy)
            except ValueError as error:
                where = f"accounts.{account.provider}.{account.name}"
                raise SettingsError(f"{where}: {error}") from error
            guarded = GuardedGateway(gateway, circuit, concurrency=concurrency)
            made[account.provider, account.name] = guarded
        return made

    def settlement_sources(self) -> dict[tuple[str, str], SettlementSource]:
        """Where payouts are read, for every account whose provider has them for us.

        Raises: SettingsError.
        """
        from infrastructure.gateways.http import HttpPolicy

        policy = HttpPolicy(read_timeout_s=self.settings.provider_timeout_s, concurrency=4)
        made: dict[tuple[str, str], SettlementSource] = {}
        for account in self.settings.accounts:
            build = _SOURCES.get(account.provider)
            if build is None:
                continue
            try:
                made[account.provider, account.name] = build(self, account, policy)
            except ValueError as error:
                where = f"accounts.{account.provider}.{account.name}"
                raise SettingsError(f"{where}: {error}") from error
        return made

    def close(self) -> None:
        """Let go of connections."""
        if "ledger" in self.__dict__:
            self.ledger.close()
        self.pool.close()


def _paypal(system: System, account: AccountSettings, policy: HttpPolicy) -> Gateway:
    from infrastructure.gateways.paypal.gateway import PayPalGateway

    plain = _paypal_account(system.settings, account, policy)
    return PayPalGateway(plain, now=system.clock, digest=system.digest)


def _paypal_settlements(
    system: System, account: AccountSettings, policy: HttpPolicy
) -> SettlementSource:
    from infrastructure.gateways.paypal.settlements import PayPalSettlements

    plain = _paypal_account(system.settings, account, policy)
    return PayPalSettlements(plain, now=system.clock)


def _paypal_account(
    settings: Settings, account: AccountSettings, policy: HttpPolicy
) -> PayPalAccount:
    from infrastructure.gateways.paypal.account import (
        CERTIFICATE_HOSTS,
        LIVE_URL,
        PayPalAccount,
        Verification,
    )
    from infrastructure.gateways.paypal.presenting import Metadata, Presentation

    return PayPalAccount(
        name=account.name,
        client_id=account.text("client_id"),
        client_secret=account.secret("client_secret"),
        base_url=account.text("base_url", LIVE_URL),
        webhook_id=account.text("webhook_id", ""),
        return_url=account.text("return_url", f"{settings.public_url}/returns/paypal"),
        cancel_url=account.text("cancel_url", f"{settings.public_url}/returns/paypal?cancelled=1"),
        brand_name=account.text("brand_name", ""),
        presentation=Presentation(
            metadata=Metadata(account.text("recurring_metadata", Metadata.PATTERN_AND_PLAN.value)),
            customer_type=account.text("customer_type", ""),
            shipping_preference=account.text("shipping_preference", "NO_SHIPPING"),
            locale=account.text("locale", ""),
            vault_instruction=account.text("vault_instruction", ""),
        ),
        soft_descriptor=account.text("soft_descriptor", ""),
        verification=Verification(
            account.text("webhook_verification", Verification.CERTIFICATE.value)
        ),
        certificate_hosts=tuple(account.values.get("certificate_hosts", CERTIFICATE_HOSTS)),
        trust_roots=_trust_roots(account),
        http=policy,
    )


def _trust_roots(account: AccountSettings) -> bytes:
    """Certificates that webhooks' certificates must chain to; empty: those that TLS uses."""
    path = account.text("trust_roots_file", "")
    try:
        return Path(path).read_bytes() if path else b""
    except OSError as error:
        raise SettingsError(f"accounts.paypal.{account.name}: cannot read {path}") from error


def _dintero(system: System, account: AccountSettings, policy: HttpPolicy) -> Gateway:
    from infrastructure.gateways.dintero.gateway import DinteroGateway

    return DinteroGateway(
        _dintero_account(system.settings, account),
        now=system.clock,
        policy=policy,
        digest=system.digest,
    )


def _dintero_settlements(
    system: System, account: AccountSettings, policy: HttpPolicy
) -> SettlementSource:
    from infrastructure.gateways.dintero.settlements import DinteroSettlements

    plain = _dintero_account(system.settings, account)
    return DinteroSettlements(plain, now=system.clock, policy=policy)


def _dintero_account(settings: Settings, account: AccountSettings) -> DinteroAccount:
    from infrastructure.gateways.dintero.account import (
        API_HOST,
        CHECKOUT_HOST,
        TOKEN_KINDS,
        DinteroAccount,
        SaveCardBox,
        TokenKind,
    )

    host = account.text("base_url", CHECKOUT_HOST)
    callback = f"{settings.public_url}/callbacks/dintero/{account.name}"
    product = account.text("payment_product_type", "payex.creditcard")
    kinds = TOKEN_KINDS.get(product, get_args(TokenKind))
    return DinteroAccount(
        name=account.name,
        account_id=account.text("account_id"),
        client_id=account.text("client_id"),
        client_secret=account.secret("client_secret"),
        signature_secret=account.secrets.get("signature_secret"),
        webhook_secret=account.secrets.get("webhook_secret"),
        callback_url=account.text("callback_url", callback),
        return_url=account.text("return_url", f"{settings.public_url}/returns/dintero"),
        base_url=host,
        auth_url=account.text("auth_url", host),
        api_url=account.text("api_url", API_HOST if host == CHECKOUT_HOST else host),
        profile_id=account.text("profile_id", ""),
        payment_product_type=product,
        token_kind=cast("TokenKind", account.text("token_kind", kinds[0])),  # checked there
        save_card_checkbox=cast("SaveCardBox", account.text("save_card_checkbox", "")),
    )


_BUILDERS: dict[str, Callable[[System, AccountSettings, HttpPolicy], Gateway]] = {
    "paypal": _paypal,
    "dintero": _dintero,
}
_SOURCES: dict[str, Callable[[System, AccountSettings, HttpPolicy], SettlementSource]] = {
    "paypal": _paypal_settlements,
    "dintero": _dintero_settlements,
}


@contextmanager
def running_system(settings: Settings) -> Iterator[System]:
    """A system on the books that the settings name; the books are made if they are missing.

    The embedded PostgreSQL is started if nobody runs it, and stopped by its last user.
    Raises: SettingsError, BooksError, EmbeddedPostgresError, psycopg.OperationalError.
    """
    server = None
    conninfo = settings.database_url
    if conninfo is None:
        server = EmbeddedPostgres(settings.data_dir / "postgres")
        conninfo = server.start()
    try:
        books = open_books(conninfo, settings.schema)
        system = System(
            settings=settings,
            books=books,
            pool=books.pool(POOL_SIZE),
            owner=f"{socket.gethostname()}:{os.getpid()}",
            zone_version=zone_version(),
        )
        try:
            yield system
        finally:
            system.close()
    finally:
        if server is not None:
            server.stop()
