// What the small HTTP programs share beside their answers: their end.
#pragma once
// Before any thread is made, so that SIGTERM and SIGINT are taken by listen_until_told alone.
void listen_block_signals(void);
void listen_until_told(void);
