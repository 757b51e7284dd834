-- What callbacks about disputes and reversals say of the charge: by it the subscription is found.

ALTER TABLE @schema@.inbox
    ADD COLUMN dispute_ref text NOT NULL DEFAULT '',
    ADD COLUMN charge_ref  text NOT NULL DEFAULT '',
    -- Money that was taken back, booked from the signature over the body; null: none.
    ADD COLUMN reversal    json;
