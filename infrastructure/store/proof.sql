-- The seals over the log: what each fact hashed to when it was sealed, the chain and the root of the
-- tree there, and a signed checkpoint. Nothing here is ever changed.
--
-- A seal covers the facts from `first` to `position`, at most 256 and within one block of 256, so
-- that the tree's node over a complete block stands in the seal that completes it.

CREATE TABLE @schema@.seals (
    position  bigint      NOT NULL PRIMARY KEY,
    first     bigint      NOT NULL UNIQUE,
    leaves    bytea       NOT NULL,
    chain     bytea       NOT NULL,
    root      bytea       NOT NULL,
    node      bytea,
    note      text        NOT NULL,
    sealed_at timestamptz NOT NULL,
    CHECK (first BETWEEN 1 AND position),
    CHECK ((first - 1) / 256 = (position - 1) / 256),
    CHECK (octet_length(leaves) = 32 * (position - first + 1)),
    CHECK (octet_length(chain) = 32 AND octet_length(root) = 32),
    CHECK ((node IS NULL) = (position % 256 <> 0)),
    CHECK (node IS NULL OR octet_length(node) = 32)
);
COMMENT ON TABLE @schema@.seals IS
    'Seals over the facts: leaf hashes, hash chain, root and signed checkpoint. They have no gaps.';
-- Hashes cannot be compressed.
ALTER TABLE @schema@.seals ALTER COLUMN leaves SET STORAGE EXTERNAL;
CREATE INDEX ON @schema@.seals (position) INCLUDE (node) WHERE node IS NOT NULL;
GRANT SELECT ON @schema@.seals TO @app@;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @schema@.seals
    FOR EACH STATEMENT EXECUTE FUNCTION @schema@.refuse_change();
ALTER TABLE @schema@.seals ENABLE ALWAYS TRIGGER append_only;

-- What verifications found, and who ran them when.
CREATE TABLE @schema@.verifications (
    number       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    actor        text        NOT NULL,
    scope        text        NOT NULL,
    head         bigint      NOT NULL,
    sealed_to    bigint      NOT NULL,
    proved_to    bigint      NOT NULL,
    verdict      text        NOT NULL,
    first_broken bigint,
    kind         text        NOT NULL DEFAULT '',
    -- The position of the outside checkpoint that the log was held against; null: of none.
    anchored_to  bigint,
    took_ms      bigint      NOT NULL,
    findings     json        NOT NULL
);
GRANT SELECT, INSERT ON @schema@.verifications TO @app@;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @schema@.verifications
    FOR EACH STATEMENT EXECUTE FUNCTION @schema@.refuse_change();
ALTER TABLE @schema@.verifications ENABLE ALWAYS TRIGGER append_only;

-- Write seals that follow the last one. False, and nothing is written, where they do not: somebody
-- else has sealed meanwhile.
CREATE FUNCTION @schema@.seal_events(
    p_now timestamptz,
    p_first bigint[],
    p_position bigint[],
    p_leaves bytea[],
    p_chain bytea[],
    p_root bytea[],
    p_node bytea[],
    p_note text[]
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    v_last bigint;
BEGIN
    -- 1936024940 is 'seal'. Not the lock of append_events: nobody who appends waits for a seal.
    PERFORM pg_advisory_xact_lock(1936024940, '@schema@.seals'::regclass::oid::int4);
    SELECT coalesce(max(s.position), 0) INTO v_last FROM @schema@.seals s;
    IF p_first[1] IS DISTINCT FROM v_last + 1 THEN
        RETURN false;
    END IF;
    IF EXISTS (
        SELECT FROM (
            SELECT i.first, lag(i.position) OVER (ORDER BY i.n) AS before, i.n
            FROM unnest(p_first, p_position) WITH ORDINALITY AS i(first, position, n)
        ) s WHERE s.n > 1 AND s.first IS DISTINCT FROM s.before + 1
    ) THEN
        RAISE EXCEPTION 'the seals do not follow one another' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM @schema@.events e WHERE e.position = p_position[cardinality(p_position)]
    ) THEN
        RAISE EXCEPTION 'a seal reaches beyond the log' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO @schema@.seals (position, first, leaves, chain, root, node, note, sealed_at)
        SELECT i.position, i.first, i.leaves, i.chain, i.root, i.node, i.note, p_now
        FROM unnest(p_first, p_position, p_leaves, p_chain, p_root, p_node, p_note)
            AS i(first, position, leaves, chain, root, node, note);
    RETURN true;
END
$body$;

REVOKE ALL ON FUNCTION @schema@.seal_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @schema@.seal_events TO @app@;
