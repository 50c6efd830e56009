SELECT journal_partitions_drop($1, $2)
