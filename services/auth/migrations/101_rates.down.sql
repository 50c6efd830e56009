DROP TABLE rate_buckets;
ALTER TABLE tenants DROP COLUMN rate_per_min;
