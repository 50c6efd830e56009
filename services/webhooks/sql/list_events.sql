-- $2: exclusive; $3 walks from it towards the newest (ending_before); only one branch runs.
(SELECT id, type, object_id, payment_id, sequence, body, created_at
   FROM stored_events
  WHERE NOT $3::bool AND tenant_id = $1::text AND id < $2::text
    AND ($5::text IS NULL OR type = $5::text) AND ($6::text IS NULL OR object_id = $6::text)
    AND ($7::text IS NULL OR payment_id = $7::text)
    AND created_at >= $8::timestamptz AND created_at < $9::timestamptz
  ORDER BY id DESC LIMIT $4::int8)
UNION ALL
(SELECT id, type, object_id, payment_id, sequence, body, created_at
   FROM stored_events
  WHERE $3::bool AND tenant_id = $1::text AND id > $2::text
    AND ($5::text IS NULL OR type = $5::text) AND ($6::text IS NULL OR object_id = $6::text)
    AND ($7::text IS NULL OR payment_id = $7::text)
    AND created_at >= $8::timestamptz AND created_at < $9::timestamptz
  ORDER BY id ASC LIMIT $4::int8)
