-- What lies outside the monthly partitions is removed row by row.
DELETE FROM stored_events_default
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM stored_events_default WHERE id < $1::text LIMIT $2::int8))
