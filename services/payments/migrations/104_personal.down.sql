ALTER TABLE payments DROP COLUMN personal;
