-- Enabled, but not of the tenant's mode: parked. The caller has the setup's lock.
INSERT INTO provider_credentials
       (tenant_id, id, provider, live, enabled, label, fields, field_names, created_at, updated_at, parked_at)
SELECT $1::text, $2::text, $3::text, $4::bool, $5::bool AND NOT parked, $6::text, $7::bytea, $8::text[],
       $9::timestamptz, $10::timestamptz, CASE WHEN $5 AND parked THEN $10 END
  FROM (SELECT EXISTS (SELECT FROM tenant_modes WHERE tenant_id = $1 AND test_mode = $4) AS parked) AS mode
ON CONFLICT (tenant_id, id) DO UPDATE
   SET enabled = excluded.enabled, label = excluded.label, fields = excluded.fields,
       field_names = excluded.field_names, updated_at = excluded.updated_at, parked_at = excluded.parked_at
