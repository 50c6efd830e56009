-- Tenant id leads every key; ids are time-ordered and compare bytewise.
CREATE TABLE orders (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 99999999999),
    currency text NOT NULL,
    receipt text,
    notes json, -- json, not jsonb: the order of members is the merchant's
    status text NOT NULL DEFAULT 'created' CHECK (status IN ('created', 'attempted', 'paid')),
    reusable boolean NOT NULL DEFAULT false,
    active_payment_id text COLLATE "C",
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- Imported ids need not be time-ordered, so orders are paged by time and id.
CREATE INDEX orders_newest ON orders (tenant_id, created_at, id);

CREATE TABLE payments (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    order_own boolean NOT NULL, -- order_id names a row of orders, which follows this payment
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 99999999999),
    currency text NOT NULL,
    method text NOT NULL CHECK (method IN ('upi', 'card')),
    vpa text,
    card_token text,
    card_brand text,
    card_last4 text,
    card_expiry_month bigint,
    card_expiry_year bigint,
    capture text NOT NULL CHECK (capture IN ('automatic', 'manual')),
    status text NOT NULL CHECK (status IN ('pending', 'processing', 'requires_action', 'authorized',
        'capturing', 'canceling', 'succeeded', 'failed', 'canceled', 'expired', 'unknown',
        'needs_review')),
    unknown_operation text CHECK (unknown_operation IN ('charge', 'capture', 'cancel')),
    amount_captured bigint NOT NULL DEFAULT 0 CHECK (amount_captured BETWEEN 0 AND amount),
    amount_refunded bigint NOT NULL DEFAULT 0 CHECK (amount_refunded >= 0),
    refund_reserved bigint NOT NULL DEFAULT 0 CHECK (refund_reserved >= 0),
    provider text NOT NULL,
    charge_operation_id text COLLATE "C" NOT NULL,
    action_url text,
    sequence bigint NOT NULL,
    error_code text,
    error_message text,
    description text,
    customer_email text,
    customer_phone text,
    customer_name text,
    metadata json,
    request_id text,
    traceparent text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payments_over_refund CHECK (amount_refunded + refund_reserved <= amount_captured)
) PARTITION BY RANGE (id);
CREATE TABLE payments_default PARTITION OF payments DEFAULT;
CREATE INDEX payments_order ON payments (tenant_id, order_id, id);

-- Every act at a provider; its id is the reference that the provider knows it by.
CREATE TABLE operations (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('charge', 'capture', 'cancel', 'refund')),
    refund_id text COLLATE "C",
    amount bigint NOT NULL CHECK (amount >= 0),
    currency text NOT NULL,
    provider text NOT NULL,
    provider_token bytea, -- sealed
    status text NOT NULL DEFAULT 'ready' CHECK (status IN ('ready', 'sent', 'unknown', 'succeeded',
        'failed', 'needs_review', 'released')),
    accepted boolean NOT NULL DEFAULT false, -- the provider has said that it knows the reference
    acting boolean NOT NULL DEFAULT false,   -- the payer has something to do
    attempts bigint NOT NULL DEFAULT 0,
    queries bigint NOT NULL DEFAULT 0,
    lease_until timestamptz, -- a processor is at it
    sent_at timestamptz,
    due_at timestamptz,      -- when to look at it next; NULL: no more
    deadline_at timestamptz,
    error_code text,
    error_message text,
    revision bigint NOT NULL DEFAULT 1,
    request_id text,
    traceparent text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX operations_refund ON operations (tenant_id,
    refund_id) WHERE refund_id IS NOT NULL;
CREATE UNIQUE INDEX operations_one_live ON operations (tenant_id, payment_id)
    WHERE kind IN ('charge', 'capture', 'cancel')
        AND status IN ('ready', 'sent', 'unknown', 'needs_review');
CREATE INDEX operations_due ON operations (tenant_id, due_at) WHERE due_at IS NOT NULL;
-- A callback names the reference alone. Not for what is ready, or the planner takes this index for
-- claims instead of the one above, and a tenant's whole key with it.
CREATE INDEX operations_callback ON operations (id) WHERE due_at IS NOT NULL AND status <> 'ready';
CREATE INDEX operations_finished ON operations (tenant_id,
    finished_at) WHERE finished_at IS NOT NULL;

-- A row for each time that a request was about to leave; without finished_at its end isn't known.
CREATE TABLE operation_attempts (
    tenant_id text COLLATE "C" NOT NULL,
    operation_id text COLLATE "C" NOT NULL,
    attempt bigint NOT NULL,
    sent_at timestamptz NOT NULL,
    finished_at timestamptz,
    outcome text,
    duration_us bigint,
    http_status bigint,
    PRIMARY KEY (tenant_id, operation_id, attempt)
);

CREATE TABLE card_tokens (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    provider text NOT NULL,
    provider_token bytea NOT NULL, -- sealed
    brand text NOT NULL,
    last4 text NOT NULL,
    expiry_month bigint NOT NULL,
    expiry_year bigint NOT NULL,
    fingerprint bytea NOT NULL, -- keyed, of the number
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX card_tokens_expiry ON card_tokens (expires_at);
