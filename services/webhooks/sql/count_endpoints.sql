SELECT count(*) FROM endpoints WHERE tenant_id = $1::text AND deleted_at IS NULL
