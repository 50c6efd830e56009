-- What lies outside the monthly partitions is removed row by row.
DELETE FROM delivery_attempts_default
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM delivery_attempts_default WHERE delivery_id < $1::text LIMIT $2::int8))
