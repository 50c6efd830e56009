-- What lies outside the monthly partitions is removed row by row.
DELETE FROM deliveries_default
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM deliveries_default WHERE id < $1::text LIMIT $2::int8))
