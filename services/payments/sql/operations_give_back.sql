-- What was taken ($1, each under its lease $2) and finds no place is looked at again at $3.
UPDATE operations_queue q
SET lease_until = NULL, due_at = $3::timestamptz
FROM unnest($1::text[], $2::timestamptz[]) AS k(id, lease_until)
WHERE q.id = k.id AND q.lease_until = k.lease_until
