SELECT deliveries_make_room()
