INSERT INTO provider_routes
       (tenant_id, id, place, method, currency, network, amount_min, amount_max, credential_id)
SELECT $1::text, id, place, method, currency, network, amount_min, amount_max, credential_id
  FROM unnest($2::text[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::int8[], $9::text[])
       AS r (id, place, method, currency, network, amount_min, amount_max, credential_id)
