-- A row for each key asked about, in the order of asking, so that an unknown one costs what a known one costs.
SELECT api_keys.digest, tenants.id, coalesce(tenants.rate_per_min, -1)
FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, place)
LEFT JOIN api_keys ON api_keys.id = asked.id AND api_keys.revoked_at IS NULL
LEFT JOIN tenants ON tenants.id = api_keys.tenant_id
ORDER BY asked.place
