UPDATE endpoints t SET secret_sealed = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.secret_sealed = k.old
