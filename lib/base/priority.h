// Who goes first when there is more to do than processors.
#pragma once

// The calling thread works in the background from now on: those that answer callers go before it.
// What it has to do is done in the time that they leave.
void priority_background(void);
