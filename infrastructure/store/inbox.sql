-- Callbacks of providers: stored raw and once, worked off later. Nothing here is dropped: what
-- cannot be matched is set aside with a reason, and its age shows.

CREATE TABLE @schema@.inbox (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider          text        NOT NULL,
    account           text        NOT NULL,
    delivery_id       text        NOT NULL,
    event_type        text        NOT NULL,
    reference         text        NOT NULL,
    token_request_ref text        NOT NULL,
    headers           json        NOT NULL,
    -- Sealed: it may hold a token, and names payers.
    body              bytea       NOT NULL,
    received_at       timestamptz NOT NULL,
    duplicates        integer     NOT NULL DEFAULT 0,
    status            text        NOT NULL DEFAULT 'waiting'
                      CHECK (status IN ('waiting', 'done', 'quarantined')),
    -- What became of it, or why it was set aside.
    outcome           text,
    -- By the database's own clock, like the leases.
    settled_at        timestamptz,
    owner             text,
    leased_until      timestamptz,
    UNIQUE (provider, account, delivery_id)
);

CREATE INDEX ON @schema@.inbox (received_at, id) WHERE status = 'waiting';
CREATE INDEX ON @schema@.inbox (received_at, id) WHERE status = 'quarantined';

GRANT SELECT, INSERT, UPDATE ON @schema@.inbox TO @app@;
