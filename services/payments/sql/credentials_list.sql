SELECT id, provider, label, live, enabled OR coalesce(parked_at >= updated_at, false), fields, field_names, created_at, updated_at
  FROM provider_credentials
 WHERE tenant_id = $1::text
 ORDER BY id
