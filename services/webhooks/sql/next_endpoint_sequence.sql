UPDATE endpoints
   SET sequence = sequence + 1
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL
RETURNING id, url, events, description, enabled, disabled_reason, created_at, sequence
