// Inside the room: what the bus lost, read from the peers' journals.
#pragma once
#include "bus/feed.h"
#include "bus/work.h"

// Reads every peer from our cursor to its end. What fails is left for the next time. Uses the
// work's arena, which it resets.
void catch_up(const struct work *work, const struct feed *feed);
