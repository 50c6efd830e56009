-- $8: when the first attempt is due; $9: how many there may be.
WITH logged AS (
    INSERT INTO deliveries (tenant_id, id, endpoint_id, event_id, event_type, payment_id, url, max_attempts,
                            created_at)
    SELECT tenant_id, id, endpoint_id, event_id, event_type, nullif(payment_id, ''), url, $9::int8, now()
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
           AS d (tenant_id, id, endpoint_id, event_id, event_type, payment_id, url)
     ORDER BY tenant_id, id
        ON CONFLICT (tenant_id, id) DO NOTHING
    RETURNING tenant_id, id, endpoint_id, event_id, max_attempts
)
INSERT INTO delivery_queue (tenant_id, delivery_id, endpoint_id, event_id, max_attempts, next_at)
SELECT tenant_id, id, endpoint_id, event_id, max_attempts, $8::timestamptz
  FROM logged
