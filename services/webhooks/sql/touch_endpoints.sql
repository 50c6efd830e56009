-- Written only where it changes: the row is read by every intake.
UPDATE endpoints e
   SET failing_since = CASE WHEN o.worked THEN NULL ELSE now() END
  FROM unnest($1::text[], $2::text[], $3::bool[]) AS o (tenant_id, id, worked)
 WHERE e.tenant_id = o.tenant_id AND e.id = o.id
   AND (CASE WHEN o.worked THEN e.failing_since IS NOT NULL ELSE e.failing_since IS NULL END)
