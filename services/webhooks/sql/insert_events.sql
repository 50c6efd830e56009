INSERT INTO stored_events (tenant_id, id, type, object_id, payment_id, sequence, request_id, traceparent, body,
                           created_at)
SELECT tenant_id, id, type, object_id, nullif(payment_id, ''), sequence, request_id, traceparent, body, created_at
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::text[],
              $9::bytea[], $10::timestamptz[])
       AS e (tenant_id, id, type, object_id, payment_id, sequence, request_id, traceparent, body, created_at)
 ORDER BY tenant_id, id
ON CONFLICT (tenant_id, id) DO NOTHING
RETURNING tenant_id, id
