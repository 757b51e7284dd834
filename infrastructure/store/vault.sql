-- Tokens, each encrypted under its customer's data key; a data key is wrapped by a master key that
-- is never stored. To forget a customer is to destroy the data key.

CREATE TABLE @schema@.vault_master_keys (
    -- Derived from the key, one way: tells a wrong key at start, not at the first charge.
    key_id      text        PRIMARY KEY,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Set once no data key is wrapped by it any more.
    retired_at  timestamptz
);

CREATE TABLE @schema@.vault_customers (
    customer_id   text        PRIMARY KEY,
    master_key_id text        NOT NULL REFERENCES @schema@.vault_master_keys (key_id),
    -- NULL once erased: the row stays as the tombstone.
    wrapped_key   bytea,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_at     timestamptz,
    CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL))
);

CREATE TABLE @schema@.vault_tokens (
    token_ref   text        PRIMARY KEY,
    customer_id text        NOT NULL REFERENCES @schema@.vault_customers (customer_id),
    -- Nonce and ciphertext; NULL once its customer is erased.
    sealed      bytea,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX ON @schema@.vault_tokens (customer_id);

GRANT SELECT, INSERT, UPDATE ON @schema@.vault_master_keys TO @app@;
GRANT SELECT, INSERT, UPDATE ON @schema@.vault_customers TO @app@;
GRANT SELECT, INSERT, UPDATE ON @schema@.vault_tokens TO @app@;
