-- How far the sealed columns of this service have come to the newest key: one row a column.
CREATE TABLE resealing (
    name text COLLATE "C" PRIMARY KEY,
    key_id bigint NOT NULL,
    began_at timestamptz NOT NULL,
    after_1 text NOT NULL DEFAULT '',
    after_2 text NOT NULL DEFAULT '',
    done_at timestamptz -- no row is under another key any more
);
