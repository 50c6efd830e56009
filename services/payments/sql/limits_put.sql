INSERT INTO tenant_limits (tenant_id, currency, minimum, maximum, daily, review_above)
VALUES ($1::text, $2::text, $3::int8, $4::int8, $5::int8, $6::int8)
ON CONFLICT (tenant_id, currency) DO UPDATE
   SET minimum = excluded.minimum, maximum = excluded.maximum, daily = excluded.daily,
       review_above = excluded.review_above
