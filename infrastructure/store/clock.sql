-- The time of a rehearsal, shared by every process that works on these books. Empty outside one.

CREATE TABLE @schema@.rehearsal_clock (
    one       boolean     PRIMARY KEY DEFAULT true CHECK (one),
    stands_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON @schema@.rehearsal_clock TO @app@;
