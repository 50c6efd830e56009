-- Refunds, range-partitioned by their time-ordered id. A refund is 'reserving' until payments has set the
-- money aside; nobody sees it before. drive_at: when a loop looks after it next; null when it is settled.
CREATE TABLE refunds (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    requested bigint NOT NULL CHECK (requested >= 0),
    amount bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency text NOT NULL DEFAULT '',
    reason text,
    status text NOT NULL CHECK (status IN
        ('reserving', 'pending', 'processed', 'failed', 'unknown', 'needs_review')),
    sequence bigint NOT NULL DEFAULT 0,
    error_code text,
    error_message text,
    operation_revision bigint NOT NULL DEFAULT 0,
    idempotency_key text,
    actor text NOT NULL,
    request_id text NOT NULL,
    traceparent text NOT NULL,
    created_at timestamptz NOT NULL,
    processed_at timestamptz,
    finished_at timestamptz,
    drive_at timestamptz,
    drives bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);

CREATE TABLE refunds_default PARTITION OF refunds DEFAULT;

CREATE INDEX refunds_of_payment ON refunds (tenant_id, payment_id, id);
CREATE INDEX refunds_to_drive ON refunds (drive_at) WHERE drive_at IS NOT NULL;
CREATE INDEX refunds_open ON refunds (tenant_id, status) WHERE finished_at IS NULL;
CREATE INDEX refunds_finished ON refunds (finished_at) WHERE finished_at IS NOT NULL;
