-- Real providers: what tenants are known by there, where payments go, and what is kept of both.
-- The columns that are added have defaults, so that the version before this one goes on working.

CREATE TABLE provider_credentials (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    provider text NOT NULL,
    live boolean NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    label text NOT NULL DEFAULT '',
    fields bytea NOT NULL,       -- sealed: a JSON object
    field_names text[] NOT NULL, -- what is set, to show
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX provider_credentials_id ON provider_credentials (id); -- callbacks name it alone

CREATE TABLE provider_routes (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    place bigint NOT NULL,
    method text NOT NULL,
    currency text NOT NULL DEFAULT '', -- '': any
    network text NOT NULL DEFAULT '',
    amount_min bigint NOT NULL DEFAULT 0,
    amount_max bigint NOT NULL DEFAULT 0,
    credential_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES provider_credentials (tenant_id, id)
);

CREATE TABLE tenant_limits (
    tenant_id text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    minimum bigint NOT NULL DEFAULT 0,
    maximum bigint NOT NULL DEFAULT 0,
    daily bigint NOT NULL DEFAULT 0,
    review_above bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, currency)
);

-- A day's volume lies in slices, each with a part of the limit, so that no row is hot. What is left
-- is moved to where it is wanted when a slice runs dry.
CREATE TABLE daily_volumes (
    tenant_id text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    day date NOT NULL,
    slice bigint NOT NULL,
    budget bigint NOT NULL CHECK (budget >= 0),
    used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    PRIMARY KEY (tenant_id, currency, day, slice),
    CHECK (used <= budget)
) WITH (fillfactor = 50);

CREATE INDEX daily_volumes_day ON daily_volumes (day); -- old ones are swept

-- Access tokens, for all replicas.
CREATE TABLE provider_sessions (
    credential_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    secret bytea,             -- sealed; NULL: none was granted yet
    granted_at timestamptz,
    expires_at timestamptz,
    fetching_until timestamptz, -- a replica is at it
    PRIMARY KEY (credential_id, name)
);

ALTER TABLE operations
    ADD COLUMN credential_id text COLLATE "C", -- NULL: the simulator's
    ADD COLUMN provider_reference text,        -- the provider's own name for it
    ADD COLUMN stage bigint NOT NULL DEFAULT 0,
    ADD COLUMN testimony bytea;                -- what the provider told by callback, where it can't be asked

-- How long a request may take differs by provider: so does the lease.
ALTER TABLE operations_queue
    ADD COLUMN lease_ms bigint,      -- NULL: the longest
    ADD COLUMN asked_at timestamptz; -- last claimed

ALTER TABLE payments
    ADD COLUMN msisdn text,
    ADD COLUMN network text,
    ADD COLUMN return_url text,
    ADD COLUMN credential_id text COLLATE "C",
    ADD COLUMN earlier_attempts json; -- charges that certainly did nothing, before the newest
ALTER TABLE payments DROP CONSTRAINT payments_method_check;
ALTER TABLE payments ADD CONSTRAINT payments_method_check
    CHECK (method IN ('upi', 'card', 'mobile_money', 'checkout')) NOT VALID;
-- For those who review: a narrow row beside each payment, and each refund, that waits for a person.
CREATE TABLE reviews (
    tenant_id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    refund_id text COLLATE "C" NOT NULL DEFAULT '', -- '': the payment itself waits
    reason text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, payment_id, refund_id)
);
INSERT INTO reviews (tenant_id, payment_id, reason, since)
SELECT tenant_id, id, 'outcome_unknown', updated_at FROM payments WHERE status = 'needs_review';
INSERT INTO reviews (tenant_id, payment_id, refund_id, reason, since)
SELECT tenant_id, payment_id, refund_id, 'outcome_unknown', coalesce(sent_at, created_at)
FROM operations
WHERE kind = 'refund' AND status = 'needs_review';

ALTER TABLE card_tokens ADD COLUMN credential_id text COLLATE "C";

-- Callbacks that came: counted, and those that name nothing of ours are kept for a while.
CREATE TABLE callback_counts (
    tenant_id text COLLATE "C" NOT NULL, -- '': not known whose
    provider text NOT NULL,
    outcome text NOT NULL,
    n bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, provider, outcome)
);
CREATE TABLE unknown_callbacks (
    id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL,
    provider text NOT NULL,
    credential_id text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    body bytea NOT NULL, -- sealed: it may hold a payer's data
    received_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX unknown_callbacks_once ON unknown_callbacks (tenant_id, provider, digest);
CREATE INDEX unknown_callbacks_of ON unknown_callbacks (tenant_id, provider, received_at);
CREATE INDEX unknown_callbacks_age ON unknown_callbacks (received_at);

-- Reconciliation: a run compares a day of our books with the provider's.
CREATE TABLE reconciliations (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    provider text NOT NULL,
    credential_id text COLLATE "C",
    day date NOT NULL,
    source text NOT NULL CHECK (source IN ('csv', 'ledger', 'query')),
    daily boolean NOT NULL DEFAULT false, -- by the job
    matched bigint NOT NULL,
    missing_here bigint NOT NULL,
    missing_there bigint NOT NULL,
    amounts_differ bigint NOT NULL,
    statuses_differ bigint NOT NULL,
    left_over text[] NOT NULL DEFAULT '{}', -- operations that the next day's file must show
    until_at timestamptz NOT NULL, -- how far our books were read
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX reconciliations_day ON reconciliations (tenant_id, provider, day);
CREATE UNIQUE INDEX reconciliations_daily ON reconciliations (tenant_id, credential_id, day) WHERE daily;
CREATE TABLE reconciliation_differences (
    tenant_id text COLLATE "C" NOT NULL,
    reconciliation_id text COLLATE "C" NOT NULL,
    place bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('missing_here', 'missing_there', 'amount', 'status')),
    reference text NOT NULL,
    operation_id text COLLATE "C",
    payment_id text COLLATE "C",
    ours text NOT NULL,
    theirs text NOT NULL,
    PRIMARY KEY (tenant_id, reconciliation_id, place)
);
