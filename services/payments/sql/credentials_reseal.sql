-- What they are made of stays the same, and so does updated_at.
UPDATE provider_credentials c
   SET fields = r.fields
  FROM unnest($1::text[], $2::text[], $3::bytea[]) AS r (tenant_id, id, fields)
 WHERE c.tenant_id = r.tenant_id AND c.id = r.id
