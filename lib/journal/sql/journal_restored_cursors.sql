-- They count by another server's transaction numbers: everything is listed anew, what was taken is known.
DELETE FROM consumer_cursors
