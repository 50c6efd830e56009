-- Payments whose outcome isn't known, each in a narrow row for as long as that lasts: what counts them must not
-- need an index over the status of payments, which would cost every payment.
CREATE TABLE unknown_payments (
    tenant_id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, payment_id)
);
CREATE INDEX unknown_payments_oldest ON unknown_payments (since);
INSERT INTO unknown_payments (tenant_id, payment_id, since)
SELECT tenant_id, id, updated_at FROM payments WHERE status = 'unknown';
