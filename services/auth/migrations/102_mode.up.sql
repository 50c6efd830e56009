-- The mode is payments' to know. The version before this one still reads the column, and writes it.
ALTER TABLE tenants ALTER COLUMN test_mode SET DEFAULT true;
