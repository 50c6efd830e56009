SELECT k.place
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(tenant_id, id, place)
JOIN payments p ON p.tenant_id = k.tenant_id AND p.id = k.id
