-- The loser of a race for the refund's id, or for being the payment's one live act, gets no row.
WITH made AS (
    INSERT INTO operations (tenant_id, id, payment_id, kind, refund_id, amount, currency, provider,
        request_id, traceparent, created_at)
    SELECT u.tenant_id, u.id, u.payment_id, u.kind, u.refund_id, u.amount, u.currency, u.provider,
        u.request_id, u.traceparent, $11::timestamptz
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
            $7::text[], $8::text[], $9::text[], $10::text[])
        AS u(tenant_id, id, payment_id, kind, refund_id, amount, currency, provider, request_id,
            traceparent)
    ORDER BY u.tenant_id, u.refund_id
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, id
)
INSERT INTO operations_queue (tenant_id, id, due_at) SELECT tenant_id, id, $11 FROM made
