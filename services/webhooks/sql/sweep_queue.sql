-- Nobody can look at them any more: their log has gone.
DELETE FROM delivery_queue
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM delivery_queue WHERE delivery_id < $1::text LIMIT $2::int8))
