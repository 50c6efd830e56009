SELECT id, at, tenant_id, actor, action, object_id, request_id, before, after
FROM audit_log
WHERE ($1 = '' OR tenant_id = $1) AND ($2 = '' OR object_id = $2) AND ($3 = '' OR id < $3)
ORDER BY id DESC
LIMIT $4
