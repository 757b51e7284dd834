-- What the tables of the journal count with. The tables themselves, view_journal_v<version> and
-- those beside it, are made by the program when the journal is first kept.

-- Whether the lines of an entry come to nothing in each currency. Both arrays have one element a
-- line. A loop, not a query: it is run for every entry that is written.
CREATE FUNCTION @schema@.journal_balanced(p_currencies text[], p_minors bigint[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    lines integer := pg_catalog.cardinality(p_currencies);
    due   bigint := 0;
BEGIN
    IF lines <> pg_catalog.cardinality(p_minors) THEN
        RETURN false;
    END IF;
    FOR line IN 1 .. lines LOOP
        IF p_currencies[line] IS DISTINCT FROM p_currencies[1] OR p_minors[line] IS NULL THEN
            RETURN NOT EXISTS (
                SELECT FROM ROWS FROM (
                    pg_catalog.unnest(p_currencies), pg_catalog.unnest(p_minors)
                ) AS each (currency, minor)
                GROUP BY currency
                HAVING currency IS NULL OR pg_catalog.bool_or(minor IS NULL)
                    OR pg_catalog.sum(minor) <> 0
            );
        END IF;
        due := due + p_minors[line];
    END LOOP;
    RETURN due = 0;
END
$body$;

-- How much of a part of deferred revenue is earned by the end of a day; as Recognition.earned.
CREATE FUNCTION @schema@.journal_earned(
    p_minor bigint, p_from date, p_days integer, p_not_before date, p_day date
) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT CASE
        WHEN p_day < p_from OR p_day < p_not_before THEN 0
        WHEN p_day - p_from + 1 >= p_days THEN p_minor
        -- Division cuts towards nothing, on both sides of it.
        ELSE p_minor * (p_day - p_from + 1) / p_days
    END
$body$;
