-- A callback that came while the request was out has moved due_at before the lease's end: it
-- stands.
UPDATE operations o
SET status = u.status, accepted = u.accepted, acting = u.acting, queries = u.queries,
    revision = u.revision, lease_until = NULL,
    due_at = CASE WHEN u.due_at IS NOT NULL AND o.due_at < o.lease_until THEN o.due_at ELSE
            u.due_at END,
    deadline_at = u.deadline_at, finished_at = u.finished_at,
    -- A card's token has done its part once it is charged.
    provider_token = CASE WHEN u.status = 'succeeded' THEN NULL ELSE o.provider_token END,
    error_code = u.error_code, error_message = u.error_message
FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::boolean[], $6::bigint[],
        $7::bigint[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[],
        $12::text[])
    AS u(tenant_id, id, status, accepted, acting, queries, revision, due_at, deadline_at,
        finished_at,
        error_code, error_message)
WHERE o.tenant_id = u.tenant_id AND o.id = u.id
