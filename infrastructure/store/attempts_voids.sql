-- An attempt whose reservation was let go uses up no budget: its issuer did not refuse it.

CREATE FUNCTION @schema@.note_void() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE @schema@.attempts SET outcome = CASE NEW.name
            WHEN 'authorization-voided.v1' THEN 'not-made'
            ELSE 'open'
        END
    WHERE attempt_id = (NEW.body ->> 'attempt_id')::uuid;
    RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION @schema@.note_void FROM PUBLIC;

CREATE TRIGGER note_void AFTER INSERT ON @schema@.events
    FOR EACH ROW WHEN (NEW.name IN ('authorization-voided.v1', 'void-attempted.v1'))
    EXECUTE FUNCTION @schema@.note_void();
