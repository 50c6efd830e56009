-- A restored row's transaction number is another server's. Numbers that this server has not reached would
-- hide their events from readers, who go no further than the oldest transaction still open.
UPDATE events SET xid = pg_current_xact_id() WHERE xid >= pg_current_xact_id()
