DELETE FROM idempotency_keys held
USING unnest($1::text[], $2::text[], $3::text[]) AS item (tenant_id, key, object_id)
WHERE held.tenant_id = item.tenant_id AND held.key = item.key AND held.object_id = item.object_id
