SELECT id, url, events, description, enabled, disabled_reason, created_at, secret_sealed
  FROM endpoints
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL
   FOR UPDATE
