INSERT INTO reconciliation_differences (tenant_id, reconciliation_id, place, kind, reference,
    operation_id, payment_id, ours, theirs)
SELECT $1::text, $2::text, d.place, d.kind, d.reference, d.operation_id, d.payment_id, d.ours,
    d.theirs
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    WITH ORDINALITY AS d(kind, reference, operation_id, payment_id, ours, theirs, place)
