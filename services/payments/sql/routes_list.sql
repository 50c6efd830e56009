SELECT id, place, method, currency, network, amount_min, amount_max, credential_id
  FROM provider_routes
 WHERE tenant_id = $1::text
 ORDER BY place
