-- The rows are locked by whoever read them (lock_refunds).
UPDATE refunds
SET status = i.status, amount = i.amount, currency = i.currency, sequence = i.sequence, error_code = i.error_code,
    error_message = i.error_message, operation_revision = i.revision, processed_at = i.processed_at,
    finished_at = CASE WHEN i.status IN ('processed', 'failed') THEN i.now END,
    drive_at = CASE WHEN i.status IN ('processed', 'failed') THEN NULL ELSE i.drive_at END
FROM unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::text[], $6::int8[], $7::text[], $8::text[],
            $9::int8[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
     AS i (tenant_id, id, status, amount, currency, sequence, error_code, error_message, revision, processed_at,
           drive_at, now)
WHERE refunds.tenant_id = i.tenant_id AND refunds.id = i.id
