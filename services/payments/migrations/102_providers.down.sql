DROP TABLE reconciliation_differences, reconciliations, unknown_callbacks, callback_counts, reviews,
    provider_sessions, daily_volumes, tenant_limits, provider_routes, provider_credentials;
ALTER TABLE card_tokens DROP COLUMN credential_id;
-- What the older version can't hold is refused here, and stays.
ALTER TABLE payments DROP CONSTRAINT payments_method_check;
ALTER TABLE payments ADD CONSTRAINT payments_method_check CHECK (method IN ('upi', 'card'));
ALTER TABLE payments DROP COLUMN earlier_attempts, DROP COLUMN credential_id, DROP COLUMN return_url,
    DROP COLUMN network, DROP COLUMN msisdn;
ALTER TABLE operations_queue DROP COLUMN asked_at, DROP COLUMN lease_ms;
ALTER TABLE operations DROP COLUMN testimony, DROP COLUMN stage, DROP COLUMN provider_reference,
    DROP COLUMN credential_id;
