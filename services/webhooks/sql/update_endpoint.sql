UPDATE endpoints
   SET url = $3::text, events = $4::text[], description = $5::text, enabled = $6::bool,
       disabled_reason = $7::text,
       failing_since = CASE WHEN $6::bool AND NOT enabled THEN NULL ELSE failing_since END
 WHERE tenant_id = $1::text AND id = $2::text AND deleted_at IS NULL
