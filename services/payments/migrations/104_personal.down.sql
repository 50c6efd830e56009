DROP INDEX payments_plain;
ALTER TABLE payments DROP COLUMN personal;
