-- The second byte of what is sealed names the key.
SELECT tenant_id, id, fields
  FROM provider_credentials
 WHERE get_byte(fields, 1) = ANY ($1::int8[])
 ORDER BY tenant_id, id
 LIMIT $2::int8
   FOR UPDATE SKIP LOCKED
