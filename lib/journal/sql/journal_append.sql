WITH appended AS (
    INSERT INTO events (id, tenant_id, type, object_id, payment_id, sequence, created_at, request_id,
                        traceparent, body, payload)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                         $7::timestamptz[], $8::text[], $9::text[], $10::bytea[], $11::bytea[])
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
INSERT INTO outbox (event_id) SELECT id FROM appended
