INSERT INTO audit_log (id, tenant_id, actor, action, object_id, request_id, before, after)
SELECT id, tenant_id, actor, action, object_id, request_id, before::json, after::json
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS item (id, tenant_id, actor, action, object_id, request_id, before, after)
