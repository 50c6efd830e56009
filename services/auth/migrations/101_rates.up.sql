-- NULL: the installation's rate; 0: none. The version before this one goes on working.
ALTER TABLE tenants ADD COLUMN rate_per_min bigint CHECK (rate_per_min >= 0);

-- Token buckets that all replicas of the gateway draw from. A bucket is a moment: when it is full
-- again. What it held is lost with the server, and then it is full.
CREATE UNLOGGED TABLE rate_buckets (
    key text COLLATE "C" PRIMARY KEY,
    full_us bigint NOT NULL,      -- unix time, by the database's clock
    rate_per_min bigint NOT NULL, -- from here on: of the newest lease
    burst bigint NOT NULL,
    wanted bigint NOT NULL,
    returned bigint NOT NULL,
    granted bigint NOT NULL,
    now_us bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
