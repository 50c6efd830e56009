UPDATE events e SET body = k.new
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS k(id, nothing, old, new)
WHERE e.id = k.id AND e.body = k.old
