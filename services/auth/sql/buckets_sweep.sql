-- What has been full for a minute says nothing any more. A row that is being leased from stays.
DELETE FROM rate_buckets b
WHERE b.full_us < $1::bigint AND b.key IN (
    SELECT s.key FROM rate_buckets s WHERE s.full_us < $1::bigint
    LIMIT $2::bigint FOR UPDATE SKIP LOCKED)
