-- Commands that callers may repeat: the key they chose, what they sent, what they were answered.

CREATE TABLE @schema@.commands (
    key         text        PRIMARY KEY,
    digest      bytea       NOT NULL,
    -- NULL while the first run is under way, or when it died before it could answer.
    status      integer,
    answer      bytea,
    created_at  timestamptz NOT NULL,
    answered_at timestamptz,
    CHECK ((status IS NULL) = (answer IS NULL))
);

GRANT SELECT, INSERT, UPDATE, DELETE ON @schema@.commands TO @app@;
