-- Who works on which subscription. Beside the projections, not in them: a rebuild must not forget
-- that a call may have been sent.

CREATE TABLE @schema@.work (
    subscription_id text        PRIMARY KEY,
    owner           text,
    -- Grows at every take; an owner with an older number has lost the lease.
    fence           bigint      NOT NULL DEFAULT 0,
    -- By the database's own clock. NULL: given back. In the past: the owner never came back.
    leased_until    timestamptz,
    -- True when the lease before this one was not given back: something may have been sent.
    taken_before    boolean     NOT NULL DEFAULT false,
    -- By the books' clock: not taken before this instant, however due it is.
    not_before      timestamptz,
    -- The last position its last owner wrote: an agenda row older than that is stale.
    seen_position   bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

CREATE INDEX ON @schema@.work (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX ON @schema@.work (not_before) WHERE not_before IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON @schema@.work TO @app@;
