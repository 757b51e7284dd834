-- Merchant accounts that a worker process sends nothing to, because the provider does not answer.
-- For people, and for processes that begin meanwhile; each decides by what it met itself.

CREATE TABLE @schema@.circuits (
    provider      text        NOT NULL,
    account       text        NOT NULL,
    -- Whose circuit it is: as its leases are called.
    process       text        NOT NULL,
    -- By the books' clock.
    since         timestamptz NOT NULL,
    next_probe_at timestamptz NOT NULL,
    reason        text        NOT NULL,
    -- By the database's own clock; a process that is gone lets it grow old.
    seen_at       timestamptz NOT NULL,
    PRIMARY KEY (provider, account, process)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON @schema@.circuits TO @app@;
