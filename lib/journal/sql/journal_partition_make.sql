SELECT journal_partition_make($1, $2, $3, $4)
