SELECT cursor FROM consumer_cursors WHERE consumer = $1
