CREATE TABLE endpoints (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    description text,
    enabled boolean NOT NULL DEFAULT true,
    disabled_reason text,
    secret_sealed bytea NOT NULL,
    old_secret_sealed bytea,
    old_secret_until timestamptz,
    failing_since timestamptz,
    sequence bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

-- "events" is the journal's table of what this service itself says; these are what others said.
CREATE TABLE stored_events (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C",
    sequence bigint NOT NULL,
    request_id text NOT NULL,
    traceparent text NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE stored_events_default PARTITION OF stored_events DEFAULT;
CREATE INDEX stored_events_object ON stored_events (tenant_id, object_id, id);
CREATE INDEX stored_events_payment ON stored_events (tenant_id, payment_id, id) WHERE payment_id IS NOT NULL;

CREATE TABLE deliveries (
    tenant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C",
    url text NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    schedule_start integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    next_at timestamptz,
    lease_until timestamptz,
    response_code integer,
    response_body text,
    last_error text,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK (status <> 'pending' OR next_at IS NOT NULL),
    CHECK (status <> 'delivered' OR delivered_at IS NOT NULL)
) PARTITION BY RANGE (id);
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT;
CREATE INDEX deliveries_waiting ON deliveries (tenant_id, endpoint_id, next_at) WHERE status = 'pending';
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE status = 'pending' AND lease_until IS NOT NULL;
CREATE INDEX deliveries_finished ON deliveries (status, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX deliveries_endpoint ON deliveries (tenant_id, endpoint_id, id);
CREATE INDEX deliveries_event ON deliveries (tenant_id, event_id, endpoint_id);
CREATE INDEX deliveries_payment ON deliveries (tenant_id, payment_id, id) WHERE payment_id IS NOT NULL;

CREATE TABLE delivery_attempts (
    tenant_id text COLLATE "C" NOT NULL,
    delivery_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    started_at timestamptz NOT NULL,
    duration_us bigint,
    request_headers text,
    response_code integer,
    response_body text,
    error text,
    PRIMARY KEY (tenant_id, delivery_id, number)
) PARTITION BY RANGE (delivery_id);
CREATE TABLE delivery_attempts_default PARTITION OF delivery_attempts DEFAULT;
