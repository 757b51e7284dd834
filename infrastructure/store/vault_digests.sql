-- What a provider calls a token in its notices, as a keyed digest: found without opening any row.
-- The digest says nothing without its key, which lies here like a customer's, under a name that no
-- customer can have. It stays when a token is dropped: late notices of it are then recognised.

ALTER TABLE @schema@.vault_tokens ADD COLUMN digest bytea;

CREATE INDEX ON @schema@.vault_tokens (digest);

ALTER TABLE @schema@.inbox
    ADD COLUMN token_digest bytea   NOT NULL DEFAULT '',
    ADD COLUMN token_ended  boolean NOT NULL DEFAULT false;
