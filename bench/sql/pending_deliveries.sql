-- Deliveries that are due now, numbered :first to :last, each with an event of its own: copies of the first one that
-- this endpoint was sent. An id keeps its prefix and time (14 characters), so it lies in the same partition. A body is
-- sealed for its event, so the copies' are plain ones (:body is the first one's), which are read as they stand.
BEGIN;
INSERT INTO webhooks.stored_events (tenant_id, id, type, object_id, payment_id, sequence, request_id, traceparent, body,
    created_at)
SELECT s.tenant_id, copy.id, s.type, s.object_id, s.payment_id, s.sequence, s.request_id, s.traceparent,
       convert_to(replace(:'body', s.id, copy.id), 'UTF8'), s.created_at
  FROM webhooks.stored_events s
 CROSS JOIN LATERAL (SELECT left(s.id, 14) || lpad(i::text, 16, '0') AS id FROM generate_series(:first, :last) i) copy
 WHERE s.tenant_id = :'tenant'
   AND s.id = (SELECT event_id FROM webhooks.deliveries WHERE tenant_id = :'tenant' AND endpoint_id = :'endpoint'
                ORDER BY created_at, id LIMIT 1);
INSERT INTO webhooks.deliveries (tenant_id, id, endpoint_id, event_id, event_type, payment_id, url, max_attempts,
    created_at)
SELECT d.tenant_id, left(d.id, 14) || lpad(i::text, 16, '0'), d.endpoint_id,
       left(d.event_id, 14) || lpad(i::text, 16, '0'), d.event_type, d.payment_id, d.url, d.max_attempts, now()
  FROM (SELECT * FROM webhooks.deliveries WHERE tenant_id = :'tenant' AND endpoint_id = :'endpoint'
         ORDER BY created_at, id LIMIT 1) d
 CROSS JOIN generate_series(:first, :last) i;
INSERT INTO webhooks.delivery_queue (tenant_id, delivery_id, endpoint_id, event_id, max_attempts, next_at)
SELECT tenant_id, id, endpoint_id, event_id, max_attempts, now()
  FROM webhooks.deliveries
 WHERE tenant_id = :'tenant' AND endpoint_id = :'endpoint' AND status = 'pending';
COMMIT;
