SELECT tenant_id, id, payment_id, requested, amount, currency, reason, status, sequence, error_code, error_message,
       operation_revision, idempotency_key, actor, request_id, traceparent, created_at, processed_at, drives
FROM refunds JOIN unnest($1::text[], $2::text[]) AS asked (asked_tenant, asked_id)
     ON tenant_id = asked_tenant AND id = asked_id
