UPDATE endpoints
   SET enabled = false, disabled_reason = $3::text, sequence = sequence + 1
 WHERE tenant_id = $1::text AND id = $2::text AND enabled AND deleted_at IS NULL
RETURNING id, url, events, description, enabled, disabled_reason, created_at, sequence
