SELECT id, type, object_id, payment_id, sequence, body, created_at
  FROM stored_events
 WHERE tenant_id = $1::text AND id = $2::text
