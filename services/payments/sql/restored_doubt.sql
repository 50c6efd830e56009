-- After a restore: whatever was under way may have gone on since the backup. What had been sent counts
-- as sent now, so that "not found" is believed only after the provider's own delay.
UPDATE operations
SET doubtful = true, sent_at = CASE WHEN status = 'ready' THEN sent_at ELSE now() END
WHERE finished_at IS NULL
