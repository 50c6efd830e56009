-- Whoever changes both locks the queue's row first, then the log's.
SELECT FROM delivery_queue WHERE tenant_id = $1::text AND delivery_id = $2::text FOR UPDATE
