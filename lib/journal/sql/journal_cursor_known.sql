-- A transaction number that this server has not reached yet comes from another life of the database.
SELECT $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())
