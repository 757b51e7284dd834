-- The ledger of attempts: what was tried on each instrument, so that no card is tried more often
-- than its network allows. Beside the projections, not in them: a place is taken before its attempt
-- is recorded, and a rebuild of a projection must not forget it. Lost, it is made again from the
-- log (`billing rebuild attempts`). Only instruments that have a budget are in it.

CREATE TABLE @schema@.attempts (
    attempt_id   uuid        PRIMARY KEY,
    -- A hash of what tells one card from another; domain/budgets.py says of what.
    instrument   text        NOT NULL,
    network      text        NOT NULL,
    provider     text        NOT NULL,
    -- By the books' clock.
    attempted_at timestamptz NOT NULL,
    outcome      text        NOT NULL DEFAULT 'open'
        CHECK (outcome IN ('open', 'succeeded', 'declined', 'unknown', 'not-made')),
    -- The provider's code of a decline, or ''.
    code         text        NOT NULL DEFAULT ''
) WITH (fillfactor = 70);

CREATE INDEX ON @schema@.attempts (instrument, attempted_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON @schema@.attempts TO @app@;

-- Outcomes are noted in the transaction that records them, whoever appends: a worker, the API, a
-- person. A fact of another kind costs one comparison, an attempt without a place one look-up.
CREATE FUNCTION @schema@.note_outcome() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE @schema@.attempts SET
        outcome = CASE NEW.name
            WHEN 'charge-succeeded.v1' THEN 'succeeded'
            WHEN 'charge-found-late.v1' THEN 'succeeded'
            WHEN 'charge-declined.v1' THEN 'declined'
            WHEN 'charge-not-made.v1' THEN 'not-made'
            WHEN 'charge-outcome-unknown.v1' THEN 'unknown'
            WHEN 'charge-looked-up.v1' THEN 'unknown'
            ELSE 'open'
        END,
        code = CASE NEW.name WHEN 'charge-declined.v1' THEN NEW.body ->> 'code' ELSE code END
    WHERE attempt_id = (NEW.body ->> 'attempt_id')::uuid;
    RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION @schema@.note_outcome FROM PUBLIC;

CREATE TRIGGER note_outcome AFTER INSERT ON @schema@.events
    FOR EACH ROW WHEN (NEW.name IN (
        'charge-succeeded.v1', 'charge-found-late.v1', 'charge-declined.v1', 'charge-not-made.v1',
        'charge-outcome-unknown.v1', 'charge-looked-up.v1',
        'charge-authorized.v1', 'capture-attempted.v1'
    ))
    EXECUTE FUNCTION @schema@.note_outcome();
