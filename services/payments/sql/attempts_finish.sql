UPDATE operation_attempts a
SET finished_at = $7::timestamptz, outcome = u.outcome, duration_us = u.duration_us,
    http_status = u.http_status
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
    AS u(tenant_id, operation_id, attempt, outcome, duration_us, http_status)
WHERE a.tenant_id = u.tenant_id AND a.operation_id = u.operation_id AND a.attempt = u.attempt
