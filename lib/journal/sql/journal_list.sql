SELECT id, tenant_id, type, object_id, payment_id, sequence, created_at, request_id, traceparent, body,
       payload, xid::text
FROM events
WHERE (xid, id) > ($1::text::xid8, $2::text) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY events.xid, events.id -- not the text of the first column named xid
LIMIT $3
