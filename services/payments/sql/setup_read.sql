-- One statement, so that routes and credentials are of the same moment.
SELECT 1::int8 AS kind, id, provider AS a, label AS b, '' AS c, '' AS d, live,
       enabled OR coalesce(parked_at >= updated_at, false), fields, created_at, updated_at,
       0::int8 AS place, 0::int8 AS n1, 0::int8 AS n2, 0::int8 AS n3, 0::int8 AS n4
  FROM provider_credentials
 WHERE tenant_id = $1::text
UNION ALL
SELECT 2, id, method, currency, network, credential_id, NULL, NULL, NULL, NULL, NULL,
       place, amount_min, amount_max, 0, 0
  FROM provider_routes
 WHERE tenant_id = $1::text
UNION ALL
SELECT 3, currency, '', '', '', '', NULL, NULL, NULL, NULL, NULL,
       0, minimum, maximum, daily, review_above
  FROM tenant_limits
 WHERE tenant_id = $1::text
UNION ALL
SELECT 4, '', '', '', '', '', NOT test_mode, NULL, NULL, NULL, updated_at,
       0, 0, 0, 0, 0
  FROM tenant_modes
 WHERE tenant_id = $1::text
 ORDER BY kind, place, id
