ALTER TABLE operations DROP COLUMN doubtful;
