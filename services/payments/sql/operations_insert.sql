-- The loser of a race for the refund's id, or for being the payment's one live act, gets no row.
WITH new AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
            $7::text[], $8::text[], $9::text[], $10::text[], $12::text[], $13::bigint[])
        AS u(tenant_id, id, payment_id, kind, refund_id, amount, currency, provider, request_id,
            traceparent, credential_id, lease_ms)
), made AS (
    INSERT INTO operations (tenant_id, id, payment_id, kind, refund_id, amount, currency, provider,
        credential_id, request_id, traceparent, created_at)
    SELECT n.tenant_id, n.id, n.payment_id, n.kind, n.refund_id, n.amount, n.currency, n.provider,
        n.credential_id, n.request_id, n.traceparent, $11::timestamptz
    FROM new n
    ORDER BY n.tenant_id, n.refund_id
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, id
)
INSERT INTO operations_queue (tenant_id, id, due_at, lease_ms)
SELECT m.tenant_id, m.id, $11, n.lease_ms FROM made m JOIN new n USING (tenant_id, id)
