DROP FUNCTION journal_partitions_drop(text, text);
DROP FUNCTION journal_partition_make(text, text, text, text);
DROP TABLE audit_log, consumer_cursors, consumed, outbox, events, idempotency_keys;
