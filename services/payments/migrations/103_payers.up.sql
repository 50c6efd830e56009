-- Who pays: what a tenant's payers tried of late, and who is blocked. A payer is a keyed digest of a
-- VPA, of a phone's number or of a card's. The times are the database's.
CREATE TABLE payers (
    tenant_id text COLLATE "C" NOT NULL,
    payer bytea NOT NULL CHECK (octet_length(payer) = 32),
    attempts timestamptz[] NOT NULL DEFAULT '{}', -- of the last minute
    granted bigint NOT NULL DEFAULT 0,            -- of the newest batch
    failures timestamptz[] NOT NULL DEFAULT '{}', -- of the last hour, since the last block
    blocked_until timestamptz,
    keep_until timestamptz NOT NULL,              -- what is here matters no longer afterwards
    PRIMARY KEY (tenant_id, payer)
) WITH (fillfactor = 70);
CREATE INDEX payers_age ON payers (keep_until);

-- NULL: the payment has no payer that we could know (checkout), or nobody counts.
ALTER TABLE payments ADD COLUMN payer bytea;
