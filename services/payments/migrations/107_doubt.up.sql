-- What became of it after the backup that these rows are from is not on record: it is asked about
-- before it is sent.
ALTER TABLE operations ADD COLUMN doubtful boolean NOT NULL DEFAULT false;
