-- Where each stored projection stands, and which streams it has set aside.
--
-- The tables of the rows themselves, view_<name>_v<version>, are made by the program when a
-- projection first runs, because their columns are the projection's own.

CREATE TABLE @schema@.view_positions (
    name        text        NOT NULL,
    version     integer     NOT NULL CHECK (version > 0),
    -- Last position of the log that the rows hold. Rows and position change in one transaction;
    -- whoever writes rows holds this row's lock while doing so.
    position    bigint      NOT NULL DEFAULT 0 CHECK (position >= 0),
    -- Grows when somebody other than the live runner wrote rows (a rebuild, a replay of a parked
    -- stream): what the runner keeps in memory is stale then.
    generation  bigint      NOT NULL DEFAULT 1,
    -- Digest of the row's type and columns: rows of another shape are not read by mistake.
    shape       text        NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE @schema@.view_parked (
    projection      text        NOT NULL,
    version         integer     NOT NULL,
    stream          text        NOT NULL,
    -- The first event of the stream that was not applied; it and all later ones are held.
    position        bigint      NOT NULL,
    stream_version  bigint      NOT NULL,
    reason          text        NOT NULL,
    parked_at       timestamptz NOT NULL,
    PRIMARY KEY (projection, version, stream),
    FOREIGN KEY (projection, version) REFERENCES @schema@.view_positions (name, version) ON DELETE CASCADE
);

GRANT SELECT, INSERT, UPDATE, DELETE ON @schema@.view_positions TO @app@;
GRANT SELECT, INSERT, UPDATE, DELETE ON @schema@.view_parked TO @app@;
