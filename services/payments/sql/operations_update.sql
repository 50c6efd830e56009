-- Rows that the caller has locked. $13: now. What was rung while a processor was at it is due at
-- once.
WITH u AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::boolean[], $6::bigint[],
            $7::bigint[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[],
            $12::text[], $14::text[], $15::bigint[])
        AS u(tenant_id, id, status, accepted, acting, queries, revision, due_at, deadline_at,
            finished_at, error_code, error_message, provider_reference, stage)
), queued AS (
    SELECT q.place, u.due_at, u.queries
    FROM u
    CROSS JOIN LATERAL (
        SELECT d.ctid AS place FROM operations_queue d WHERE d.id = u.id OFFSET 0
    ) q
), gone AS (
    DELETE FROM operations_queue q
    USING queued u
    WHERE q.ctid = u.place AND u.due_at IS NULL
), later AS (
    UPDATE operations_queue q
    SET lease_until = NULL, queries = u.queries, rung = false,
        due_at = CASE WHEN q.rung THEN $13::timestamptz ELSE u.due_at END
    FROM queued u
    WHERE q.ctid = u.place AND u.due_at IS NOT NULL
)
UPDATE operations o
SET status = u.status, accepted = u.accepted, acting = u.acting, revision = u.revision,
    deadline_at = u.deadline_at, finished_at = u.finished_at, stage = u.stage,
    provider_reference = u.provider_reference,
    -- A card's token has done its part once it is charged.
    provider_token = CASE WHEN u.status = 'succeeded' THEN NULL ELSE o.provider_token END,
    -- Asked about, it was found not to have been sent.
    doubtful = o.doubtful AND u.status <> 'ready',
    error_code = u.error_code, error_message = u.error_message
FROM u
WHERE o.tenant_id = u.tenant_id AND o.id = u.id
    -- A query that told nothing new leaves the row alone.
    AND (o.status, o.revision, o.accepted, o.acting, o.deadline_at, o.provider_reference, o.stage)
        IS DISTINCT FROM (u.status, u.revision, u.accepted, u.acting, u.deadline_at,
            u.provider_reference, u.stage)
