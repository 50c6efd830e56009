ALTER TABLE payments DROP COLUMN payer;
DROP TABLE payers;
