-- The ledger: what happened, in the order in which it was committed. Nothing here is ever changed.
--
-- @schema@, @owner@ and @app@ are replaced by quoted names. The script runs as the owner, a role
-- that nobody logs in as; the application may read, and write through append_events alone.

CREATE TABLE @schema@.events (
    position     bigint      NOT NULL PRIMARY KEY,
    stream       text        NOT NULL,
    version      bigint      NOT NULL,
    name         text        NOT NULL,
    body         json        NOT NULL,
    event_id     uuid        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    actor        text        NOT NULL,
    cause        text        NOT NULL,
    command_id   uuid        NOT NULL,
    UNIQUE (stream, version)
);
COMMENT ON TABLE @schema@.events IS
    'Facts in commit order. Positions and the versions of a stream count from 1 without gaps.';

GRANT SELECT ON @schema@.events TO @app@;

CREATE FUNCTION @schema@.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: the ledger is append-only',
        tg_op, tg_table_schema, tg_table_name USING ERRCODE = 'insufficient_privilege';
END
$body$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @schema@.events
    FOR EACH STATEMENT EXECUTE FUNCTION @schema@.refuse_change();
-- ALWAYS: also in sessions that pose as a replica (session_replication_role).
ALTER TABLE @schema@.events ENABLE ALWAYS TRIGGER append_only;

-- How far a reader has come; the eventsourcing library's tracking table, columns and all.
CREATE TABLE @schema@.tracking (
    application_name text   NOT NULL PRIMARY KEY,
    notification_id  bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON @schema@.tracking TO @app@;

-- Folded streams: a cache that may be emptied at any time.
CREATE TABLE @schema@.snapshots (
    stream   text   NOT NULL PRIMARY KEY,
    version  bigint NOT NULL,
    shape    text   NOT NULL,
    state    bytea  NOT NULL,
    checksum bytea  NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON @schema@.snapshots TO @app@;

-- Append events, given as arrays with one element an event, in order.
--
-- p_now: the caller's clock. All that one call writes is recorded at the same instant, which is
--     later than that of every earlier call, even when the clock has gone back.
-- p_all_or_nothing: a stale stream is an error (unique_violation) and nothing is written; else it
--     is reported and the other streams are written.
-- p_tracker, p_tracked: move this reader's mark forward in the same transaction, or null.
-- head: the last position before this call. What is written follows it, in the order given.
-- actual: null when every stream fitted; else the version that each stream has (streams in the
--     order of their first event), null for those that fitted.
-- repeated: beside `actual`: the last position of an append that had been written before, event
--     ids and all, by a call whose answer was lost.
--
-- The lock is held until the transaction has ended: positions become visible in their own order,
-- and no reader passes over one that commits later. Every statement below sees what was committed
-- before the lock was granted (READ COMMITTED takes a snapshot a statement).
CREATE FUNCTION @schema@.append_events(
    p_now timestamptz,
    p_all_or_nothing boolean,
    p_stream text[],
    p_version bigint[],
    p_name text[],
    p_body text[],
    p_event_id uuid[],
    p_effective_at timestamptz[],
    p_actor text[],
    p_cause text[],
    p_command_id uuid[],
    p_tracker text DEFAULT NULL,
    p_tracked bigint DEFAULT NULL,
    OUT head bigint,
    OUT actual bigint[],
    OUT repeated bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- The statements below are index look-ups whatever the arrays hold and however small the table was
-- when a session planned them; planning them anew for each call would cost more than running them.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $body$
DECLARE
    v_recorded_at timestamptz;
    v_streams text[];
    v_expected bigint[];
    v_contiguous boolean;
    v_stale text[];
BEGIN
    -- 1818585188 is 'ledg': keeps these locks apart from those of other programs.
    PERFORM pg_advisory_xact_lock(1818585188, '@schema@.events'::regclass::oid::int4);

    SELECT e.position, greatest(p_now, e.recorded_at + interval '1 microsecond')
        INTO head, v_recorded_at
        FROM @schema@.events e ORDER BY e.position DESC LIMIT 1;
    IF NOT FOUND THEN
        head := 0;
        v_recorded_at := p_now;
    END IF;

    IF p_tracker IS NOT NULL THEN
        INSERT INTO @schema@.tracking AS t VALUES (p_tracker, p_tracked)
            ON CONFLICT (application_name) DO UPDATE SET notification_id = p_tracked
            WHERE t.notification_id < p_tracked;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'tracking of % is at or past %', p_tracker, p_tracked
                USING ERRCODE = 'unique_violation';
        END IF;
    END IF;

    SELECT array_agg(s.stream ORDER BY s.first), array_agg(s.expected ORDER BY s.first),
           array_agg(s.actual ORDER BY s.first), bool_and(s.contiguous)
        INTO v_streams, v_expected, actual, v_contiguous
        FROM (
            SELECT i.stream, min(i.n) AS first, min(i.base) AS expected,
                   min(i.base) = max(i.base) AS contiguous,
                   coalesce((SELECT e.version FROM @schema@.events e WHERE e.stream = i.stream
                             ORDER BY e.version DESC LIMIT 1), 0) AS actual
            FROM (
                SELECT u.stream, u.n, u.version
                       - row_number() OVER (PARTITION BY u.stream ORDER BY u.n) AS base
                FROM unnest(p_stream, p_version) WITH ORDINALITY AS u(stream, version, n)
            ) i
            GROUP BY i.stream
        ) s;
    IF NOT v_contiguous THEN
        RAISE EXCEPTION 'the versions of a stream do not follow one another'
            USING ERRCODE = 'check_violation';
    END IF;

    IF actual IS NOT DISTINCT FROM v_expected THEN
        actual := NULL;
        INSERT INTO @schema@.events
            SELECT head + i.n, i.stream, i.version, i.name, i.body::json, i.event_id,
                   v_recorded_at, i.effective_at, i.actor, i.cause, i.command_id
            FROM unnest(p_stream, p_version, p_name, p_body, p_event_id, p_effective_at,
                        p_actor, p_cause, p_command_id) WITH ORDINALITY
                AS i(stream, version, name, body, event_id, effective_at, actor, cause,
                     command_id, n);
        RETURN;
    END IF;

    -- Some stream is not where its writer believed. Is it because we wrote this before?
    SELECT array_agg(f.position ORDER BY s.n),
           array_agg(nullif(s.actual, s.expected) ORDER BY s.n),
           array_agg(s.stream) FILTER (WHERE s.actual <> s.expected)
        INTO repeated, actual, v_stale
        FROM unnest(v_streams, v_expected, actual) WITH ORDINALITY AS s(stream, expected, actual, n)
        LEFT JOIN (
            SELECT i.stream, max(e.position) AS position
            FROM unnest(p_stream, p_version, p_event_id) AS i(stream, version, event_id)
            LEFT JOIN @schema@.events e
                ON e.stream = i.stream AND e.version = i.version AND e.event_id = i.event_id
            GROUP BY i.stream
            HAVING count(e.position) = count(*)
        ) f ON f.stream = s.stream;

    IF p_all_or_nothing AND EXISTS (
        SELECT FROM unnest(actual, repeated) AS s(actual, position)
        WHERE s.actual IS NOT NULL AND s.position IS NULL
    ) THEN
        RAISE EXCEPTION 'stale: %', array_to_string(v_stale, ', ')
            USING ERRCODE = 'unique_violation';
    END IF;

    INSERT INTO @schema@.events
        SELECT head + row_number() OVER (ORDER BY i.n), i.stream, i.version, i.name, i.body::json,
               i.event_id, v_recorded_at, i.effective_at, i.actor, i.cause, i.command_id
        FROM unnest(p_stream, p_version, p_name, p_body, p_event_id, p_effective_at,
                    p_actor, p_cause, p_command_id) WITH ORDINALITY
            AS i(stream, version, name, body, event_id, effective_at, actor, cause, command_id, n)
        WHERE i.stream <> ALL (v_stale);
END
$body$;

REVOKE ALL ON FUNCTION @schema@.append_events FROM PUBLIC;
REVOKE ALL ON FUNCTION @schema@.refuse_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @schema@.append_events TO @app@;
