// What a processor has in hand, and what callbacks say meanwhile: an operation whose callback comes
// while its processor is still at it is asked about at once, without a word to the database. If the
// process dies over it, nothing is lost: the operation is asked about when its lease has run out.
//
// `provider` is a provider's name: static storage, here and there.
//
// Places are numbered like the processor's slots, which opens and closes them; any thread may ring.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct news;
struct news *news_new(size_t places); // NULL: out of memory
void news_free(struct news *news);
void news_open(struct news *news, size_t place, const char *provider, const char *reference);
// Whether it rang since it was opened or last asked here.
bool news_take(struct news *news, size_t place);
// From now on its news are the database's business. Whether it rang as above.
bool news_close(struct news *news, size_t place);
// False: it isn't in hand here.
bool news_ring(struct news *news, const char *provider, const char *reference);
