INSERT INTO provider_credentials
       (tenant_id, id, provider, live, enabled, label, fields, field_names, created_at, updated_at)
VALUES ($1::text, $2::text, $3::text, $4::bool, $5::bool, $6::text, $7::bytea, $8::text[], $9::timestamptz,
        $10::timestamptz)
ON CONFLICT (tenant_id, id) DO UPDATE
   SET enabled = excluded.enabled, label = excluded.label, fields = excluded.fields,
       field_names = excluded.field_names, updated_at = excluded.updated_at
