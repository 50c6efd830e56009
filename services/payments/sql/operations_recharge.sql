-- Where the old one took its lease from the queue, the new one is not known to need less.
WITH made AS (
    INSERT INTO operations (tenant_id, id, payment_id, kind, amount, currency, provider,
        credential_id, provider_token, request_id, traceparent, created_at)
    SELECT o.tenant_id, $4::text, o.payment_id, 'charge', o.amount, o.currency, o.provider,
        o.credential_id, o.provider_token, o.request_id, o.traceparent, $5::timestamptz
    FROM operations o
    WHERE o.tenant_id = $1::text AND o.payment_id = $2::text AND o.id = $3::text
    RETURNING tenant_id, id
)
INSERT INTO operations_queue (tenant_id, id, due_at, lease_ms)
SELECT tenant_id, id, $5, $6::bigint FROM made
