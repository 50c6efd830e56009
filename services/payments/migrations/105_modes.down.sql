DROP TABLE payment_creation;
ALTER TABLE payments DROP COLUMN test_mode;
ALTER TABLE provider_credentials DROP COLUMN parked_at;
DROP TABLE tenant_modes;
