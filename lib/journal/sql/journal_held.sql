SELECT item.i - 1, held.hash, held.object_id, held.answer
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS item (tenant_id, key, i)
JOIN idempotency_keys held ON held.tenant_id = item.tenant_id AND held.key = item.key
