INSERT INTO payment_creation (stopped, reason, changed_by, changed_at)
VALUES ($1::bool, $2::text, $3::text, $4::timestamptz)
ON CONFLICT (one) DO UPDATE
   SET stopped = excluded.stopped, reason = excluded.reason, changed_by = excluded.changed_by,
       changed_at = excluded.changed_at
