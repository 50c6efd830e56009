-- Without a row, the credentials tell, as setup_load.c has it.
SELECT asked.id, coalesce(m.test_mode, own.none_live OR own.tests > 0), m.tenant_id IS NOT NULL, m.updated_at,
       own.lives, own.tests
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, place)
  LEFT JOIN tenant_modes m ON m.tenant_id = asked.id
 CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE live AND wanted) AS lives, count(*) FILTER (WHERE NOT live AND wanted) AS tests,
           count(*) FILTER (WHERE live) = 0 AS none_live
      FROM (SELECT live, enabled OR coalesce(parked_at >= updated_at, false) AS wanted
              FROM provider_credentials
             WHERE tenant_id = asked.id) AS c) AS own
 ORDER BY asked.place
