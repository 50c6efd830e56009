SELECT id, provider, label, live, enabled, fields, field_names, created_at, updated_at
  FROM provider_credentials
 WHERE tenant_id = $1::text
 ORDER BY id
