UPDATE operations t SET testimony = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(tenant_id, id, old, new)
WHERE t.tenant_id = k.tenant_id AND t.id = k.id AND t.testimony = k.old
